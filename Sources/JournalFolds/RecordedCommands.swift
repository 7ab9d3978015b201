package import CommandFacts
import CommandRecord
import DeviceModel
package import SampleJournal

/// What a journal tells of commands, from the newest event on that says what all before came to. What cannot be read,
/// and a number that is missing, is a damaged record.
package struct RecordedCommands {
    /// Events read at once.
    private static let batch = 10_000

    package private(set) var history: CommandHistory
    /// The number of the last event that was taken.
    package private(set) var last: Int64 = 0

    package init(journal directory: String) {
        history = CommandHistory()
        do {
            try read(try JournalReader(directory: directory))
        } catch JournalError.notAJournal {
            return
        } catch { damage() }
    }

    /// The same of a journal that is open.
    package init(_ reader: JournalReader, rules: CommandRules = CommandRules()) {
        history = CommandHistory(rules)
        do { try read(reader) } catch { damage() }
    }

    private mutating func read(_ reader: JournalReader) throws {
        // One that cannot be read stands for nothing: what is open before it stays open.
        let summary = try reader.newestSummary(.commandLedger) {
            (try? CommandRecord.event(kind: $0.kind, body: $0.body)) != nil
        }
        last = (summary?.id ?? 1) - 1
        // What a page of a file is damaged by ends what is read at once, and not what there is.
        while case let events = try reader.events(after: last, limit: Self.batch), !events.isEmpty {
            for event in events { take(event) }
        }
    }

    /// Takes the next event, of whatever kind; one that was taken before changes nothing.
    ///
    /// - Returns: whether anything may have changed.
    @discardableResult
    package mutating func take(_ event: EventRecord) -> Bool {
        guard event.id > last else { return false }
        let isGap = event.id != last + 1
        if isGap { damage() }
        last = event.id
        do throws(CommandRecord.Fault) {
            guard let told = try CommandRecord.event(kind: event.kind, body: event.body) else { return isGap }
            history.take(told, number: event.id, at: event.monotonicNanoseconds)
        } catch { history.take(.recordDamaged, number: event.id, at: event.monotonicNanoseconds) }
        return true
    }

    private mutating func damage() { history.take(.recordDamaged, number: last + 1, at: 0) }
}

extension CommandHistory {
    /// What a journal tells of commands.
    package init(journal directory: String) { self = RecordedCommands(journal: directory).history }
}
