/// When a line that was lost is opened again: after 0.5 s, doubling to 30 s, for ever, spread so that lines do not
/// march in step.
struct Reconnection {
    private var attempts: Int64 = 0
    private(set) var next: Int64 = 0
    private var spread: UInt64

    init(seed: UInt64) { spread = seed | 1 }

    mutating func failed(at now: Int64) {
        let step = min(30_000_000_000, Int64(500_000_000) << min(attempts, 6))
        attempts += 1
        // xorshift64: up to a quarter of the step is taken off.
        spread ^= spread << 13
        spread ^= spread >> 7
        spread ^= spread << 17
        next = now + step - Int64(spread % UInt64(step / 4))
    }

    mutating func succeeded() { attempts = 0 }
}
