import CommandRecord
import DeviceModel
import PumpControl
import PumpDesk
import SampleJournal

extension CommandHistory {
    /// Events read at once.
    private static let batch = 10_000

    /// What a journal tells of commands: all of it that is there. What cannot be read is a damaged record.
    init(journal directory: String, rules: CommandRules) {
        self.init(rules)
        do {
            let reader = try JournalReader(directory: directory)
            var last: Int64 = 0
            while true {
                let events = try reader.events(of: CommandRecord.kinds, after: last, limit: Self.batch)
                for event in events { take(event) }
                guard let newest = events.last?.id, events.count == Self.batch else { return }
                last = newest
            }
        } catch JournalError.notAJournal {
            return
        } catch { take(.recordDamaged, number: 1, at: 0) }
    }

    private mutating func take(_ event: EventRecord) {
        do throws(CommandRecord.Fault) {
            guard let told = try CommandRecord.event(kind: event.kind, body: event.body) else { return }
            take(told, number: event.id, at: event.monotonicNanoseconds)
        } catch { take(.recordDamaged, number: event.id, at: event.monotonicNanoseconds) }
    }
}
