import Alarms
package import BedDesk
import Patients

/// What people ask about beds, before it is known who they are.
package enum BedAsk: Sendable, Hashable {
    /// The most that a patient is told by.
    static let mostIdentifiers = 8
    /// How long a patient may have been at a bed before somebody says so. Unit: s.
    package static let since = 0...(BedDesk.longestLate / 1_000_000_000)

    case list
    case choosePreset(bed: String, preset: String)
    /// - Parameter since: for how long the patient has been there. Unit: s.
    case bind(bed: String, identifiers: [EnteredIdentifier], since: Int64)
    case unbind(bed: String)
    /// It was another patient; without a number, at the binding that is open.
    case withdraw(bed: String, binding: Int64?)
    /// It was another patient, namely this one.
    case replace(bed: String, binding: Int64?, identifiers: [EnteredIdentifier])
    case enter(bed: String, item: String, value: String)

    /// Whether a clinician must ask it.
    var isForClinicians: Bool { request(by: "", isClinician: true).isForClinicians }

    /// The same, asked by somebody who is known.
    func request(by person: String, isClinician: Bool) -> BedRequest {
        switch self {
        case .list: .list(isClinician: isClinician)
        case .choosePreset(let bed, let preset): .choosePreset(bed: bed, preset: preset, by: person)
        case .bind(let bed, let identifiers, let since):
            .bind(bed: bed, identifiers: identifiers, since: since * 1_000_000_000, by: person)
        case .unbind(let bed): .unbind(bed: bed, by: person)
        case .withdraw(let bed, let binding): .withdraw(bed: bed, binding: binding, by: person)
        case .replace(let bed, let binding, let identifiers):
            .replace(bed: bed, binding: binding, identifiers: identifiers, by: person)
        case .enter(let bed, let item, let value): .enter(bed: bed, item: item, value: value, by: person)
        }
    }

    var isWithinBounds: Bool {
        func isRight(_ identifiers: [EnteredIdentifier]) -> Bool {
            identifiers.count <= Self.mostIdentifiers
                && identifiers.allSatisfy { DeskLine.isShort($0.kind) && DeskLine.isShort($0.text) }
        }
        switch self {
        case .list: return true
        case .choosePreset(let bed, let preset): return DeskLine.isShort(bed) && DeskLine.isShort(preset)
        case .bind(let bed, let identifiers, let since):
            return DeskLine.isShort(bed) && isRight(identifiers) && Self.since.contains(since)
        case .unbind(let bed): return DeskLine.isShort(bed)
        case .withdraw(let bed, let binding): return DeskLine.isShort(bed) && binding ?? 1 > 0
        case .replace(let bed, let binding, let identifiers):
            return DeskLine.isShort(bed) && binding ?? 1 > 0 && isRight(identifiers)
        case .enter(let bed, let item, let value):
            return DeskLine.isShort(bed) && DeskLine.isShort(item) && DeskLine.isShort(value)
        }
    }
}

extension BedAsk {
    var wire: DeskLine.Wire {
        var wire: DeskLine.Wire
        switch self {
        case .list: wire = DeskLine.Wire("beds")
        case .choosePreset(_, let preset):
            wire = DeskLine.Wire("choosePreset")
            wire.preset = preset
        case .bind(_, let identifiers, let since):
            wire = DeskLine.Wire("bind")
            (wire.identifiers, wire.since) = (identifiers.map(DeskLine.Wire.Identifier.init), since)
        case .unbind: wire = DeskLine.Wire("unbind")
        case .withdraw(_, let binding):
            wire = DeskLine.Wire("withdrawBinding")
            wire.number = binding
        case .replace(_, let binding, let identifiers):
            wire = DeskLine.Wire("replaceBinding")
            (wire.number, wire.identifiers) = (binding, identifiers.map(DeskLine.Wire.Identifier.init))
        case .enter(_, let item, let value):
            wire = DeskLine.Wire("enter")
            (wire.item, wire.value) = (item, value)
        }
        wire.bed = bed
        return wire
    }

