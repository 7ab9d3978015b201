import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Glibc

/// A device of a Modbus line, with what its loop remembers of it.
struct ModbusLineDevice {
    let plan: DevicePlan
    /// The unit numbers under which it and its virtual devices answer.
    let units: Set<UInt8>
    private let blocks: [ModbusBlock]
    var decoder: ModbusDecoder
    var health: DeviceHealth
    var sink: RingSink
    private var budget: FailureBudget

    init(_ plan: DevicePlan, _ blocks: [ModbusBlock], place: RingSink.Place, neighbours: Int, recorder: LineRecorder, now: Int64) {
        self.plan = plan
        self.blocks = blocks
        units = Set(blocks.map(\.unit))
        decoder = ModbusDecoder(plan)
        sink = RingSink(recorder: recorder, place: place)
        health = DeviceHealth(
            parts: blocks.map { block in
                let stream = block.fields.first?.targets.first.map { plan.streams[$0.stream].metric }
                return DeviceHealth.Part(period: block.period, name: stream ?? "", now: now)
            })
        // A failure takes as long as the device may take, and a little for the wire.
        budget = FailureBudget(hasNeighbours: neighbours > 0, cost: plan.line.slowestReply + 100_000_000, now: now)
    }

    mutating func take(_ registers: [UInt16], of block: ModbusBlock, part: Int, time: Int64) {
        sink.count(.replies)
        if sink.disbelieves(time: time) {
            miss(block, .invalid, .conflictingReplies, time: time)
        } else {
            decoder.take(registers, of: block, time: time, sink: &sink)
        }
        health.hear(time: time, sink: &sink)
        if !sink.takeWithheld() { health.refresh(part, time: time, sink: &sink) }
    }

    mutating func miss(_ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64) {
        decoder.miss(block, validity, reason, time: time, sink: &sink)
    }

    /// The device answered that it cannot: it is there.
    mutating func refuse(time: Int64) {
        sink.count(.exceptions)
        health.hear(time: time, sink: &sink)
    }

    /// Whether it has been silent for so long that it may be another.
    var isSilent: Bool { health.failures >= DeviceHealth.patience }

    /// The line was opened: the device must say who it is before its values count.
    mutating func open(time: Int64) {
        health.open(askingAt: time + plan.line.slowestReply)
        decoder.forgetIdentity()
    }

    mutating func lose(errno: Int32, time: Int64) { health.lose(errno: errno, time: time, sink: &sink) }

    /// A request failed. Returns how long to leave the device alone. Unit: ns.
    ///
    /// - Parameter failing: devices of the line that fail, this one perhaps among them.
    mutating func fail(_ error: FieldbusError, took: Int64, failing: Int, period: Int64, time: Int64) -> Int64 {
        let trace: DeviceHealth.Trace
        switch error {
        case .checksumMismatch, .incomplete, .neverSilent: trace = .damage
        case .mismatchedReply, .conflictingReplies: trace = .others
        default: trace = .nothing
        }
        // Nothing was asked.
        if error == .resting { return 0 }
        if error != .conflictingReplies { sink.count(.timeouts) }
        health.fail(trace, time: time, sink: &sink)
        let pause = budget.spend(took, failures: health.failures, failing: failing, period: period, now: time)
        // Silent for long enough to have been replaced: who answers next must say again who it is.
        if health.failures >= DeviceHealth.patience { decoder.forgetIdentity() }
        return pause
    }

    /// Looks whether anything has become stale, and tells what has waited.
    mutating func watch(time: Int64) {
        sink.tell(time: time)
        while let part = health.nextStale(time: time, sink: &sink) { miss(blocks[part], .notAvailable, .stale, time: time) }
    }

    /// What a sample says when its read failed.
    static func judgement(_ error: FieldbusError) -> (Validity, Reason) {
        switch error {
        case .timedOut, .resting, .disconnected(ETIMEDOUT): (.notAvailable, .timedOut)
        case .checksumMismatch: (.invalid, .checksumMismatch)
        case .incomplete: (.invalid, .frameLost)
        case .mismatchedReply, .neverSilent: (.invalid, .malformed)
        case .conflictingReplies: (.invalid, .conflictingReplies)
        case .deviceException: (.notAvailable, .deviceException)
        case .disconnected, .portHeld, .cannotOpen, .settingsRefused: (.notAvailable, .disconnected)
        }
    }
}

/// One read of a Modbus line, and when it is next due.
struct ModbusLineRead {
    /// A planned read of a device.
    struct Place: Hashable {
        let device: Int
        let part: Int
    }

    let place: Place
    let block: ModbusBlock
    /// Unit: ns.
    var due: Int64 = 0
    /// Going on since the device refused the read.
    var search: RegisterSearch?
    /// When the read may be searched again, after the device refused all of it. Unit: ns.
    var searchAfter: Int64 = 0
    /// Whether the device does not have these registers: they are not asked for.
    var isRefused = false
    private let mayWiden: Bool

    var device: Int { place.device }
    var part: Int { place.part }

    init(_ block: ModbusBlock, of plan: DevicePlan, device: Int, part: Int) {
        self.block = block
        place = Place(device: device, part: part)
        mayWiden = (0..<8).allSatisfy { plan.line.mayRead(block.space, block.address + block.count + $0) }
    }

    private init(_ read: ModbusLineRead, _ block: ModbusBlock, isRefused: Bool, due: Int64) {
        self.block = block
        place = read.place
        mayWiden = read.mayWiden
        searchAfter = .max
        self.isRefused = isRefused
        self.due = due
    }

    /// A part of the read, in its place.
    func replaced(by block: ModbusBlock, isRefused: Bool, due: Int64) -> ModbusLineRead {
        ModbusLineRead(self, block, isRefused: isRefused, due: due)
    }

    func request(_ block: ModbusBlock, slowestReply: Int64) -> RegisterRequest {
        RegisterRequest(
            unit: block.unit, function: block.function, address: block.address, count: block.count, slowestReply: slowestReply, mayWiden: mayWiden)
    }

    /// Whether an exception may mean a register that is not there: illegal data address, and illegal data value, which some devices give for it.
    static func mayBeARegister(_ code: UInt8) -> Bool { code == 2 || code == 3 }
}
