import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Glibc
import RealTime

/// The loop of a line with one serial device: reads its stream, asks its requests, each at its absolute deadline.
///
/// Everything here runs on the line's own thread. Buffers are made once; that nothing else is allocated is not yet
/// shown by a count.
final class SerialLineLoop<Line: ByteLine, Clock: MonotonicTime> {
    private struct Outstanding {
        let request: Int
        let deadline: Int64
    }

    /// How often the stream of a device is read. At 115200 baud this is 115 bytes; the kernel holds 4095. Unit: ns.
    static var tick: Int64 { 10_000_000 }
    /// Reads of one step at most: 16 kB, more than any serial line brings in a tick.
    static var readsAStep: Int { 16 }
    /// The longest sleep, so that a stop is heard soon. Unit: ns.
    static var longestSleep: Int64 { 100_000_000 }

    private let device: DevicePlan
    private let plan: SerialPlan
    private let line: Line
    private let clock: Clock
    private let recorder: LineRecorder
    private var sink: RingSink
    private var decoder: SerialDecoder
    private var health: DeviceHealth
    private var reconnection: Reconnection
    private var buffer = [UInt8](repeating: 0, count: 1024)
    private var isOpen = false
    private var due: [Int64]
    private var outstanding: Outstanding?
    private var quietUntil: Int64 = 0
    private var nextTick: Int64 = 0

    init(device: DevicePlan, plan: SerialPlan, line: Line, clock: Clock, recorder: LineRecorder) {
        self.device = device
        self.plan = plan
        self.line = line
        self.clock = clock
        self.recorder = recorder
        sink = RingSink(recorder: recorder, streamBase: 0, alertBase: 0, device: 0)
        decoder = SerialDecoder(device, plan)
        let slowest = max(plan.requests.map(\.period).max() ?? 0, plan.streamPeriod ?? 0, Self.tick)
        health = DeviceHealth(period: slowest, now: clock.now())
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(device.handle.hashValue)))
        due = [Int64](repeating: 0, count: plan.requests.count)
    }

    /// Runs until told to stop.
    func run(until stop: StopFlag) {
        while !stop.isSet {
            if isOpen {
                do { try step() } catch { lose(error) }
            } else {
                reopen()
            }
            guard health.becomesStale(time: clock.now(), sink: &sink) else { continue }
            missAll(.notAvailable, .stale)
            // A stream that dried up may be a connection that died without a word: only opening it anew tells.
            if isOpen, plan.streamPeriod != nil { lose(.disconnected(errno: ETIMEDOUT)) }
        }
        line.close()
    }

    // MARK: Opening and losing the line

    private func reopen() {
        let now = clock.now()
        guard now >= reconnection.next else {
            clock.sleep(until: min(reconnection.next, now + Self.longestSleep))
            return
        }
        do {
            try line.open(deadline: now + 2_000_000_000)
        } catch {
            reconnection.failed(at: clock.now())
            health.lose(errno: error.errnoValue, time: clock.now(), sink: &sink)
            missAll(.notAvailable, .disconnected)
            return
        }
        reconnection.succeeded()
        decoder.reset()
        outstanding = nil
        isOpen = true
        let start = clock.now()
        nextTick = start + Self.tick
        quietUntil = start
        for index in due.indices { due[index] = start }
    }

    private func lose(_ error: FieldbusError) {
        let now = clock.now()
        line.close()
        isOpen = false
        outstanding = nil
        reconnection.failed(at: now)
        health.lose(errno: error.errnoValue, time: now, sink: &sink)
        missAll(.notAvailable, .disconnected)
    }

    private func missAll(_ validity: Validity, _ reason: Reason) {
        let now = clock.now()
        for request in plan.requests.indices { decoder.miss(request: request, validity, reason, time: now, sink: &sink) }
        decoder.missStream(validity, reason, time: now, sink: &sink)
    }

    // MARK: One step

    private func step() throws(FieldbusError) {
        if let outstanding {
            try awaitReply(outstanding)
            return
        }
        let next = plan.streamPeriod == nil ? earliest() : min(nextTick, earliest())
        let now = clock.now()
        if next - now > Self.longestSleep {
            clock.sleep(until: now + Self.longestSleep)
            try readAvailable()
            return
        }
        clock.sleep(until: next)
        let awake = clock.now()
        // Waiting for one's own line is not waking up late.
        if next > now { recorder.lateness.record(awake - next) }
        try readAvailable()
        if awake >= nextTick { nextTick += ((awake - nextTick) / Self.tick + 1) * Self.tick }
        for index in due.indices where due[index] <= awake && awake >= quietUntil {
            try send(index, at: awake)
            return
        }
        for index in due.indices where due[index] < quietUntil { due[index] = quietUntil }
    }

    private func earliest() -> Int64 {
        var earliest = Int64.max
        for deadline in due where deadline < earliest { earliest = deadline }
        return earliest
    }

    private func readAvailable() throws(FieldbusError) {
        decoder.awaiting = .nothing
        // Bounded: a device that floods its line costs its own values, not its thread.
        for _ in 0..<Self.readsAStep {
            let count = try line.read(into: &buffer, deadline: 0)
            if count == 0 { break }
            decoder.feed(buffer, count: count, time: clock.now(), sink: &sink)
            if count < buffer.count { break }
        }
        if sink.takeFresh() { health.hear(time: clock.now(), sink: &sink) }
    }

    private func send(_ index: Int, at now: Int64) throws(FieldbusError) {
        let period = plan.requests[index].period
        let behind = (now - due[index]) / period
        if behind > 0 {
            recorder.countMissed(behind)
            sink.event(.deadlinesMissed, figure: behind, time: now)
        }
        due[index] += (behind + 1) * period
        _ = decoder.takeDamage()
        decoder.awaiting = .reply(index)
        try line.write(plan.requests[index].bytes, deadline: now + device.line.slowestReply)
        outstanding = Outstanding(request: index, deadline: clock.now() + device.line.slowestReply)
    }

    private func awaitReply(_ waiting: Outstanding) throws(FieldbusError) {
        let count = try line.read(into: &buffer, deadline: waiting.deadline)
        let now = clock.now()
        if count > 0 { decoder.feed(buffer, count: count, time: now, sink: &sink) }
        if decoder.takeAnswered() != nil {
            outstanding = nil
            recorder.countRequest(answered: true)
            quietUntil = now + device.line.turnaround
            _ = sink.takeFresh()
            health.hear(time: now, sink: &sink)
        } else if now >= waiting.deadline {
            outstanding = nil
            recorder.countRequest(answered: false)
            let damage = decoder.takeDamage()
            decoder.miss(
                request: waiting.request, damage == nil ? .notAvailable : .invalid, damage ?? .timedOut, time: now, sink: &sink)
            // A reply that still comes belongs to nothing: the line is read and kept quiet for as long as the device may take.
            quietUntil = now + device.line.slowestReply
            let pause = health.fail(period: plan.requests[waiting.request].period, time: now, sink: &sink)
            if pause > 0 {
                due[waiting.request] = max(due[waiting.request], now + pause)
                // Silent for long enough to have been replaced: who answers next must say again who it is.
                decoder.forgetIdentity()
            }
        }
    }
}
