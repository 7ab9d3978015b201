#if Commands
import CommandRecord
import DeviceModel
import OperatorDesk
import PumpDesk

/// The command path in the recorder's rounds: what people ask reaches the desk, and what the desk decides the journal.
final class DeskRounds {
    private let desk: PumpDesk
    let asks: AskQueue<DeskRequest, DeskAnswer>
    /// The file of events that holds what the ledger came to.
    private var summarised: String?

    /// An event that could not be made, and so is not written.
    private struct Unwritable: Error {}

    init(_ desk: PumpDesk, asks: AskQueue<DeskRequest, DeskAnswer>) { (self.desk, self.asks) = (desk, asks) }

    var alarms: [(alert: AlertKind, device: String?, holds: Bool)] { desk.alarms }

    /// - Parameters:
    ///   - file: the one that events go to.
    ///   - record: makes events durable, and returns the last one's number.
    func turn(now: Int64, utc: Int64?, file: String, record: @escaping ([UnitEvent]) throws -> Int64) {
        let write: PumpDesk.Writing = { events in
            let units = events.compactMap { UnitEvent.command($0.event, device: $0.device, at: $0.time) }
            guard units.count == events.count, !units.isEmpty else { throw Unwritable() }
            return try record(units)
        }
        // Whatever went before in other files, this one says what it came to.
        if summarised != file, (try? write([desk.snapshot(at: now)])) != nil {
            summarised = file
        }
        desk.turn(
            asks.take().map { asked in PumpDesk.Ask(asked.question) { asked.answer($0) } }, now: now, utc: utc,
            write: write)
    }

    /// The journal took events of the host: some say that the record of commands has a gap.
    func took(_ events: some Sequence<UnitEvent>, first: Int64) {
        for (place, event) in events.enumerated() {
            let told = try? CommandRecord.event(kind: event.kind.name, body: event.members.text)
            if let told { desk.took(told, number: first + Int64(place), at: event.monotonic) }
        }
    }

    /// The host ends: what is being looked at is not carried out.
    func beginClosing() { desk.beginClosing() }

    func close() {
        asks.close()
        desk.close()
    }
}
#endif
