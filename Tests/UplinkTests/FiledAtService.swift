import DeviceModel
import FHIRMapping
import Foundation
import Nomenclature
import Testing

/// What a service has at the end, held against a story: every value once under the right subject, wrong ones entered in
/// error, nothing twice. Returns what is wrong, in words.
struct FiledAtService {
    private let mapper: FHIRMapper
    private var faults: [String] = []
    private let isOver: Bool

    /// - Parameters:
    ///   - unit: the journal's identity.
    ///   - isOver: whether all must be there by now.
    init(unit: String, isOver: Bool) {
        self.isOver = isOver
        mapper = FHIRMapper(unit: unit, name: "u", isTestData: true, names: Nomenclature())
    }

    private func name(_ subject: String?) -> String { subject.map { mapper.patient($0).url } ?? "nobody" }

    private static func object(_ text: String) -> [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]) ?? [:]
    }

    private static func subject(_ resource: [String: Any]) -> String {
        let reference = (resource["subject"] as? [String: Any])?["reference"] as? String ?? ""
        return reference.hasPrefix("Patient/") ? reference : "nobody"
    }

    mutating func faults(in resources: [String: String], of story: BedStory) -> [String] {
        var counting: [Int64: [String]] = [:]
        var wrong: [Int64: [String]] = [:]
        var newest: [String: [Int64]] = [:]
        var lasts: [String: [Int64]] = [:]
        var alerts: [String: (counting: [String], wrong: [String])] = [:]
        for (url, text) in resources where url.hasPrefix("Observation/") {
            let resource = Self.object(text)
            let subject = Self.subject(resource)
            let isInError = resource["status"] as? String == "entered-in-error"
            if "Observation/\(resource["id"] as? String ?? "")" != url { faults.append("\(url) has another id") }
            if let data = (resource["valueSampledData"] as? [String: Any])?["data"] as? String {
                let numbers = data.split(separator: " ").compactMap { Int64($0) }
                for number in numbers {
                    if isInError {
                        wrong[number, default: []].append(subject)
                    } else {
                        counting[number, default: []].append(subject)
                    }
                }
                if !isInError, let last = numbers.last { lasts[subject, default: []].append(last) }
            } else if let value = (resource["valueQuantity"] as? [String: Any])?["value"] as? Int64, !isInError {
                newest[subject, default: []].append(value)
            }
            let identifiers = resource["identifier"] as? [[String: Any]] ?? []
            let alert = identifiers.first { $0["system"] as? String == "urn:nabd:alert" }?["value"] as? String
            if let alert {
                var told = alerts[alert] ?? ([], [])
                if isInError { told.wrong.append(subject) } else { told.counting.append(subject) }
                alerts[alert] = told
            }
        }
        for (number, fact) in story.values {
            if !isOver, counting[number] == nil, wrong[number] == nil { continue }
            let (right, mistaken) = ([name(story.subject(of: fact))], story.wrong(of: fact).map(name).sorted())
            if counting[number] ?? [] != right {
                faults.append("value \(number) of \(fact.owner): under \(counting[number] ?? []), not \(right)")
            }
            if (wrong[number] ?? []).sorted() != mistaken {
                faults.append("value \(number) of \(fact.owner): in error \(wrong[number] ?? []), not \(mistaken)")
            }
        }
        for (subject, values) in lasts where newest[subject, default: []].sorted() != values.sorted() {
            faults.append("newest of \(subject): \(newest[subject, default: []].sorted()), not \(values.sorted())")
        }
        for (subject, values) in newest where lasts[subject] == nil { faults.append("newest of \(subject): \(values)") }
        for (instance, fact) in story.alerts {
            let right = (counting: [name(story.subject(of: fact))], wrong: story.wrong(of: fact).map(name).sorted())
            let found = alerts[instance] ?? ([], [])
            if found.counting != right.counting || found.wrong.sorted() != right.wrong {
                faults.append("alert \(instance) of \(fact.owner): \(found), not \(right)")
            }
        }
        return faults
    }
}
