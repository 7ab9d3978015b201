import Synchronization

/// How late wake-ups were: counts in buckets that are at most 6.25 % wide, from 1 ns to 18 minutes.
///
/// One thread records, any thread reads; a reading beside a recording is at most one record behind.
package final class LatenessHistogram: @unchecked Sendable {
    private static let bucketsPerOctave = 16
    private static let bucketCount = 40 * bucketsPerOctave
    private let counts: UnsafeMutablePointer<Atomic<UInt64>>

    package init() {
        counts = .allocate(capacity: Self.bucketCount)
        for index in 0..<Self.bucketCount { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit { counts.deallocate() }

    /// - Parameter nanoseconds: how late; less than zero counts as zero.
    package func record(_ nanoseconds: Int64) {
        counts[Self.bucket(nanoseconds)].wrappingAdd(1, ordering: .relaxed)
    }

    private static func bucket(_ nanoseconds: Int64) -> Int {
        let value = UInt64(max(0, nanoseconds)) + UInt64(bucketsPerOctave)
        let octave = 63 - value.leadingZeroBitCount - 4
        let index = octave * bucketsPerOctave + Int(value >> UInt64(octave)) - bucketsPerOctave
        return min(index, bucketCount - 1)
    }

    /// The largest lateness that falls into a bucket.
    private static func upperBound(_ bucket: Int) -> Int64 {
        let octave = bucket / bucketsPerOctave
        let step = bucket % bucketsPerOctave + bucketsPerOctave + 1
        return Int64(step) << Int64(octave) - Int64(bucketsPerOctave) - 1
    }

    /// How many were recorded.
    package var total: UInt64 { Self.total(of: [self]) }

    package static func total(of histograms: [LatenessHistogram]) -> UInt64 {
        histograms.reduce(0) { sum, histogram in
            (0..<bucketCount).reduce(sum) { $0 + histogram.counts[$1].load(ordering: .relaxed) }
        }
    }

    /// The lateness below which this share of all records lies, or `nil` when there is none. Unit: ns. Range of
    /// `share`: 0…1.
    package static func quantile(_ share: Double, of histograms: [LatenessHistogram]) -> Int64? {
        let total = total(of: histograms)
        guard total > 0 else { return nil }
        var left = UInt64((Double(total) * share).rounded(.up))
        for bucket in 0..<bucketCount {
            let count = histograms.reduce(0) { $0 + $1.counts[bucket].load(ordering: .relaxed) }
            if count >= left { return upperBound(bucket) }
            left -= count
        }
        return upperBound(bucketCount - 1)
    }
}
