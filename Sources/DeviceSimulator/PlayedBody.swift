/// What a played patient's heart, lungs and skin do at a time: made from the seed alone.
///
/// Beats and breaths follow one another: how long each takes is by the rate at its beginning. They are made in their
/// order, and some are kept, so that asking for the next sample costs little. One thread asks.
final class PlayedBody {
    let patient: PlayedPatient
    private var beats: Cycles
    private var breaths: Cycles
    private let usual: Usual

    /// What is this patient's own at rest.
    private struct Usual {
        let pulse: Double
        let breathing: Double
        let saturation: Double
        let systolic: Double
        let diastolic: Double
        let temperature: Double
        let endTidal: Double
        /// Where slow changes begin. Unit: turns.
        let phases: [Double]

        init(seed: UInt64) {
            var random = SeededRandom(seed: seed)
            func between(_ low: Double, _ high: Double) -> Double { low + (high - low) * random.unit() }
            pulse = between(64, 88)
            breathing = between(13, 17)
            saturation = between(96.4, 98.4)
            systolic = between(114, 136)
            diastolic = between(68, 82)
            temperature = between(36.4, 37.1)
            endTidal = between(35, 39)
            phases = (0..<8).map { _ in between(0, 1) }
        }
    }

    init(_ patient: PlayedPatient) {
        self.patient = patient
        usual = Usual(seed: patient.seed)
        beats = Cycles(seed: patient.seed ^ 0xBEA7, irregularity: 0.01)
        breaths = Cycles(seed: patient.seed ^ 0xB8EA, irregularity: 0.04)
    }

    /// Slowly to and fro. Range: −1…1.
    private func slow(_ which: Int, period: Double, _ seconds: Double) -> Double {
        Shape.sine(seconds / period + usual.phases[which])
    }

    private func sum(_ seconds: Double, _ part: (PlayedPatient.Episode.Change) -> Double) -> Double {
        patient.episodes.reduce(0) { total, episode in
            let most = part(episode.change)
            return most == 0 ? total : total + most * episode.time.share(at: seconds)
        }
    }

    // MARK: What is so at a time

    /// How fast the heart is, apart from what breathing does to it. Unit: 1/min.
    func steadyPulse(_ seconds: Double) -> Double {
        let change = sum(seconds) {
            switch $0 {
            case .heartRate(let by): by
            case .desaturation(let value): (usual.saturation - value) * 1.2
            case .temperature(let by): by * 8
            case .pressure: 0
            }
        }
        return usual.pulse + 2 * slow(0, period: 131, seconds) + slow(1, period: 47, seconds) + change
    }

    /// The heart beats faster while one breathes in. Unit: 1/min.
    private func heartRate(_ seconds: Double) -> Double {
        steadyPulse(seconds) + 3 * (Shape.breath(breath(seconds).phase) - 0.5)
    }

    /// Unit: 1/min.
    private func breathingRate(_ seconds: Double) -> Double {
        let change = sum(seconds) {
            switch $0 {
            case .desaturation(let value): (usual.saturation - value) * 0.5
            case .temperature(let by): by * 2
            case .heartRate, .pressure: 0
            }
        }
        return usual.breathing + 0.8 * slow(2, period: 97, seconds) + change
    }

    /// Unit: %.
    func saturation(_ seconds: Double) -> Double {
        let change = sum(seconds) { if case .desaturation(let value) = $0 { value - usual.saturation } else { 0 } }
        return min(100, usual.saturation + 0.5 * slow(3, period: 71, seconds) + change)
    }

    /// Unit: Cel.
    func temperature(_ seconds: Double) -> Double {
        let change = sum(seconds) { if case .temperature(let by) = $0 { by } else { 0 } }
        return usual.temperature + 0.1 * slow(4, period: 613, seconds) + change
    }

    /// Unit: mm[Hg].
    func pressure(_ seconds: Double) -> (systolic: Double, diastolic: Double) {
        let change = sum(seconds) { if case .pressure(let by) = $0 { by } else { 0 } }
        let slow = 4 * slow(5, period: 173, seconds)
        return (usual.systolic + slow + change, usual.diastolic + slow / 2 + change / 2)
    }

    /// At the end of the last breath that is over. Unit: mm[Hg].
    func endTidal(_ seconds: Double) -> Double {
        let start = breath(seconds).start
        // Who breathes faster breathes more out.
        return usual.endTidal + 1.2 * slow(6, period: 89, start) - (breathingRate(start) - usual.breathing)
    }

    // MARK: Beats and breaths

    struct Place {
        /// Unit: s.
        let start: Double
        let length: Double
        /// Range: 0..<1.
        let phase: Double
    }

    func breath(_ seconds: Double) -> Place {
        while breaths.needsMore(for: seconds) { breaths.add(rate: breathingRate(breaths.last)) }
        return breaths.place(of: seconds)
    }

    private func prepareBeats(_ seconds: Double) {
        while beats.needsMore(for: seconds) { beats.add(rate: heartRate(beats.last)) }
    }

    func beat(_ seconds: Double) -> Place {
        prepareBeats(seconds)
        return beats.place(of: seconds)
    }

    /// The beat that follows.
    func nextBeat(_ place: Place) -> Place { beat(place.start + place.length) }

    /// As a device tells it: the mean of the last eight. Unit: 1/min.
    func countedPulse(_ seconds: Double) -> Double {
        prepareBeats(seconds)
        return beats.rate(of: 8, before: seconds)
    }

    /// As a device tells it: the mean of the last four. Unit: 1/min.
    func countedBreathing(_ seconds: Double) -> Double {
        _ = breath(seconds)
        return breaths.rate(of: 4, before: seconds)
    }
}

/// What follows one another without a pause: beats, breaths. The first begins before the play does.
private struct Cycles {
    /// How many are kept: what is asked for lies seconds back at most.
    private static let kept = 64
    /// Before the play begins there must be enough for a mean. Unit: s.
    private static let before = 60.0

    private let seed: UInt64
    /// How much of its length the length of one may differ, by chance.
    private let irregularity: Double
    private var starts: [Double]
    private var number: UInt64 = 0

    init(seed: UInt64, irregularity: Double) {
        (self.seed, self.irregularity) = (seed, irregularity)
        starts = [-Self.before]
    }

    /// Where the last one that is known begins.
    var last: Double { starts[starts.count - 1] }

    /// A place needs the beginning of what follows, and that of what follows it.
    func needsMore(for seconds: Double) -> Bool { last <= seconds + 4 }

    mutating func add(rate: Double) {
        number += 1
        var random = SeededRandom(seed: seed &+ number &* 0x9E37_79B9)
        let length = 60 / max(4, min(280, rate)) * (1 + irregularity * (2 * random.unit() - 1))
        starts.append(last + length)
        if starts.count > 2 * Self.kept { starts.removeFirst(Self.kept) }
    }

    private func index(of seconds: Double) -> Int { max(0, (starts.lastIndex { $0 <= seconds } ?? 0)) }

    func place(of seconds: Double) -> PlayedBody.Place {
        let index = min(index(of: seconds), starts.count - 2)
        let length = starts[index + 1] - starts[index]
        return PlayedBody.Place(
            start: starts[index], length: length, phase: max(0, min(1, (seconds - starts[index]) / length)))
    }

    /// The mean rate of the last ones that are over. Unit: 1/min.
    func rate(of count: Int, before seconds: Double) -> Double {
        let end = index(of: seconds)
        let begin = max(0, end - count)
        return end > begin ? Double(end - begin) * 60 / (starts[end] - starts[begin]) : 0
    }
}
