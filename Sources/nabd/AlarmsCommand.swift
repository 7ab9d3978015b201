import Alarms
import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import OperatorDesk

/// Where people ask the host.
enum DeskPlace {
    private static let usual = "/run/nabd/people"
    /// Of a unit whose configuration names its people beside its pumps.
    private static let before = "/run/nabd/pumps"

    static func path(_ socket: String?) -> String {
        guard let socket else { return access(usual, F_OK) == 0 || access(before, F_OK) != 0 ? usual : before }
        return socket.hasPrefix("/") ? socket : "\(FileManager.default.currentDirectoryPath)/\(socket)"
    }
}

/// Exit codes: 0 done, 1 refused or not known to be done, 2 the host cannot be reached.
struct AlarmsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alarms",
        abstract: "The alarms of this unit: list them, say that you have seen one, have them be silent for a while.",
        discussion:
            "Acknowledging an alarm says that you have seen to it: it is not its end. An alarm that still holds ten "
            + "minutes later is signalled once more. Listing needs no sign-in.",
        subcommands: [List.self, Acknowledge.self, Pause.self, Off.self, On.self, AlarmsReplayCommand.self],
        defaultSubcommand: List.self)

    struct Place: ParsableArguments {
        @OptionGroup var host: HostPlace
        @Option(help: "The host's socket for people; /run/nabd/people, where nothing is said.") var people: String?
        @Flag(help: "Read the secret from standard input.") var secretStdin = false
        @Flag(help: "Print the answer as a JSON line.") var json = false

        fileprivate func alerts() throws -> [StatusDocument.Alert] { try StatusDocument.ask(at: host.path()).1.alerts }
    }

    struct SignIn: ParsableArguments {
        @OptionGroup var place: Place
        @Option(name: .customLong("as"), help: "Who you are.") var id: String

        /// One after the other; the first that is refused is the last.
        fileprivate func ask(_ requests: AlarmRequest...) throws { try ask(requests) }

        fileprivate func ask(_ requests: [AlarmRequest]) throws {
            let secrets = try SecretInput.secrets(of: [id], fromInput: place.secretStdin)
            let by = secrets.first.map { Credential(id: id, secret: $0) }
            let caller = PumpCaller(path: DeskPlace.path(place.people), isJSON: place.json, by: by, second: nil)
            for request in requests { try caller.tell(.alarm(request)) }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The alarms that stand, the most urgent first.")
            .examples("nabd alarms", "nabd alarms list --bed chair-1 --arabic")
        @OptionGroup var place: Place
        @Option(help: "Only those of this bed.") var bed: String?
        @Flag(help: "In Arabic.") var arabic = false

        func run() throws {
            let (text, status) = try StatusDocument.ask(at: place.host.path())
            let alerts = status.alerts.filter { bed == nil || $0.bed == bed }.sorted(by: AlarmWords.isBefore)
            if place.json {
                print(text)
            } else if alerts.isEmpty {
                print("No alarm stands\(bed.map { " at \($0)" } ?? "").")
            } else {
                for alert in alerts { print(AlarmWords.text(alert, inArabic: arabic)) }
            }
            guard !place.json else { return }
            for limit in status.unwatched ?? [] where bed == nil || limit.bed == bed {
                print("note · \(limit.bed) · \(arabic ? limit.textArabic : limit.text)")
            }
        }
    }

    struct Acknowledge: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say that you have seen alarms and see to them.")
            .examples("nabd alarms acknowledge 5f1c-3 --as layla", "nabd alarms acknowledge --bed chair-1 --as layla")
        @Argument(help: "The alarms, as the list names them.") var alarms: [String] = []
        @Option(help: "Those of this bed that stand now.") var bed: String?
        @OptionGroup var signIn: SignIn

        func run() throws {
            guard alarms.isEmpty != (bed == nil) else {
                throw PumpCaller.refuse("Name the alarms, or a bed: one of the two.")
            }
            // Just those that are shown, as they are shown: what begins or becomes worse meanwhile, nobody has seen.
            let shown: [StatusDocument.Alert]
            if let bed {
                shown = try signIn.place.alerts().filter { $0.bed == bed && $0.presence != "ack" }
                guard !shown.isEmpty else { throw PumpCaller.refuse("No alarm at this bed waits for anybody.") }
            } else {
                // The host may be asked where it does not tell how it is.
                shown = ((try? signIn.place.alerts()) ?? []).filter { $0.instance.map(alarms.contains) ?? false }
            }
            let sorted = shown.sorted(by: AlarmWords.isBefore)
            if bed != nil || !signIn.place.json {
                for alert in sorted { print(AlarmWords.text(alert, inArabic: false)) }
            }
            try signIn.ask(Self.requests(bed == nil ? alarms : sorted.compactMap(\.instance), as: sorted))
        }

        /// The most urgent first, as many at once as the host takes.
        private static func requests(_ instances: [String], as shown: [StatusDocument.Alert]) -> [AlarmRequest] {
            let priorities = Dictionary(
                shown.compactMap { alert in
                    alert.instance.flatMap { name in
                        alert.priority.flatMap(AlertPriority.init).map { (name, $0) }
                    }
                }
            ) { first, _ in first }
            return stride(from: 0, to: instances.count, by: AlarmRequest.most).map { place in
                let some = Array(instances[place..<min(place + AlarmRequest.most, instances.count)])
                let seen = some.compactMap { priorities[$0] }
                return .acknowledge(some, seenAs: seen.count == some.count ? seen : [])
            }
        }
    }

    struct Pause: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have what is signalled at a bed be silent for a while: 120 s at most."
        ).examples("nabd alarms pause --bed chair-1 --seconds 60 --as layla")
        @Option(help: "The bed; left out: what is at no bed.") var bed: String?
        @Option(help: "For how long, 1 to 120.") var seconds = 60
        @OptionGroup var signIn: SignIn

        func validate() throws {
            guard AlarmRequest.seconds.contains(seconds) else {
                throw ValidationError("A pause is from 1 to 120 seconds.")
            }
        }

        func run() throws { try signIn.ask(.pause(bed: bed, seconds: seconds)) }
    }

    struct Which: ParsableArguments {
        @Option(help: "The bed.") var bed: String
        @Argument(help: "The alarm's name, such as MDC_EVT_LO_VAL_LT_LIM.") var alarm: String
        @Option(help: "The metric whose value it is about.") var metric: String?

        var off: AlarmSwitch { AlarmSwitch(bed: bed, name: alarm, metric: metric) }
    }

    struct Off: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Switch an alarm of a bed off: until another patient, another preset, or the host's next start."
        ).examples("nabd alarms off MDC_EVT_LO_VAL_LT_LIM --metric MDC_PULS_OXIM_SAT_O2 --bed chair-1 --as layla")
        @OptionGroup var which: Which
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask(.switchOff(which.off)) }
    }

    struct On: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Switch an alarm of a bed on again.").examples(
            "nabd alarms on MDC_EVT_LO_VAL_LT_LIM --metric MDC_PULS_OXIM_SAT_O2 --bed chair-1 --as layla")
        @OptionGroup var which: Which
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask(.switchOn(which.off)) }
    }
}

