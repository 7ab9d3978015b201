import Foundation
import SampleJournal

/// A place in the journal's time: the sessions follow one another, and each has a monotonic clock of its own.
package struct JournalMoment: Sendable, Hashable, Comparable {
    /// The session's number.
    package let session: Int64
    /// Unit: ns of the session's monotonic clock.
    package let time: Int64

    package init(session: Int64, time: Int64) { (self.session, self.time) = (session, time) }

    package static func < (one: JournalMoment, other: JournalMoment) -> Bool {
        (one.session, one.time) < (other.session, other.time)
    }
}

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
