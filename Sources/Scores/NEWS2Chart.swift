/// The National Early Warning Score 2 as its chart has it: which points a value gives.
///
/// For adults only, and not in pregnancy. Source: Royal College of Physicians, National Early Warning Score (NEWS) 2,
/// 2017, chart 1.
package enum NEWS2Chart {
    /// A row of the chart: up to which value how many points are given. The last one has no end.
    struct Row: Sendable {
        /// Digits after the point that the chart has. 0 for whole numbers, 1 for tenths.
        let places: Int
        /// In ascending order. Unit of `upTo`: the last place of the row.
        let steps: [(upTo: Int64, points: Int)]
        /// Beyond these a number is no measurement of a living adult, whatever the device says of it; proposed here,
        /// not of the chart. Unit: the last place of the row.
        let bounds: ClosedRange<Int64>
    }

    /// Unit: breaths a minute. No breath at all is a measurement.
    static let respiration = Row(
        places: 0, steps: [(8, 3), (11, 1), (20, 0), (24, 2), (.max, 3)], bounds: 0...150)
    /// Unit: %.
    static let saturationScale1 = Row(
        places: 0, steps: [(91, 3), (93, 2), (95, 1), (.max, 0)], bounds: 0...100)
    /// Unit: %.
    static let saturationScale2OnAir = Row(
        places: 0, steps: [(83, 3), (85, 2), (87, 1), (.max, 0)], bounds: 0...100)
    /// Unit: %.
    static let saturationScale2OnOxygen = Row(
        places: 0, steps: [(83, 3), (85, 2), (87, 1), (92, 0), (94, 1), (96, 2), (.max, 3)], bounds: 0...100)
    /// Unit: mmHg.
    static let systolic = Row(
        places: 0, steps: [(90, 3), (100, 2), (110, 1), (219, 0), (.max, 3)], bounds: 0...400)
    /// Unit: beats a minute.
    static let pulse = Row(
        places: 0, steps: [(40, 3), (50, 1), (90, 0), (110, 1), (130, 2), (.max, 3)], bounds: 0...400)
    /// Unit: tenths of a degree Celsius.
    static let temperature = Row(
        places: 1, steps: [(350, 3), (360, 1), (380, 0), (390, 1), (.max, 2)], bounds: 200...450)

    static func points(_ breathing: Breathing) -> Int { breathing == .oxygen ? 2 : 0 }

    static func points(_ consciousness: Consciousness) -> Int { consciousness == .alert ? 0 : 3 }

    /// What the patient breathes, as a person entered it.
    package enum Breathing: String, Sendable, CaseIterable {
        case air
        case oxygen
    }

    /// How awake the patient is, as a person entered it.
    package enum Consciousness: String, Sendable, CaseIterable {
        case alert = "A"
        /// Newly confused.
        case confusion = "C"
        case voice = "V"
        case pain = "P"
        case unresponsive = "U"
    }

    /// By which of the chart's two rows the saturation counts. The second is for patients for whom a clinician has said
    /// so (88–92 % is aimed at), and for no one else.
    package enum SaturationScale: String, Sendable, CaseIterable {
        case one = "1"
        case two = "2"
    }
}

extension NEWS2Chart.Row {
    /// The points of an exact number, `mantissa × 10^exponent`; `nil` for one that is no measurement.
    ///
    /// The chart is of whole numbers (temperature: of tenths), as a person reads them off and writes them down; a
    /// device may say more. A number between two counts as the nearer one. Half way between two, nobody can say which
    /// would have been written: it counts as the one with more points, so that rounding never makes a patient better.
    func points(mantissa: Int64, exponent: Int) -> Int? {
        guard let (below, above) = neighbours(mantissa, exponent), bounds.contains(below), bounds.contains(above)
        else { return nil }
        return max(points(below), points(above))
    }

    private func points(_ value: Int64) -> Int { steps.first { value <= $0.upTo }?.points ?? 0 }

    /// The value of the chart nearest to a number: twice the same, or both when it is half way between them; `nil` when
    /// it cannot be counted exactly.
    private func neighbours(_ mantissa: Int64, _ exponent: Int) -> (Int64, Int64)? {
        let shift = exponent + places
        guard (-18...18).contains(shift) else { return mantissa == 0 ? (0, 0) : nil }
        let power = (0..<abs(shift)).reduce(Int64(1)) { power, _ in power * 10 }
        if shift >= 0 {
            let (value, overflow) = mantissa.multipliedReportingOverflow(by: power)
            return overflow ? nil : (value, value)
        }
        let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: power)
        let (below, rest) = remainder < 0 ? (quotient - 1, remainder + power) : (quotient, remainder)
        if rest * 2 == power { return (below, below + 1) }
        return rest * 2 < power ? (below, below) : (below + 1, below + 1)
    }
}

/// What the total asks for.
///
/// Source: the same, chart 2: a single 3 or a total of 5 and more are urgent, 7 and more an emergency.
package enum NEWS2Band: String, Sendable, CaseIterable {
    /// 0–4, and no part has 3.
    case low
    /// 0–4, and a part has 3.
    case singleThree = "single-three"
    /// 5–6.
    case medium
    /// 7 and more.
    case high

    package init(total: Int, hasThree: Bool) {
        switch total {
        case ...4: self = hasThree ? .singleThree : .low
        case 5...6: self = .medium
        default: self = .high
        }
    }
}
