package import CommandFacts
package import DeviceModel
import DevicePlans
import LineEngine
package import OperatorDesk
import PumpControl

/// An event of a command on its way to the journal.
package struct DeskEvent: Sendable, Hashable {
    package let event: CommandEvent
    /// The pump's handle; `nil` for what is about none.
    package let device: String?
    /// Unit: ns of the boot clock.
    package let time: Int64

    package init(_ event: CommandEvent, device: String? = nil, at time: Int64) {
        (self.event, self.device, self.time) = (event, device, time)
    }
}

/// The command path's part on the recorder's thread: decides by the ledger, makes each event durable, and only then
/// hands to a line what the event holds.
///
/// Everything here is called by that one thread, once a round; nothing waits.
package final class PumpDesk {
    /// Makes events durable in one transaction, and returns the number of the last one.
    package typealias Writing = ([DeskEvent]) throws -> Int64

    /// Somebody who waits for an answer.
    package struct Ask {
        package let request: DeskRequest
        package let answer: (DeskAnswer) -> Void

        package init(_ request: DeskRequest, answer: @escaping (DeskAnswer) -> Void) {
            (self.request, self.answer) = (request, answer)
        }
    }

    /// A stop that was asked for: which asks of the line it stands for, and who waits to hear of it.
    struct AskedStop {
        let pump: PumpKey
        /// That of its event; `nil` while the journal has not taken it.
        var number: Int64?
        /// How many stops of the device had been asked for.
        let count: Int64
        let since: Int64
        var waiting: [(DeskAnswer) -> Void] = []
        /// What the line told of it last.
        var outcome: StopReport.Kind?
        /// What the line told before its event was durable.
        var untold: [StopReport.Kind] = []
    }

    package private(set) var ledger: CommandLedger
    let pumps: [DrivenPump]
    let gate: any CommandGate
    var work: [Int64: DeskWork] = [:]
    var traces: [Int64: CommandTrace] = [:]
    var stops: [AskedStop] = []
    /// By pump: how many stops had been asked for when it was last looked.
    var seenStops: [PumpKey: Int64] = [:]
    /// Whether the host ends: nothing is begun any more.
    private(set) var isClosing = false
    /// By the number of the order that asks the pump: what is being entered.
    var entering: [UInt64: Entering] = [:]
    /// Who waits for a command that is being looked at.
    var starting: [Int64: (DeskAnswer) -> Void] = [:]
    /// What happened and is not durable yet, oldest first: the ledger does not know it until it is.
    private var owed: [DeskEvent] = []
    private var write: Writing = { _ in throw DeskFault.noJournal }
    private var orders: UInt64 = 0
    /// Unit: ns since 1970; `nil` while the clock is not known to be right.
    var utc: Int64?

    /// More than a pump that is stopped and asked for hours brings.
    static let mostOwed = 10_000
    /// How long a look may wait for its line, where nobody waits for it; and what somebody waits for, who goes to the
    /// pump when he hears nothing. Unit: ns.
    static let lookPatience: Int64 = 30_000_000_000
    static let orderPatience: Int64 = 10_000_000_000
    /// How long somebody who asked for a stop is let wait. Unit: ns.
    static let stopPatience: Int64 = 15_000_000_000

    enum DeskFault: Error { case noJournal }

    /// - Parameter history: what the journal told of commands.
    package init(_ history: CommandHistory, pumps: [DrivenPump], gate: any CommandGate, now: Int64) {
        (ledger, self.pumps, self.gate) = (history.ledger, pumps, gate)
        traces = history.traces
        for (number, command) in ledger.open where command.state.isOpen {
            let settles = pump(command.content.pump)?.command(command.content.command)?.plan.settles ?? 0
            work[number] = .reading(DeskWork.ReadingBack(said: 0, from: now + settles))
        }
    }

    /// What the ledger came to, for the journal's next file or session.
    package func snapshot(at now: Int64) -> DeskEvent { DeskEvent(.snapshot(ledger.snapshot), at: now) }

    /// One round: what lines report, what people ask, what time brings about.
    ///
    /// - Parameters:
    ///   - now: the monotonic clock. Unit: ns.
    ///   - utc: the wall clock; `nil` while it is not known to be right. Unit: ns since 1970.
    package func turn(_ asked: [Ask], now: Int64, utc: Int64?, write: @escaping Writing) {
        self.write = write
        self.utc = utc
        defer { self.write = { _ in throw DeskFault.noJournal } }
        payOwed()
        watchStops(asked, at: now)
        takeReports(at: now)
        for ask in asked { take(ask, at: now) }
        if !isOwing { for event in ledger.due(at: now) { tell([event], at: now) } }
        goOnReading(at: now)
        endStops(at: now)
    }

    /// Something that the journal took beside commands, and that says something about them: a damage.
    package func took(_ event: CommandEvent, number: Int64, at time: Int64) { apply(event, number: number, at: time) }

    /// The host ends: what is being looked at is not carried out.
    package func beginClosing() { isClosing = true }

    /// Nothing is done any more: whoever waits is answered.
    package func close() {
        let words = "The unit's host is stopping."
        for answer in starting.values { answer(.refused(code: "notRunning", words: words, command: nil)) }
        dropEntering(on: nil) { DeskRefusal.closing($0) }
        for stop in stops { for answer in stop.waiting { answer(.stop(asked: true, isProven: nil, words: words)) } }
        (starting, stops) = ([:], [])
    }

    /// Whether a pump's commands are in doubt, its stop is not proven, or somebody must look at it.
    package var alarms: [(alert: AlertKind, device: String?, holds: Bool)] {
        // Of a pump that the configuration has no more, or calls otherwise.
        let strange = ledger.open.contains { $0.value.state.isUncertain && pump($0.value.content.pump) == nil }
        return [(AlertKind.commandUncertain, nil, strange)]
            + pumps.flatMap { pump in
                let isUncertain = ledger.underWay(on: pump.key)?.command.state.isUncertain ?? false
                let state = ledger.pump(pump.key)
                return [
                    (AlertKind.commandUncertain, Optional(pump.handle), isUncertain),
                    (.stopNotProven, pump.handle, state.stop?.phase == .notDelivered),
                    (.pumpToBeLookedAt, pump.handle, !state.isLookedAt),
                ]
            }
    }

    // MARK: The journal

    /// Whether something happened that is not durable yet: nothing is decided before it is.
    var isOwing: Bool { !owed.isEmpty }

    /// Makes what was decided durable; nothing has been done of it where that fails.
    func decide(_ event: CommandEvent, on pump: DrivenPump?, at now: Int64) throws -> Int64 {
        // What happened before is written before.
        guard !isOwing else { throw DeskFault.noJournal }
        return try record([DeskEvent(event, device: pump?.handle, at: now)])
    }

    /// What happened has happened: where the journal does not take it now, it does later.
    func tell(_ events: [CommandEvent], on pump: DrivenPump? = nil, at now: Int64) {
        let entries = events.map { DeskEvent($0, device: pump?.handle ?? handle(of: $0), at: now) }
        guard !isOwing else {
            owe(entries)
            return
        }
        do { _ = try record(entries) } catch { owe(entries) }
    }

    private func owe(_ entries: [DeskEvent]) {
        owed += entries.prefix(max(0, Self.mostOwed - owed.count))
    }

    private func payOwed() {
        while let first = owed.first {
            guard (try? record([first])) != nil else { return }
            owed.removeFirst()
        }
    }

    @discardableResult
    private func record(_ entries: [DeskEvent]) throws -> Int64 {
        let last = try write(entries)
        for (place, entry) in entries.enumerated() {
            apply(entry.event, number: last - Int64(entries.count - 1 - place), at: entry.time)
        }
        return last
    }

    private func apply(_ event: CommandEvent, number: Int64, at time: Int64) {
        let end = ledger.apply(event, number: number, at: time)
        CommandHistory.note(event, number: number, at: time, end: end, in: &traces)
        if case .stopAsked(let key, _) = event {
            if let place = stops.firstIndex(where: { $0.pump == key && $0.number == nil }) {
                stops[place].number = number
            }
        }
        for (number, what) in work where !ledger.isOpen(number) {
            if case .looking = what, ledger.open[number] != nil { continue }
            work[number] = nil
            starting.removeValue(forKey: number)?(DeskRefusal.expired(number).answer)
        }
    }

    // MARK: Pumps

    func pump(_ handle: String) -> DrivenPump? { pumps.first { $0.handle == handle } }
    func pump(_ key: PumpKey) -> DrivenPump? { pumps.first { $0.key == key } }

    private func handle(of event: CommandEvent) -> String? {
        guard let number = event.command, let content = ledger.open[number]?.content else { return nil }
        return pump(content.pump)?.handle
    }

    func nextOrder() -> UInt64 {
        orders += 1
        return orders
    }
}
