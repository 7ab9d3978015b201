import DeviceDrivers
import DeviceModel
import DevicePlans
import ModbusFrames
import ProfileLanguage

/// A device of a Modbus line, with what is remembered of it.
struct ModbusLineDevice {
    let plan: DevicePlan
    /// The unit numbers under which it and its virtual devices answer.
    let units: Set<UInt8>
    let blocks: [ModbusBlock]
    var decoder: ModbusDecoder
    var health: DeviceHealth
    var sink: RingSink
    var drive: ModbusDrive
    private var budget: FailureBudget
    /// The longest read that the device was found to answer, where it did not answer longer ones, and whether it said
    /// so itself. Unit: registers or bits.
    private(set) var longestRead: Int?
    private var isSureOfLongest = false
    /// By part: by how much wider reads than planned the device was found to answer at most, and how often it may have
    /// refused one.
    private(set) var widest: [Int]
    private var wideRefusals: [Int]
    /// Wider reads than planned that were not answered, one after another; `nil` once one was.
    private var wideSilences: Int? = 0

    /// Wider reads in vain after which none is asked any more: some devices answer only whole blocks.
    private static let mostWideSilences = 3

    init(
        _ plan: DevicePlan, _ modbus: ModbusPlan, place: RingSink.Place, neighbours: Int, recorder: LineRecorder,
        now: Int64
    ) {
        self.plan = plan
        let blocks = modbus.blocks
        self.blocks = blocks
        drive = ModbusDrive(modbus, of: plan)
        units = Set(blocks.map(\.unit))
        widest = [Int](repeating: ModbusRead.mostWider, count: blocks.count)
        wideRefusals = [Int](repeating: 0, count: blocks.count)
        decoder = ModbusDecoder(plan)
        sink = RingSink(recorder: recorder, place: place, device: plan)
        health = DeviceHealth(
            parts: blocks.map { block in
                let stream = block.fields.first?.targets.first.map { plan.streams[$0.stream].metric }
                return DeviceHealth.Part(period: block.period, name: stream ?? "", now: now)
            }, isOnWire: plan.line.serial != nil)
        // A failure takes as long as the device may take, and a little for the wire.
        budget = FailureBudget(hasNeighbours: neighbours > 0, cost: plan.line.slowestReply + 100_000_000, now: now)
    }

    /// The device's data came, from `start` on.
    mutating func take(_ bytes: [UInt8], from start: Int, of block: ModbusBlock, part: Int, time: Int64) {
        sink.count(.replies)
        if sink.disbelieves(time: time) {
            miss(block, .invalid, .conflictingReplies, time: time)
        } else {
            decoder.civilClock = sink.recorder.civilClock
            decoder.take(bytes, from: start, of: block, time: time, sink: &sink)
        }
        health.hear(time: time, sink: &sink)
        if !sink.takeWithheld() { health.refresh(part, time: time, sink: &sink) }
    }

    mutating func miss(_ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64) {
        decoder.miss(block, validity, reason, time: time, sink: &sink)
    }

    /// The device answered that it has no such thing: it is there.
    mutating func hearRefusal(time: Int64) { health.hear(time: time, sink: &sink) }

    /// Whether it has been silent for so long that it may be another.
    var isSilent: Bool { health.failures >= DeviceHealth.patience }

    /// The line was opened: the device must say who it is before its values count.
    mutating func open(time: Int64) {
        health.open(askingAt: time + plan.line.slowestReply)
        decoder.forgetIdentity()
        wideSilences = 0
        for part in widest.indices { widest[part] = ModbusRead.mostWider }
        // What was concluded from silence alone is looked at anew.
        if !isSureOfLongest { longestRead = nil }
    }

    mutating func keep(longestRead length: Int, isSure: Bool) {
        longestRead = min(length, longestRead ?? length)
        isSureOfLongest = isSureOfLongest || isSure
    }

    /// The line was lost. Returns whether that is new.
    mutating func lose(errno: Int32, time: Int64) -> Bool { health.lose(errno: errno, time: time, sink: &sink) }

    /// A question failed. Returns how long to leave the device alone. Unit: ns.
    ///
    /// - Parameter failing: devices of the line that fail, this one among them.
    mutating func fail(_ failure: ExchangeFailure, took: Int64, failing: Int, period: Int64, time: Int64) -> Int64 {
        switch failure {
        case .refused, .conflictingReplies: break
        default: sink.count(.timeouts)
        }
        health.fail(trace(failure), time: time, sink: &sink)
        // Silent for long enough to have been replaced: who answers next must say again who it is.
        if isSilent { decoder.forgetIdentity() }
        return pay(took, failing: failing, period: period, time: time)
    }

    /// Time of the line was taken and brought nothing. Returns how long to leave the device alone. Unit: ns.
    mutating func pay(_ took: Int64, failing: Int, period: Int64, time: Int64) -> Int64 {
        budget.spend(took, failures: health.failures, failing: failing, period: period, now: time)
    }

