import DeviceModel

/// A number of a preset, exact: counts of a thousandth of the vital's unit.
package struct LimitValue: Sendable, Hashable, Comparable {
    /// Places after the point that a preset may write.
    package static let places = 3
    /// No vital of this house comes near it, in whatever unit. Unit: the vital's.
    package static let most: Int64 = 100_000

    /// Range: −``most`` × 1000 … ``most`` × 1000.
    package let thousandths: Int64

    package init(thousandths: Int64) { self.thousandths = thousandths }

    /// Reads `90`, `36.5`, `-2`; `nil` for anything else, for an exponent, for more than three places, and beyond the
    /// range.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count <= 16, bytes.allSatisfy({ $0 == 0x2D || $0 == 0x2E || (0x30...0x39).contains($0) }),
            let first = bytes.first, first != 0x2E, let last = bytes.last, last != 0x2E,
            let counts = try? DecimalText.counts(bytes, 0..<bytes.count, places: Self.places),
            abs(counts) <= Self.most * 1000
        else { return nil }
        thousandths = counts
    }

    /// The number as exact decimal text.
    package var text: String { DecimalText.render(thousandths, exponent: -Self.places) }

    /// The double nearest to it: what the same decimal text reads as.
    package var double: Double { Double(thousandths) / 1000 }

    package static func < (left: LimitValue, right: LimitValue) -> Bool { left.thousandths < right.thousandths }

    package static func + (left: LimitValue, right: LimitValue) -> LimitValue {
        LimitValue(thousandths: left.thousandths &+ right.thousandths)
    }

    package static func - (left: LimitValue, right: LimitValue) -> LimitValue {
        LimitValue(thousandths: left.thousandths &- right.thousandths)
    }
}
