import ArgumentParser
import DeviceModel
import OperatorDesk

/// Exit codes: 0 done, 1 refused or not known to be done, 2 the host cannot be reached.
struct ConsultationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "consultation",
        abstract: "Let a far clinician look at this unit's screens for a while, and shut the door again.",
        discussion:
            "The clinician sees what the bedside screen shows, changes nothing, and is seen on it. A consultation ends "
            + "by itself, at the latest after four hours, and whenever the host starts anew.",
        subcommands: [List.self, Open.self, Close.self], defaultSubcommand: List.self)

    struct SignIn: ParsableArguments {
        @Option(help: "The host's socket for people; /run/nabd/people, where nothing is said.") var people: String?
        @Flag(help: "Read the secret from standard input.") var secretStdin = false
        @Flag(help: "Print the answer as a JSON line.") var json = false
        @Option(name: .customLong("as"), help: "Who you are.") var id: String

        fileprivate func ask(_ ask: ConsultationAsk) throws {
            let secrets = try SecretInput.secrets(of: [id], fromInput: secretStdin)
            let by = secrets.first.map { Credential(id: id, secret: $0) }
            try PumpCaller(path: DeskPlace.path(people), isJSON: json, by: by, second: nil).tell(.consultation(ask))
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Who may look now, until when, and for whom a consultation can be opened."
        ).examples("nabd consultation list --as layla")
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask(.list) }
    }

    struct Open: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a far clinician look, for so many minutes."
        ).examples(
            "nabd consultation open dr-haddad --bed chair-1 --minutes 30 --as layla",
            "nabd consultation open dr-haddad --minutes 10 --as layla")
        @Argument(help: "The clinician, as the unit's configuration calls them.") var clinician: String
        @Option(help: "The one bed that is seen; left out: all.") var bed: String?
        @Option(help: "For how long, 1 to 240 minutes.") var minutes = 30
        @OptionGroup var signIn: SignIn

        func validate() throws {
            guard (1...240).contains(minutes) else { throw ValidationError("1 to 240 minutes: four hours at most.") }
        }

        func run() throws { try signIn.ask(.open(clinician: clinician, bed: bed, seconds: minutes * 60)) }
    }

    struct Close: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shut the door: whoever looks by it sees nothing any more. Anybody who can sign in may."
        ).examples("nabd consultation close 214 --as layla")
        @Argument(help: "The consultation's number, as “nabd consultation list” says it.") var number: Int64
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask(.close(number)) }
    }
}

/// Consultations in words.
enum ConsultationWords {
    static func text(_ report: ConsultationReport, _ words: String?) -> String {
        var lines = words.map { [$0] } ?? []
        if report.open.isEmpty { lines.append("Nobody may look from outside now.") }
        for open in report.open {
            let looking =
                switch open.viewers {
                case 0: "is not looking now"
                case 1: "is looking now"
                case let count: "is looking now, at \(count) screens"
                }
            lines.append(
                "\(open.consultation) · \(open.name) · \(open.bed ?? "all beds") · until "
                    + "\(UTCTime.text(nanoseconds: open.until)) (\((open.seconds + 59) / 60) min) · opened by "
                    + "\(open.by.joined(separator: ", ")) · \(looking)")
        }
        guard report.isListening else {
            return (lines + ["This unit has no port for far clinicians."]).joined(separator: "\n")
        }
        lines.append("Clinicians: \(report.clinicians.map { "\($0.clinician) (\($0.name))" }.joined(separator: ", "))")
        return lines.joined(separator: "\n")
    }
}