    private func trace(_ failure: ExchangeFailure) -> DeviceHealth.Trace {
        switch failure {
        case .checksumMismatch, .incomplete, .neverSilent: .damage
        case .mismatchedReply(let unit): .others(unit: unit == 0 || units.contains(unit) ? nil : unit)
        case .conflictingReplies: .others(unit: nil)
        case .refused(let code): .refusals(code: code)
        case .timedOut, .lost: .nothing
        }
    }

    // MARK: Reads wider than planned

    /// Whether a read may ask for more than was planned, to be told from one whose answer is owed.
    var mayWiden: Bool { plan.line.mayWiden && (wideSilences ?? 0) < Self.mostWideSilences }

    /// A wider read was refused, or perhaps another of its function that is owed. Returns whether none so wide is asked
    /// any more.
    mutating func refuseWider(_ part: Int, than wider: Int, isCertain: Bool) -> Bool {
        wideRefusals[part] += 1
        guard isCertain || wideRefusals[part] > 1 else { return false }
        wideRefusals[part] = 0
        widest[part] = wider - 1
        return true
    }

    mutating func sawWide(answered: Bool) {
        if answered { wideSilences = nil } else if let silences = wideSilences { wideSilences = silences + 1 }
    }

    /// Looks whether anything has become stale, and tells what has waited.
    mutating func watch(time: Int64) {
        sink.tell(time: time)
        while let part = health.nextStale(time: time, sink: &sink) {
            miss(blocks[part], .notAvailable, .stale, time: time)
        }
    }

    /// What a sample says when its read failed.
    static func judgement(_ failure: ExchangeFailure) -> (Validity, Reason) {
        switch failure {
        case .timedOut: (.notAvailable, .timedOut)
        case .checksumMismatch: (.invalid, .checksumMismatch)
        case .incomplete: (.invalid, .frameLost)
        case .mismatchedReply, .neverSilent: (.invalid, .malformed)
        case .conflictingReplies: (.invalid, .conflictingReplies)
        case .refused: (.notAvailable, .deviceException)
        case .lost: (.notAvailable, .disconnected)
        }
    }

    /// Whether an exception may mean a register that is not there: illegal data address, and illegal data value, which
    /// some devices give for it.
    static func mayBeARegister(_ code: UInt8) -> Bool { code == 2 || code == 3 }

    /// Whether an exception is the device's own word: illegal function, address or value; or, where it comes at once,
    /// that it is busy or has failed. After a while these are a gateway's, for a device that is not there, as 0A and 0B
    /// always are. Source: MODBUS Application Protocol V1.1b3, section 7.
    static func isOwnWord(_ code: UInt8, isQuick: Bool) -> Bool { (1...(isQuick ? 8 : 3)).contains(code) }
}

/// What a question of a Modbus line reads, and how it stands with it.
struct ModbusRead {
    enum Mode {
        case whole
        /// The device refused it, or did not answer: parts of it are asked one after another.
        case searching(RegisterSearch)
        /// The device does not have these registers: they are asked for again after a while, each time a longer one.
        /// Unit of both: ns.
        case refused(askAgain: Int64, after: Int64)
    }

    let block: ModbusBlock
    var mode = Mode.whole
    /// When it may be searched, after nothing of it was found. Unit: ns.
    var searchAfter: Int64 = 0
    /// Questions in a row that nothing was heard of.
    var silences = 0
    /// Registers, or groups of eight bits, by which a read may be wider than planned.
    var widest: Int

    /// Reads wider than planned: that many shapes can be owed before one must be waited for.
    static let mostWider = 8

    /// - Parameter most: by how much wider the device may be asked at most.
    init(_ block: ModbusBlock, of plan: DevicePlan, widest most: Int) {
        self.block = block
        let step = block.space.isBits ? 8 : 1
        let end = block.address + block.count
        let longest = plan.line.longestRead ?? ModbusBlock.longest
        widest = 0
        guard block.space != .identification else { return }
        while widest < most, block.count + (widest + 1) * step <= longest,
            (0..<step).allSatisfy({ plan.line.mayRead(block.space, end + widest * step + $0) })
        {
            widest += 1
        }
    }

    /// What is asked now.
    var part: ModbusBlock { if case .searching(let search) = mode { search.part } else { block } }

    /// What it asks for, wider by so many steps.
    func request(_ part: ModbusBlock, wider: Int) -> ModbusRequest? {
        guard part.space != .identification else {
            return .identification(object: UInt8(truncatingIfNeeded: part.address))
        }
        return ModbusFunction(rawValue: part.function).map {
            .read($0, address: part.address, count: part.count + wider * (part.space.isBits ? 8 : 1))
        }
    }
}
