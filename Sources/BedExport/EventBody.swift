import Foundation
import SampleJournal

/// The members of an event, read by their kind; what is of another kind is not there.
struct EventBody {
    private let members: [String: Any]

    init(_ event: EventRecord) {
        members = (try? JSONSerialization.jsonObject(with: Data(event.body.utf8)) as? [String: Any]) ?? [:]
    }

    func text(_ name: String) -> String? { members[name] as? String }

    func texts(_ name: String) -> [String] { (members[name] as? [Any] ?? []).compactMap { $0 as? String } }

    func integer(_ name: String) -> Int64? { (members[name] as? NSNumber).flatMap { Int64(exactly: $0) } }

    func flag(_ name: String) -> Bool? { members[name] as? Bool }
}
