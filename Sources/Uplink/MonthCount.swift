/// The bytes of a calendar month in UTC.
package struct MonthCount: Sendable, Equatable {
    /// Months since the year 0 that a clock of ours may show: from 2026 on, before which there was no such host.
    static let possible: ClosedRange<Int64> = 2026 * 12...9999 * 12 + 11
    /// More than any link carries in a month. Unit: bytes.
    static let mostBytes: Int64 = 1 << 55

    /// Which month, in months since the year 0; `nil` while no clock has said it.
    package private(set) var month: Int64?
    package private(set) var bytes: Int64

    /// - Parameters: as a book has them; what is impossible is not known.
    package init(month: Int64? = nil, bytes: Int64? = nil) {
        self.month = month.flatMap { Self.possible.contains($0) ? $0 : nil }
        self.bytes = min(max(bytes ?? 0, 0), Self.mostBytes)
    }

    /// - Parameter utc: `nil` where the clock is not set. Unit: ns since 1970.
    mutating func add(_ more: Int64, at utc: Int64?) {
        self = turned(to: utc)
        bytes = min(bytes + min(max(more, 0), Self.mostBytes), Self.mostBytes)
    }

    /// What counts at a moment.
    ///
    /// A later month begins with nothing. Where the clock is not set, nobody knows that a month is over: the one before
    /// goes on. Where it shows an earlier month than it did, it was wrong before, and what was counted since stays.
    package func turned(to utc: Int64?) -> MonthCount {
        guard let now = utc.flatMap(Self.month), now != month else { return self }
        guard let month, now > month else { return MonthCount(month: now, bytes: bytes) }
        return MonthCount(month: now, bytes: 0)
    }

    /// Bytes that count at a moment. Unit: bytes.
    package func bytes(at utc: Int64?) -> Int64 { turned(to: utc).bytes }

    /// The month of a moment; `nil` for one that is impossible.
    ///
    /// Source: H. Hinnant, “chrono-compatible low-level date algorithms”, `civil_from_days`.
    static func month(_ utc: Int64) -> Int64? {
        guard utc >= 0 else { return nil }
        let days = utc / 86_400_000_000_000 + 719_468
        let (era, day) = (days / 146_097, days % 146_097)
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * year + year / 4 - year / 100)
        // Counted from March on.
        let shifted = (5 * dayOfYear + 2) / 153
        let month = (era * 400 + year) * 12 + shifted + 2
        return possible.contains(month) ? month : nil
    }

    /// As `2026-11`.
    package var name: String? {
        month.map { month in
            let number = month % 12 + 1
            return "\(month / 12)-\(number < 10 ? "0" : "")\(number)"
        }
    }
}

/// What a link may carry.
package struct LinkLimits: Sendable, Equatable {
    /// Unit: bit/s.
    package var bitsPerSecond: Int64?
    /// Unit: bytes in a calendar month.
    package var bytesPerMonth: Int64?

    /// What may be configured.
    package static let rates: ClosedRange<Int64> = 8_000...10_000_000_000
    package static let months: ClosedRange<Int64> = 10_000_000...100_000_000_000_000

    package init(bitsPerSecond: Int64? = nil, bytesPerMonth: Int64? = nil) {
        self.bitsPerSecond = bitsPerSecond.map { min(max($0, Self.rates.lowerBound), Self.rates.upperBound) }
        self.bytesPerMonth = bytesPerMonth.map { min(max($0, Self.months.lowerBound), Self.months.upperBound) }
    }

    /// The share of the month's bytes from which on no waveforms go. Unit: percent.
    package static let waveformShare: Int64 = 80

    /// What goes when so many bytes have gone in the month.
    package func stage(at bytes: Int64) -> LinkStage {
        guard let limit = bytesPerMonth else { return .everything }
        if bytes >= limit { return .alarmsAndPumpEvents }
        return bytes >= limit / 100 * Self.waveformShare ? .noWaveforms : .everything
    }

    /// The most bytes of one bundle: about two seconds of the link, so that others have their turn. Unit: bytes.
    var bundleBytes: Int { bitsPerSecond.map { Int(clamping: max(Int64(Pace.fewestBytes), $0 / 4)) } ?? .max }
}

/// What of everything goes, by how much of the month's bytes has gone.
package enum LinkStage: String, Sendable, CaseIterable {
    case everything
    /// From 80 % on.
    case noWaveforms = "no waveforms"
    /// The month's bytes are used up: alarms, other events and what they refer to.
    case alarmsAndPumpEvents = "alarms and pump events only"
}

/// How long what was sent is paid for by waiting, so that a link carries no more than its rate.
struct RateCap: Equatable {
    /// What is owed for longer than this is forgiven. Unit: ns.
    private static let longest: Double = 3600e9

    private let bitsPerSecond: Double
    /// From when on something may be sent. Unit: ns of the monotonic clock.
    private var freeAt: Int64 = .min

    init(bitsPerSecond: Int64) { self.bitsPerSecond = Double(max(1, bitsPerSecond)) }

    /// So many bytes were sent just now.
    mutating func charge(_ bytes: Int64, at now: Int64) {
        guard bytes > 0 else { return }
        let cost = Double(bytes) * 8e9 / bitsPerSecond
        let owed = freeAt > now ? Double(freeAt - now) : 0
        freeAt = now.addingReportingOverflow(Int64(min(owed + cost, Self.longest))).partialValue
    }

    /// How long nothing is to be sent but what is urgent. Unit: ns.
    func wait(at now: Int64) -> Int64 { freeAt > now ? freeAt - now : 0 }
}