/// An alarm in words.
enum AlarmWords {
    private static let priorities = AlertPriority.allCases.map(\.rawValue)

    /// The most urgent first: what nobody has seen, by its priority, then by its age.
    static func isBefore(_ one: StatusDocument.Alert, _ other: StatusDocument.Alert) -> Bool {
        let (left, right) = (rank(one), rank(other))
        return left == right ? one.heldMilliseconds > other.heldMilliseconds : left < right
    }

    private static func rank(_ alert: StatusDocument.Alert) -> Int {
        let priority = alert.priority.flatMap(priorities.firstIndex) ?? priorities.count
        return alert.presence == "ack" ? priority + priorities.count + 1 : priority
    }

    static func text(_ alert: StatusDocument.Alert, inArabic: Bool) -> String {
        let words = (inArabic ? alert.textArabic : alert.text) ?? alert.alert
        let facts = ["for \(StatusTable.age(alert.heldMilliseconds))"] + state(alert)
        let place = [alert.bed, alert.device, alert.vmd].compactMap(\.self)
        return "\(alert.priority ?? "") · \(place.isEmpty ? "the unit" : place.joined(separator: " ")) · \(words)\n"
            + "    \(facts.joined(separator: ", ")) · \(alert.instance ?? "")"
    }

    /// What is to be known of it beside what it says.
    static func state(_ alert: StatusDocument.Alert) -> [String] {
        var words: [String] = []
        if alert.unconfirmed == true { words.append("in doubt: it held before the last start or change") }
        if alert.escalated == true { words.append("nobody has answered") }
        switch alert.activation {
        case "paused"?: words.append("silent for a while")
        case "off"?: words.append("switched off")
        default: break
        }
        switch alert.presence {
        case "latched"?: words.append("over, and seen by nobody")
        case "ack"?:
            words.append("acknowledged by \((alert.acknowledgedBy ?? []).joined(separator: ", "))")
        default: break
        }
        return words
    }
}
