/// Lengths of time as people write them.
package enum DurationText {
    private static let units: [(suffix: String, nanoseconds: Int64)] = [
        ("ns", 1), ("us", 1000), ("ms", 1_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000),
        ("s", 1_000_000_000),
    ]

    /// Reads `500ms`, `1s`, `13.333ms`, `5min`, to the nearest nanosecond; `nil` for anything else or less than zero.
    /// Unit: ns.
    package static func nanoseconds(_ text: String) -> Int64? {
        guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let digits = text.dropLast(unit.suffix.count)
        guard let parsed = DecimalText.parse(Array(digits.utf8)), parsed.mantissa >= 0, let value = Double(digits)
        else { return nil }
        return Int64(exactly: (value * Double(unit.nanoseconds)).rounded())
    }
}
