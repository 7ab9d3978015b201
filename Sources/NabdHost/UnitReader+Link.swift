import StrictYAML
import Uplink

/// What the way to the records service may carry.
extension UnitReader {
    mutating func readLink(_ map: YAMLMapping) {
        let policies = WaveformPolicy.allCases.map { (key: $0.rawValue, value: $0) }
        if let policy = map["waveforms"]?.choice("which waveforms are sent", policies) { unit.uplinkWaveforms = policy }
        unit.uplinkLimits = LinkLimits(
            bitsPerSecond: map["at-most"].flatMap {
                Self.quantity(
                    $0, "the rate", ["kbit/s": 1000, "Mbit/s": 1_000_000, "Gbit/s": 1_000_000_000], LinkLimits.rates,
                    "8 kbit/s to 10 Gbit/s, such as 64 kbit/s")
            },
            bytesPerMonth: map["each-month"].flatMap {
                Self.quantity(
                    $0, "a month's bytes", ["MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000],
                    LinkLimits.months, "10 MB to 100 TB, such as 2 GB")
            })
    }

    /// A whole number with its unit, such as `64 kbit/s`.
    private static func quantity(
        _ value: YAMLValue, _ what: String, _ units: [String: Int64], _ range: ClosedRange<Int64>, _ expected: String
    ) -> Int64? {
        guard let text = value.text(what) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        if parts.count == 2, let count = Int64(parts[0]), count > 0, let unit = units[String(parts[1])] {
            let (whole, isOver) = count.multipliedReportingOverflow(by: unit)
            if !isOver, range.contains(whole) { return whole }
        }
        value.error("expected \(what) from \(expected), found “\(text)”")
        return nil
    }
}
