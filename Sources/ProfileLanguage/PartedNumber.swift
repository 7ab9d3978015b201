/// Numbers that are written in parts. No allocation; never traps, whatever the bytes.
package enum PartedNumber {
    /// `ddmm.mmmm` or `dddmm.mmmm`, in ten-millionths of a degree, the nearest: 1 cm on the ground. `nil` when the
    /// bytes are not written so.
    package static func degrees(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        var point = range.lowerBound
        while point < range.upperBound, (0x30...0x39).contains(bytes[point]) { point += 1 }
        guard (3...5).contains(point - range.lowerBound), let degrees = digits(bytes, range.lowerBound..<(point - 2)),
            let minutes = digits(bytes, (point - 2)..<point), minutes < 60
        else { return nil }
        var (fraction, size): (Int64, Int64) = (0, 1)
        if point < range.upperBound {
            guard bytes[point] == 0x2E, let read = digits(bytes, (point + 1)..<range.upperBound) else { return nil }
            fraction = read
            for _ in (point + 1)..<range.upperBound { size *= 10 }
        }
        let numerator = (minutes * size + fraction) * 10_000_000
        return degrees * 10_000_000 + (numerator + 30 * size) / (60 * size)
    }

    /// `h:mm` or `h:mm:ss`, as a number of the last part. `nil` when the bytes are not written so.
    package static func clock(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        var (total, parts, low): (Int64, Int, Int) = (0, 0, range.lowerBound)
        while true {
            var high = low
            while high < range.upperBound, bytes[high] != 0x3A { high += 1 }
            guard let part = digits(bytes, low..<high), parts == 0 || part < 60 && high - low == 2, parts < 3,
                part < 1_000_000
            else { return nil }
            total = total * 60 + part
            parts += 1
            if high >= range.upperBound { break }
            low = high + 1
        }
        return parts > 1 ? total : nil
    }

    /// One to nine digits; `nil` for anything else.
    private static func digits(_ bytes: [UInt8], _ range: Range<Int>) -> Int64? {
        guard (1...9).contains(range.count) else { return nil }
        var value: Int64 = 0
        for place in range {
            guard (0x30...0x39).contains(bytes[place]) else { return nil }
            value = value * 10 + Int64(bytes[place] - 0x30)
        }
        return value
    }
}
