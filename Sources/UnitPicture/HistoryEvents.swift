import DeviceModel
import Foundation
import SampleJournal

/// The events of a time that a picture of some devices shows, bounded.
struct HistoryEvents {
    /// More markers than a picture has room for.
    static let most = 1000
    /// Events read at once, and at all: a flood of others costs no more than a second.
    private static let batch = 1000
    private static let mostRead = 100_000

    /// Oldest first.
    private(set) var found: [EventRecord] = []
    /// Whether there are more than are given.
    private(set) var hasMore = false

    /// - Parameters:
    ///   - sessions: the keys of the runs of the host whose events are wanted.
    ///   - devices: theirs, and those of their `beds`, and the host's own.
    ///   - people: say of which of them is told.
    init(
        _ reader: JournalReader, _ time: HistoryTime, sessions: Set<String>, devices: Set<String>, beds: Set<String>,
        _ people: HistoryPeople, _ isCancelled: () -> Bool
    ) throws {
        let range = time.nanoseconds
        var (seen, read): (Int64, Int) = (0, 0)
        while case let events = try reader.events(
            named: Self.names, from: range.lowerBound, to: range.upperBound, after: seen, limit: Self.batch),
            let newest = events.last?.id
        {
            if isCancelled() { throw CancellationError() }
            for event in events
            where sessions.contains(event.session) && event.isOf(devices, beds) && people.tells(event) {
                if found.count == Self.most {
                    hasMore = true
                    return
                }
                found.append(event)
            }
            (seen, read) = (newest, read + events.count)
            if read >= Self.mostRead {
                hasMore = true
                return
            }
        }
    }

    /// Alarms, who is where, commands, links, and what the host itself did.
    private static let names: [String] = EventKind.allCases.filter { kind in
        switch kind {
        case .lineStatistics, .deviceStatistics, .alarmLedger, .bedLedger, .commandLedger, .journalWitnessed,
            .journalPruned, .deviceConfigured, .bedConfigured, .deviceReleased, .lateReply, .duplicateReply,
            .unsolicitedFrame, .mismatchedReply, .lineEcho, .requestBarred:
            false
        default: true
        }
    }.map(\.name)
}

extension HistoryDocument {
    /// Of a time the last events, oldest first.
    func answer(logOf time: HistoryTime, _ limit: Int, _ isCancelled: () -> Bool, _ pieces: HistoryPieces) throws {
        let range = time.nanoseconds
        let names = EventKind.allCases.filter { $0 != .alarmLedger && $0 != .bedLedger && $0 != .commandLedger }
            .map(\.name)
        var (kept, hasMore, from) = ([EventRecord](), false, range.upperBound)
        // From the end backwards, in stretches that grow: most often the last hour has enough.
        var stretch: Int64 = 3_600_000_000_000
        while from > range.lowerBound, kept.count <= limit {
            let to = from
            from = max(range.lowerBound, to - stretch)
            stretch *= 8
            var earlier: [EventRecord] = []
            var seen: Int64 = 0
            while case let events = try reader.events(named: names, from: from, to: to, after: seen, limit: 1000),
                let newest = events.last?.id
            {
                if isCancelled() { throw CancellationError() }
                earlier += events
                // One more than is wanted tells that there are more.
                earlier = earlier.suffix(limit + 1)
                seen = newest
            }
            kept = earlier + kept
        }
        hasMore = kept.count > limit
        try pieces.take(
            JSON.members([
                "events": .array(kept.suffix(limit).map(\.logRow)), "more": hasMore ? .bool(true) : nil,
            ]))
    }
}

extension EventRecord {
    /// Members that tell what an event is about; who a patient is, is not among them.
    private static let told = [
        "bed", "vmd", "metric", "alert", "priority", "text", "textArabic", "change", "presence", "reason", "number",
        "word", "item", "value", "score", "total", "preset", "figure", "cause", "stepMilliseconds", "pump", "stop",
    ]
    /// A body that is longer is left out of a list: the journal's export has it. Unit: bytes.
    private static let longestBody = 8 << 10

    /// Whether it is about one of the devices, one of the beds, or the host itself.
    fileprivate func isOf(_ devices: Set<String>, _ beds: Set<String>) -> Bool {
        if let device, devices.contains(device) { return true }
        if let bed = object["bed"] as? String { return beds.contains(bed) }
        return device == nil
    }

    /// As a picture's answer has it: time, name, device, instance and what else is told.
    var historyRow: JSON {
        let body = object
        let more = Self.told.compactMap { name in
            Self.json(body[name]).map { JSON.Member(name: name, value: $0) }
        }
        return .array([
            .utc(utc), .string(kind), .shown(device), .shown(body["instance"] as? String), .object(more),
        ])
    }

    /// As the log has it.
    fileprivate var logRow: JSON {
        let isShort = body.utf8.count <= Self.longestBody
        return .members([
            "t": .utc(utc), "mono": .milliseconds(monotonicNanoseconds), "session": .string(session),
            "event": .string(kind), "device": .shown(device),
            "body": isShort ? shownBody : .object([]), "cut": isShort ? nil : .bool(true),
        ])
    }

    /// What is told of a command: that it was, and never what was entered, said or shown. Whoever enters the same blind
    /// may look at a screen.
    private static let toldOfCommands: Set = ["by", "number", "word", "pump", "stop"]

    /// The body without the digest that stands for a patient, and of a command what is told of one; empty where it is
    /// no object.
    private var shownBody: JSON {
        var members = object
        let count = members.count
        members["subject"] = nil
        if EventKind.allCases.first(where: { $0.name == kind })?.isOfCommand ?? true {
            members = members.filter { Self.toldOfCommands.contains($0.key) }
        }
        if members.count == count { return members.isEmpty ? .object([]) : .document(body) }
        guard let data = try? JSONSerialization.data(withJSONObject: members, options: .sortedKeys) else {
            return .object([])
        }
        return .document(String(decoding: data, as: UTF8.self))
    }

    /// A text or a number of a body; `nil` of anything else.
    private static func json(_ value: Any?) -> JSON? {
        if let text = value as? String { return .shown(text) }
        if let number = value as? Int64 { return .integer(number) }
        return nil
    }
}
