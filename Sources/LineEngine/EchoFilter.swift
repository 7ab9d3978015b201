/// Takes off the echo of what was sent: an RS-485 adapter that hears itself gives every request back before the reply.
///
/// Bytes that may still turn out to be an echo are held. A reply that repeats its request byte for byte, as some
/// devices acknowledge, is let through when nothing follows it, unless the line is known to echo.
package struct EchoFilter: Sendable {
    private enum State {
        case unknown
        case seen
    }

    /// The longest request that is compared. Unit: bytes.
    private static let longest = 512

    private var sent = [UInt8](repeating: 0, count: EchoFilter.longest)
    private var sentCount = 0
    /// Bytes of the possible echo that have come so far.
    private var matched = 0
    private var isComparing = false
    private var state = State.unknown
    private var sightings = SightingList()

    package init() {}

    /// The line was opened anew.
    package mutating func reset() {
        state = .unknown
        isComparing = false
        (sentCount, matched) = (0, 0)
    }

    /// These bytes have been sent; what comes next may be their echo.
    package mutating func expect(_ bytes: [UInt8]) {
        isComparing = bytes.count <= Self.longest && !bytes.isEmpty
        (sentCount, matched) = (0, 0)
        guard isComparing else { return }
        while sentCount < bytes.count {
            sent[sentCount] = bytes[sentCount]
            sentCount += 1
        }
    }

    /// Gives on what is not echo: `input` is replaced by it, and its count returned. `input` has room for
    /// ``EchoFilter/room`` bytes more.
    package mutating func pass(_ input: inout [UInt8], count: Int) -> Int {
        guard isComparing, count > 0 else { return count }
        var taken = 0
        while taken < count, matched < sentCount, input[taken] == sent[matched] {
            taken += 1
            matched += 1
        }
        if taken == count { return 0 }
        if matched == sentCount {
            // Something follows: what came before was an echo.
            if state == .unknown { sightings.note(.echo) }
            state = .seen
            finish()
            for place in taken..<count { input[place - taken] = input[place] }
            return count - taken
        }
        return release(&input, from: taken, count: count)
    }

    /// The time for the reply is over: what was held is given on, unless it was an echo for sure.
    package mutating func passRest(_ input: inout [UInt8]) -> Int {
        guard isComparing, matched > 0 else {
            finish()
            return 0
        }
        if matched == sentCount, state == .seen {
            finish()
            return 0
        }
        return release(&input, from: 0, count: 0)
    }

    /// It was no echo: the held bytes go before those that are left.
    private mutating func release(_ input: inout [UInt8], from taken: Int, count: Int) -> Int {
        if state == .seen { sightings.note(.echoLost) }
        let rest = count - taken
        var place = rest - 1
        while place >= 0 {
            input[matched + place] = input[taken + place]
            place -= 1
        }
        for place in 0..<matched { input[place] = sent[place] }
        defer { finish() }
        return matched + rest
    }

    private mutating func finish() {
        isComparing = false
        matched = 0
    }

    /// The most bytes that may come out beyond those that went in.
    package static var room: Int { longest }

    package mutating func takeSighting() -> LinkSighting? { sightings.take() }
}
