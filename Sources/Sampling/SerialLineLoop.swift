import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Glibc
import RealTime

/// The loop of a line with one serial device: opens its session, reads what it says, asks its requests, each at its absolute deadline.
///
/// A reply that comes too late is never taken for the next one: see ``UnansweredReplies``.
/// Everything here runs on the line's own thread. Buffers are made once; that nothing else is allocated is not yet
/// shown by a count.
final class SerialLineLoop<Line: ByteLine, Clock: MonotonicTime> {
    struct Outstanding {
        let request: Int
        let deadline: Int64
    }

    /// How often what a device says unasked is read. At 115200 baud this is 115 bytes; the kernel holds 4095. Unit: ns.
    static var tick: Int64 { 10_000_000 }
    /// Reads of one step at most: 16 kB, more than any serial line brings in a tick.
    static var readsAStep: Int { 16 }
    /// The longest sleep, so that a stop is heard soon. Unit: ns.
    static var longestSleep: Int64 { 100_000_000 }
    /// The silence after bytes that nobody awaits. Unit: ns.
    static var pause: Int64 { 50_000_000 }
    /// How long a stale stream is waited for before its line is opened anew. Unit: ns.
    static var streamPause: Int64 { 30_000_000_000 }
    /// How long the end of a session may take in all. Unit: ns.
    static var longestFarewell: Int64 { 1_500_000_000 }

    let device: DevicePlan
    let plan: SerialPlan
    let line: Line
    let clock: Clock
    private let recorder: LineRecorder
    var sink: RingSink
    var intake: SerialIntake
    private var health: DeviceHealth
    private var reconnection: Reconnection
    var buffer = [UInt8](repeating: 0, count: 1024)
    private let byteTime: Int64
    private var budget: FailureBudget
    /// By request: its part of the device's health; the last part is what the device says unasked.
    private let parts: [Int?]
    private let streamPart: Int?
    private var isOpen = false
    /// When each request is due; those that are only steps of the session never are.
    private var due: [Int64]
    /// Failures in a row of each request; a rack's empty slot must not be asked as often as a full one.
    private var failures: [Int64]
    /// How often the request that is outstanding has been said again.
    private var repetitions: [Int]
    /// How long at most bytes that nobody awaits put off the next question. Unit: ns.
    private var quietLimit: Int64 = 0
    /// When the line of a stream that is stale is opened anew. Unit: ns.
    private var streamRetry: Int64 = 0
    /// The step of the session that is next; `nil` when the session is open.
    var opening: Int?
    var openingDue: Int64 = 0
    var outstanding: Outstanding?
    private var sentAt: Int64 = 0
    var quietUntil: Int64 = 0
    private var nextTick: Int64 = 0
    private let slowest: Int64?

