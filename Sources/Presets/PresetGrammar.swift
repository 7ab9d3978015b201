import StrictYAML

/// The keys of a preset, each said once: the reader refuses what is not here, and the reference page is made from it.
package enum PresetGrammar {
    package struct Key: Sendable {
        package let name: String
        package let isRequired: Bool
        /// Its shape and bounds, then what it means.
        package let shape: String
        package let meaning: String

        init(_ name: String, _ shape: String, required: Bool = true, _ meaning: String) {
            (self.name, self.shape, self.isRequired, self.meaning) = (name, shape, required, meaning)
        }
    }

    package struct Part: Sendable {
        package let title: String
        package let meaning: String
        package let keys: [Key]

        var names: [String] { keys.map(\.name) }
    }

    // MARK: Bounds

    /// The most vitals of a preset.
    package static let mostVitals = 24
    /// The longest title, vital's name, and who reviewed it. Unit: characters.
    package static let longestName = 80
    /// The longest purpose, and source. Unit: characters.
    package static let longestText = 400
    /// The longest delay of a limit: the longest of the literature is 60 s, twice that is told as a fault.
    static let longestDelay: Int64 = 120 * second
    static let shortestMissing: Int64 = 5 * second
    static let longestMissing: Int64 = 600 * second
    static let shortestDue: Int64 = 60 * second
    static let longestDue: Int64 = 86_400 * second
    static let second: Int64 = 1_000_000_000
    /// The most levels on one side of a vital.
    static let mostLevels = 2
    /// The most thresholds of a score: of its total urgent and emergency, and of a part.
    static let mostThresholds = 3
    /// The highest total of NEWS2, and the highest of one part: six parts of 3, and oxygen of 2.
    static let highestTotal = 20
    static let highestPart = 3

    private static func span(_ range: ClosedRange<Int64>) -> String {
        "\(YAMLValue.describe(range.lowerBound)) to \(YAMLValue.describe(range.upperBound))"
    }

    // MARK: Parts

    private static let ground = [
        Key(
            "source", "text of at most \(longestText) characters", required: false,
            "where the numbers of this rule were seen"),
        Key(
            "proposed", "`true`, or a list of keys of this rule", required: false,
            "the project's own: all of the rule, or these keys (`priority` stands for harm and onset too); a rule has "
                + "a source, or is proposed"),
    ]
    private static let priority = [
        Key("priority", "`high`, `medium` or `low`", "how soon somebody must act"),
        Key(
            "harm", "`death`, `reversible` or `minor`",
            "what may come of it when nobody does; with `onset` it gives the priority by the table below"),
        Key("onset", "`immediate`, `prompt` or `delayed`", "how soon that may come"),
    ]
    private static let latching = Key(
        "latching", "`true` or `false`", required: false,
        "whether the signal stays after its cause until somebody acknowledges it; without the key, of a high one only")

    static let preset = Part(
        title: "Preset", meaning: "One file a preset, `NAME.yaml`, at most 1 MiB.",
        keys: [
            Key("nabd", "`preset/1`", "what the file is"),
            Key("name", "a handle: a-z, 0-9 and -, at most 40", "its name, the same as the file's"),
            Key("title", "at most \(longestName) characters", "what a nurse calls it"),
            Key("title-arabic", "the same in Arabic letters", "the same in Arabic"),
            Key("for", "at most \(longestText) characters", "whom it is for"),
            Key("for-arabic", "the same in Arabic letters", "the same in Arabic"),
            Key(
                "reviewed", "nothing, or a mapping",
                "the clinician who has reviewed it; nothing: nobody has, and that is said wherever the preset shows"),
            Key("vitals", "a mapping by metric, 1 to \(mostVitals)", "the vital signs that the preset speaks of"),
            Key("limits", "a mapping by metric", required: false, "the limits of each"),
            Key("missing", "a mapping by metric", required: false, "what is missed when no valid value comes"),
            Key("episodic", "a mapping by metric", required: false, "what is measured now and then, and how often"),
            Key("score", "a mapping by score: `news2`", required: false, "when a score is told"),
        ])
    static let review = Part(
        title: "`reviewed`", meaning: "Of the file as it stands: whoever changes a number takes the review out.",
        keys: [
            Key("by", "at most \(longestName) characters", "who"),
            Key("role", "at most \(longestName) characters", "in what role"),
            Key("date", "a date such as 2026-11-28", "when"),
        ])
    static let vital = Part(
        title: "`vitals`: each metric",
        meaning: "The key is the metric's name as `nabd profile metrics` tells it.",
        keys: [
            Key("name", "at most \(longestName) characters", "what an alarm calls it"),
            Key("name-arabic", "the same in Arabic letters", "the same in Arabic"),
            Key("unit", "a UCUM unit of the metric", "the unit of all its numbers in this file"),
        ])
    static let sides = Part(
        title: "`limits`: each metric",
        meaning: "Each side is one limit, or a list of two, the milder one first: one alarm, whose priority rises.",
        keys: [
            Key("low", "a limit, or a list of \(mostLevels)", required: false, "limits below which a value is too low"),
            Key("high", "a limit, or a list of \(mostLevels)", required: false, "limits above which it is too high"),
        ])
    static let level = Part(
        title: "A limit",
        meaning:
            "A value that equals the limit is within. Numbers have at most \(LimitValue.places) places, and lie within "
            + "±\(LimitValue.most).",
        keys: [
            Key("below", "a number", required: false, "the limit, of a low one"),
            Key("above", "a number", required: false, "the limit, of a high one"),
        ] + priority + [
            Key(
                "delay", span(0...longestDelay),
                "how long values must be beyond it without a break; 0s for a vital of `episodic`"),
            Key("hysteresis", "a number, 0 or more", "how far within a value must be before the alarm ends"),
            latching,
        ] + ground)
    static let missingRule = Part(
        title: "`missing`: each metric", meaning: "Told only while the bed is in use.",
        keys: [
            Key(
                "of", "`bed` or `device`",
                "`bed`: it is missed when no device there has it, too; `device`: of each device there that has it"),
            Key("after", span(shortestMissing...longestMissing), "how long without a valid value"),
        ] + priority + [latching] + ground)
    static let episodicRule = Part(
        title: "`episodic`: each metric",
        meaning: "Told only while the bed is in use, and a device there measures it. Any device's value counts.",
        keys: [
            Key("every", span(shortestDue...longestDue), "how often it is due"),
            Key("grace", "0s to the time of `every`", "how late it may be before that is told"),
        ] + priority + ground)
    static let companion = Part(
        title: "`episodic`: a metric that comes with another",
        meaning: "Such as the diastolic pressure with the systolic: one measurement, told as overdue once.",
        keys: [Key("with", "a metric of `episodic`", "the other one, which has the rule")])
    static let scoreRule = Part(
        title: "`score`: each threshold",
        meaning: "A list of at most \(mostThresholds). A score that is incomplete is never told.",
        keys: [
            Key("total", "1 to \(highestTotal)", required: false, "the total is this or more"),
            Key("part", "1 to \(highestPart)", required: false, "one part alone is this or more"),
        ] + priority + ground)

    /// In the order of the reference page.
    package static let parts = [preset, review, vital, sides, level, missingRule, episodicRule, companion, scoreRule]
}
