import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Glibc
import RealTime

/// The loop of a Modbus line: the reads of all its devices, each at its absolute deadline, one at a time.
///
/// Everything here runs on the line's own thread. Buffers are made once; that nothing else is allocated is not yet
/// shown by a count.
final class ModbusLineLoop<Line: RegisterLine, Clock: MonotonicTime> {
    private struct Device {
        let plan: DevicePlan
        var decoder: ModbusDecoder
        var health: DeviceHealth
        var sink: RingSink

        mutating func take(_ registers: [UInt16], of block: ModbusBlock, time: Int64) {
            decoder.take(registers, of: block, time: time, sink: &sink)
            health.hear(time: time, sink: &sink)
        }

        mutating func miss(_ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64) {
            decoder.miss(block, validity, reason, time: time, sink: &sink)
        }

        mutating func hear(time: Int64) { health.hear(time: time, sink: &sink) }

        mutating func fail(period: Int64, time: Int64) -> Int64 { health.fail(period: period, time: time, sink: &sink) }

        mutating func lose(errno: Int32, time: Int64) { health.lose(errno: errno, time: time, sink: &sink) }

        mutating func becomesStale(time: Int64) -> Bool { health.becomesStale(time: time, sink: &sink) }
    }

    private struct Read {
        let device: Int
        var block: ModbusBlock
        var due: Int64
    }

    /// The longest sleep, so that a stop is heard soon. Unit: ns.
    static var longestSleep: Int64 { 100_000_000 }

    private let line: Line
    private let clock: Clock
    private let recorder: LineRecorder
    private var devices: [Device]
    private var reads: [Read]
    /// The reads as they were planned; what a device refused is tried again when the line is opened anew.
    private let planned: [Read]
    private var registers = [UInt16](repeating: 0, count: ModbusBlock.longest)
    private var reconnection: Reconnection
    private var isOpen = false

    init(devices plans: [DevicePlan], line: Line, clock: Clock, recorder: LineRecorder) {
        self.line = line
        self.clock = clock
        self.recorder = recorder
        let now = clock.now()
        var streams = 0
        var alerts = 0
        var devices: [Device] = []
        var reads: [Read] = []
        for (index, plan) in plans.enumerated() {
            guard case .modbus(let modbus) = plan.protocolPlan else { continue }
            let slowest = modbus.blocks.map(\.period).max() ?? 1_000_000_000
            devices.append(
                Device(
                    plan: plan, decoder: ModbusDecoder(plan), health: DeviceHealth(period: slowest, now: now),
                    sink: RingSink(recorder: recorder, streamBase: streams, alertBase: alerts, device: index)))
            reads += modbus.blocks.map { Read(device: devices.count - 1, block: $0, due: 0) }
            streams += plan.streams.count
            alerts += plan.alerts.count
        }
        self.devices = devices
        self.reads = reads
        planned = reads
        reconnection = Reconnection(seed: UInt64(bitPattern: Int64(plans.first?.handle.hashValue ?? 1)))
    }

    /// Runs until told to stop.
    func run(until stop: StopFlag) {
        while !stop.isSet {
            if isOpen { step() } else { reopen() }
            let now = clock.now()
            for index in devices.indices where devices[index].becomesStale(time: now) {
                missAll(index, .stale, time: now)
            }
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
            try line.open()
        } catch {
            let failed = clock.now()
            reconnection.failed(at: failed)
            for index in devices.indices {
                devices[index].lose(errno: error.errnoValue, time: failed)
                missAll(index, .disconnected, time: failed)
            }
            return
        }
        isOpen = true
        let start = clock.now()
        if reads.count != planned.count { reads = planned }
        // What was put off stays put off.
        for index in reads.indices { reads[index].due = max(reads[index].due, start) }
    }

    private func lose(_ error: FieldbusError, time: Int64) {
        line.close()
        isOpen = false
        reconnection.failed(at: time)
        for index in devices.indices {
            devices[index].lose(errno: error.errnoValue, time: time)
            missAll(index, .disconnected, time: time)
        }
    }

    private func missAll(_ index: Int, _ reason: Reason, time: Int64) {
        for read in reads where read.device == index {
            devices[index].miss(read.block, .notAvailable, reason, time: time)
        }
    }

    // MARK: One step

    private func step() {
        guard let next = reads.indices.min(by: { reads[$0].due < reads[$1].due }) else {
            clock.sleep(until: clock.now() + Self.longestSleep)
            return
        }
        let due = reads[next].due
        let now = clock.now()
        if due - now > Self.longestSleep {
            clock.sleep(until: now + Self.longestSleep)
            return
        }
        clock.sleep(until: due)
        let awake = clock.now()
        // Waiting for the read before on the same line is not waking up late.
        if due > now { recorder.lateness.record(awake - due) }
        let period = reads[next].block.period
        let behind = (awake - due) / period
        let device = reads[next].device
        if behind > 0 {
            recorder.countMissed(behind)
            devices[device].sink.event(.deadlinesMissed, figure: behind, time: awake)
        }
        reads[next].due = due + (behind + 1) * period
        perform(next)
    }

    private func perform(_ index: Int) {
        let block = reads[index].block
        let device = reads[index].device
        recorder.countSent()
        do {
            try line.read(
                unit: block.unit, function: block.function, address: block.address, count: block.count,
                timeout: devices[device].plan.line.slowestReply, into: &registers)
            let now = clock.now()
            recorder.countAnswered()
            reconnection.succeeded()
            devices[device].take(registers, of: block, time: now)
            if devices[device].plan.line.turnaround > 0 { clock.sleep(until: now + devices[device].plan.line.turnaround) }
        } catch {
            let now = clock.now()
            if case .deviceException(let code) = error, Self.mayBeARegister(code), let halves = block.halves() {
                // One register that the device does not have costs its neighbours nothing but this: each half is asked at once.
                devices[device].hear(time: now)
                reads[index].block = halves.0
                reads[index].due = now
                reads.append(Read(device: device, block: halves.1, due: now))
                return
            }
            let (validity, reason) = Self.judgement(error)
            devices[device].miss(block, validity, reason, time: now)
            if case .deviceException = error {
                // It answered: it is there, but has no such value.
                devices[device].hear(time: now)
                return
            }
            let pause = devices[device].fail(period: block.period, time: now)
            if pause > 0 { reads[index].due = max(reads[index].due, now + pause) }
            if error.losesLine { lose(error, time: now) }
        }
    }

    /// Whether an exception may mean a register that is not there: illegal data address, and illegal data value, which some devices give for it.
    private static func mayBeARegister(_ code: UInt8) -> Bool { code == 2 || code == 3 }

    private static func judgement(_ error: FieldbusError) -> (Validity, Reason) {
        switch error {
        case .timedOut, .disconnected(ETIMEDOUT): (.notAvailable, .timedOut)
        case .checksumMismatch: (.invalid, .checksumMismatch)
        case .mismatchedReply: (.invalid, .malformed)
        case .deviceException: (.notAvailable, .deviceException)
        case .disconnected, .portHeld, .cannotOpen, .settingsRefused: (.notAvailable, .disconnected)
        }
    }
}
