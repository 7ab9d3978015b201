import DeviceModel
import ProfileLanguage

/// What a played device measures: the profile's simulated values as functions of time.
struct SimulatedWorld {
    let profile: DeviceProfile

    enum Value {
        case number(Double)
        case text(String)
    }

    /// The value of a field or metric at a time since the start; `nil` when the profile gives none. Unit: s.
    func value(_ name: String, at seconds: Double) -> Value? {
        guard let simulated = profile.simulation[name] else { return nil }
        switch simulated {
        case .text(let text): return .text(text)
        case .number(let number): return .number(number)
        case .recording(let values, let period):
            let index = Int64((seconds * 1e9 / Double(period)).rounded(.down)) % Int64(values.count)
            return .number(values[Int(max(0, index))])
        case .swing(let low, let high, let period):
            // Two sines that never meet again in step look less like a machine than one.
            let phase = seconds / (Double(period) / 1e9)
            let wave = 0.75 * Self.sine(phase) + 0.25 * Self.sine(phase * 3.7)
            return .number(low + (high - low) * (wave + 1) / 2)
        case .ramp(let start, let perHour): return .number(start + perHour * seconds / 3600)
        case .pulse(let low, let high, let rateField):
            guard case .number(let rate)? = value(rateField, at: seconds) else { return .number(low) }
            return .number(low + (high - low) * Self.pulse(seconds * rate / 60))
        }
    }

    /// Of one turn; no library is needed for a shape. Range: −1…1.
    private static func sine(_ turns: Double) -> Double {
        let x = turns - turns.rounded(.down)
        let half = x < 0.5 ? x : x - 0.5
        // Bhaskara's approximation, good to 0.2 %.
        let product = half * 2 * (1 - half * 2)
        let value = 16 * product / (5 - 4 * product)
        return x < 0.5 ? value : -value
    }

    /// A pulse wave: a steep rise, a fall, and the small second wave of the closing valve. Range: 0…1.
    private static func pulse(_ beats: Double) -> Double {
        let x = beats - beats.rounded(.down)
        func bump(_ centre: Double, _ width: Double) -> Double {
            let distance = (x - centre) / width
            return 1 / (1 + distance * distance * distance * distance)
        }
        return min(1, bump(0.18, 0.12) + 0.35 * bump(0.48, 0.1))
    }
}

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }

    /// Range: 0..<1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
