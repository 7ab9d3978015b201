#if Commands
import ArgumentParser
import CommandFacts
import Foundation
import OperatorDesk

/// Exit codes: 0 done, 1 refused or not known to be done, 2 the host cannot be reached.
struct PumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pump",
        abstract: "Ask the host to command a pump, as one who has signed in. Stop a pump.",
        discussion:
            "Two people enter a command, each by themselves: `draft`, then `verify`; then it is started. Nothing skips "
            + "a step. Exit 0: done, 1: refused or not known to be done, 2: the host cannot be reached.",
        subcommands: [
            List.self, Show.self, History.self, Draft.self, Verify.self, Start.self, Stop.self, Withdraw.self,
            Resolve.self, LookedAt.self, Unlock.self, PumpOperatorCommand.self,
        ])

    struct Place: ParsableArguments {
        @Option(help: "The host's socket for people; /run/nabd/people, where nothing is said.") var socket: String?
        @Flag(help: "Print the answer as a JSON line.") var json = false
        @Flag(help: "Read the secret from standard input, a line for each person.") var secretStdin = false

        var path: String { DeskPlace.path(socket) }
    }

    struct SignIn: ParsableArguments {
        @OptionGroup var place: Place
        @Option(name: .customLong("as"), help: "Who you are.") var id: String

        /// Asks for the secret, and then asks the host.
        func caller(and second: String? = nil) throws -> PumpCaller {
            let ids = [id] + (second.map { [$0] } ?? [])
            let secrets = try SecretInput.secrets(of: ids, fromInput: place.secretStdin)
            let people = zip(ids, secrets).map { Credential(id: $0, secret: $1) }
            return PumpCaller(path: place.path, isJSON: place.json, by: people.first, second: people.dropFirst().first)
        }
    }

    struct Entry: ParsableArguments {
        @Argument(help: "The pump's name in the unit's configuration.") var device: String
        @Argument(help: "The command's name, as `list` tells it.") var command: String
        @Option(
            name: .customLong("from"),
            help: "A file of your own, mode 0600, with what is entered; else it is typed, or stands behind the secret.")
        var file: String?
        @Argument(help: .hidden) var misplaced: [String] = []

        private static let question =
            "Quantities, a line for each: name=quantity, such as rate=4.17. Where asked for, order=ID and "
            + "reason=WORDS. An empty line ends it."

        /// What was typed, as it was typed.
        func entry() throws -> DeskEntry {
            var entries: [String: String] = [:]
            for typed in try EntryInput.lines(from: file, asking: Self.question) {
                let parts = typed.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2 else {
                    throw PumpCaller.refuse("“\(typed)” is no quantity: write name=quantity, such as rate=4.17.")
                }
                guard entries.updateValue(parts[1], forKey: parts[0]) == nil else {
                    throw PumpCaller.refuse("“\(parts[0])” was entered twice: enter it once.")
                }
            }
            let (order, reason) = (entries.removeValue(forKey: "order"), entries.removeValue(forKey: "reason"))
            return DeskEntry(device: device, command: command, entries: entries, order: order, reason: reason)
        }

        func validate() throws {
            guard misplaced.isEmpty else {
                throw ValidationError(
                    "Everybody on this machine can read what stands in a command: quantities are typed when they are "
                        + "asked for, given on standard input behind the secret, or with --from FILE.")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The pumps, and what may be asked of them.").examples(
            "nabd pump list --as layla")
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.list) }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Where a command stands.").examples(
            "nabd pump show 12 --as layla")
        @Argument(help: "The command's number.") var number: Int64
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.show(number)) }
    }

    struct History: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The newest commands first.").examples(
            "nabd pump history --most 50 --as layla")
        @Option(help: "How many, from 1 to 500.") var most = 20
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.history(most: most)) }
    }

    struct Draft: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Enter a command: the first of two people.").examples(
            "nabd pump draft pump-a rate --as layla", "nabd pump draft pump-a rate --dry-run --as layla",
            "nabd pump draft pump-a rate --from entry.txt --as layla")
        @OptionGroup var entered: Entry
        @Flag(help: "Only show the bytes that would go out.") var dryRun = false
        @OptionGroup var signIn: SignIn

        func run() throws {
            let caller = try signIn.caller()
            let entry = try entered.entry()
            try caller.tell(dryRun ? .preview(entry) : .draft(entry))
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter the same by yourself, as the second person: what differs voids both."
        ).examples("nabd pump verify 12 pump-a rate --as omar")
        @Argument(help: "The command's number.") var number: Int64
        @OptionGroup var entered: Entry
        @OptionGroup var signIn: SignIn

        func run() throws {
            let caller = try signIn.caller()
            try caller.tell(.verify(number, try entered.entry()))
        }
    }

    struct Start: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Carry out what two people have entered, and wait for what becomes of it."
        ).examples("nabd pump start 12 --as omar")
        @Argument(help: "The command's number.") var number: Int64
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().start(number) }
    }

    struct Stop: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Stop a pump now. Nobody needs to sign in.",
            discussion: "With --as and --secret-stdin it is noted who stopped it; a stop waits for no typing."
        ).examples("nabd pump stop pump-a")
        @Argument(help: "The pump's name in the unit's configuration.") var device: String
        @Option(name: .customLong("as"), help: "Who you are.") var id: String?
        @OptionGroup var place: Place

        func run() throws {
            var by: Credential?
            if let id {
                let secret = place.secretStdin ? SecretInput.line(within: .seconds(1)) : nil
                by = secret.map { Credential(id: id, secret: $0) }
                if by == nil {
                    PumpCaller.complain("No secret was given: the host is asked to stop the pump without your name.")
                }
            }
            try PumpCaller(path: place.path, isJSON: place.json, by: by, second: nil).stop(device)
        }
    }

    struct Withdraw: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take back what was entered and not started.")
            .examples("nabd pump withdraw 12 --as layla")
        @Argument(help: "The command's number.") var number: Int64
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.withdraw(number)) }
    }

    struct Resolve: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what an uncertain command's pump shows, standing before it."
        ).examples("nabd pump resolve 12 --not-in-effect --as layla --and omar")

        enum Seen: EnumerableFlag {
            case inEffect
            case notInEffect
        }

        @Argument(help: "The command's number.") var number: Int64
        @Flag(help: "What the pump shows.") var seen: Seen
        @Option(help: "The second person, who sees the same.") var and: String?
        @OptionGroup var signIn: SignIn

        func run() throws {
            try signIn.caller(and: and).tell(.resolve(number, seen: seen == .inEffect ? .inEffect : .notInEffect))
        }
    }

    struct LookedAt: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "looked-at", abstract: "Say that you have looked at a pump of which the host is not sure."
        ).examples("nabd pump looked-at pump-a --as layla")
        @Argument(help: "The pump's name in the unit's configuration.") var device: String
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.lookedAt(device: device)) }
    }

    struct Unlock: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a pump be commanded again after too many failures."
        ).examples("nabd pump unlock pump-a --as layla")
        @Argument(help: "The pump's name in the unit's configuration.") var device: String
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.caller().tell(.unlock(device: device)) }
    }
}
#endif