    private var bed: String? {
        switch self {
        case .list: nil
        case .choosePreset(let bed, _), .bind(let bed, _, _), .unbind(let bed), .withdraw(let bed, _),
            .replace(let bed, _, _), .enter(let bed, _, _):
            bed
        }
    }

    /// `nil` where the line asks something else.
    init?(_ wire: DeskLine.Wire) throws(DeskLine.Fault) {
        func bed() throws(DeskLine.Fault) -> String { try DeskLine.given(wire.bed) }
        func identifiers() throws(DeskLine.Fault) -> [EnteredIdentifier] {
            try DeskLine.given(wire.identifiers).map { EnteredIdentifier(kind: $0.kind, text: $0.text) }
        }
        switch wire.ask {
        case "beds": self = .list
        case "choosePreset": self = .choosePreset(bed: try bed(), preset: try DeskLine.given(wire.preset))
        case "bind":
            self = .bind(bed: try bed(), identifiers: try identifiers(), since: try DeskLine.given(wire.since))
        case "unbind": self = .unbind(bed: try bed())
        case "withdrawBinding": self = .withdraw(bed: try bed(), binding: wire.number)
        case "replaceBinding":
            self = .replace(bed: try bed(), binding: wire.number, identifiers: try identifiers())
        case "enter":
            self = .enter(bed: try bed(), item: try DeskLine.given(wire.item), value: try DeskLine.given(wire.value))
        default: return nil
        }
    }
}

extension DeskLine.Wire {
    /// One of the things that a patient is told by.
    struct Identifier: Codable {
        let kind: String
        let text: String

        init(_ entered: EnteredIdentifier) { (kind, text) = (entered.kind, entered.text) }
    }
}

/// A bed as it is told over the socket.
package struct BedReport: Sendable, Hashable, Codable {
    package struct Patient: Sendable, Hashable, Codable {
        /// The binding's number.
        package let binding: Int64
        /// Unit: ns since 1970; `nil` where it is not known any more.
        package let since: Int64?
        /// The ids of those who bound.
        package let by: [String]
        /// As they were typed, by their kinds; `nil` for those who may not know it, and where they are not known.
        package let identifiers: [String: String]?
    }

    /// A limit of its preset that nothing at the bed is held against.
    package struct Unwatched: Sendable, Hashable, Codable {
        package let metric: String
        package let text: String
        package let textArabic: String
    }

    package let bed: String
    package let name: String
    package let nameArabic: String
    package let devices: [String]
    package let preset: String?
    /// Whether a clinician has reviewed the preset; `nil` without one.
    package let isReviewed: Bool?
    /// Whether its preset can be read: otherwise nobody watches its limits.
    package let isWatched: Bool
    /// Whether somebody may be there of whom the record does not know any more.
    package let isLost: Bool
    /// `nil` where there are none.
    package let unwatched: [Unwatched]?
    /// `nil`: nobody is known to be there.
    package let patient: Patient?

    package init(_ view: BedView) {
        (bed, name, nameArabic, devices) = (view.bed, view.name, view.nameArabic, view.devices)
        (preset, isReviewed) = (view.preset?.preset, view.isWatched ? view.preset?.isReviewed : nil)
        (isWatched, isLost) = (view.isWatched, view.isLost)
        unwatched =
            view.unwatched.isEmpty
            ? nil
            : view.unwatched.map { Unwatched(metric: $0.metric, text: $0.text, textArabic: $0.arabicText) }
        patient = view.patient.map { patient in
            Patient(
                binding: patient.binding, since: patient.sinceUTC, by: patient.by,
                identifiers: patient.identifiers.map { known in
                    Dictionary(uniqueKeysWithValues: known.map { ($0.key.rawValue, $0.value) })
                })
        }
    }
}

extension DeskAnswer {
    package init(_ answer: BedAnswer) {
        switch answer {
        case .refused(let code, let words): self = .refused(code: code.rawValue, words: words, command: nil)
        case .beds(let views): self = .beds(views.map(BedReport.init))
        case .done(let words, let view): self = .bed(BedReport(view), words: words)
        }
    }
}
