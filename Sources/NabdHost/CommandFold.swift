import CommandRecord
import DeviceModel
import PumpControl
import PumpDesk
import SampleJournal

extension CommandHistory {
    /// Events read at once.
    private static let batch = 10_000

    /// What a journal tells of commands, from the newest event on that says what all before came to. What cannot be
    /// read, and a number that is missing, is a damaged record.
    init(journal directory: String, rules: CommandRules) {
        self.init(rules)
        var last: Int64 = 0
        do {
            let reader = try JournalReader(directory: directory)
            // One that cannot be read stands for nothing: what is open before it stays open.
            var (summary, seen): (Int64, Int64) = (1, 1)
            while case let found = try reader.events(of: [.commandLedger], after: seen, limit: Self.batch),
                let newest = found.last?.id
            {
                summary =
                    found.last { (try? CommandRecord.event(kind: $0.kind, body: $0.body)) != nil }?.id ?? summary
                seen = newest
            }
            last = summary - 1
            // What a page of a file is damaged by ends what is read at once, and not what there is.
            while case let events = try reader.events(after: last, limit: Self.batch), !events.isEmpty {
                for event in events {
                    if event.id != last + 1 { take(.recordDamaged, number: last + 1, at: 0) }
                    last = event.id
                    take(event)
                }
            }
        } catch JournalError.notAJournal {
            return
        } catch { take(.recordDamaged, number: last + 1, at: 0) }
    }

    private mutating func take(_ event: EventRecord) {
        do throws(CommandRecord.Fault) {
            guard let told = try CommandRecord.event(kind: event.kind, body: event.body) else { return }
            take(told, number: event.id, at: event.monotonicNanoseconds)
        } catch { take(.recordDamaged, number: event.id, at: event.monotonicNanoseconds) }
    }
}
