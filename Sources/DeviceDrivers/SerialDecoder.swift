import DeviceModel
import DeviceProfiles

/// Turns a serial device's bytes into samples.
public struct SerialDecoder: Sendable {
    /// Which replies are taken.
    public enum Awaiting: Sendable, Equatable {
        /// Only streams; a reply that nobody asked for is counted, never read.
        case nothing
        /// The reply to this request.
        case reply(Int)
        /// Any reply, as in a capture.
        case anything
    }

    /// Counts of what was not read.
    public struct Counters: Sendable, Equatable {
        public var frames = 0
        public var damaged = 0
        public var unsolicited = 0
        public var malformed = 0
    }

    private let plan: SerialPlan
    private var framer: Framer
    private var judge: ValueJudge
    private var items = ItemTable()
    private var packet: [UInt8]
    private var packetFrames = 0
    private var inPacket = false
    private var packetOffset = 0
    public var awaiting = Awaiting.nothing
    /// The request whose reply has been read since the last call of ``takeAnswered()``.
    private var answered: Int?
    /// What was wrong with the last damaged frame since the last call of ``takeDamage()``.
    private var damage: Reason?
    public private(set) var counters = Counters()

    public init(_ device: DevicePlan, _ plan: SerialPlan) {
        self.plan = plan
        framer = Framer(plan.frame)
        judge = ValueJudge(device)
        packet = [UInt8](repeating: 0, count: (plan.packet?.count ?? 0) * plan.frame.longest)
    }

    /// The line was opened anew: nothing that came before counts.
    public mutating func reset() {
        framer.reset()
        judge.forgetIdentity()
        (inPacket, packetFrames) = (false, 0)
        (answered, damage) = (nil, nil)
    }

    /// The device may be another by now: it must say again who it is before its values count.
    public mutating func forgetIdentity() { judge.forgetIdentity() }

    /// Takes bytes that arrived at a time and gives what they say to the sink.
    public mutating func feed(_ input: [UInt8], count: Int, time: Int64, sink: inout some RecordSink) {
        var taken = 0
        while taken < count {
            let room = framer.feed(input, from: taken, count: count - taken)
            taken += room
            drain(time: time, finished: false, sink: &sink)
            if room == 0 { break }
        }
    }

    /// No byte will follow.
    public mutating func finish(time: Int64, sink: inout some RecordSink) { drain(time: time, finished: true, sink: &sink) }

    /// The request that was answered, told once.
    public mutating func takeAnswered() -> Int? {
        defer { answered = nil }
        return answered
    }

    /// What was wrong with a frame since it was last asked, told once.
    public mutating func takeDamage() -> Reason? {
        defer { damage = nil }
        return damage
    }

    /// Samples without a value for all that a request would have read.
    public func miss(request: Int, _ validity: Validity, _ reason: Reason, time: Int64, sink: inout some RecordSink) {
        judge.miss(plan.requests[request].outputs, validity, reason, time: time, offset: 0, sink: &sink)
    }

    /// Samples without a value for all that a stream of frames would have brought.
    public func missStream(_ validity: Validity, _ reason: Reason, time: Int64, sink: inout some RecordSink) {
        judge.miss(plan.frameOutputs, validity, reason, time: time, offset: 0, sink: &sink)
        judge.miss(plan.packet?.outputs ?? [], validity, reason, time: time, offset: 0, sink: &sink)
    }

    // MARK: Frames

    private mutating func drain(time: Int64, finished: Bool, sink: inout some RecordSink) {
        while true {
            switch framer.next(finished: finished) {
            case .needMore: return
            case .frame(let start, let length):
                counters.frames += 1
                if case .delimited(_, _, _, _, let separator) = plan.frame.shape {
                    takeMessage(start: start, length: length, separator: separator, time: time, sink: &sink)
                } else {
                    takeFrame(start: start, length: length, time: time, sink: &sink)
                }
            case .damaged(let reason):
                counters.damaged += 1
                damage = reason
                let offset = framer.offset(of: 0)
                judge.miss(plan.frameOutputs, .invalid, reason, time: time, offset: offset, sink: &sink)
                breakPacket(time: time, sink: &sink)
            }
        }
    }

    private mutating func takeFrame(start: Int, length: Int, time: Int64, sink: inout some RecordSink) {
        let offset = framer.offset(of: start)
        let bytes = framer.bytes
        judge.read(plan.frameOutputs, bytes: bytes, start: start, time: time, offset: offset, sink: &sink)
        guard let packetPlan = plan.packet else { return }
        if packetPlan.firstWhen.holds(in: bytes, from: start) {
            breakPacket(time: time, sink: &sink)
            inPacket = true
            packetOffset = offset
        }
        guard inPacket else { return }
        for position in 0..<length { packet[packetFrames * length + position] = bytes[start + position] }
        packetFrames += 1
        if packetFrames == packetPlan.count {
            judge.read(packetPlan.outputs, bytes: packet, start: 0, time: time, offset: packetOffset, sink: &sink)
            (inPacket, packetFrames) = (false, 0)
        }
    }

    /// A packet that has begun will not be completed: its values are missing, and say so.
    private mutating func breakPacket(time: Int64, sink: inout some RecordSink) {
        if packetFrames > 0, let packetPlan = plan.packet {
            judge.miss(packetPlan.outputs, .invalid, .frameLost, time: time, offset: packetOffset, sink: &sink)
        }
        (inPacket, packetFrames) = (false, 0)
    }

    // MARK: Messages

    private mutating func takeMessage(start: Int, length: Int, separator: UInt8?, time: Int64, sink: inout some RecordSink) {
        let bytes = framer.bytes
        let offset = framer.offset(of: start)
        let payload = framer.payload(start: start, length: length)
        guard items.split(bytes, payload, separator: separator) else {
            counters.malformed += 1
            damage = .malformed
            return
        }
        guard let index = plan.requests.firstIndex(where: { names($0, bytes) }), awaiting == .anything || awaiting == .reply(index) else {
            counters.unsolicited += 1
            return
        }
        let request = plan.requests[index]
        guard fits(request, bytes) else {
            counters.malformed += 1
            damage = .malformed
            if awaiting == .anything { judge.miss(request.outputs, .invalid, .malformed, time: time, offset: offset, sink: &sink) }
            return
        }
        judge.read(request.outputs, bytes: bytes, items: items, time: time, offset: offset, sink: &sink)
        answered = index
    }

    /// Whether a message is the reply to this request, by its first item.
    private func names(_ request: RequestPlan, _ bytes: [UInt8]) -> Bool {
        guard case .literal(let name)? = request.reply.first else { return false }
        return bytes[items.range(0)].elementsEqual(name)
    }

    /// Whether a message has the items that the profile says, with its fixed texts in their places.
    private func fits(_ request: RequestPlan, _ bytes: [UInt8]) -> Bool {
        guard items.count == request.reply.count || (request.moreItems && items.count > request.reply.count) else { return false }
        for (index, item) in request.reply.enumerated() {
            if case .literal(let text) = item, !bytes[items.trimmed(index, bytes)].elementsEqual(text) { return false }
        }
        return true
    }
}
