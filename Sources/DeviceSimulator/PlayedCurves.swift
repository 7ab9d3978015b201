/// Forms made of a few sums, without a library: the same bits on every machine.
enum Shape {
    /// Of one turn. Range: −1…1.
    static func sine(_ turns: Double) -> Double {
        let x = turns - turns.rounded(.down)
        let half = x < 0.5 ? x : x - 0.5
        // Bhaskara's approximation, good to 0.2 %.
        let product = half * 2 * (1 - half * 2)
        let value = 16 * product / (5 - 4 * product)
        return x < 0.5 ? value : -value
    }

    /// From 0 to 1 without a corner, while x goes from 0 to 1.
    static func step(_ x: Double) -> Double {
        let within = max(0, min(1, x))
        return within * within * (3 - 2 * within)
    }

    /// A hill of height 1: so wide on its way up, and so wide on its way down.
    static func hill(_ x: Double, at centre: Double, up: Double, down: Double) -> Double {
        let distance = (x - centre) / (x < centre ? up : down)
        guard distance > -1, distance < 1 else { return 0 }
        let rest = 1 - distance * distance
        return rest * rest
    }

    /// What share of a breath one breathes in.
    static let inspiration = 0.38

    /// How far the chest is lifted. Range: 0…1.
    static func breath(_ phase: Double) -> Double {
        phase < inspiration ? step(phase / inspiration) : 1 - step((phase - inspiration) / (1 - inspiration))
    }

    /// A pulse at the finger or in an artery, by the share of the time to the next. Range: 0…1.
    static func pulse(_ phase: Double) -> Double {
        // Steeply up, slowly down, and the small second wave of the closing valve.
        min(1, hill(phase, at: 0.18, up: 0.18, down: 0.42) + 0.3 * hill(phase, at: 0.5, up: 0.17, down: 0.34))
    }

    /// CO2 in the airway, of what the breath ends with. Range: 0…1.
    static func capnogram(_ phase: Double) -> Double {
        // What comes out first was in no lung; then it rises steeply, and then slowly; breathing in washes it away.
        if phase < inspiration { return 1 - step(phase / 0.06) }
        let rise = step((phase - inspiration - 0.06) / 0.09)
        return rise * (0.9 + 0.1 * max(0, min(1, (phase - inspiration) / (1 - inspiration))))
    }
}

extension PlayedBody {
    /// How long a beat is on its way to a finger. Unit: s.
    private static let wayToFinger = 0.22
    private static let wayToArtery = 0.08

    /// Unit: mV.
    func electrocardiogram(_ seconds: Double) -> Double {
        let beat = beat(seconds)
        let next = nextBeat(beat)
        // What belongs to the beat that comes begins before it.
        return complex(seconds - beat.start, length: beat.length) + complex(seconds - next.start, length: next.length)
            + 0.04 * (Shape.breath(breath(seconds).phase) - 0.5)
    }

    /// One beat: the atria, the ventricles, and their rest, which comes the earlier the faster the heart is.
    private func complex(_ since: Double, length: Double) -> Double {
        let rest = 0.19 + 0.12 * min(1.2, length)
        return 0.12 * Shape.hill(since, at: -0.16, up: 0.06, down: 0.06)
            - 0.09 * Shape.hill(since, at: -0.03, up: 0.02, down: 0.022)
            + 1.05 * Shape.hill(since, at: 0, up: 0.032, down: 0.032)
            - 0.2 * Shape.hill(since, at: 0.036, up: 0.022, down: 0.032)
            + 0.28 * Shape.hill(since, at: rest, up: 0.12, down: 0.09)
    }

    /// Range: 0…1.
    func plethysmogram(_ seconds: Double) -> Double {
        let place = beat(seconds - Self.wayToFinger)
        // Breathing moves it a little.
        return Shape.pulse(place.phase) * (0.94 + 0.06 * Shape.breath(breath(seconds).phase))
    }

    /// Unit: mm[Hg].
    func arterialPressure(_ seconds: Double) -> Double {
        let place = beat(seconds - Self.wayToArtery)
        let pressure = pressure(place.start)
        return pressure.diastolic + (pressure.systolic - pressure.diastolic) * Shape.pulse(place.phase)
    }

    /// Range: 0…1.
    func respiration(_ seconds: Double) -> Double { Shape.breath(breath(seconds).phase) }

    /// Unit: mm[Hg].
    func airwayCO2(_ seconds: Double) -> Double { endTidal(seconds) * Shape.capnogram(breath(seconds).phase) }
}
