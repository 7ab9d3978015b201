package import DeviceModel
package import Nomenclature
package import Presets

/// One bed's vitals held against a preset: which conditions begin, change and end. Pure: it knows the time that it is
/// told, and does nothing but answer.
///
/// It is fed every record of the bed's streams as the recorder drains them, and turned once a round. Conditions are
/// dated by the samples' own times, so that the same samples give the same changes however they are cut into rounds.
///
/// A bed is in use while a patient is bound to it. Without one it is in use from its first value that counts until none
/// of its vitals has had one for ``lapse``. What is missing or overdue is told of a bed in use only; limits always.
package struct LimitWatch: Sendable {
    /// Whether somebody is at the bed.
    private enum Attendance: Sendable {
        case empty
        /// Nobody is bound; values come. Unit: ns.
        case seen(since: Int64)
        case bound(since: Int64)

        var since: Int64? {
            switch self {
            case .empty: nil
            case .seen(let since), .bound(let since): since
            }
        }
    }

    /// After so long without a value that counts a bed without a patient is not in use. Unit: ns. Proposed.
    package static let lapse: Int64 = 600_000_000_000

    /// A turn judges time up to so long before it: what was taken by then has come through the line's ring, so that a
    /// value that ends an excursion just in time is never overtaken by the alarm. Unit: ns. A sample is in the ring
    /// well within a millisecond of its time; half a round of the recorder is ten times that.
    package static let settling: Int64 = 10_000_000

    package let bed: WatchedBed
    package let preset: Preset
    /// What of the preset cannot be watched here.
    package let unwatched: [UnwatchedRule]
    private var vitals: [LimitWatchVital] = []
    private var due: [LimitWatchDue] = []
    /// Rules of vitals that no device has: time alone moves them.
    private var absent: [LimitWatchDue] = []
    /// The places of ``vitals`` by the streams' numbers; −1 for what is not watched.
    private var slots: [Int32] = []
    private var attendance = Attendance.empty
    /// When the last value came that counts, of any vital. Unit: ns.
    private var lastSeen: Int64 = .min
    private var changes: [LimitChange] = []

    /// - Parameters:
    ///   - streams: those of the bed's devices; what the preset does not speak of is left alone, waveforms always are.
    ///   - names: with which the streams' units are read.
    ///   - now: from when on it watches. Unit: ns of the monotonic clock.
    package init(bed: WatchedBed, preset: Preset, streams: [WatchedStream], names: Nomenclature, now: Int64) {
        (self.bed, self.preset) = (bed, preset)
        var unwatched: [UnwatchedRule] = []
        let numeric = streams.filter { !$0.descriptor.isWaveform && $0.index >= 0 }
        func of(_ vital: Preset.Vital) -> [WatchedStream] {
            numeric.filter { (names.metric($0.descriptor.metric)?.referenceID ?? $0.descriptor.metric) == vital.metric }
        }
        slots = Array(repeating: -1, count: (numeric.map(\.index).max() ?? -1) + 1)
        for vital in preset.vitals {
            let episodic = preset.episodic.firstIndex { $0.vital == vital }
            var isWatched = false
            for stream in of(vital) where slots[stream.index] < 0 {
                let watched = LimitWatchVital(
                    bed: bed, vital: vital, preset: preset, stream: stream.descriptor, names: names,
                    episodic: episodic, now: now)
                guard let watched else {
                    unwatched.append(
                        UnwatchedRule(
                            metric: vital.metric,
                            cause: .otherUnit(device: stream.descriptor.device, unit: stream.descriptor.unit)))
                    continue
                }
                isWatched = true
                slots[stream.index] = Int32(vitals.count)
                vitals.append(watched)
            }
            if !isWatched { unwatched.append(UnwatchedRule(metric: vital.metric, cause: .noDevice)) }
        }
        let missed = Set(unwatched.filter { $0.cause == .noDevice }.map(\.metric))
        absent = preset.missing.filter { $0.expectation == .bed && missed.contains($0.vital.metric) }.map {
            LimitWatchDue(bed: bed, absent: $0)
        }
        due = preset.episodic.map { rule in
            let devices = of(rule.vital)
            return LimitWatchDue(
                bed: bed, overdue: rule, device: devices.count == 1 ? devices[0].descriptor : nil)
        }
        // Without a device to measure it nothing can be overdue.
        isMeasured = preset.episodic.map { !missed.contains($0.vital.metric) }
        self.unwatched = unwatched
    }

    /// The limits of the preset that nothing here is held against, in the order of its vitals.
    package var unwatchedLimits: [UnwatchedLimit] {
        unwatched.compactMap { rule in
            guard let vital = preset.limits.first(where: { $0.vital.metric == rule.metric })?.vital else { return nil }
            // Of what comes in another unit that is all there is to say.
            let isSaid = rule.cause == .noDevice && unwatched.contains { $0.metric == rule.metric && $0 != rule }
            guard !isSaid else { return nil }
            let words = LimitWatchWords(bed: bed, vital: vital, device: nil, vmd: nil).unwatched(rule.cause)
            return UnwatchedLimit(metric: rule.metric, text: words.text, arabicText: words.arabicText)
        }
    }

    /// Of the episodic rules, whether a device measures the vital.
    private let isMeasured: [Bool]

    /// The place of a stream among those watched; `nil` for what is not watched.
    func slot(ofStream index: Int) -> Int? {
        slots.indices.contains(index) && slots[index] >= 0 ? Int(slots[index]) : nil
    }

    /// The numbers of the streams that it watches, in rising order.
    package var watchedStreams: [Int] { slots.indices.filter { slots[$0] >= 0 } }

    // MARK: Patients

    /// A patient is at the bed from now on. What holds goes on: it may have been the same one.
    package mutating func bind(at now: Int64) { attendance = .bound(since: attendance.since ?? now) }

    /// The patient is there no longer: what holds ends, and the next values are of whoever is next.
    package mutating func release(at now: Int64) { end(.patientLeft, at: now) }

    /// Ends all that holds, and forgets what was beginning.
    package mutating func end(_ ending: LimitChange.Ending, at now: Int64) {
        attendance = .empty
        for index in vitals.indices { vitals[index].end(ending, at: now, &changes) }
        for index in due.indices { due[index].end(ending, at: now, &changes) }
        for index in absent.indices { absent[index].end(ending, at: now, &changes) }
    }

    // MARK: Rounds

    /// Takes a record of a stream. One that is not watched costs a look into a table.
    package mutating func take(_ record: SampleRecord, stream index: Int) {
        guard let slot = slot(ofStream: index) else { return }
        take(record, slot: slot)
    }

    mutating func take(_ record: SampleRecord, slot: Int) {
        guard record.kind == .sample else { return }
        lapse(by: record.monotonicNanoseconds)
        let since = attendance.since
        guard let time = vitals[slot].take(record, inUse: since, &changes) else { return }
        lastSeen = max(lastSeen, time)
        if case .empty = attendance { attendance = .seen(since: time) }
        if let episodic = vitals[slot].episodic {
            due[episodic].take(at: time, inUse: since, &changes)
        }
    }

    /// Lets time pass, and gives all that has changed since the last turn, in the order in which it was found out.
    ///
    /// - Parameter now: not before the samples that it was fed. Unit: ns of the monotonic clock.
    package mutating func turn(now: Int64) -> [LimitChange] {
        lapse(by: now &- Self.settling)
        advance(to: now &- Self.settling)
        guard !changes.isEmpty else { return [] }
        defer { changes.removeAll(keepingCapacity: true) }
        return changes
    }

    private mutating func advance(to time: Int64) {
        let since = attendance.since
        for index in vitals.indices { vitals[index].advance(to: time, inUse: since, &changes) }
        for index in due.indices where isMeasured[index] { due[index].advance(to: time, inUse: since, &changes) }
        for index in absent.indices { absent[index].advance(to: time, inUse: since, &changes) }
    }

    /// Nobody is there any more, when no value has come for so long: nothing is missed. A limit's alarm stands,
    /// unconfirmed.
    private mutating func lapse(by now: Int64) {
        guard case .seen = attendance, now &- lastSeen >= Self.lapse else { return }
        let time = lastSeen &+ Self.lapse
        advance(to: time)
        attendance = .empty
        for index in vitals.indices { vitals[index].endMissing(.notInUse, at: time, &changes) }
        for index in due.indices { due[index].end(.notInUse, at: time, &changes) }
        for index in absent.indices { absent[index].end(.notInUse, at: time, &changes) }
    }
}
