import FHIRMapping
import Foundation
import PlainFiles
package import SampleJournal

/// What a records service keeps of a journal's events, held against the journal.
package struct JournalWitnesses {
    /// The largest file that is read. Unit: bytes.
    private static let sizeLimit = 256 << 20
    /// More faults than this are not listed.
    private static let faultLimit = 100

    /// What was found.
    package struct Report: Sendable, Equatable {
        /// Events that are in the journal as they were when they were delivered.
        package var agreeing = 0
        /// Events before the journal's first: let go by age or size, or cut off, which cannot be told apart.
        package var gone = 0
        /// The newest event that agrees, and the newest of the journal; 0 where there is none.
        package var newestAgreeing: Int64 = 0
        package var newest: Int64 = 0
        /// Each with the event's number; empty when the journal is the one that was delivered.
        package var faults: [String] = []
    }

    private let witnesses: Set<EventWitness>

    /// Reads resources as a service gives them: a bundle, a list, or a resource a line.
    ///
    /// - Throws: ``JournalError``, when the file is none of these.
    package init(readingFrom path: String) throws {
        func refusal(_ reason: String) -> JournalError { .cannotCreate(path: path, reason: reason) }
        guard let bytes = PlainFile.bytes(path, limit: Self.sizeLimit) else {
            throw refusal("it is no regular file that can be read, of at most \(Self.sizeLimit >> 20) MiB")
        }
        let data = Data(bytes)
        var found: Set<EventWitness> = []
        if let whole = try? JSONSerialization.jsonObject(with: data) {
            Self.collect(whole, into: &found)
        } else {
            for (number, line) in data.split(separator: 0x0A).enumerated() {
                guard let resource = try? JSONSerialization.jsonObject(with: Data(line)) else {
                    throw refusal("its line \(number + 1) is no JSON")
                }
                Self.collect(resource, into: &found)
            }
        }
        witnesses = found
    }

    /// Parsed JSON is bounded in depth by its parser.
    private static func collect(_ value: Any, into found: inout Set<EventWitness>) {
        switch value {
        case let list as [Any]: for element in list { collect(element, into: &found) }
        case let object as [String: Any]:
            if object["system"] as? String == EventWitness.system, let text = object["value"] as? String,
                let witness = EventWitness(text)
            {
                found.insert(witness)
            }
            for element in object.values { collect(element, into: &found) }
        default: break
        }
    }

    /// Holds them against a journal. Those of other units are none of its business.
    package func compare(with reader: JournalReader) throws -> Report {
        var report = Report()
        let unit = try reader.unit() ?? ""
        let ours = witnesses.filter { $0.unit == unit }.sorted { $0.number < $1.number }
        guard !ours.isEmpty else {
            report.faults.append("the file names no event of this journal (\(unit)), but \(witnesses.count) of others")
            return report
        }
        let newest = try reader.newestEvent()
        report.newest = newest
        let oldest = try reader.events(after: 0, limit: 1).first?.id ?? .max
        let anchor = try reader.anchor()
        for witness in ours where report.faults.count < Self.faultLimit {
            guard witness.number >= oldest else {
                report.gone += 1
                if witness.number == oldest - 1, let anchor, anchor != witness.hash {
                    report.faults.append(
                        "event \(oldest) does not hang on event \(witness.number) as that was delivered")
                }
                continue
            }
            guard witness.number <= newest else {
                report.faults.append(
                    "event \(witness.number) was delivered and is not there: the journal ends with \(newest)")
                continue
            }
            let event = try reader.events(after: witness.number - 1, limit: 1).first
            if let event, event.id == witness.number, event.hash == witness.hash {
                report.agreeing += 1
                report.newestAgreeing = witness.number
            } else {
                report.faults.append(
                    "event \(witness.number) is another than was delivered: it, or one before it, was changed")
            }
        }
        if report.agreeing == 0, report.faults.isEmpty {
            report.faults.append("none of the \(report.gone) events of it that were delivered is there any more")
        }
        return report
    }
}
