import DeviceModel
import Nomenclature
import Presets
import StrictYAML

/// A preset as people read it.
extension Preset {
    /// Who has reviewed it, or that nobody has.
    var reviewWords: String {
        review.map { "reviewed by \($0.by), \($0.role), \($0.date)" } ?? Self.notReviewed
    }

    var line: String {
        "\(name): \(title) (\(arabicTitle)); \(limits.reduce(0) { $0 + $1.low.count + $1.high.count }) limits; "
            + reviewWords
    }

    func json(path: String) -> JSON {
        JSON.members([
            "preset": .string(name), "title": .string(title), "titleArabic": .string(arabicTitle),
            "for": .string(purpose), "forArabic": .string(arabicPurpose),
            "reviewed": review.map { .string("\($0.by), \($0.role), \($0.date)") } ?? .null,
            "metrics": .array(vitals.map { .string($0.metric) }), "digest": .string(digest), "file": .string(path),
        ])
    }

    /// Everything in it, a rule a line, and what each rests on below it.
    var table: String {
        var lines = [
            "\(title) (\(arabicTitle))", purpose, arabicPurpose,
            review == nil ? "\(Self.notReviewed) · \(Self.notReviewedArabic)" : reviewWords, "digest \(digest)",
        ]
        for limits in limits {
            lines += ["", "\(limits.vital.name) (\(limits.vital.arabicName)), \(limits.vital.metric)"]
            for (word, levels) in [("below", limits.low), ("above", limits.high)] {
                for level in levels { lines += level.lines(word, limits.vital.unit.display) }
            }
        }
        if !missing.isEmpty { lines += ["", "missing"] }
        for rule in missing {
            let whose = rule.expectation == .bed ? "expected of the bed" : "expected of a device that has it"
            lines += [
                "  \(rule.vital.name): no valid value for \(YAMLValue.describe(rule.after)), "
                    + "\(rule.priority.rawValue); \(whose)\(rule.isLatching ? ", latches" : "")",
                "    \(rule.ground.words)",
            ]
        }
        if !episodic.isEmpty { lines += ["", "measured now and then"] }
        for rule in episodic {
            let with = companions.filter { $0.with == rule.vital.metric }.map(\.vital.name)
            lines += [
                "  \((["\(rule.vital.name)"] + with).joined(separator: ", ")): every "
                    + "\(YAMLValue.describe(rule.every)), told \(YAMLValue.describe(rule.grace)) later, "
                    + rule.priority.rawValue,
                "    \(rule.ground.words)",
            ]
        }
        if !scores.isEmpty { lines += ["", "scores"] }
        for rule in scores {
            let threshold =
                switch rule.threshold {
                case .total(let total): "a total of \(total) or more"
                case .part(let part): "a part of \(part) or more"
                }
            lines += ["  \(rule.score.rawValue): \(threshold), \(rule.priority.rawValue)", "    \(rule.ground.words)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension Preset.Level {
    fileprivate func lines(_ word: String, _ unit: String) -> [String] {
        [
            "  \(word) \(value.text) \(unit) for \(YAMLValue.describe(delay)): \(priority.rawValue); ends "
                + "\(hysteresis.text) \(unit) within\(isLatching ? "; latches" : "")",
            "    \(ground.words)",
        ]
    }
}
