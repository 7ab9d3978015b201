package import ProfileLanguage

/// A frame, compiled: what finding one asks again and again is worked out once.
///
/// A class so that looking at it counts one reference, not one for each of its lists.
package final class FramePlan: Sendable {
    package let format: FrameFormat
    package let start: [UInt8]
    package let end: [UInt8]
    package let length: FrameFormat.Length?
    package let shortest: Int
    package let longest: Int
    package let payloadStart: Int
    package let isControl: Bool
    package let followsEnd: Bool
    package let needsConfirmation: Bool
    package let startOnly: UInt8?
    package let abort: UInt8?
    package let checksum: ChecksumRule?
    package let validWhen: [ByteCheck]
    package let highBits: FrameFormat.HighBits?
    package let isStuffed: Bool
    /// Of a frame of fixed length.
    private let fixed: (length: Int, payloadEnd: Int, checksumStart: Int?, covered: Range<Int>?)?

    package init(_ format: FrameFormat) {
        self.format = format
        start = format.start
        end = format.end
        length = format.length
        shortest = format.shortest
        longest = format.longest
        payloadStart = format.payloadStart
        isControl = format.isControl
        followsEnd = format.followsEnd
        needsConfirmation = format.needsConfirmation
        startOnly = format.startOnly
        abort = format.abort
        checksum = format.checksum
        validWhen = format.validWhen.map { ByteCheck($0) }
        highBits = format.highBits
        isStuffed = !format.stuffing.isEmpty
        if case .fixed(let length) = format.length {
            fixed = (
                length, format.payloadEnd(length: length), format.checksumStart(length: length),
                format.covered(length: length)
            )
        } else {
            fixed = nil
        }
    }

    /// Where the payload ends in a plain frame of this length.
    package func payloadEnd(length: Int) -> Int {
        if let fixed, fixed.length == length { return fixed.payloadEnd }
        return format.payloadEnd(length: length)
    }

    /// Where the checksum begins in a plain frame of this length; `nil` without a checksum.
    package func checksumStart(length: Int) -> Int? {
        if let fixed, fixed.length == length { return fixed.checksumStart }
        return format.checksumStart(length: length)
    }

    /// The bytes a checksum covers in a plain frame of this length; `nil` when it does not fit.
    package func covered(length: Int) -> Range<Int>? {
        if let fixed, fixed.length == length { return fixed.covered }
        return format.covered(length: length)
    }
}
