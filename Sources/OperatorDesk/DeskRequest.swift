package import BedDesk
package import CommandFacts
package import Consultations

/// What somebody enters for a pump: everything as it was typed.
package struct DeskEntry: Sendable, Hashable {
    /// The pump's handle in the unit's configuration.
    package let device: String
    /// The command's name in the pump's profile.
    package let command: String
    /// By the arguments' names, the quantities as they were typed: nobody on the way repairs one.
    package let entries: [String: String]
    /// The order that it carries out, by its id.
    package let order: String?
    /// Why, where a soft limit is passed.
    package let reason: String?

    package init(
        device: String, command: String, entries: [String: String], order: String? = nil, reason: String? = nil
    ) {
        (self.device, self.command, self.entries) = (device, command, entries)
        (self.order, self.reason) = (order, reason)
    }
}

/// What is asked of the command path, by people who have signed in.
package enum DeskRequest: Sendable, Hashable {
    /// The pumps of this unit: ``DeskAnswer/pumps(_:)``.
    case list
    case show(Int64)
    /// The newest commands first. Range: 1…500.
    case history(most: Int)
    /// A dry run: the bytes that would go out, and none goes: ``DeskAnswer/preview(bytes:words:)``.
    case preview(DeskEntry)
    case draft(DeskEntry, by: Operator)
    /// A second person enters the same, blind.
    case verify(Int64, DeskEntry, by: Operator)
    case withdraw(Int64, by: Operator)
    case start(Int64, by: Operator)
    /// ``CommandDesk/stopNow(device:)`` has been called when this comes. Nobody needs to sign in for it.
    case stop(device: String, by: Operator?)
    case resolve(Int64, seen: Resolution, by: [Operator])
    case lookedAt(device: String, by: Operator)
    case unlock(device: String, by: Operator)
}

/// What is asked of the host, by whom the sign-in has proven them to be.
package enum DeskQuestion: Sendable, Hashable {
    case pump(DeskRequest)
    case alarm(AlarmRequest, by: Operator)
    case bed(BedRequest)
    case consultation(ConsultationRequest)
}

/// What is answered. Words are sentences for a nurse; they hold no quantity of a draft, no patient and no secret.
package enum DeskAnswer: Sendable, Hashable {
    /// - Parameters:
    ///   - code: one word: that of a ``RefusalReason``, or of what refused before the ledger.
    ///   - command: the one that stands in the way.
    case refused(code: String, words: String, command: Int64?)
    case command(CommandView)
    case pumps([PumpView])
    case commands([CommandView])
    case preview(bytes: [UInt8], words: String)
    /// - Parameters:
    ///   - asked: whether the line was told to stop the pump.
    ///   - isProven: `true`: the pump shows that it stands; `false`: it could not be told, or does not show it; `nil`:
    ///     not known yet.
    case stop(asked: Bool, isProven: Bool? = nil, words: String)
    case beds([BedReport])
    /// What was done at a bed, and how it is now.
    case bed(BedReport, words: String)
    /// What far clinicians may look at now; with what was done, where anything was.
    case consultations(ConsultationReport, words: String?)
    /// A far clinician's visit is recorded, or its end is: its number.
    case visit(Int64)
    case done(words: String)
}

/// The host, as those who ask see it.
package protocol CommandDesk: Sendable {
    /// May take its time; other requests come meanwhile.
    ///
    /// A stop is answered when it is known what became of it, 15 s later at most: until then the asker is told that it
    /// was asked for.
    func answer(_ question: DeskQuestion) async -> DeskAnswer

    /// Has a pump stopped, at once: it waits for nothing, takes no lock that is held for long, and writes no file. It
    /// is called before anything else is done about a stop, on a thread that others wait for.
    ///
    /// Returns whether there is such a pump on a line.
    func stopNow(device: String) -> Bool
}
