import DeviceModel
import ProfileLanguage

/// What a played device measures: the patient it is at, and the profile's simulated values as functions of time.
struct SimulatedWorld {
    let profile: DeviceProfile
    private let scene: PlayedScene
    private let body: PlayedBody?

    enum Value {
        case number(Double)
        case text(String)
    }

    /// What a field shows, as far as a patient can tell.
    struct Shown {
        let metric: String
        /// UCUM.
        let unit: String?
        let isWaveform: Bool
        let isEpisodic: Bool
    }

    init(profile: DeviceProfile, scene: PlayedScene) {
        self.profile = profile
        self.scene = scene
        body = scene.patient.map(PlayedBody.init)
    }

    /// The value of a field at a time since the start; `nil` when the profile gives none: what a profile does not play
    /// is not connected, whoever is at the bed. Unit: s.
    func value(_ name: String, showing shown: Shown? = nil, at seconds: Double) -> Value? {
        let names = [name] + (shown.map { [$0.metric] } ?? [])
        if let (value, elapsed) = scene.shown(names, at: seconds) { return play(value, at: elapsed) }
        guard let simulated = names.lazy.compactMap({ profile.simulation[$0] }).first else { return nil }
        if let body, let shown, let number = body.value(of: shown, within: simulated.span, at: seconds) {
            return .number(number)
        }
        return play(simulated, at: seconds)
    }

    private func play(_ simulated: SimulatedValue, at seconds: Double) -> Value {
        switch simulated {
        case .text(let text): return .text(text)
        case .number(let number): return .number(number)
        case .recording(let values, let period):
            let index = Int64((seconds * 1e9 / Double(period)).rounded(.down)) % Int64(values.count)
            return .number(values[Int(max(0, index))])
        case .swing(let low, let high, let period):
            // Two sines that never meet again in step look less like a machine than one.
            let phase = seconds / (Double(period) / 1e9)
            let wave = 0.75 * Shape.sine(phase) + 0.25 * Shape.sine(phase * 3.7)
            return .number(low + (high - low) * (wave + 1) / 2)
        case .ramp(let start, let perHour): return .number(start + perHour * seconds / 3600)
        case .pulse(let low, let high, let rateField):
            guard case .number(let rate)? = value(rateField, at: seconds) else { return .number(low) }
            let beats = seconds * rate / 60
            return .number(low + (high - low) * Shape.pulse(beats - beats.rounded(.down)))
        }
    }
}

extension SimulatedValue {
    /// Between what it goes; `nil` for what does not move.
    var span: ClosedRange<Double>? {
        switch self {
        case .swing(let low, let high, _), .pulse(let low, let high, _): min(low, high)...max(low, high)
        case .recording(let values, _):
            if let low = values.min(), let high = values.max() { low...high } else { nil }
        case .number, .text, .ramp: nil
        }
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
