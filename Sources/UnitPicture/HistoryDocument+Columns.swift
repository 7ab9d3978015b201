import DeviceModel
import SampleJournal

extension HistoryDocument {
    /// A picture's columns: lines of progress, then one line with everything.
    func answer(
        columnsOf streams: [Int64], _ time: HistoryTime, _ count: Int, _ mark: DataMark?, _ isCancelled: () -> Bool,
        _ pieces: HistoryPieces
    ) throws {
        let sessions = try HistorySessions(reader)
        let mark = mark ?? sessions.mark(of: time)
        let (numbers, range) = (sessions.numbers(of: mark), time.nanoseconds)
        let people = try HistoryPeople(reader, sessions, time, scope)
        // Whoever listens may be gone: what the line of progress throws ends the reading.
        var failure: (any Error)?
        func tell(_ share: Double) {
            guard failure == nil else { return }
            do {
                try pieces.take(line: "{\"progress\":\(Int(share * 100).hundredths)}")
                try pieces.flush()
            } catch {
                failure = error
            }
        }
        let columns: [StreamColumns]
        do {
            columns = try StreamHistory(reader).columns(
                of: streams, from: range.lowerBound, to: range.upperBound, count: count, sessions: numbers,
                holders: people.changes, isCancelled: { failure != nil || isCancelled() }, progress: tell)
        } catch let error as HistoryError {
            throw HistoryFault("streams", error.description)
        } catch {
            throw failure ?? error
        }
        if let failure { throw failure }
        try pieces.take(text: "{\"from\":\(time.from),\"to\":\(time.to),\"columns\":\(count),\"mark\":")
        try pieces.take(mark.json)
        try pieces.take(text: ",\"streams\":[")
        for (index, stream) in columns.enumerated() {
            if index > 0 { try pieces.take(text: ",") }
            try pieces.take(Self.json(stream, mark, sessions))
        }
        try pieces.take(text: "],\"sessions\":")
        try pieces.take(sessions.json(numbers, in: time))
        let keys = Set(sessions.all.filter { numbers.contains($0.id) }.map(\.key))
        let devices = Set(columns.map(\.descriptor.device))
        let beds = try HistoryBeds(reader, before: range.upperBound).beds(of: devices, in: keys)
        let events = try HistoryEvents(
            reader, time, sessions: keys, devices: devices, beds: beds, people, isCancelled)
        try pieces.take(text: ",\"events\":")
        try pieces.take(.array(events.found.map(\.historyRow)))
        try pieces.take(text: events.hasMore ? ",\"eventsMore\":true}\n" : "}\n")
    }

    /// Numbers as text: no reader makes others of them.
    private static func json(_ stream: StreamColumns, _ mark: DataMark, _ sessions: HistorySessions) -> JSON {
        func text(_ number: JSON) -> JSON { if case .number(let digits) = number { .string(digits) } else { .null } }
        return .members([
            "n": .integer(stream.stream),
            "low": .array(stream.count.indices.map { text(stream.lowNumber($0)) }),
            "high": .array(stream.count.indices.map { text(stream.highNumber($0)) }),
            "count": .array(stream.count.map { .integer($0) }), "whose": whose(stream.holders),
            "gaps": .array(
                stream.gaps.map { gap in
                    .array([.utc(gap.from), .utc(gap.to), .string(word(gap, mark, sessions))])
                }),
        ])
    }

    /// Whose the values are, from which column on: `[[0,12],[700,"several"],[701,null]]`. Columns without values say
    /// nothing. The numbers are those of bindings, as the picture has them; `null` is nobody's.
    private static func whose(_ holders: [ColumnHolder]) -> JSON {
        var (runs, last) = ([JSON](), ColumnHolder.none)
        for (column, holder) in holders.enumerated() where holder != .none && holder != last {
            let word: JSON =
                switch holder {
                case .one(let number): number.map { .integer($0) } ?? .null
                case .none, .several: .string("several")
                }
            runs.append(.array([.integer(column), word]))
            last = holder
        }
        return .array(runs)
    }

    /// What is left out because it is of another kind was not lost.
    private static func word(_ gap: StreamGap, _ mark: DataMark, _ sessions: HistorySessions) -> String {
        switch gap.cause {
        case .none, .hostDown, .missing, .silent, .clockStep, .several:
            sessions.hasOther(than: mark, from: gap.from, to: gap.to) ? "otherMark" : gap.cause.word
        case .noValue, .damaged, .declared, .withheld: gap.cause.word
        }
    }
}

extension Int {
    /// So many hundredths as a decimal.
    fileprivate var hundredths: String { DecimalText.render(Int64(self), exponent: -2) }
}
