package import DeviceModel
import GRDB

extension JournalReader {
    /// The events after one, oldest first, at most `limit`.
    package func events(after id: Int64, limit: Int) throws -> [EventRecord] {
        try events(after: id, limit: limit, which: "", [])
    }

    /// The same of those for which a condition holds, with its arguments.
    private func events(after id: Int64, limit: Int, which condition: String, _ arguments: StatementArguments) throws
        -> [EventRecord]
    {
        var events: [EventRecord] = []
        for (file, end) in try open(.events, after: id) where events.count < limit {
            events += try Self.readable(file, after: id, end: end) { db, start, found in
                let rows = try Row.fetchCursor(
                    db, sql: "SELECT * FROM events WHERE id > ? AND id < ?\(condition) ORDER BY id LIMIT ?",
                    arguments: [start, end] + arguments + [limit - events.count])
                while let row = try rows.next() {
                    let event = EventRecord(row)
                    if event.isWhole, event.id > found.last?.id ?? start { found.append(event) }
                }
            }
        }
        return events
    }

    /// The last events of a range of numbers, oldest first, at most `limit`.
    package func lastEvents(in range: ClosedRange<Int64>, limit: Int) throws -> [EventRecord] {
        var events: [EventRecord] = []
        for (file, end) in try open(.events, after: range.lowerBound - 1).reversed() where events.count < limit {
            let last = min(range.upperBound, end &- 1)
            guard last >= range.lowerBound else { continue }
            let found = try Self.told(file) { db in
                try Row.fetchAll(
                    db, sql: "SELECT * FROM events WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT ?",
                    arguments: [range.lowerBound, last, limit - events.count]
                ).map(EventRecord.init).filter(\.isWhole)
            }
            // Where a page is damaged, what can be read of the file from its beginning on.
            let readable =
                try found?.reversed()
                ?? Self.readable(file, after: range.lowerBound - 1, end: last + 1) { db, start, found in
                    let rows = try Row.fetchCursor(
                        db, sql: "SELECT * FROM events WHERE id > ? AND id <= ? ORDER BY id", arguments: [start, last])
                    while let row = try rows.next() {
                        let event = EventRecord(row)
                        if event.isWhole, event.id > found.last?.id ?? start { found.append(event) }
                    }
                }
            events = readable.suffix(limit - events.count) + events
        }
        return events
    }

    /// The number of the newest event; 0 when there is none.
    package func newestEvent() throws -> Int64 {
        for file in try open(.events).reversed() {
            if let newest = try Self.told(file, { try Int64.fetchOne($0, sql: "SELECT MAX(id) FROM events") ?? 0 }),
                newest > 0
            {
                return newest
            }
        }
        return 0
    }

    /// The events of some kinds after one, oldest first, at most `limit`.
    package func events(of kinds: [EventKind], after id: Int64, limit: Int) throws -> [EventRecord] {
        try events(named: kinds.map(\.name), after: id, limit: limit)
    }

    /// The same of names, which may be those of a younger host.
    package func events(named names: [String], after id: Int64, limit: Int) throws -> [EventRecord] {
        try events(after: id, limit: limit, which: Self.isNamed(names), StatementArguments(names))
    }

    /// The events of a time, oldest first, at most `limit`.
    ///
    /// - Parameters:
    ///   - names: only these; `nil`: all.
    ///   - from: from this wall-clock time on, and before `to`. Unit: ns since 1970.
    ///   - id: only events behind this one, so that who got as many as the limit can go on.
    package func events(named names: [String]? = nil, from: Int64, to: Int64, after id: Int64 = 0, limit: Int) throws
        -> [EventRecord]
    {
        try events(
            after: id, limit: limit, which: " AND utc >= ? AND utc < ?" + (names.map(Self.isNamed) ?? ""),
            [from, to] + StatementArguments(names ?? []))
    }

    private static func isNamed(_ names: [String]) -> String {
        " AND kind IN (\(names.map { _ in "?" }.joined(separator: ", ")))"
    }
}
