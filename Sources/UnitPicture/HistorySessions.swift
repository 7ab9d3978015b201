import DeviceModel
import SampleJournal

/// The runs of the host, with whose data each has: of patients, or of tests. What is read together is of one kind.
struct HistorySessions {
    /// Events read at once.
    private static let batch = 1000

    struct Session {
        let id: Int64
        let key: String
        let mark: DataMark
        /// The number of the event by which it began; `nil` where the journal does not have it any more.
        let firstEvent: Int64?
        /// When it began and ended by the wall clock, as far as its events say: one that was killed ends where the next
        /// begins. Unit: ns since 1970.
        let span: Range<Int64>
    }

    /// In their order.
    let all: [Session]

    init(_ reader: JournalReader) throws {
        var begins: [String: (utc: Int64, isTest: Bool, event: Int64)] = [:]
        var ends: [String: Int64] = [:]
        var seen: Int64 = 0
        while case let events = try reader.events(of: [.hostStarted, .hostStopped], after: seen, limit: Self.batch),
            let newest = events.last?.id
        {
            for event in events {
                if event.kind == EventKind.hostStarted.name {
                    begins[event.session] = (event.utc, event.object["testData"] as? Bool ?? false, event.id)
                } else {
                    ends[event.session] = event.utc
                }
            }
            seen = newest
        }
        let sessions = try reader.sessions()
        all = sessions.indices.map { index in
            let session = sessions[index]
            let begin = begins[session.key]
            let next = index + 1 < sessions.count ? begins[sessions[index + 1].key]?.utc : nil
            let from = begin?.utc ?? 0
            return Session(
                id: session.id, key: session.key, mark: begin?.isTest ?? false ? .test : .real,
                firstEvent: begin?.event, span: from..<max(from, ends[session.key] ?? next ?? .max))
        }
    }

    /// Whose data are shown when nobody says: those of the newest run that had begun by the end of a time.
    func mark(of time: HistoryTime) -> DataMark {
        (all.last { $0.span.lowerBound < time.nanoseconds.upperBound } ?? all.last)?.mark ?? .real
    }

    func numbers(of mark: DataMark) -> Set<Int64> { Set(all.filter { $0.mark == mark }.map(\.id)) }

    /// Whether a run of the other kind reaches into a time. Unit: ns since 1970.
    func hasOther(than mark: DataMark, from: Int64, to: Int64) -> Bool {
        all.contains { $0.mark != mark && $0.span.lowerBound < to && $0.span.upperBound > from }
    }

    /// Those of some numbers that reach into a time, for the answer.
    func json(_ numbers: Set<Int64>, in time: HistoryTime) -> JSON {
        let range = time.nanoseconds
        return .array(
            all.filter { numbers.contains($0.id) && $0.span.overlaps(range) }.map { session in
                .members([
                    "session": .string(session.key), "from": .utc(max(session.span.lowerBound, range.lowerBound)),
                    "to": .utc(min(session.span.upperBound, range.upperBound)), "mark": session.mark.json,
                ])
            })
    }
}

extension DataMark {
    /// As a screen is told: nothing is said of data of patients.
    var json: JSON { self == .test ? .string(rawValue) : .null }
}
