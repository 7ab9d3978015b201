import BedDesk
import DeviceModel
import PatientStore
import Patients
import SampleJournal

extension BindingFold {
    /// Events read at once.
    private static let batch = 10_000

    /// What a journal tells of beds, from the newest event on that says what all before came to. Where events cannot be
    /// read, or a number is missing, nobody is known to be at a bed any more.
    init(journal directory: String) {
        self.init()
        var last = Position(sequence: 0, moment: Moment(session: "", nanoseconds: 0), utc: 0)
        do {
            let reader = try JournalReader(directory: directory)
            // One that cannot be read stands for nothing.
            var (begin, seen): (Int64, Int64) = (1, 0)
            while case let found = try reader.events(of: [.bedLedger], after: seen, limit: Self.batch),
                let newest = found.last?.id
            {
                begin = found.last { (try? BedRecord.event(kind: $0.kind, body: $0.body)) != nil }?.id ?? begin
                seen = newest
            }
            var number = begin - 1
            // Files that went before the first that is left are no gap: what they said was summed up, or is over.
            var isFirst = true
            while case let events = try reader.events(after: number, limit: Self.batch), !events.isEmpty {
                for event in events {
                    last = event.position
                    if !isFirst, event.id != number + 1 { _ = takeGap(at: last) }
                    (number, isFirst) = (event.id, false)
                    take(kind: event.kind, body: event.body, at: last)
                }
            }
        } catch JournalError.notAJournal {
            return
        } catch { _ = takeGap(at: last) }
    }
}

extension EventRecord {
    /// Where it stands, for whoever folds beds.
    var position: BindingFold.Position {
        BindingFold.Position(
            sequence: id, moment: Moment(session: session, nanoseconds: monotonicNanoseconds), utc: utc)
    }
}

extension UnitConfiguration {
    /// The bed of each device that is at one, as the configuration says.
    var bedOfDevice: [String: String] {
        Dictionary(beds.flatMap { bed in bed.configured.devices.map { ($0, bed.id) } }) { first, _ in first }
    }

    /// The beds, as the desk has them.
    var deskBeds: [BedDesk.Bed] {
        beds.map { BedDesk.Bed(bed: $0.id, configured: $0.configured, preset: $0.preset) }
    }
}

extension PatientStore: PatientKeeping {}
