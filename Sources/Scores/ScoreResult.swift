package import DeviceModel

/// Why a part of a score is missing. Times: unit ns of the clock by which the desk is asked.
package enum ScoreGap: Sendable, Hashable {
    /// No device of the bed has ever said it, or none can.
    case neverMeasured
    /// The newest value is too old; it was taken then.
    case stale(since: Int64)
    /// The newest value does not count, or is no measurement.
    case notValid(Validity, Reason)
    case neverEntered
    /// What was entered is too old; it was entered then.
    case expired(since: Int64)
    /// The patient was asked and did not say.
    case notSaid
    /// It is there, and what it counts depends on another part that is not.
    case needs(ScorePart)

    /// Its name in the journal.
    package var word: String {
        switch self {
        case .neverMeasured: "never-measured"
        case .stale: "stale"
        case .notValid: "not-valid"
        case .neverEntered: "never-entered"
        case .expired: "expired"
        case .notSaid: "not-said"
        case .needs: "needs-another"
        }
    }

    /// Since when; `nil` where there is no such time.
    package var since: Int64? {
        switch self {
        case .stale(let since), .expired(let since): since
        case .neverMeasured, .notValid, .neverEntered, .notSaid, .needs: nil
        }
    }
}

/// What a score is made of, and what of it is missing.
package struct ScoreResult: Sendable, Hashable {
    /// A part of a score that is known.
    package struct Part: Sendable, Hashable {
        /// A ``ScorePart`` or a ``ScoreItem`` by its name.
        package let name: String
        package let points: Int
        /// As the device or the person said it: an exact decimal, or one of an item's values.
        package let value: String
        package let origin: Origin
        /// When it was measured or entered. Unit: ns of the clock by which the desk is asked.
        package let time: Int64
    }

    package enum Origin: Sendable, Hashable {
        case measured(device: String, vmd: String?, metric: String)
        case entered(by: [String])
    }

    package struct Missing: Sendable, Hashable {
        /// A ``ScorePart`` or a ``ScoreItem`` by its name.
        package let name: String
        package let gap: ScoreGap
    }

    package enum Outcome: Sendable, Hashable {
        /// - band: `nil` for a score that has none.
        case complete(total: Int, band: NEWS2Band?)
        /// Never a number.
        case incomplete([Missing])
    }

    package let score: ScoreName
    package let outcome: Outcome
    /// Those that are known, in the order of the score's form.
    package let parts: [Part]
    /// By which row of the chart the saturation counts; `nil` for other scores.
    package let scale: NEWS2Chart.SaturationScale?
    /// Unit: ns of the clock by which the desk was asked.
    package let time: Int64

    package var total: Int? { if case .complete(let total, _) = outcome { total } else { nil } }
    package var band: NEWS2Band? { if case .complete(_, let band) = outcome { band } else { nil } }
    package var missing: [Missing] { if case .incomplete(let missing) = outcome { missing } else { [] } }

    /// Whether it says something else than another one: another total or band, other points of a part, or another part
    /// missing or missing for another cause. That time has passed is nothing new.
    package func isNews(after other: ScoreResult?) -> Bool {
        guard let other else { return true }
        func words(_ result: ScoreResult) -> [String] {
            result.missing.map { "\($0.name) \($0.gap.word)" } + result.parts.map { "\($0.name) \($0.points)" }
        }
        return (score, total, band, scale) != (other.score, other.total, other.band, other.scale)
            || words(self) != words(other)
    }

    /// The members of the event `scoreGiven`.
    package func members(bed: String) -> JSON {
        .members([
            "bed": .string(bed), "score": .string(score.rawValue), "total": total.map { .integer($0) },
            "band": band.map { .string($0.rawValue) }, "scale": scale.map { .string($0.rawValue) },
            "missing": .array(
                missing.map {
                    .members([
                        "part": .string($0.name), "why": .string($0.gap.word),
                        "secondsAgo": $0.gap.since.map { .integer(max(0, time &- $0) / 1_000_000_000) },
                    ])
                }),
            "parts": .object(parts.map { JSON.Member(name: $0.name, value: $0.json(at: time)) }),
        ])
    }
}

extension ScoreResult.Part {
    fileprivate func json(at now: Int64) -> JSON {
        let head = JSON.members([
            "points": .integer(points), "value": .string(value),
            "secondsAgo": .integer(max(0, now &- time) / 1_000_000_000),
        ])
        switch origin {
        case .measured(let device, let vmd, let metric):
            return head.adding([
                "device": .string(device), "vmd": vmd.map(JSON.string), "metric": .string(metric),
            ])
        case .entered(let by): return head.adding(["by": .array(by.map(JSON.string))])
        }
    }
}