    init(device: DevicePlan, plan: SerialPlan, line: Line, clock: Clock, recorder: LineRecorder) {
        self.device = device
        self.plan = plan
        self.line = line
        self.clock = clock
        self.recorder = recorder
        var place = RingSink.Place()
        place.linkAlert = device.alerts.count
        sink = RingSink(recorder: recorder, place: place)
        intake = SerialIntake(device, plan)
        slowest = (plan.requests.compactMap { $0.reply == nil ? nil : $0.period } + [plan.streamPeriod].compactMap { $0 }).max()
        let now = clock.now()
        (parts, streamPart, health) = DeviceHealth.watching(device, plan, tick: Self.tick, now: now)
        byteTime = device.line.serial.map { SerialSettings($0).nanosecondsPerByte } ?? 0
        budget = FailureBudget(hasNeighbours: false, cost: device.line.slowestReply, now: now)
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(device.handle.hashValue)))
        due = [Int64](repeating: .max, count: plan.requests.count)
        failures = [Int64](repeating: 0, count: plan.requests.count)
        repetitions = [Int](repeating: 0, count: plan.requests.count)
    }

    /// Runs until told to stop.
    func run(until stop: StopFlag) {
        recorder.begin(at: clock.now())
        while !stop.isSet {
            if isOpen {
                do { try step() } catch { lose(error) }
            } else {
                reopen()
            }
            watch()
        }
        sink.tell(isLast: true, time: clock.now())
        if isOpen { sayFarewell() }
        line.close()
    }

    private func watch() {
        let now = clock.now()
        sink.tell(time: now)
        intake.watch(time: now, sink: &sink)
        while let part = health.nextStale(time: now, sink: &sink) {
            if part == streamPart {
                intake.decoder.missStream(.notAvailable, .stale, time: now, sink: &sink)
                // A stream that dried up may be a connection that died without a word: only opening it anew tells.
                streamRetry = now + Self.streamPause
                if isOpen { lose(.disconnected(errno: ETIMEDOUT)) }
            } else {
                for index in parts.indices where parts[index] == part {
                    intake.decoder.miss(request: index, .notAvailable, .stale, time: now, sink: &sink)
                }
            }
        }
        guard let streamPart, isOpen, health.isStale(streamPart), now >= streamRetry else { return }
        // Told once; tried again for as long as it takes.
        streamRetry = now + Self.streamPause
        abandon(at: now)
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
        intake.reset()
        outstanding = nil
        isOpen = true
        let start = clock.now()
        nextTick = start + Self.tick
        // A reply to what was asked before may still come, even to another process on this port. A new connection hears none.
        quietUntil = byteTime > 0 && !plan.listens ? start + device.line.slowestReply : start
        quietLimit = start + Self.patience(device)
        health.open(askingAt: quietUntil)
        for index in due.indices { due[index] = plan.requests[index].period == nil ? .max : start }
        for index in failures.indices { failures[index] = 0 }
        beginSession(at: start)
    }

    private func beginSession(at time: Int64) {
        for index in repetitions.indices { repetitions[index] = 0 }
        opening = plan.open.isEmpty ? nil : 0
        openingDue = time
    }

    private func lose(_ error: FieldbusError) {
        let now = clock.now()
        abandon(at: now)
        health.lose(errno: error.errnoValue, time: now, sink: &sink)
        missAll(.notAvailable, .disconnected)
    }

    /// Closes the line, to be opened anew. A reply that is awaited may still come.
    private func abandon(at now: Int64) {
        line.close()
        isOpen = false
        if let waiting = outstanding { intake.giveUp(waiting.request, sent: sentAt) }
        outstanding = nil
        reconnection.failed(at: now)
    }

    private func missAll(_ validity: Validity, _ reason: Reason) {
        let now = clock.now()
        for request in plan.requests.indices where plan.requests[request].period != nil {
            intake.decoder.miss(request: request, validity, reason, time: now, sink: &sink)
        }
        intake.decoder.missStream(validity, reason, time: now, sink: &sink)
    }

    // MARK: One step

    private func step() throws(FieldbusError) {
        if let outstanding {
            try awaitReply(outstanding)
            return
        }
        let next = plan.listens ? min(nextTick, earliest()) : earliest()
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
        if let opening {
            guard openingDue <= awake, quietUntil <= awake else { return }
            if let reply = plan.requests[plan.open[opening]].reply, let expiry = intake.unanswered.expiry(of: reply, now: awake) {
                openingDue = expiry
            } else {
                try send(plan.open[opening], at: awake)
            }
            return
        }
        // The one that has waited longest: none keeps the others from being asked.
        while awake >= quietUntil, let index = longestWaiting(), due[index] <= awake {
            guard try !passBarrier(before: index, at: awake) else { return }
            guard due[index] <= awake else { continue }
            if repetitions[index] == 0 { countMissed(index, at: awake) } else { due[index] = awake + (plan.requests[index].period ?? 0) }
            try send(index, at: awake)
            return
        }
        for index in 0..<due.count where due[index] < quietUntil { due[index] = quietUntil }
    }

    private func longestWaiting() -> Int? {
        guard !due.isEmpty else { return nil }
        var first = 0
        for index in 1..<due.count where due[index] < due[first] { first = index }
        return first
    }

    private static func patience(_ device: DevicePlan) -> Int64 { UnansweredReplies.patience * device.line.slowestReply }

    private func earliest() -> Int64 {
        if opening != nil { return max(openingDue, quietUntil) }
        var earliest = Int64.max
        for index in 0..<due.count { earliest = min(earliest, due[index]) }
        return earliest
    }

    private func readAvailable() throws(FieldbusError) {
        intake.decoder.awaiting = .nothing
        // Bounded: a device that floods its line costs its own values, not its thread.
        for _ in 0..<Self.readsAStep {
            let count = try line.read(into: &buffer, deadline: 0)
            if outstanding == nil, plan.listens { recorder.countBusy(Int64(count) * byteTime) }
            intake.take(buffer, count: count, awaited: nil, time: clock.now(), sink: &sink)
            // Nothing is asked into the middle of what still comes.
            if count > 0, !plan.listens { quietUntil = max(quietUntil, min(quietLimit, clock.now() + Self.pause)) }
            if count < buffer.count { break }
        }
        try sayBack()
        hearStream(at: clock.now())
    }

    /// What the device said unasked counts as a sign of life, and as fresh.
    private func hearStream(at now: Int64) {
        guard sink.takeFresh() else { return }
        health.hear(time: now, sink: &sink)
        if let streamPart, !sink.takeWithheld() { health.refresh(streamPart, time: now, sink: &sink) }
    }

    /// What the device must be answered, at once.
    func sayBack() throws(FieldbusError) {
        guard !intake.decoder.outbox.isEmpty else { return }
        try line.write(intake.decoder.outbox, deadline: clock.now() + device.line.slowestReply)
        intake.decoder.clearOutbox()
    }

    private func countMissed(_ index: Int, at now: Int64) {
        guard let period = plan.requests[index].period else { return }
        let behind = (now - due[index]) / period
        if behind > 0 {
            sink.miss(deadlines: behind, time: now)
        }
        due[index] += (behind + 1) * period
    }

    // MARK: Requests

    private func send(_ index: Int, at now: Int64) throws(FieldbusError) {
        guard let bytes = intake.decoder.bytes(of: index) else {
            // A value of the session that it needs has not been told yet.
            intake.decoder.miss(request: index, .notAvailable, .absent, time: now, sink: &sink)
            if opening != nil { restartSession(after: 1_000_000_000, at: now) }
            return
        }
        if plan.requests[index].reply != nil { intake.decoder.expect(index) }
        intake.said(bytes)
        try line.write(bytes, deadline: now + device.line.slowestReply)
        sink.count(.requests)
        sentAt = now
        guard plan.requests[index].reply != nil else {
            quietUntil = clock.now() + device.line.turnaround
            advanceSession()
            return
        }
        outstanding = Outstanding(request: index, deadline: clock.now() + device.line.slowestReply)
    }

    /// Before a question is asked again whose last reply has not come: another question with another reply, or, where the profile has none,
    /// as long a rest as that reply may be late. Returns whether it has sent something.
    private func passBarrier(before index: Int, at now: Int64) throws(FieldbusError) -> Bool {
        guard let reply = plan.requests[index].reply, let expiry = intake.unanswered.expiry(of: reply, now: now) else { return false }
        let other = plan.requests.indices.first { candidate in
            let request = plan.requests[candidate]
            guard let other = request.reply, request.isRepeatable, request.period != nil, request.slot == nil else { return false }
            return !intake.unanswered.contains(other) && intake.decoder.bytes(of: candidate) != nil
        }
        guard let other else {
            due[index] = expiry
            return false
        }
        sink.see(.barrier, time: now)
        try send(other, at: now)
        return outstanding != nil
    }

    func awaitReply(_ waiting: Outstanding) throws(FieldbusError) {
        let count = try line.read(into: &buffer, deadline: waiting.deadline)
        let now = clock.now()
        if count > 0 {
            intake.take(buffer, count: count, awaited: waiting.request, time: now, sink: &sink)
            try sayBack()
        } else {
            intake.takeRest(awaited: waiting.request, time: now, sink: &sink)
        }
        if intake.decoder.takeAnswered() != nil {
            finish(waiting, at: now)
        } else if now >= waiting.deadline {
            outstanding = nil
            recorder.countBusy(now - sentAt)
            intake.giveUp(waiting.request, sent: sentAt)
            // A reply that still comes belongs to nothing: the line is read and kept quiet for as long as the device may take.
            quietUntil = now + device.line.slowestReply
            quietLimit = now + Self.patience(device)
            try giveUp(waiting.request, at: now)
        } else if streamPart != nil {
            hearStream(at: now)
        }
    }

    private func finish(_ waiting: Outstanding, at now: Int64) {
        outstanding = nil
        sink.count(.replies)
        recorder.countBusy(now - sentAt)
        intake.settle(waiting.request)
        failures[waiting.request] = 0
        repetitions[waiting.request] = 0
        quietUntil = now + device.line.turnaround
        quietLimit = now + Self.patience(device)
        _ = sink.takeFresh()
        health.hear(time: now, sink: &sink)
        if let part = parts[waiting.request], !sink.takeWithheld() { health.refresh(part, time: now, sink: &sink) }
        advanceSession()
        if let slowest, !device.slots.isEmpty { intake.decoder.expireSlots(since: now - 3 * slowest, now: now, sink: &sink) }
    }

    private func giveUp(_ index: Int, at now: Int64) throws(FieldbusError) {
        let request = plan.requests[index]
        if request.isRepeatable, repetitions[index] < request.retries {
            repetitions[index] += 1
            if opening == nil { due[index] = quietUntil }
            return
        }
        repetitions[index] = 0
        let damage = intake.decoder.takeDamage()
        intake.decoder.miss(request: index, damage == nil ? .notAvailable : .invalid, damage ?? .timedOut, time: now, sink: &sink)
        failures[index] += 1
        let period = request.period ?? 1_000_000_000
        guard request.slot == nil else {
            // An empty slot says nothing about the rack.
            if request.period != nil, failures[index] >= 3 { due[index] = max(due[index], now + min(30_000_000_000, period << min(failures[index] - 3, 8))) }
            advanceSession()
            return
        }
        sink.count(.timeouts)
        health.fail(damage == nil ? .nothing : .damage, time: now, sink: &sink)
        let pause = budget.spend(now - sentAt, failures: health.failures, failing: 1, period: period, now: now)
        if opening != nil { return restartSession(after: max(pause, 1_000_000_000), at: now) }
        guard pause > 0 else { return }
        if request.period != nil { due[index] = max(due[index], now + pause) }
        // Silent for long enough to have been replaced: who answers next must say again who it is, and has no session.
        intake.decoder.forgetIdentity()
        if !plan.open.isEmpty { restartSession(after: pause, at: now) }
    }
}
