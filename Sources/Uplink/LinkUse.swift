package import SampleJournal
import Synchronization

/// Bytes that went over connections to the records service, TLS and all, as the sockets took and gave them.
package final class WireMeter: Sendable {
    private let sentBytes = Atomic<Int64>(0)
    private let receivedBytes = Atomic<Int64>(0)

    package init() {}

    package func sent(_ bytes: Int) { sentBytes.wrappingAdd(Int64(bytes), ordering: .relaxed) }

    package func received(_ bytes: Int) { receivedBytes.wrappingAdd(Int64(bytes), ordering: .relaxed) }

    /// Since the start. Unit: bytes.
    var totals: (sent: Int64, received: Int64) {
        (sentBytes.load(ordering: .relaxed), receivedBytes.load(ordering: .relaxed))
    }
}

/// What the way to a destination may carry, and has carried: the cap of its rate, and the bytes of its month.
package final class LinkUse: Sendable {
    /// So many bytes more than were counted stand in the book: what a kill forgets was counted before it. Unit: bytes.
    static let ahead: Int64 = 64 << 10

    private struct State {
        var cap: RateCap?
        var month = MonthCount()
        /// What of the meter is counted: in the month, and in the cap.
        var counted: Int64 = 0
        var paid: Int64 = 0
        var isOpen = false
        /// What the book says.
        var written = MonthCount()
    }

    package let limits: LinkLimits
    package let meter: WireMeter
    /// The wall clock; `nil` while it is not set. Unit: ns since 1970.
    private let wall: @Sendable () -> Int64?
    private let state: Mutex<State>

    package init(
        _ limits: LinkLimits = LinkLimits(), meter: WireMeter = WireMeter(),
        wall: @escaping @Sendable () -> Int64? = { nil }
    ) {
        (self.limits, self.meter, self.wall) = (limits, meter, wall)
        state = Mutex(State(cap: limits.bitsPerSecond.map { RateCap(bitsPerSecond: $0) }))
    }

    /// What of everything goes now.
    var stage: LinkStage {
        state.withLock { state in
            count(&state)
            return limits.stage(at: state.month.bytes(at: wall()))
        }
    }

    private func count(_ state: inout State) {
        let totals = meter.totals
        let all = totals.sent &+ totals.received
        state.month.add(all &- state.counted, at: wall())
        state.counted = all
    }

    // MARK: The book

    /// Goes on from what a destination's book says.
    func begin(_ book: DeliveryBook) throws {
        let kept = try book.monthCount()
        state.withLock { state in
            // What was counted before is in the book, when it is opened once more.
            guard !state.isOpen else { return }
            (state.month, state.written, state.isOpen) = (MonthCount(kept), MonthCount(kept), true)
        }
    }

    /// Writes into the book what was counted, where it is more than that says or another month has begun.
    ///
    /// - Parameter isEnd: nothing is sent any more: exactly.
    func settle(_ book: DeliveryBook, isEnd: Bool = false) throws {
        // Two tasks settle: what is counted later is written later.
        try state.withLock { state in
            count(&state)
            let now = state.month.turned(to: wall())
            let isNew = now.month != state.written.month || now.bytes > state.written.bytes
            guard isNew || isEnd && now != state.written else { return }
            let next = MonthCount(month: now.month, bytes: now.bytes + (isEnd ? 0 : Self.ahead))
            try book.remember(month: next.month, bytes: next.bytes)
            state.written = next
        }
    }

    // MARK: The rate

    /// How long nothing is to be sent but what is urgent. Unit: ns.
    ///
    /// - Parameter now: Unit: ns of the monotonic clock.
    func wait(at now: Int64) -> Int64 {
        let sent = meter.totals.sent
        return state.withLock { state in
            state.cap?.charge(sent &- state.paid, at: now)
            state.paid = sent
            return state.cap?.wait(at: now) ?? 0
        }
    }

    /// Waits until there is room for what is not urgent; not beyond a stop.
    func waitForRoom() async {
        guard limits.bitsPerSecond != nil else { return }
        while !Task.isCancelled {
            let wait = wait(at: Self.now())
            if wait <= 0 { return }
            try? await Task.sleep(for: .nanoseconds(wait))
        }
    }

    private static let began = ContinuousClock.now

    private static func now() -> Int64 { Int64((ContinuousClock.now - began) / .nanoseconds(1)) }
}

extension MonthCount {
    package init(_ kept: DeliveryBook.KeptMonth) { self.init(month: kept.month, bytes: kept.bytes) }
}
