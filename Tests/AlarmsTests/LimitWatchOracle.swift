import DeviceModel

@testable import Alarms

/// What a watch must tell of one stream, found out slowly: at each tenth of a second all values since the beginning
/// are looked at again, by the words of docs/alarms/presets.md. It shares nothing with the watch but the numbers.
struct LimitWatchOracle {
    struct Level {
        /// Tenths of the unit.
        let limit: Int
        let back: Int
        /// Tenths of a second.
        let delay: Int
    }

    struct Value {
        /// Tenths of a second.
        let time: Int
        /// `nil` of one that does not count.
        let tenths: Int?
    }

    let isLow: Bool
    /// The milder one first.
    let levels: [Level]
    /// Of the stream. Tenths of a second.
    let period: Int
    let missingAfter: Int
    let values: [Value]

    /// The values that count up to a time, the newest first.
    private func counting(until time: Int) -> [(time: Int, tenths: Int)] {
        values.filter { $0.time <= time }.reversed().compactMap { value in
            value.tenths.map { (time: value.time, tenths: $0) }
        }
    }

    /// Whether values have been beyond a limit for its delay, with nothing between that says otherwise.
    private func hasLasted(_ level: Level, at time: Int) -> Bool {
        guard let newest = values.last(where: { $0.time <= time }), newest.tenths != nil,
            time - newest.time <= 3 * period
        else { return false }
        var since: Int?
        for value in counting(until: time) {
            guard isLow ? value.tenths < level.limit : value.tenths > level.limit else { break }
            if let since, since - value.time > max(level.delay, 3 * period) { break }
            since = value.time
        }
        return since.map { time - $0 >= level.delay } ?? false
    }

    private func isBack(_ tenths: Int, _ level: Level) -> Bool {
        isLow ? tenths >= level.back : tenths <= level.back
    }

    /// Everything told up to a time: tenths of a second, and words.
    func story(until end: Int) -> [String] {
        var told: [String] = []
        var (isOn, isWorse, isConfirmed, isMissing, isInUse) = (false, false, false, false, false)
        var since = 0
        let name = isLow ? "low" : "high"
        for time in 0...end {
            let all = counting(until: time)
            let fresh = all.first.flatMap { $0.time == time ? $0.tenths : nil }
            if isInUse, let last = all.first(where: { $0.time < time || fresh == nil })?.time, time - last == 6000,
                fresh == nil
            {
                if isMissing { told.append("\(time) missing ends notInUse") }
                (isMissing, isInUse) = (false, false)
            }
            if let fresh {
                if !isInUse { (isInUse, since) = (true, time) }
                if isMissing { told.append("\(time) missing ends cleared") }
                isMissing = false
                if isOn, isBack(fresh, levels[0]) {
                    told.append("\(time) \(name) ends cleared")
                    (isOn, isWorse) = (false, false)
                } else if isOn, !isConfirmed {
                    told.append("\(time) \(name) confirmed")
                    isConfirmed = true
                }
                if levels.count > 1, isBack(fresh, levels[1]) { isWorse = false }
            }
            let worse = levels.count > 1 && hasLasted(levels[1], at: time)
            if !isOn, worse || hasLasted(levels[0], at: time) {
                told.append("\(time) \(name) begins \(worse ? 1 : 0)")
                (isOn, isWorse, isConfirmed) = (true, worse, true)
            } else if isOn, !isWorse, worse {
                told.append("\(time) \(name) rises 1")
                isWorse = true
            }
            let last = all.first?.time ?? 0
            if isOn, isConfirmed, time - last >= missingAfter {
                told.append("\(time) \(name) unconfirmed")
                isConfirmed = false
            }
            if isInUse, !isMissing, time - max(last, since) >= missingAfter {
                told.append("\(time) missing begins")
                isMissing = true
            }
        }
        return told.sorted()
    }
}
