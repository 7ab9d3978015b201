import DevicePlans
import ProfileLanguage

/// What a device is told, as bytes: encoded once, and again only when a value that is needed to say it has changed. To
/// say the same thing again allocates nothing.
struct SpokenBytes: Sendable {
    private struct Entry {
        var bytes: [UInt8]?
        /// The judge's count of changes at which the bytes were last known to be right; −1 before the first time.
        var generation: Int64 = -1
        /// How often it was made.
        var times = 0
        /// The fields whose texts it needs, and the texts that it was made of.
        var texts: [(field: Int, text: [UInt8]?)] = []

        init() {}

        init(_ send: SendTemplate, _ plan: SerialPlan) {
            texts = send.names.compactMap { name in
                plan.remembered.first { $0.name == name }.map { (field: $0.field, text: nil) }
            }
        }

        /// Whether what was made is still right, whatever else has changed. No allocation.
        func isRight(_ judge: ValueJudge) -> Bool {
            if generation < 0 { return false }
            if generation == judge.generation { return true }
            for (field, text) in texts where judge.text(of: field) != text { return false }
            return true
        }
    }

    private var requests: [Entry]
    private var answers: [Entry]

    init(_ plan: SerialPlan) {
        requests = plan.requests.map { Entry($0.send, plan) }
        answers = plan.answers.map { Entry($0.send, plan) }
    }

    /// A request's bytes; `nil` when a value that it needs is not known.
    mutating func request(_ index: Int, _ plan: SerialPlan, _ judge: ValueJudge, time: Int64) -> [UInt8]? {
        Self.say(plan.requests[index].send, plan.requests[index].frame, &requests[index], plan, judge, time)
    }

    func prelude(_ index: Int, _ plan: SerialPlan, _ judge: ValueJudge, time: Int64) -> [(
        bytes: [UInt8], pause: Int64
    )]? {
        var pieces: [(bytes: [UInt8], pause: Int64)] = []
        for piece in plan.requests[index].prelude {
            var entry = Entry()
            guard let bytes = Self.say(piece.send, piece.frame, &entry, plan, judge, time) else { return nil }
            pieces.append((bytes, piece.pause))
        }
        return pieces
    }

    /// An answer's bytes; `nil` when a value that it needs is not known.
    mutating func answer(_ index: Int, _ plan: SerialPlan, _ judge: ValueJudge, time: Int64) -> [UInt8]? {
        Self.say(plan.answers[index].send, plan.answers[index].frame, &answers[index], plan, judge, time)
    }

    private static func say(
        _ send: SendTemplate, _ frame: Int?, _ entry: inout Entry, _ plan: SerialPlan, _ judge: ValueJudge,
        _ time: Int64
    ) -> [UInt8]? {
        if !send.changes, entry.isRight(judge) {
            entry.generation = judge.generation
            return entry.bytes
        }
        let saying = SendTemplate.Saying(times: entry.times, clock: judge.civilClock, time: time)
        let bytes = plan.bytes(send, frame: frame, saying: saying) { name in
            plan.remembered.first { $0.name == name }.flatMap { judge.text(of: $0.field) }
        }
        entry.bytes = bytes
        entry.generation = judge.generation
        if bytes != nil { entry.times += 1 }
        for place in entry.texts.indices { entry.texts[place].text = judge.text(of: entry.texts[place].field) }
        return bytes
    }
}

/// What was said on a line, so that nothing said now completes a command with it.
struct SpeechGuard: Sendable {
    private let barred: [WirePattern]
    private var said: [UInt8] = []

    init(_ plan: SerialPlan) {
        barred = plan.barred
        if !barred.isEmpty { said.reserveCapacity(4 * WirePattern.reach) }
    }

    /// Whether these bytes may be said; what may is remembered. No allocation.
    mutating func mayBeSaid(_ bytes: [UInt8]) -> Bool {
        if ModbusWrite.isWhole(bytes) { return false }
        guard !barred.isEmpty else { return true }
        if said.count > WirePattern.reach { said.removeFirst(said.count - WirePattern.reach) }
        let first = said.count
        said.append(contentsOf: bytes)
        for pattern in barred where pattern.isCompleted(in: said, from: first) {
            said.removeLast(bytes.count)
            return false
        }
        return true
    }
}
