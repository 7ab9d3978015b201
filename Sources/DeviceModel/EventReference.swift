/// The page that lists all events and the host's alerts: `docs/events.md` is this, and a test compares them.
package enum EventReference {
    /// Markdown.
    package static var markdown: String {
        var text = """
            # Events of the journal

            `nabd journal events` prints this page. Names and members never change: what was written is read for ever. \
            A name that a reader does not know is of a younger host.

            Every event has `event` (its name), `device` (where it is about one), `time` (UTC), `monotonicNanoseconds` \
            (ns), `clock` (the wall clock's quality) and `sequence` (its number, from 1 without holes).
            Of the members below any may be left out.

            | event | about | what happened | members |
            |---|---|---|---|

            """
        for kind in EventKind.allCases {
            let members = kind.members.map { "`\($0.name)`\($0.unit.map { " (\($0))" } ?? ""): \($0.meaning)" }.joined(
                separator: "<br>")
            text += "| `\(kind.name)` | \(kind.concern.rawValue) | \(kind.meaning) | \(members) |\n"
        }
        text += """

            ## The host's own alerts

            Those of a device itself are in its profile. Priorities are proposed after IEC 60601-1-8 and have not been \
            reviewed by a clinician. An alert that was begun is ended: by its condition, or with a `reason`.

            | alert | about | priority | code | English | Arabic |
            |---|---|---|---|---|---|

            """
        for alert in AlertKind.allCases.map(\.descriptor) {
            let code = alert.code.map { "\($0)" } ?? "none"
            text +=
                "| `\(alert.name)` | \(alert.nature.rawValue) | \(alert.priority.rawValue) | \(code) | \(alert.text) "
                + "| \(alert.arabicText) |\n"
        }
        return text
    }
}
