import DeviceModel

extension PresetGrammar {
    /// The page `docs/alarms/presets.md`: what the reader takes, in words.
    package static var reference: String {
        var lines = [
            "# The language of presets", "",
            "Made by `nabd preset reference`; a test compares it. A preset says which alarms a bed gives. Its rules",
            "are judged where the recorder drains, for each bed by itself: see “How it is judged”.", "",
            "```", "nabd preset lint FILE…        every fault at file:line:column; exit 1 when there is one",
            "nabd preset list              the presets that there are, and who has reviewed them",
            "nabd preset show NAME         one of them as a table, with the source of each number",
            "nabd alarms replay …          how many alarms a bed-hour it would have given over a journal", "```", "",
        ]
        for part in parts {
            lines += ["## \(part.title)", "", part.meaning, "", "| key | | shape | meaning |", "|---|---|---|---|"]
            lines += part.keys.map {
                "| `\($0.name)` | \($0.isRequired ? "required" : "") | \($0.shape) | \($0.meaning) |"
            }
            lines.append("")
        }
        lines += priorityTable + Self.judging
        return lines.joined(separator: "\n") + "\n"
    }

    private static var priorityTable: [String] {
        ["## Priorities", "", "| harm | immediate | prompt | delayed |", "|---|---|---|---|"]
            + Harm.allCases.map { harm in
                "| \(harm.rawValue) | "
                    + Onset.allCases.map { AlertPriority(harm, $0).rawValue }.joined(separator: " | ") + " |"
            } + [
                "",
                "After IEC 60601-1-8 as the Open PCA Pump Requirements 1.0.0 reproduce it; the standard's own text "
                    + "was not available.", "",
            ]
    }

    private static let judging = """
        ## How it is judged

        * **What counts**: values that are `valid` or `validated`. Questionable and invalid values neither begin nor end
          an alarm of a limit, and an alarm does not begin while the newest value is none that counts.
        * **Delay**: from the first value beyond the limit, by the time of the samples. A value stands until the next
          one of its stream, for three of its periods at most. One value within takes the delay back. So does a gap
          without a value that counts which is longer than the delay and than three periods.
        * **Hysteresis**: the alarm ends with the first value that lies within the limit by it.
        * **Two levels** are one alarm. It begins with the level that has lasted, its priority rises when the worse one
          has, and falls only with its end. When the value had come back from the worse level, and reaches it again for
          its delay, that is told again.
        * **When it is told**: an alarm is dated to the moment at which its delay was over. The watch judges time up to
          10 ms before the recorder's round, so that a value that ended the excursion just in time is never overtaken;
          with rounds of 20 ms an alarm is told 30 ms after its delay at most.
        * **A device that falls silent** leaves its alarm standing. It is told as unconfirmed when no value that counts
          has come for the time of `missing`, for that of `episodic`, or else for 15 s or three periods.
        * **Missing**: judged while the bed is in use. It is in use while a patient is bound to it; without one from the
          first value that counts on, until none of the bed's vitals has had one for ten minutes.
        * **Overdue** (`episodic`): from the last value that counts, or from when the bed came into use.
        * **Several devices** with one vital are judged each by itself; each has its own alarm. An episodic value of any
          of them counts for the bed.
        * **Texts** name bed, vital, value, limit and device, in both languages. The value is the one with which the
          alarm began, or its priority rose: a record says why somebody was called, a screen shows the value of now.
        * **Names**: `MDC_EVT_LO_VAL_LT_LIM`, `MDC_EVT_HI_VAL_GT_LIM`, each with its metric; `NABD_VITAL_MISSING`,
          `NABD_EPISODIC_OVERDUE`, `NABD_SCORE_HIGH`.
        """.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
}
