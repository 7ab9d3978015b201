package import DeviceModel

/// What may come of a condition that nobody sees to.
package enum Harm: String, Sendable, CaseIterable {
    /// Death, or an injury that stays.
    case death
    /// An injury that heals.
    case reversible
    /// A minor injury, or discomfort.
    case minor
}

/// How soon that may come.
package enum Onset: String, Sendable, CaseIterable {
    /// No time is left for anything but to act.
    case immediate
    /// There is time to act.
    case prompt
    /// There is time to think first.
    case delayed
}

extension AlertPriority {
    /// The priority that harm and onset ask for.
    ///
    /// Source: the table of IEC 60601-1-8 as the Open PCA Pump Requirements 1.0.0 reproduce it; the standard's own text
    /// was not available. Where that table leaves a choice of low or none, this one says low.
    package init(_ harm: Harm, _ onset: Onset) {
        self =
            switch (harm, onset) {
            case (.death, .immediate), (.death, .prompt), (.reversible, .immediate): .high
            case (.death, .delayed), (.reversible, .prompt), (.minor, .immediate): .medium
            case (.reversible, .delayed), (.minor, .prompt), (.minor, .delayed): .low
            }
    }

    /// 0 of low, 2 of high.
    package var rank: Int {
        switch self {
        case .low: 0
        case .medium: 1
        case .high: 2
        }
    }
}
