import DeviceModel
package import Patients
package import SampleJournal

/// What a journal tells of beds, from the newest event on that says what all before came to. Where events cannot be
/// read, or a number is missing, nobody is known to be at a bed any more.
package struct RecordedBindings {
    /// Events read at once.
    private static let batch = 10_000

    package private(set) var fold = BindingFold()
    /// The number of the last event that was taken; 0 before the first.
    package private(set) var last: Int64 = 0
    private var position = BindingFold.Position(sequence: 0, moment: Moment(session: "", nanoseconds: 0), utc: 0)
    /// Files that went before the first that is left are no gap: what they said was summed up, or is over.
    private var isFirst = true

    package init(journal directory: String) {
        do {
            try read(try JournalReader(directory: directory))
        } catch JournalError.notAJournal {
            return
        } catch { _ = fold.takeGap(at: position) }
    }

    /// The same of a journal that is open.
    package init(_ reader: JournalReader) {
        do { try read(reader) } catch { _ = fold.takeGap(at: position) }
    }

    /// The same from an earlier such event on: of the past since then it is known too which devices the beds had.
    ///
    /// - Parameter isEarly: whether an event that says what went before is early enough; of those the newest counts.
    package init(_ reader: JournalReader, from isEarly: (EventRecord) -> Bool) {
        do { try read(reader, isEarly) } catch { _ = fold.takeGap(at: position) }
    }

    private mutating func read(_ reader: JournalReader, _ isEarly: (EventRecord) -> Bool = { _ in true }) throws {
        // One that cannot be read stands for nothing.
        let summary = try reader.newestSummary(.bedLedger) {
            isEarly($0) && (try? BedRecord.event(kind: $0.kind, body: $0.body)) != nil
        }
        last = (summary?.id ?? 1) - 1
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
        position = event.position
        let isGap = !isFirst && event.id != last + 1
        if isGap { _ = fold.takeGap(at: position) }
        (last, isFirst) = (event.id, false)
        fold.take(kind: event.kind, body: event.body, at: position)
        return isGap || EventKind(rawValue: event.kind).map(BedRecord.kinds.contains) ?? false
    }
}

extension BindingFold {
    /// What a journal tells of beds.
    package init(journal directory: String) { self = RecordedBindings(journal: directory).fold }
}

extension EventRecord {
    /// Where it stands, for whoever folds beds.
    package var position: BindingFold.Position {
        BindingFold.Position(
            sequence: id, moment: Moment(session: session, nanoseconds: monotonicNanoseconds), utc: utc)
    }
}
