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
    /// Of a frame that is known by its marks, its bits and a sum alone.
    package let plain: PlainFrame?
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
        plain = PlainFrame(format, validWhen)
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

/// A frame of fixed length that is known where it lies by its first bytes, its fixed bits and its sum: most of the
/// frames that are short and many.
package struct PlainFrame: Sendable {
    package let length: Int
    private let start: UInt8
    private let checks: (ByteCheck?, ByteCheck?)
    private let algorithm: ChecksumAlgorithm
    private let encoding: ChecksumEncoding
    private let covered: Range<Int>
    /// Where the sum stands.
    private let sum: Range<Int>

    /// `nil` of a frame that is not so plain.
    init?(_ format: FrameFormat, _ checks: [ByteCheck]) {
        guard case .fixed(let length) = format.length, format.shortest <= length, length <= format.longest,
            format.start.count == 1, format.end.isEmpty, format.stuffing.isEmpty, format.highBits == nil,
            !format.isControl, !format.followsEnd, checks.count <= 2, let checksum = format.checksum,
            checksum.after.isEmpty, let place = format.checksumStart(length: length),
            let covered = format.covered(length: length), place >= 0, place + checksum.length <= length,
            covered.lowerBound >= 0, covered.upperBound <= length
        else { return nil }
        self.length = length
        start = format.start[0]
        self.checks = (checks.first, checks.dropFirst().first)
        (algorithm, encoding) = (checksum.algorithm, checksum.encoding)
        self.covered = covered
        sum = place..<(place + checksum.length)
    }

    /// Whether the whole frame lies at this place of some bytes.
    package func isWhole(_ bytes: [UInt8], at place: Int) -> Bool {
        guard bytes[place] == start else { return false }
        let frame = bytes.span.extracting(place..<(place + length))
        if let check = checks.0, !check.holds(in: frame) { return false }
        if let check = checks.1, !check.holds(in: frame) { return false }
        let value = algorithm.compute(bytes, (place + covered.lowerBound)..<(place + covered.upperBound))
        for position in sum.indices
        where frame[position] != encoding.byte(position - sum.lowerBound, of: value, length: sum.count) { return false }
        return true
    }
}
