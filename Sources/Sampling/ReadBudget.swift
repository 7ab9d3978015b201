/// How much of a line is read while an answer is awaited: enough for the fastest serial line byte by byte, and no more,
/// so that whoever floods a line costs its own answers and not a processor.
struct ReadBudget {
    /// Unit: ns.
    static let window: Int64 = 5_000_000
    /// A serial line of 115,200 baud brings 58 bytes in a window.
    static let reads = 64
    static let bytes = 16_384

    private var start: Int64 = 0
    private var reads = 0
    private var bytes = 0

    /// So many bytes were read. Returns until when nothing more is read, where that was enough. Unit: ns.
    mutating func spend(_ count: Int, at now: Int64) -> Int64? {
        if now >= start + Self.window { (start, reads, bytes) = (now, 0, 0) }
        reads += 1
        bytes += count
        return reads >= Self.reads || bytes >= Self.bytes ? start + Self.window : nil
    }
}
