import RealTime

/// Which of the host's threads moves. Decides without I/O.
struct PulseWatch {
    /// A thread comes round within moments: one that shows nothing for so long stands. Unit: ns.
    static let patience: Int64 = 4_000_000_000
    /// How long a call of the system may take: a disk that hangs is not mended by a new process, which would only lose
    /// what this one holds; and a name is looked up for so long. Unit: ns.
    static let systemPatience: Int64 = 60_000_000_000

    struct Thread: Sendable {
        let name: String
        let beat: Beat
        /// When it was started. Unit: ns of the monotonic clock.
        let started: Int64
    }

    /// The threads that stand, by name.
    static func standing(_ threads: [Thread], at now: Int64) -> [String] {
        threads.filter { thread in
            let sign = thread.beat.last ?? Beat.Sign(time: thread.started, place: .own)
            return now - sign.time > (sign.place == .own ? patience : systemPatience)
        }.map(\.name)
    }
}
