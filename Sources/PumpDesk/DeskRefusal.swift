import CommandFacts
import OperatorDesk
import PumpControl

/// Why something is not done, for whoever asked.
struct DeskRefusal: Error {
    let code: String
    let words: String
    let command: Int64?

    init(code: String, _ words: String, _ command: Int64? = nil) {
        (self.code, self.words, self.command) = (code, words, command)
    }

    init(_ reason: RefusalReason, _ command: Int64? = nil) { self.init(CommandLedger.Refusal(reason, command)) }

    init(_ refusal: CommandLedger.Refusal) {
        self.init(code: refusal.reason.rawValue, refusal.text, refusal.command)
    }

    static func expired(_ number: Int64) -> DeskRefusal {
        DeskRefusal(code: "expired", "It was entered more than five minutes ago: enter it anew.", number)
    }

    static var journal: DeskRefusal {
        DeskRefusal(
            code: "journal",
            "Nothing was done: the unit cannot record it now. Its disk is full or broken; use the pump's own keys.")
    }

    /// - Parameter number: `nil` of what has not been entered.
    static func notFresh(_ number: Int64?) -> DeskRefusal {
        DeskRefusal(
            code: "notFresh",
            "The pump did not answer in a way that can be relied on: nothing was done. Ask again when it answers.",
            number)
    }

    static func tooFew(_ number: Int64?) -> DeskRefusal {
        DeskRefusal(
            code: "notAllowed",
            "By what the site's policy says now more people must enter this: nothing was done. Enter it anew.", number)
    }

    static func closing(_ number: Int64?) -> DeskRefusal {
        DeskRefusal(code: "notRunning", "The unit's host is stopping: nothing was done.", number)
    }

    static func busy(_ number: Int64?) -> DeskRefusal {
        DeskRefusal(code: "busy", "The pump's line has too much to do: try again.", number)
    }

    var answer: DeskAnswer { .refused(code: code, words: words, command: command) }
}
