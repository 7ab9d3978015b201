import DeviceProfiles

/// What a device is told, as bytes: encoded once, and again only when a value that is needed to say it has changed. To say the same thing again
/// allocates nothing.
struct SpokenBytes: Sendable {
    private struct Entry {
        var bytes: [UInt8]?
        /// The judge's count of changes that the bytes were made at; −1 before the first time.
        var generation: Int64 = -1
    }

    private var requests: [Entry]
    private var answers: [Entry]

    init(_ plan: SerialPlan) {
        requests = [Entry](repeating: Entry(), count: plan.requests.count)
        answers = [Entry](repeating: Entry(), count: plan.answers.count)
    }

    /// A request's bytes; `nil` when a value that it needs is not known.
    mutating func request(_ index: Int, _ plan: SerialPlan, _ judge: ValueJudge) -> [UInt8]? {
        if requests[index].generation != judge.generation {
            requests[index] = Entry(bytes: Self.encode(plan.requests[index].send, plan.requests[index].frame, plan, judge), generation: judge.generation)
        }
        return requests[index].bytes
    }

    /// An answer's bytes; `nil` when a value that it needs is not known.
    mutating func answer(_ index: Int, _ plan: SerialPlan, _ judge: ValueJudge) -> [UInt8]? {
        if answers[index].generation != judge.generation {
            answers[index] = Entry(bytes: Self.encode(plan.answers[index].send, plan.answers[index].frame, plan, judge), generation: judge.generation)
        }
        return answers[index].bytes
    }

    private static func encode(_ send: SendTemplate, _ frame: Int?, _ plan: SerialPlan, _ judge: ValueJudge) -> [UInt8]? {
        plan.bytes(send, frame: frame) { name in plan.remembered.first { $0.name == name }.flatMap { judge.text(of: $0.field) } }
    }
}
