/// The decimal floats of IEEE 11073-20601: FLOAT-Type of 32 bits, an exponent of 8 and a mantissa of 24, and
/// SFLOAT-Type of 16, an exponent of 4 and a mantissa of 12, both signed. The value is mantissa · 10^exponent.
package struct MedicalFloat: Sendable {
    package enum Reading: Sendable, Equatable {
        /// In counts of the last place that is kept.
        case number(Int64)
        /// The bits of a mantissa that is no number, whatever the exponent.
        case special(Int64)
        /// It has more digits after the point than are kept.
        case tooPrecise
        case tooLarge
    }

    /// Bits of the mantissa.
    private let mantissaBits: Int64
    private let exponentBits: Int64

    /// - Parameter width: 16 or 32 bits.
    package init(width: Int) { (mantissaBits, exponentBits) = width == 16 ? (12, 4) : (24, 8) }

    private var largest: Int64 { 1 << (mantissaBits - 1) - 1 }
    package var notANumber: Int64 { largest }
    package var notAtThisResolution: Int64 { largest + 1 }
    package var positiveInfinity: Int64 { largest - 1 }
    package var negativeInfinity: Int64 { largest + 3 }
    private var reserved: Int64 { largest + 2 }

    /// The number of some bits, with so many digits after the point.
    package func read(_ bits: UInt64, places: Int) -> Reading {
        let mantissa = Int64(bits & (1 << UInt64(mantissaBits) - 1))
        if (positiveInfinity...negativeInfinity).contains(mantissa) { return .special(mantissa) }
        let signed = mantissa > largest ? mantissa - 1 << mantissaBits : mantissa
        let field = Int64(bits >> UInt64(mantissaBits) & (1 << UInt64(exponentBits) - 1))
        var steps = (field >> (exponentBits - 1) & 1 == 1 ? field - 1 << exponentBits : field) + Int64(places)
        var counts = signed
        if counts == 0 { return .number(0) }
        while steps > 0 {
            let (product, isTooLarge) = counts.multipliedReportingOverflow(by: 10)
            if isTooLarge { return .tooLarge }
            counts = product
            steps -= 1
        }
        while steps < 0 {
            guard counts.isMultiple(of: 10) else { return .tooPrecise }
            counts /= 10
            steps += 1
        }
        return .number(counts)
    }

    /// The bits of a number with so many digits after the point; `nil` where it has none.
    package func bits(of counts: Int64, places: Int) -> UInt64? {
        guard counts.magnitude < largest - 1 else { return nil }
        let exponent = UInt64(bitPattern: Int64(-places)) & (1 << UInt64(exponentBits) - 1)
        return exponent << UInt64(mantissaBits) | UInt64(bitPattern: counts) & (1 << UInt64(mantissaBits) - 1)
    }

    /// The most that a mantissa says.
    var largestMantissa: Int64 { positiveInfinity - 1 }

    /// The largest number, in counts of the last of so many places, or the largest that is kept.
    func largestCounts(places: Int) -> Int64 {
        var counts = largestMantissa
        for _ in 0..<(1 << (exponentBits - 1) - 1 + Int64(places)) {
            let (product, isTooLarge) = counts.multipliedReportingOverflow(by: 10)
            if isTooLarge { return .max }
            counts = product
        }
        return counts
    }

    /// Whether some bits are this number, with so many digits after the point.
    func holds(_ counts: Int64, places: Int) -> Bool {
        var (mantissa, exponent) = (counts, Int64(-places))
        while mantissa != 0, mantissa.isMultiple(of: 10) { (mantissa, exponent) = (mantissa / 10, exponent + 1) }
        let most: Int64 = 1 << (exponentBits - 1) - 1
        while exponent > most, mantissa.magnitude <= largestMantissa.magnitude {
            (mantissa, exponent) = (mantissa * 10, exponent - 1)
        }
        return mantissa.magnitude <= largestMantissa.magnitude && (-most - 1...most).contains(exponent)
    }
}
