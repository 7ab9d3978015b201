package import DeviceModel

/// What is known at one bed for its scores: the newest value of each vital sign, and what people entered. A value, with
/// no clock of its own.
///
/// Times are ns of one clock that the caller keeps through restarts. It is for adults only, and not in pregnancy: who
/// that is, the unit cannot know, and a person decides whether the score is looked at.
package struct ScoreDesk: Sendable {
    /// A stream that a part may be taken from.
    private struct Seat: Sendable {
        let part: ScorePart
        let rank: Int
        let isEpisodic: Bool
        /// Unit: ns.
        let mostAge: Int64
        let stream: StreamDescriptor
        var newest: Reading?
        /// When the newest value came that counts. Unit: ns.
        var lastCounting: Int64?
    }

    private struct Reading: Sendable {
        let bits: Int64
        let validity: Validity
        let reason: Reason
        let time: Int64
    }

    private let times: ScoreTimes
    /// Of the best source first, and of one source in the order of the bed's devices.
    private var seats: [Seat] = []
    /// By the number of a stream: where it sits; −1 for one that is not watched.
    private var places: [Int]
    private var entries: [ScoreItem: ScoreEntry] = [:]

    /// - Parameter streams: of the bed's devices, in the order in which the configuration names them. Only of devices
    ///   that measure a patient: another one's temperature has the same name.
    package init(streams: [StreamDescriptor], times: ScoreTimes = .proposed) {
        self.times = times
        places = Array(repeating: -1, count: streams.count)
        var found: [(number: Int, seat: Seat)] = []
        for (number, stream) in streams.enumerated() where !stream.isWaveform && stream.form != .text {
            for part in ScorePart.allCases {
                guard
                    let rank = part.sources.firstIndex(where: { $0.metric == stream.metric && $0.unit == stream.unit })
                else { continue }
                let source = part.sources[rank]
                let seat = Seat(
                    part: part, rank: rank, isEpisodic: source.isEpisodic,
                    mostAge: times.mostAge(part, source).nanoseconds, stream: stream)
                found.append((number, seat))
            }
        }
        found.sort { ($0.seat.rank, $0.number) < ($1.seat.rank, $1.number) }
        seats = found.map(\.seat)
        for (place, (number, _)) in found.enumerated() { places[number] = place }
    }

    /// Whether a stream matters to a score.
    ///
    /// - Parameter stream: its place among those given at the beginning.
    package func watches(_ stream: Int) -> Bool { places.indices.contains(stream) && places[stream] >= 0 }

    /// A sample of a stream. No allocation; what is not watched costs one look.
    package mutating func take(stream: Int, bits: Int64, validity: Validity, reason: Reason, at time: Int64) {
        guard watches(stream) else { return }
        let place = places[stream]
        if let newest = seats[place].newest {
            // What came late changes nothing.
            if time < newest.time { return }
            // A pressure was measured, whatever became of the line since.
            if seats[place].isEpisodic, !validity.carriesValue, reason.isOfLink { return }
        }
        seats[place].newest = Reading(bits: bits, validity: validity, reason: reason, time: time)
        if validity == .valid || validity == .validated { seats[place].lastCounting = time }
    }

    /// What a person entered. The newest of each item counts.
    package mutating func enter(_ entry: ScoreEntry) {
        if let known = entries[entry.item], known.time > entry.time { return }
        entries[entry.item] = entry
    }

    /// Another patient, or none: nothing that was known is of the next one.
    package mutating func clear() {
        entries = [:]
        for place in seats.indices { (seats[place].newest, seats[place].lastCounting) = (nil, nil) }
    }

    // MARK: NEWS2

    /// NEWS2 as of now; incomplete as long as any of its parts is missing.
    package func news2(at now: Int64) -> ScoreResult {
        let scale = entries[.saturationScale].flatMap { NEWS2Chart.SaturationScale(rawValue: $0.value) } ?? .one
        let breathing = current(.oxygen, at: now).known.flatMap { NEWS2Chart.Breathing(rawValue: $0.value) }
        var parts: [ScoreResult.Part] = []
        var missing: [ScoreResult.Missing] = []
        for part in ScorePart.allCases {
            switch part.item.map({ entered($0, at: now) }) ?? observed(part, scale, breathing, at: now) {
            case .known(let part): parts.append(part)
            case .missing(let gap): missing.append(ScoreResult.Missing(name: part.rawValue, gap: gap))
            }
        }
        let total = parts.reduce(0) { $0 + $1.points }
        let band = NEWS2Band(total: total, hasThree: parts.contains { $0.points == 3 })
        return ScoreResult(
            score: .news2, outcome: missing.isEmpty ? .complete(total: total, band: band) : .incomplete(missing),
            parts: parts, scale: scale, time: now)
    }

    private enum Finding<Value> {
        case known(Value)
        case missing(ScoreGap)

        var known: Value? { if case .known(let value) = self { value } else { nil } }
    }

    /// The entry of an item that still counts.
    private func current(_ item: ScoreItem, at now: Int64) -> Finding<ScoreEntry> {
        guard let entry = entries[item] else { return .missing(.neverEntered) }
        if let most = times.mostAge(item)?.nanoseconds, now &- entry.time > most {
            return .missing(.expired(since: entry.time))
        }
        return entry.value == ScoreItem.notSaid ? .missing(.notSaid) : .known(entry)
    }

    private func entered(_ item: ScoreItem, at now: Int64) -> Finding<ScoreResult.Part> {
        switch current(item, at: now) {
        case .missing(let gap): return .missing(gap)
        case .known(let entry):
            let points: Int? =
                switch item {
                case .consciousness:
                    NEWS2Chart.Consciousness(rawValue: entry.value).map(NEWS2Chart.points)
                case .oxygen: NEWS2Chart.Breathing(rawValue: entry.value).map(NEWS2Chart.points)
                case .respiration:
                    Int64(entry.value).flatMap { NEWS2Chart.respiration.points(mantissa: $0, exponent: 0) }
                case .saturationScale: nil
                case .pain, .tiredness, .drowsiness, .nausea, .appetite, .breath, .depression, .anxiety, .wellbeing,
                    .other:
                    Int(entry.value)
                }
            guard let points else { return .missing(.neverEntered) }
            return .known(
                ScoreResult.Part(
                    name: ScorePart.allCases.first { $0.item == item || $0.counted == item }?.rawValue ?? item.rawValue,
                    points: points,
                    value: entry.value, origin: .entered(by: entry.by), time: entry.time))
        }
    }

    /// What a device measures; where none gives a current value, what somebody counted since a device last did. A count
    /// ages, and the patient changes meanwhile: it never stands before what was measured after it.
    private func observed(
        _ part: ScorePart, _ scale: NEWS2Chart.SaturationScale, _ breathing: NEWS2Chart.Breathing?, at now: Int64
    ) -> Finding<ScoreResult.Part> {
        let measured = measured(part, scale, breathing, at: now)
        guard case .missing(let gap) = measured, let item = part.counted else { return measured }
        let last = seats.filter { $0.part == part }.compactMap(\.lastCounting).max()
        switch entered(item, at: now) {
        case .known(let counted): return last.map { $0 < counted.time } ?? true ? .known(counted) : measured
        // Where no device measures it, that the count is too old is all there is to say.
        case .missing(.expired(let since)) where gap == .neverMeasured: return .missing(.expired(since: since))
        case .missing: return measured
        }
    }

    /// The first source that has a current value. Where none has, why the one that spoke last does not count.
    private func measured(
        _ part: ScorePart, _ scale: NEWS2Chart.SaturationScale, _ breathing: NEWS2Chart.Breathing?, at now: Int64
    ) -> Finding<ScoreResult.Part> {
        var last: (gap: ScoreGap, time: Int64)?
        for seat in seats where seat.part == part {
            guard let reading = seat.newest else { continue }
            let finding = judged(seat, reading, scale, breathing, at: now)
            guard case .missing(let gap) = finding else { return finding }
            if case .needs = gap { return finding }
            if last.map({ reading.time > $0.time }) ?? true { last = (gap, reading.time) }
        }
        return .missing(last?.gap ?? .neverMeasured)
    }

    private func judged(
        _ seat: Seat, _ reading: Reading, _ scale: NEWS2Chart.SaturationScale, _ breathing: NEWS2Chart.Breathing?,
        at now: Int64
    ) -> Finding<ScoreResult.Part> {
        guard now &- reading.time <= seat.mostAge else { return .missing(.stale(since: reading.time)) }
        // What is questionable is no ground for a score.
        guard reading.validity == .valid || reading.validity == .validated else {
            return .missing(.notValid(reading.validity, reading.reason))
        }
        guard case .number(let digits) = seat.stream.json(bits: reading.bits, text: nil),
            let number = DecimalText.parse(Array(digits.utf8))
        else { return .missing(.notValid(reading.validity, .implausible)) }
        func points(_ row: NEWS2Chart.Row) -> Int? {
            row.points(mantissa: number.mantissa, exponent: number.exponent)
        }
        let found: Int?
        switch seat.part {
        case .respiration: found = points(NEWS2Chart.respiration)
        case .systolic: found = points(NEWS2Chart.systolic)
        case .pulse: found = points(NEWS2Chart.pulse)
        case .temperature: found = points(NEWS2Chart.temperature)
        case .saturation where scale == .one: found = points(NEWS2Chart.saturationScale1)
        case .saturation:
            let (air, oxygen) = (points(NEWS2Chart.saturationScale2OnAir), points(NEWS2Chart.saturationScale2OnOxygen))
            if breathing == nil, air != oxygen { return .missing(.needs(.oxygen)) }
            found = breathing == .oxygen ? oxygen : air
        case .oxygen, .consciousness: found = nil
        }
        guard let found else { return .missing(.notValid(reading.validity, .implausible)) }
        let stream = seat.stream
        return .known(
            ScoreResult.Part(
                name: seat.part.rawValue, points: found, value: digits,
                origin: .measured(device: stream.device, vmd: stream.vmd, metric: stream.metric), time: reading.time))
    }

    // MARK: ESAS

    /// The symptoms as they were entered. They are observations, each for itself; a sum, of the nine that the form
    /// names, is given only when all nine were said. The tenth is another one with each patient and is in no sum.
    package func esas(at now: Int64) -> ScoreResult {
        var parts: [ScoreResult.Part] = []
        var missing: [ScoreResult.Missing] = []
        for item in ScoreItem.esas {
            switch entered(item, at: now) {
            case .known(let part): parts.append(part)
            case .missing(let gap) where item != .other:
                missing.append(ScoreResult.Missing(name: item.rawValue, gap: gap))
            case .missing: break
            }
        }
        let total = parts.reduce(0) { $0 + ($1.name == ScoreItem.other.rawValue ? 0 : $1.points) }
        return ScoreResult(
            score: .esas, outcome: missing.isEmpty ? .complete(total: total, band: nil) : .incomplete(missing),
            parts: parts, scale: nil, time: now)
    }
}

extension Duration {
    /// Unit: ns. For times of at most a day.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
