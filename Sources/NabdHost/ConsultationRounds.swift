import Consultations
import DeviceModel
import RealTime
import SampleJournal

/// The consultations in the recorder's rounds: what people ask reaches the desk, and what the desk decides the journal.
final class ConsultationRounds {
    private let desk: ConsultationDesk
    private let asks: AskQueue<ConsultationRequest, ConsultationAnswer>
    private let session: String

    /// An event that could not be made, and so is not written.
    private struct Unwritable: Error {}

    init(
        _ door: ConsultationDesk.Door, session: String, asks: AskQueue<ConsultationRequest, ConsultationAnswer>
    ) {
        (desk, self.session, self.asks) = (ConsultationDesk(door), session, asks)
    }

    /// Other clinicians or beds; what is open and not configured any more is closed in the next round.
    func change(_ unit: UnitConfiguration) { desk.change(unit.farDoor) }

    /// Nothing can be recorded now: whoever asks is told so, and nothing of it is done later.
    func refuse() {
        for asked in asks.take() {
            asked.answer(
                .refused(code: .journal, words: "This unit cannot record anything now, so nothing was done: ask again.")
            )
        }
    }

    /// - Parameters:
    ///   - now: unit ns of the monotonic clock.
    ///   - utc: the wall clock. Unit: ns since 1970.
    ///   - record: makes events durable, and returns the last one's number.
    func turn(now: Int64, utc: Int64, record: @escaping ([UnitEvent]) throws -> Int64) {
        let position = ConsultationFold.Position(sequence: 0, session: session, nanoseconds: now, utc: utc)
        let write: ConsultationDesk.Writing = { events in
            let units = events.compactMap { UnitEvent.consultation($0, at: now) }
            guard units.count == events.count, !units.isEmpty else { throw Unwritable() }
            return try record(units)
        }
        desk.turn(now: position, write: write)
        for asked in asks.take() { asked.answer(desk.answer(asked.question, now: position, write: write)) }
    }

    /// The journal took events of the host: some say that the record has a gap.
    func took(_ events: some Sequence<UnitEvent>, first: Int64, utcOffset: Int64) {
        for (place, event) in events.enumerated() where ConsultationRecord.kinds.contains(event.kind) {
            desk.took(
                kind: event.kind.name, body: event.members.text,
                at: ConsultationFold.Position(
                    sequence: first + Int64(place), session: session, nanoseconds: event.monotonic,
                    utc: event.monotonic &+ utcOffset))
        }
    }

    func close() { asks.close() }
}

extension RecorderLoop {
    /// Who may look from afar, and what people ask about it; durable when it has happened.
    func turnConsultations() {
        guard let consultations else { return }
        guard events.isBegun, writeEvents(), events.waiting.isEmpty else { return consultations.refuse() }
        let start = clock.now()
        defer { tellSlowness(since: start) }
        consultations.turn(now: start, utc: start &+ clockWatch.offset) { [self] batch in
            try recordAtOnce(batch, at: start, judgeClock())
        }
    }
}
