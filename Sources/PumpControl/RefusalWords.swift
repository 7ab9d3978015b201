import CommandFacts

extension CommandLedger.Refusal {
    /// One sentence for whoever asked, with when it is possible again where time alone brings that.
    package var text: String {
        switch (reason, wait.map(Self.words)) {
        case (.tooSoon, let time?): "It is too soon after the last time: it is possible again in \(time)."
        case (.tooMany, let time?):
            "This was done as often as is allowed in an hour: it is possible again in \(time); until then use the "
                + "device's own keys."
        default: reason.text
        }
    }

    /// A time in words, never shorter than it is: `8 s`, `2 min 5 s`. Unit: ns.
    static func words(_ time: Int64) -> String {
        let seconds = max(1, time / 1_000_000_000 + (time % 1_000_000_000 > 0 ? 1 : 0))
        let (minutes, rest) = (seconds / 60, seconds % 60)
        if minutes == 0 { return "\(rest) s" }
        return "\(minutes) min" + (rest == 0 ? "" : " \(rest) s")
    }
}
