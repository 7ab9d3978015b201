/// How a played device misbehaves: faults, each with the share of messages it strikes.
///
/// Written as `silent:0.01,wrong-checksum:0.05`. The seed decides which messages; the same seed gives the same faults.
public struct FaultScript: Sendable {
    public enum Fault: String, Sendable, CaseIterable {
        /// The message is not sent.
        case silent
        /// The message comes a second late.
        case late
        /// Only the first half is sent.
        case truncated
        /// A bit is changed.
        case wrongChecksum = "wrong-checksum"
        /// Random bytes come before the message.
        case noise
        /// The message is sent twice.
        case duplicated
    }

    /// A script that cannot be read.
    public struct Unreadable: Error, CustomStringConvertible {
        public let description: String
    }

    private let shares: [(fault: Fault, share: Double)]
    private var random: SeededRandom

    public init(_ text: String, seed: UInt64) throws {
        shares = try text.split(separator: ",").map { part in
            let pair = part.split(separator: ":")
            guard pair.count == 2, let fault = Fault(rawValue: String(pair[0])), let share = Double(pair[1]), (0...1).contains(share) else {
                let names = Fault.allCases.map(\.rawValue).joined(separator: ", ")
                throw Unreadable(description: "“\(part)” is not FAULT:SHARE; faults are \(names), shares are 0 to 1")
            }
            return (fault, share)
        }
        random = SeededRandom(seed: seed)
    }

    /// What is sent instead of a message, and how much later. Unit: ns.
    mutating func apply(_ message: [UInt8]) -> (bytes: [UInt8], delay: Int64) {
        var result = message
        var delay: Int64 = 0
        for (fault, share) in shares where random.unit() < share {
            switch fault {
            case .silent: return ([], 0)
            case .late: delay = 1_000_000_000
            case .truncated: result = Array(result.prefix(result.count / 2))
            case .wrongChecksum:
                guard !result.isEmpty else { continue }
                let place = Int(random.next() % UInt64(result.count))
                result[place] ^= 1 << UInt8(random.next() % 8)
            case .noise: result = (0..<3).map { _ in UInt8(truncatingIfNeeded: random.next()) } + result
            case .duplicated: result += result
            }
        }
        return (result, delay)
    }
}
