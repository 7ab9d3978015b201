/// Why a question has no answer. Transport, integrity and device failures are kept apart: each asks for something else.
package enum ExchangeFailure: Error, Sendable, Equatable, BitwiseCopyable {
    /// Transport: nothing came in time.
    case timedOut
    /// Integrity: a frame came with a wrong checksum.
    case checksumMismatch
    /// Integrity: bytes came, but no whole frame.
    case incomplete
    /// Integrity: only frames came that do not belong to the question; the unit that they name, or 0.
    case mismatchedReply(unit: UInt8)
    /// Integrity: two different answers to one question.
    case conflictingReplies
    /// Integrity: nothing was said, because the line is never silent: another master, or a device that babbles.
    case neverSilent
    /// Device: it refused. Source of the codes: MODBUS Application Protocol V1.1b3, section 7.
    case refused(code: UInt8)
    /// Transport: the line was lost meanwhile.
    case lost
}
