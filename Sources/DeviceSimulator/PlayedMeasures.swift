/// What of a patient a metric shows: by the metric's name and unit alone, whatever device has it.
enum PlayedMeasure: Sendable {
    case pulse
    case breathing
    case saturation
    case temperature
    case systolic
    case diastolic
    case mean
    case endTidalCO2
    case inspiredCO2
    case curve(Curve)

    /// A form in time.
    enum Curve: Sendable {
        case electrocardiogram
        case plethysmogram
        case respiration
        case arterialPressure
        case airwayCO2
    }

    private static let ofMetric: [String: PlayedMeasure] = [
        "MDC_ECG_HEART_RATE": .pulse, "MDC_PULS_OXIM_PULS_RATE": .pulse, "MDC_PULS_RATE": .pulse,
        "MDC_PULS_RATE_NON_INV": .pulse, "MDC_PLETH_PULS_RATE": .pulse, "MDC_BLD_PULS_RATE_INV": .pulse,
        "MDC_RESP_RATE": .breathing, "MDC_TTHOR_RESP_RATE": .breathing, "MDC_CO2_RESP_RATE": .breathing,
        "MDC_AWAY_RESP_RATE": .breathing,
        "MDC_PULS_OXIM_SAT_O2": .saturation,
        "MDC_TEMP": .temperature, "MDC_TEMP_BODY": .temperature, "MDC_TEMP_CORE": .temperature,
        "MDC_TEMP_ORAL": .temperature, "MDC_TEMP_RECT": .temperature, "MDC_TEMP_TYMP": .temperature,
        "MDC_PRESS_BLD_NONINV_SYS": .systolic, "MDC_PRESS_BLD_NONINV_DIA": .diastolic,
        "MDC_PRESS_BLD_NONINV_MEAN": .mean,
        "MDC_PRESS_BLD_ART_SYS": .systolic, "MDC_PRESS_BLD_ART_DIA": .diastolic, "MDC_PRESS_BLD_ART_MEAN": .mean,
        "MDC_PRESS_BLD_ART_ABP_SYS": .systolic, "MDC_PRESS_BLD_ART_ABP_DIA": .diastolic,
        "MDC_PRESS_BLD_ART_ABP_MEAN": .mean,
        "MDC_AWAY_CO2_ET": .endTidalCO2, "MDC_AWAY_CO2_EXP": .endTidalCO2, "MDC_CONC_AWAY_CO2_ET": .endTidalCO2,
        "MDC_CONC_AWAY_CO2_EXP": .endTidalCO2,
        "MDC_AWAY_CO2_INSP": .inspiredCO2, "MDC_CONC_AWAY_CO2_INSP": .inspiredCO2,
        "MDC_PULS_OXIM_PLETH": .curve(.plethysmogram), "NABD_RESPIRATION_WAVE": .curve(.respiration),
        "MDC_PRESS_BLD_ART": .curve(.arterialPressure), "MDC_PRESS_BLD_ART_ABP": .curve(.arterialPressure),
        "MDC_AWAY_CO2": .curve(.airwayCO2), "MDC_CONC_AWAY_CO2": .curve(.airwayCO2),
        "MDC_ECG_ELEC_POTL": .curve(.electrocardiogram), "MDC_ECG_ELEC_POTL_I": .curve(.electrocardiogram),
        "MDC_ECG_ELEC_POTL_II": .curve(.electrocardiogram), "MDC_ECG_ELEC_POTL_V": .curve(.electrocardiogram),
    ]

    /// `nil` for what no patient has, and for a curve that is told as a number or the other way round.
    init?(of shown: SimulatedWorld.Shown) {
        guard let measure = Self.ofMetric[shown.metric] else { return nil }
        let isCurve = if case .curve = measure { true } else { false }
        guard isCurve == shown.isWaveform else { return nil }
        self = measure
    }
}

extension PlayedBody {
    /// A cuff is pumped up every five minutes. Unit: s.
    private static let cuffEvery = 300.0

    /// What a metric shows, in its unit; `nil` for what this is not the patient's.
    ///
    /// - Parameter span: between what a curve without a unit goes.
    func value(of shown: SimulatedWorld.Shown, within span: ClosedRange<Double>?, at seconds: Double) -> Double? {
        guard let measure = PlayedMeasure(of: shown) else { return nil }
        switch measure {
        case .pulse: return shown.isEpisodic ? steadyPulse(cuffTime(seconds)) : countedPulse(seconds)
        case .breathing: return countedBreathing(seconds)
        case .saturation: return saturation(seconds)
        case .temperature: return temperature(seconds)
        case .systolic: return pressure(at: seconds, shown).systolic
        case .diastolic: return pressure(at: seconds, shown).diastolic
        case .mean:
            let pressure = pressure(at: seconds, shown)
            return pressure.diastolic + (pressure.systolic - pressure.diastolic) / 3
        case .endTidalCO2: return Self.pressure(endTidal(seconds), in: shown.unit)
        case .inspiredCO2: return 0
        case .curve(let curve): return value(of: curve, in: shown.unit, within: span, at: seconds)
        }
    }

    private func pressure(at seconds: Double, _ shown: SimulatedWorld.Shown) -> (systolic: Double, diastolic: Double) {
        pressure(shown.isEpisodic ? cuffTime(seconds) : seconds)
    }

    /// When the cuff measured last: not at the same time at each bed.
    private func cuffTime(_ seconds: Double) -> Double {
        let first = 15 + Double(patient.seed % 10) * 3
        return ((seconds - first) / Self.cuffEvery).rounded(.down) * Self.cuffEvery + first
    }

    private func value(
        of curve: PlayedMeasure.Curve, in unit: String?, within span: ClosedRange<Double>?, at seconds: Double
    ) -> Double? {
        switch curve {
        case .electrocardiogram: electrocardiogram(seconds)
        case .arterialPressure: arterialPressure(seconds)
        case .airwayCO2: Self.pressure(airwayCO2(seconds), in: unit)
        case .plethysmogram: span.map { $0.lowerBound + ($0.upperBound - $0.lowerBound) * plethysmogram(seconds) }
        case .respiration: span.map { $0.lowerBound + ($0.upperBound - $0.lowerBound) * respiration(seconds) }
        }
    }

    /// A partial pressure as a metric has it: of 760 mm[Hg], where it is a share.
    private static func pressure(_ millimetres: Double, in unit: String?) -> Double? {
        switch unit {
        case "mm[Hg]": millimetres
        case "kPa": millimetres * 0.133322
        case "%": millimetres / 7.6
        default: nil
        }
    }
}
