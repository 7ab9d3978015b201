import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage

/// What comes over a serial line: without echo to the decoder, and an account of all that is no answer.
struct TextIntake {
    var decoder: SerialDecoder
    /// A reply's shape is its kind of message.
    var discipline: Discipline<Int>
    private let plan: SerialPlan
    private let slowestReply: Int64
    /// Whether the line may echo: it is a wire, and the device speaks when asked only.
    private let mayEcho: Bool
    private var echo = EchoFilter()
    private var input = [UInt8](repeating: 0, count: TextIntake.longest + EchoFilter.room)
    private var lastReply: Int?
    private var seen = SerialDecoder.Counters()
    private var seenSkipped = 0
    private var contention = ContentionWatch()
    private var sawLate = false
    private var sawStray = false

    /// Nothing is asked into the middle of what still comes; a device is not silent about what it owes for longer than
    /// six slowest replies, and two seconds at least.
    static let rules = Discipline<Int>.Rules(gap: 0, pause: 50_000_000, patience: 6, leastPatience: 2_000_000_000)

    /// The most bytes taken at once.
    static let longest = 1024

    init(_ device: DevicePlan, _ plan: SerialPlan) {
        self.plan = plan
        slowestReply = device.line.slowestReply
        discipline = Discipline(Self.rules, devices: 1)
        decoder = SerialDecoder(device, plan)
        mayEcho = device.line.serial != nil && !plan.listens
    }

    /// The line was opened anew. What was not answered before may still come.
    mutating func reset(isSameDevice: Bool) {
        decoder.reset(isSameDevice: isSameDevice)
        echo.reset()
        (seen, seenSkipped) = (decoder.counters, decoder.skippedBytes)
    }

    /// These bytes have been sent.
    mutating func said(_ bytes: [UInt8]) { if mayEcho { echo.expect(bytes) } }

    /// The reply to a request, sent at a time, is not waited for any longer. Unit: ns.
    mutating func giveUp(_ request: Int, sent: Int64) {
        decoder.awaiting = .nothing
        guard let reply = plan.requests[request].reply else { return }
        discipline.giveUp(reply, of: 0, sent: sent, slowestReply: slowestReply, isOnlyShape: true)
    }

    /// A request was answered.
    mutating func settle(_ request: Int) { lastReply = plan.requests[request].reply }

    /// Takes bytes that came. With a count of 0 it is only told the time, which may end a frame that was interrupted.
    ///
    /// - Parameter awaited: the request whose reply is awaited.
    mutating func take(_ bytes: [UInt8], count: Int, awaited: Int?, time: Int64, sink: inout RingSink) {
        for place in 0..<min(count, Self.longest) { input[place] = bytes[place] }
        feed(mayEcho ? echo.pass(&input, count: count) : count, awaited: awaited, time: time, sink: &sink)
    }

    /// The time for a reply is over: what could have been an echo may have been the reply.
    mutating func takeRest(awaited: Int?, time: Int64, sink: inout RingSink) {
        if mayEcho { feed(echo.passRest(&input), awaited: awaited, time: time, sink: &sink) }
    }

    private mutating func feed(_ count: Int, awaited: Int?, time: Int64, sink: inout RingSink) {
        decoder.feed(input, count: count, time: time, sink: &sink)
        while let sighting = echo.takeSighting() { sink.see(sighting.kind, time: time) }
        var unasked: Int64 = 0
        while let message = decoder.takeUnasked() {
            unasked += 1
            sawStray = true
            let isCopy = message == lastReply || awaited.map { plan.requests[$0].reply == message } ?? false
            let isLate = takeLate(message, time: time)
            if isLate { sawLate = true } else if !isCopy { discipline.doubt(0) }
            see(isLate ? .late : isCopy ? .duplicate : .unsolicited, 1, time: time, sink: &sink)
        }
        let counters = decoder.counters
        if counters.frames > seen.frames { sink.count(.frames, Int64(counters.frames - seen.frames)) }
        if counters.damaged > seen.damaged { sawStray = true }
        see(.damaged, Int64(counters.damaged - seen.damaged), time: time, sink: &sink)
        see(.unsolicited, max(0, Int64(counters.unsolicited - seen.unsolicited) - unasked), time: time, sink: &sink)
        if decoder.skippedBytes > seenSkipped { see(.resync, 1, time: time, sink: &sink) }
        (seen, seenSkipped) = (counters, decoder.skippedBytes)
    }

    /// A message that is not awaited may be the late answer, or what looks like it; a refusal is one too.
    private mutating func takeLate(_ message: Int, time: Int64) -> Bool {
        let plan = plan
        let shape = plan.requests.first { $0.refusal == message }?.reply ?? message
        return discipline.takeLate(shape, now: time) || discipline.takeLate(now: time) { plan.isAlike(message, $0) }
    }

    /// Until when what a request would be answered could be taken for the answer to another; `nil` when it may be said.
    /// Unit: ns.
    mutating func expiry(of request: Int, now: Int64) -> Int64? {
        let plan = plan
        guard plan.requests[request].reply != nil else { return nil }
        return discipline.expiry(now: now) { plan.isMistakable(request, $0) }
    }

    /// Whether a reply came after it had been given up, told once.
    mutating func takeLate() -> Bool {
        defer { sawLate = false }
        return sawLate
    }

    /// Whether a reply came that nobody awaited, or something damaged, told once.
    mutating func takeStray() -> Bool {
        defer { sawStray = false }
        return sawStray
    }

    private mutating func see(_ kind: LinkSighting.Kind, _ amount: Int64, time: Int64, sink: inout RingSink) {
        guard amount > 0 else { return }
        sink.see(kind, amount, time: time)
        // A stream that is out of step is not somebody else's talking; unexplained frames are.
        guard kind == .unsolicited, contention.see(time: time) else { return }
        sink.event(.busContention, figure: 5, time: time)
        sink.alert(.busContention, holds: true, time: time)
    }

    /// Looks whether somebody else's talking has ended.
    mutating func watch(time: Int64, sink: inout RingSink) {
        if contention.ends(time: time) { sink.alert(.busContention, holds: false, time: time) }
    }
}
