package import DeviceModel
package import DevicePlans
import ProfileLanguage

/// Why bytes of a capture were not read.
package struct DecoderNote: Sendable, CustomStringConvertible {
    /// Where they stand in the capture. Unit: bytes.
    package let offset: Int
    package let text: String

    package var description: String { "offset \(offset): \(text)" }
}

/// Turns a serial device's bytes into samples, and says what must be answered.
package struct SerialDecoder: Sendable {
    /// Which replies are taken.
    package enum Awaiting: Sendable, Equatable {
        /// Only what the device says unasked; a reply that nobody asked for is counted, never read.
        case nothing
        /// The reply to this request.
        case reply(Int)
        /// Any reply, as in a capture.
        case anything
    }

    /// Counts of what was and was not read.
    package struct Counters: Sendable, Equatable {
        package var frames = 0
        package var damaged = 0
        package var unsolicited = 0
        package var malformed = 0
        package var repeated = 0

        package init() {}
    }

    /// The most bytes of a message in several frames. Unit: bytes.
    static let longestMessage = 131_072

    let plan: SerialPlan
    private let quiet: Int64?
    var framers: [Framer]
    /// By framer: what its frames are, where all are of one kind that only says values.
    private let runs: [FrameRun?]
    private let stream: [ByteTest?]
    /// Whether any frame carries a running number, or is continued by the next.
    private let isNumbered: Bool
    private let isContinuing: Bool
    private var split: [UInt8]
    var judge: ValueJudge
    private var spoken: SpokenBytes
    private var speech: SpeechGuard
    var captures: CaptureTable
    var recordCaptures: CaptureTable
    var packet: [UInt8]
    var packetFrames = 0
    var inPacket = false
    var packetOffset = 0
    private var assembly: [UInt8] = []
    var gathered: GatheredParts
    /// ``skippedBytes`` when the last question was asked.
    private(set) var skippedBefore = 0
    private var lastNumber: UInt8?
    /// The last message of each kind that tells results.
    var lastEpisode: [UInt64]
    /// Of each message, whether what it tells next may be a result of any time before.
    var isFirstEpisode: [Bool]
    /// How often the record with a key stands in the message.
    var seenKeys: [UInt8]
    private var lastByteTime: Int64 = 0
    package var awaiting = Awaiting.nothing {
        didSet { awaitControl() }
    }
    /// The request whose reply has been read since the last call of ``takeAnswered()``.
    var answered: Int?
    /// Whether the answer was that the device will not.
    package internal(set) var isRefused = false
    /// Replies, whole and known, that nobody awaits: the messages, in order, since the last call of ``takeUnasked()``.
    var unasked: [Int] = []
    /// What was wrong with the last damaged frame since the last call of ``takeDamage()``.
    var damage: Reason?
    /// Whether something was not said back because a command would have been.
    private var isAnswerBarred = false
    /// What must be said back, in order.
    package private(set) var outbox: [UInt8] = []
    package internal(set) var counters = Counters()
    /// What was not read and why, where an author asked for it; at most a hundred.
    package internal(set) var notes: [DecoderNote] = []
    private var keepsNotes = false
    private var records = RecordBuffer()

    package init(_ device: DevicePlan, _ plan: SerialPlan) {
        self.plan = plan
        quiet = device.line.quiet
        framers = plan.interleaved.map { Framer(plan.frames, indices: $0) }
        runs = plan.interleaved.map { FrameRun(plan, $0) }
        stream = plan.interleaved.map { plan.frames[$0[0]].format.bytesWith }
        split = [UInt8](repeating: 0, count: framers.count > 1 || stream.contains { $0 != nil } ? Self.piece : 0)
        judge = ValueJudge(device)
        spoken = SpokenBytes(plan)
        speech = SpeechGuard(plan)
        let most = plan.messages.flatMap { [$0.text?.captures ?? 0, $0.records?.each.captures ?? 0] }.max() ?? 0
        captures = CaptureTable(capacity: most)
        recordCaptures = CaptureTable(capacity: most)
        packet = [UInt8](repeating: 0, count: (plan.packet?.count ?? 0) * (plan.packet?.frameLength ?? 0))
        lastEpisode = [UInt64](repeating: 0, count: plan.messages.count)
        isFirstEpisode = plan.messages.map(\.isRepeated)
        seenKeys = [UInt8](repeating: 0, count: plan.messages.map { $0.records?.keyed.count ?? 0 }.max() ?? 0)
        gathered = GatheredParts(plan)
        isNumbered = plan.frames.contains { $0.format.number != nil }
        isContinuing = plan.frames.contains { $0.format.continuedBy != nil }
        if isContinuing { assembly.reserveCapacity(Self.longestMessage) }
        if !plan.answers.isEmpty { outbox.reserveCapacity(1024) }
        unasked.reserveCapacity(Self.mostUnasked)
        records.reserve(256 + plan.mostOpenSamples)
    }

    /// Replies that nobody awaits, between two looks at them; more are only counted.
    static let mostUnasked = 16

    /// Bytes thrown away to find a frame, in all.
    package var skippedBytes: Int { framers.reduce(0) { $0 + $1.skippedBytes } }

    /// The line was opened anew: nothing that came before counts.
    ///
    /// - Parameter isSameDevice: whether the device need not say again who it is.
    package mutating func reset(isSameDevice: Bool = false) {
        for index in framers.indices { framers[index].reset() }
        if !isSameDevice {
            judge.forgetIdentity()
            for index in isFirstEpisode.indices { isFirstEpisode[index] = plan.messages[index].isRepeated }
        }
        judge.forgetValues()
        assembly.removeAll(keepingCapacity: true)
        outbox.removeAll(keepingCapacity: true)
        (inPacket, packetFrames) = (false, 0)
        (answered, damage, lastNumber) = (nil, nil, nil)
        gathered.clear()
    }

    /// From now on it is noted what is not read. For authors: it allocates.
    package mutating func keepNotes() { keepsNotes = true }

    /// How the clocks on the wall stand, for results with a time of their own.
    package var civilClock: CivilClock? {
        get { judge.civilClock }
        set { judge.civilClock = newValue }
    }

    func isNoting() -> Bool { keepsNotes && notes.count < 100 }

    /// The device may be another by now: it must say again who it is before its values count.
    package mutating func forgetIdentity() { judge.forgetIdentity() }

    /// A question is about to be asked: on a line on which the device only answers, nothing that came before belongs to
    /// the answer.
    package mutating func expect(_ request: Int) {
        awaiting = .reply(request)
        (answered, damage, isRefused) = (nil, nil, false)
        gathered.clear()
        if !plan.listens { for index in framers.indices { framers[index].beginAnew() } }
        skippedBefore = skippedBytes
    }

    private mutating func awaitControl() {
        var isControl = false
        if case .reply(let request) = awaiting, let reply = plan.requests[request].reply {
            isControl = plan.frames[plan.messages[reply].frame].isControl
        }
        for index in framers.indices { framers[index].awaitsControl = isControl }
    }

    /// Takes bytes that arrived at a time and gives what they say to the sink.
    package mutating func feed(_ input: [UInt8], count: Int, time: Int64, sink: inout some RecordSink) {
        var place = 0
        repeat {
            let end = min(count, place + Self.piece)
            read(into: &sink) { $0.feedAll(input, place..<end, time: time, sink: &$1) }
            place = end
        } while place < count
    }

    /// So much is read before what it says is handed over, which then is still near at hand. Unit: bytes.
    private static let piece = 1024

    /// Lets something be read, and gives what it says to the sink.
    mutating func read(into sink: inout some RecordSink, _ body: (inout Self, inout RecordBuffer) -> Void) {
        var buffer = RecordBuffer()
        swap(&buffer, &records)
        body(&self, &buffer)
        buffer.hand(over: &sink)
        swap(&buffer, &records)
    }

    private mutating func feedAll(_ input: [UInt8], _ piece: Range<Int>, time: Int64, sink: inout RecordBuffer) {
        if let quiet, time - lastByteTime > quiet { expire(time: time, sink: &sink) }
        if !piece.isEmpty { lastByteTime = time }
        guard !split.isEmpty else { return feed(0, input, piece, time: time, sink: &sink) }
        // Bytes of no stream are nobody's.
        for index in framers.indices {
            var taken = 0
            for position in piece where belongs(input[position], to: index) {
                split[taken] = input[position]
                taken += 1
            }
            feed(index, split, 0..<taken, time: time, sink: &sink)
        }
    }

    /// Whether a byte is of one of the interleaved streams. The stream that is not said to be of certain bytes has
    /// those that no other has.
    private func belongs(_ byte: UInt8, to index: Int) -> Bool {
        if let test = stream[index] { return test.holds(byte) }
        return !stream.contains { $0?.holds(byte) ?? false }
    }

    private mutating func feed(
        _ index: Int, _ input: [UInt8], _ piece: Range<Int>, time: Int64, sink: inout RecordBuffer
    ) {
        var taken = piece.lowerBound
        while taken < piece.upperBound {
            let room = framers[index].feed(input, from: taken, count: piece.upperBound - taken)
            taken += room
            drain(index, time: time, finished: false, sink: &sink)
            if room == 0 { break }
        }
    }

    /// No byte will follow.
    package mutating func finish(time: Int64, sink: inout some RecordSink) {
        read(into: &sink) { decoder, buffer in
            for index in decoder.framers.indices { decoder.drain(index, time: time, finished: true, sink: &buffer) }
        }
    }

    /// What has begun and was interrupted for too long is given up.
    private mutating func expire(time: Int64, sink: inout RecordBuffer) {
        for index in framers.indices where framers[index].abandon() {
            takeDamage(.frameLost, index, time: time, sink: &sink)
            answer(.damage)
        }
    }

    /// The request that was answered, told once.
    package mutating func takeAnswered() -> Int? {
        defer { answered = nil }
        return answered
    }

    /// The oldest reply that nobody awaits, told once.
    package mutating func takeUnasked() -> Int? { unasked.isEmpty ? nil : unasked.removeFirst() }

    /// What was wrong with a frame since it was last asked, told once.
    package mutating func takeDamage() -> Reason? {
        defer { damage = nil }
        return damage
    }

    /// What must be said back has been said.
    package mutating func clearOutbox() { outbox.removeAll(keepingCapacity: true) }

    /// Whether something was not said back because a command would have been, told once.
    package mutating func takeBarredAnswer() -> Bool {
        defer { isAnswerBarred = false }
        return isAnswerBarred
    }

    /// The bytes of a request, with the values of this session; `nil` when one that it needs is not known.
    package mutating func bytes(of request: Int, time: Int64) -> [UInt8]? {
        spoken.request(request, plan, judge, time: time)
    }

    /// What is said before a request, and how long nothing is said after each; `nil` when a value that it needs is not
    /// known.
    package func prelude(of request: Int, time: Int64) -> [(bytes: [UInt8], pause: Int64)]? {
        spoken.prelude(request, plan, judge, time: time)
    }

    /// Whether bytes may be said as a request or an answer: those of a command may not.
    package mutating func mayBeSaid(_ bytes: [UInt8]) -> Bool { speech.mayBeSaid(bytes) }

    // MARK: Frames

    private mutating func drain(_ index: Int, time: Int64, finished: Bool, sink: inout RecordBuffer) {
        while true {
            if let run = runs[index] {
                drain(run.frame, run.list, run.packet, index, framers[index].buffer, time: time, sink: &sink)
            }
            switch framers[index].next(finished: finished) {
            case .needMore: return
            case .frame(let frame, let length):
                counters.frames += 1
                takeFrame(frame, length: length, framer: index, time: time, sink: &sink)
            case .damaged(let reason):
                takeDamage(reason, index, time: time, sink: &sink)
                answer(.damage)
            case .stray: takeDamage(.frameLost, index, time: time, sink: &sink)
            }
        }
    }

    private mutating func takeDamage(_ reason: Reason, _ index: Int, time: Int64, sink: inout RecordBuffer) {
        counters.damaged += 1
        damage = reason
        gathered.breakOff()
        if isNoting() {
            notes.append(
                DecoderNote(
                    offset: framers[index].position - 1, text: "no whole frame begins here: \(Self.words(reason))"))
        }
        let moment = Moment(time: time, offset: framers[index].position)
        for frame in plan.interleaved[index] {
            judge.miss(plan.frameFields[frame].fields, .invalid, reason, moment, sink: &sink)
            guard plan.interleaved[index].count == 1 else { continue }
            missDamaged(frame, length: framers[index].damagedLength, reason, moment, sink: &sink)
        }
        breakPacket(time: time, sink: &sink)
    }

    private static func words(_ reason: Reason) -> String {
        switch reason {
        case .checksumMismatch: "its checksum does not match"
        case .malformed: "its length or its marks are not those of the frame"
        case .frameLost: "it is interrupted, or follows nothing known"
        default: reason.word
        }
    }

    private mutating func takeFrame(_ frame: Int, length: Int, framer: Int, time: Int64, sink: inout RecordBuffer) {
        let bytes = framers[framer].plain
        let format = plan.frames[frame]
        let list = plan.frameFields[frame]
        let moment = Moment(time: time, offset: framers[framer].frameOffset)
        answer(.frame(frame))
        if isNumbered, isRepetition(format.format, bytes) { return }
        judge.beginMessage()
        if !list.fields.isEmpty {
            judge.read(list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &sink)
        }
        if let packetPlan = plan.packet, packetPlan.frame == frame {
            takePacket(packetPlan.part, bytes, from: 0, moment, sink: &sink)
        }
        guard isContinuing || !plan.messagesOfFrame[frame].isEmpty else { return }
        let payload = format.payloadStart..<format.payloadEnd(length: length)
        if isContinuing, let mark = format.format.continuedBy {
            let isContinued = payload.upperBound < length && bytes[payload.upperBound] == mark
            if isContinued || !assembly.isEmpty {
                guard assembly.count + payload.count <= Self.longestMessage else {
                    assembly.removeAll(keepingCapacity: true)
                    counters.malformed += 1
                    return
                }
                assembly.append(contentsOf: bytes[payload])
                if isContinued { return }
                let whole = assembly
                assembly.removeAll(keepingCapacity: true)
                return takeMessage(frame, whole, length: whole.count, payload: 0..<whole.count, moment, sink: &sink)
            }
        }
        takeMessage(frame, bytes, length: length, payload: payload, moment, sink: &sink)
    }

    /// Whether the frame was received before: it is answered, and not read.
    private mutating func isRepetition(_ format: FrameFormat, _ bytes: [UInt8]) -> Bool {
        for other in plan.frames where other.format.number?.restartsWith == format.name {
            lastNumber = nil
            assembly.removeAll(keepingCapacity: true)
        }
        guard let number = format.number else { return false }
        defer { lastNumber = bytes[number.byte] }
        guard lastNumber == bytes[number.byte] else { return false }
        counters.repeated += 1
        return true
    }

    mutating func answer(_ trigger: SessionDescription.Answer.Trigger) {
        for index in plan.answers.indices where plan.answers[index].to == trigger && outbox.count < 1024 {
            guard let bytes = spoken.answer(index, plan, judge, time: lastByteTime) else { continue }
            if speech.mayBeSaid(bytes) { outbox.append(contentsOf: bytes) } else { isAnswerBarred = true }
        }
    }
}
