/// A score that the unit knows.
package enum ScoreName: String, Sendable, CaseIterable {
    case news2
    case esas
}

/// A part of NEWS2, by its name in the journal.
package enum ScorePart: String, Sendable, CaseIterable {
    case respiration
    case saturation
    case oxygen
    case systolic
    case pulse
    case consciousness
    case temperature

    /// A metric that a part may be taken from.
    package struct Source: Sendable, Hashable {
        /// Its name in IEEE 11073-10101, as the tables of names have it.
        package let metric: String
        /// UCUM. A stream in another unit is not taken.
        package let unit: String
        /// Whether the device tells it once, so that it holds until it is too old, also when the line is gone
        /// meanwhile.
        package let isEpisodic: Bool
    }

    /// What it is taken from, the first that is current; empty for what only a person can say.
    ///
    /// Names: `device-profiles/nomenclature/metrics.tsv`. A ventilator's rate is not taken: it is set, and the chart is
    /// of patients who breathe. Nor is the skin's temperature.
    package var sources: [Source] {
        switch self {
        case .respiration:
            ["MDC_RESP_RATE", "MDC_CO2_RESP_RATE", "MDC_AWAY_RESP_RATE", "MDC_TTHOR_RESP_RATE"].map {
                Source(metric: $0, unit: "/min", isEpisodic: false)
            }
        case .saturation: [Source(metric: "MDC_PULS_OXIM_SAT_O2", unit: "%", isEpisodic: false)]
        case .systolic:
            [Source(metric: "MDC_PRESS_BLD_NONINV_SYS", unit: "mm[Hg]", isEpisodic: true)]
                + ["MDC_PRESS_BLD_ART_SYS", "MDC_PRESS_BLD_ART_ABP_SYS"].map {
                    Source(metric: $0, unit: "mm[Hg]", isEpisodic: false)
                }
        case .pulse:
            [
                "MDC_ECG_HEART_RATE", "MDC_PULS_RATE", "MDC_PULS_OXIM_PULS_RATE", "MDC_PLETH_PULS_RATE",
                "MDC_BLD_PULS_RATE_INV", "MDC_PULS_RATE_NON_INV",
            ].map { Source(metric: $0, unit: "/min", isEpisodic: $0 == "MDC_PULS_RATE_NON_INV") }
        case .temperature:
            [
                "MDC_TEMP_CORE", "MDC_TEMP_BODY", "MDC_TEMP", "MDC_TEMP_TYMP", "MDC_TEMP_EAR", "MDC_TEMP_ORAL",
                "MDC_TEMP_RECT",
            ].map { Source(metric: $0, unit: "Cel", isEpisodic: true) }
        case .oxygen, .consciousness: []
        }
    }

    /// The entry that says it; `nil` for what is measured.
    package var item: ScoreItem? {
        switch self {
        case .oxygen: .oxygen
        case .consciousness: .consciousness
        case .respiration, .saturation, .systolic, .pulse, .temperature: nil
        }
    }

    /// The entry that counts while no device gives a current value: what a person can count as the chart does; `nil`
    /// where nobody can.
    package var counted: ScoreItem? {
        switch self {
        case .respiration: .respiration
        case .saturation, .oxygen, .systolic, .pulse, .consciousness, .temperature: nil
        }
    }
}

/// What a person may enter at a bed for a score.
package enum ScoreItem: String, Sendable, CaseIterable {
    case consciousness
    case oxygen
    /// Breaths that a person counted over a whole minute. Unit: /min.
    case respiration
    /// Which of the chart's two rows holds for this patient: until it is entered, the first.
    case saturationScale = "spo2-scale"
    case pain = "esas-pain"
    case tiredness = "esas-tiredness"
    case drowsiness = "esas-drowsiness"
    case nausea = "esas-nausea"
    case appetite = "esas-appetite"
    case breath = "esas-breath"
    case depression = "esas-depression"
    case anxiety = "esas-anxiety"
    case wellbeing = "esas-wellbeing"
    /// One more symptom, which the patient names.
    case other = "esas-other"

    /// The ten of the Edmonton Symptom Assessment System, in the order of its form (revised version, ESAS-r).
    package static let esas: [ScoreItem] = [
        .pain, .tiredness, .drowsiness, .nausea, .appetite, .breath, .depression, .anxiety, .wellbeing, .other,
    ]

    /// The patient was asked and did not say, of a symptom.
    package static let notSaid = "not-said"

    /// What somebody may have counted. Unit: /min. No breath at all is an observation.
    package static let breaths = 0...Int(NEWS2Chart.respiration.bounds.upperBound)

    /// All that may be entered, in the order in which it is offered.
    package var values: [String] {
        switch self {
        case .consciousness: NEWS2Chart.Consciousness.allCases.map(\.rawValue)
        case .oxygen: NEWS2Chart.Breathing.allCases.map(\.rawValue)
        case .respiration: Self.breaths.map(String.init)
        case .saturationScale: NEWS2Chart.SaturationScale.allCases.map(\.rawValue)
        case .pain, .tiredness, .drowsiness, .nausea, .appetite, .breath, .depression, .anxiety, .wellbeing, .other:
            (0...10).map(String.init) + [Self.notSaid]
        }
    }
}

/// What a person has entered at a bed, and when.
package struct ScoreEntry: Sendable, Hashable {
    package let item: ScoreItem
    /// One of the item's ``ScoreItem/values``.
    package let value: String
    /// Operators' ids; never empty.
    package let by: [String]
    /// Unit: ns of the clock by which the desk is asked.
    package let time: Int64

    /// Why it is not taken.
    package enum Fault: Error, Sendable, Hashable {
        case unknownItem
        case unknownValue(ScoreItem)
        /// It says of nobody that they entered it.
        case byNobody

        package var text: String {
            switch self {
            case .unknownItem:
                "There is no such item; there are \(ScoreItem.allCases.map(\.rawValue).joined(separator: ", "))."
            case .unknownValue(.respiration):
                "respiration takes whole breaths a minute, \(ScoreItem.breaths.lowerBound) to "
                    + "\(ScoreItem.breaths.upperBound)."
            case .unknownValue(let item):
                "\(item.rawValue) takes one of: \(item.values.joined(separator: ", "))."
            case .byNobody: "It must be known who entered it."
            }
        }

        package var arabicText: String {
            switch self {
            case .unknownItem:
                "لا يوجد بند بهذا الاسم؛ البنود: \(ScoreItem.allCases.map(\.rawValue).joined(separator: "، "))."
            case .unknownValue(.respiration):
                "أدخل عدد الأنفاس في الدقيقة رقمًا صحيحًا من \(ScoreItem.breaths.lowerBound) إلى "
                    + "\(ScoreItem.breaths.upperBound)."
            case .unknownValue(let item):
                "القيم الممكنة للبند \(item.rawValue): \(item.values.joined(separator: "، "))."
            case .byNobody: "يجب أن يُعرف من أدخلها."
            }
        }
    }

    /// - Parameters:
    ///   - item: its name in the journal.
    ///   - value: exactly as in ``ScoreItem/values``.
    package init(item: String, value: String, by: [String], time: Int64) throws(Fault) {
        guard let item = ScoreItem(rawValue: item) else { throw .unknownItem }
        guard item.values.contains(value) else { throw .unknownValue(item) }
        guard !by.isEmpty else { throw .byNobody }
        (self.item, self.value, self.by, self.time) = (item, value, by, time)
    }
}
