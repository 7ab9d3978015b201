package import CommandFacts
package import PumpControl

/// Whose rule it is.
package enum RuleLayer: String, Sendable, Hashable, CaseIterable {
    /// The pump's profile.
    case pump
    case library
    /// The site's policy.
    case site
    /// What this program never goes beyond.
    case ceiling
    case order

    init(_ source: LimitSource) {
        switch source {
        case .pump: self = .pump
        case .library: self = .library
        case .site: self = .site
        case .ceiling: self = .ceiling
        }
    }
}

extension LimitSource {
    /// For people.
    var words: String {
        switch self {
        case .pump: "the pump's own"
        case .library: "the drug library's"
        case .site: "the site's"
        case .ceiling: "this program's"
        }
    }
}

/// Why a request is refused.
package struct RuleRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// One word for the reason.
    package enum Word: String, Sendable, Hashable, CaseIterable {
        case unknownPump
        case currentlyInfusing
        case missingParameter
        case invalidParameter
        case outsideRange
        case units
        case notInLibrary
        case notAllowed
        case noOrder
        case orderNotValid
        case orderMismatch
        case routeNotAllowed
        case reasonMissing
        case rulesUnusable

        /// The error code of IHE's Point-of-care Infusion Verification for the same; `nil` where it has none.
        ///
        /// Source: wiki.ihe.net, PumpErrorCodes, revision of 2012-12-18.
        package var code: Int? {
            switch self {
            case .unknownPump: 9001
            case .currentlyInfusing: 9002
            case .missingParameter: 9003
            case .invalidParameter: 9004
            case .outsideRange: 9005
            case .units: 9008
            case .notInLibrary: 9010
            case .notAllowed, .noOrder, .orderNotValid, .orderMismatch, .routeNotAllowed, .reasonMissing,
                .rulesUnusable:
                nil
            }
        }
    }

    package let layer: RuleLayer
    package let word: Word
    /// One sentence with the figure; nothing of a patient.
    package let text: String

    package init(_ layer: RuleLayer, _ word: Word, _ text: String) {
        (self.layer, self.word, self.text) = (layer, word, text)
    }

    package var description: String { text }
}

/// A limit that may be passed with a reason by two people.
package struct SoftPassage: Sendable, Hashable {
    package let layer: RuleLayer
    /// One sentence with the figure.
    package let text: String
}

/// What is allowed, and how.
package struct Permit: Sendable, Hashable {
    /// How many must enter it, each by themselves. Range: 1…2.
    package let people: Int
    /// The most restrictive limits of each quantity, and who set each.
    package let limits: [Measure: Limit]
    /// What the order comes to exactly, and what is set in its place.
    package let rounding: Rounding?
    /// What was passed, each with the reason that the request gives.
    package let soft: [SoftPassage]
    /// Least gap and most effects of this device: never looser than the program's own.
    package let rules: CommandRules

    /// What is left between what the order comes to and what is set, for people.
    package var remainder: String? {
        rounding.map { rounding in
            "\(rounding.value.text) mL/h is set for \(rounding.exact.text(places: 5)) mL/h."
        }
    }
}

package enum Verdict: Sendable, Hashable {
    case allowed(Permit)
    /// Every reason; at least one.
    case refused([RuleRefusal])

    package var refusals: [RuleRefusal] { if case .refused(let refusals) = self { refusals } else { [] } }

    package var permit: Permit? { if case .allowed(let permit) = self { permit } else { nil } }
}
