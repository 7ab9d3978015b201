package import DeviceModel

/// How many alarms a bed gave, and for how long it was watched.
package struct LimitWatchTally: Sendable {
    /// Alarms of one kind.
    package struct Row: Sendable, Hashable {
        package let metric: String
        package let alert: LimitAlert
        package let priority: AlertPriority
        /// How often one began at this priority.
        package internal(set) var begun = 0
        /// How often one rose to it.
        package internal(set) var risen = 0
    }

    /// A stretch without any sample of the bed's watched streams that is longer is not watched. Unit: ns. Proposed: ten
    /// times the period of most vitals.
    package static let longestGap: Int64 = 10_000_000_000

    /// The time in which samples followed each other. Unit: ns.
    package private(set) var watched: Int64 = 0
    package private(set) var gaps = 0
    /// Unit: ns.
    package private(set) var gapTime: Int64 = 0
    package private(set) var samples = 0
    private var last: Int64?
    private var counts: [String: Row] = [:]

    package init() {}

    /// What follows has times of its own.
    package mutating func beginSession() { last = nil }

    /// A sample was taken. Unit: ns of the monotonic clock.
    package mutating func sample(at time: Int64) {
        samples += 1
        defer { last = max(last ?? time, time) }
        guard let last, time > last else { return }
        let length = time &- last
        if length > Self.longestGap {
            gaps += 1
            gapTime &+= length
        } else {
            watched &+= length
        }
    }

    package mutating func count(_ change: LimitChange) {
        let condition = change.condition
        let key = "\(condition.key.metric) \(condition.key.alert.rawValue) \(condition.priority.rawValue)"
        var row =
            counts[key]
            ?? Row(metric: condition.key.metric, alert: condition.key.alert, priority: condition.priority)
        switch change.what {
        case .begins: row.begun += 1
        case .priorityRaised: row.risen += 1
        case .unconfirmed, .confirmed, .ends: return
        }
        counts[key] = row
    }

    /// Of each metric, alert and priority; those that were called most often first.
    package var rows: [Row] {
        counts.sorted { left, right in
            let (one, other) = (left.value.begun + left.value.risen, right.value.begun + right.value.risen)
            return one == other ? left.key < right.key : one > other
        }.map(\.value)
    }

    /// How often somebody would have been called: beginnings, and rises of the priority.
    package var alarms: Int { counts.values.reduce(0) { $0 + $1.begun + $1.risen } }

    package var hours: Double { Double(watched) / 3.6e12 }

    /// `nil` of a bed that was not watched.
    package func perHour(_ count: Int) -> Double? { watched > 0 ? Double(count) / hours : nil }
}
