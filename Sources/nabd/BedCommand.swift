import ArgumentParser
import DeviceModel
import Foundation
import OperatorDesk
import BedDesk

/// Exit codes: 0 done, 1 refused or not known to be done, 2 the host cannot be reached.
struct BedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bed",
        abstract: "The beds of this unit: who is there, by which preset they are watched, what was entered.",
        discussion:
            "Who a patient is, and what is entered of one, is typed when it is asked for, or read from standard input: "
            + "whatever stands in a command can be seen by everybody at this machine.",
        subcommands: [
            List.self, PresetChoice.self, Bind.self, Unbind.self, Withdraw.self, Replace.self, Enter.self,
        ], defaultSubcommand: List.self)

    struct SignIn: ParsableArguments {
        @Option(help: "The host's socket for people; /run/nabd/people, where nothing is said.") var people: String?
        @Flag(help: "Read the secret, then each identifier or the value, from standard input, a line each.")
        var secretStdin = false
        @Flag(help: "Print the answer as a JSON line.") var json = false
        @Option(name: .customLong("as"), help: "Who you are.") var id: String

        fileprivate func ask(_ ask: () throws -> BedAsk) throws {
            let secrets = try SecretInput.secrets(of: [id], fromInput: secretStdin)
            let by = secrets.first.map { Credential(id: id, secret: $0) }
            try PumpCaller(path: DeskPlace.path(people), isJSON: json, by: by, second: nil).tell(.bed(try ask()))
        }

        /// What a patient is told by, as it is typed.
        fileprivate func identifiers(_ kinds: [String]) throws -> [EnteredIdentifier] {
            try kinds.map { kind in
                guard let text = try EntryInput.lines(from: nil, asking: "\(kind):", most: 1).first else {
                    throw PumpCaller.refuse("Nothing was typed for \(kind).")
                }
                return EnteredIdentifier(kind: kind, text: text)
            }
        }
    }

    struct Patient: ParsableArguments {
        static let usual = ["mrn", "birth-date"]

        @Option(
            name: .customLong("by"),
            help: "What the patient is told by: two or more of mrn, national-id, iqama, passport, birth-date, name.")
        var kinds: [String] = Patient.usual
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The beds; to a clinician, with who is there."
        ).examples("nabd bed list --as layla")
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask { .list } }
    }

    struct PresetChoice: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "preset", abstract: "Choose by which preset a bed is watched."
        ).examples("nabd bed preset chair-1 palliative --as layla")
        @Argument(help: "The bed.") var bed: String
        @Argument(help: "The preset, as “nabd preset list” names it.") var preset: String
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask { .choosePreset(bed: bed, preset: preset) } }
    }

    struct Bind: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which patient is at a bed, and since when: what was measured since then is the patient's."
        ).examples("nabd bed bind chair-1 --as layla", "nabd bed bind chair-1 --since-minutes 20 --as layla")
        @Argument(help: "The bed.") var bed: String
        @Option(help: "For how long the patient has been there, 0 to 1440.") var sinceMinutes = 0
        @OptionGroup var patient: Patient
        @OptionGroup var signIn: SignIn

        func validate() throws {
            guard (0...1440).contains(sinceMinutes) else { throw ValidationError("0 to 1440 minutes, a day at most.") }
        }

        func run() throws {
            try signIn.ask {
                .bind(
                    bed: bed, identifiers: try signIn.identifiers(patient.kinds), since: Int64(sinceMinutes) * 60)
            }
        }
    }

    struct Unbind: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say that the patient is no longer at a bed.")
            .examples("nabd bed unbind chair-1 --as layla")
        @Argument(help: "The bed.") var bed: String
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask { .unbind(bed: bed) } }
    }

    struct Withdraw: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that it was another patient: what was filed under this one was entered in error."
        ).examples("nabd bed withdraw chair-1 --as layla", "nabd bed withdraw chair-1 --binding 214 --as layla")
        @Argument(help: "The bed.") var bed: String
        @Option(help: "The binding's number; left out: the one that is open.") var binding: Int64?
        @OptionGroup var signIn: SignIn

        func run() throws { try signIn.ask { .withdraw(bed: bed, binding: binding) } }
    }

    struct Replace: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that it was another patient, and who: what was measured is filed under that one."
        ).examples("nabd bed replace chair-1 --as layla")
        @Argument(help: "The bed.") var bed: String
        @Option(help: "The binding's number; left out: the one that is open.") var binding: Int64?
        @OptionGroup var patient: Patient
        @OptionGroup var signIn: SignIn

        func run() throws {
            try signIn.ask {
                .replace(bed: bed, binding: binding, identifiers: try signIn.identifiers(patient.kinds))
            }
        }
    }

    struct Enter: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Enter what no device measures: consciousness, oxygen, counted breaths, the scale for SpO2, symptoms."
        ).examples("nabd bed enter chair-1 consciousness --as layla", "nabd bed enter chair-1 esas-pain --as layla")
        @Argument(help: "The bed.") var bed: String
        @Argument(help: "consciousness, oxygen, respiration, spo2-scale, or one of the symptoms esas-….") var item:
            String
        @Argument(help: .hidden) var misplaced: [String] = []
        @OptionGroup var signIn: SignIn

        func validate() throws {
            guard misplaced.isEmpty else {
                throw ValidationError(
                    "Everybody on this machine can read what stands in a command: the value is typed when it is asked "
                        + "for, or given on standard input behind the secret.")
            }
        }

        func run() throws {
            try signIn.ask {
                guard let value = try EntryInput.lines(from: nil, asking: "\(item):", most: 1).first else {
                    throw PumpCaller.refuse("Nothing was entered for \(item).")
                }
                return .enter(bed: bed, item: item, value: value)
            }
        }
    }
}

/// A bed in words.
enum BedWords {
    static func text(_ bed: BedReport) -> String {
        var lines = [
            "\(bed.bed) · \(bed.name) · \(bed.nameArabic)", "    devices: \(bed.devices.joined(separator: ", "))",
        ]
        let reviewed =
            bed.isWatched
            ? bed.isReviewed == false ? " (not reviewed by a clinician)" : "" : " (cannot be read: no limit is watched)"
        lines.append("    preset: \(bed.preset.map { $0 + reviewed } ?? "none: no limit is watched")")
        lines += (bed.unwatched ?? []).map { "    not watched: \($0.text)" }
        guard let patient = bed.patient else {
            lines.append(bed.isLost ? "    patient: not known, the record was damaged: bind anew" : "    patient: none")
            return lines.joined(separator: "\n")
        }
        let since = patient.since.map { " since \(UTCTime.text(nanoseconds: $0))" } ?? ""
        lines.append("    patient: binding \(patient.binding)\(since), by \(patient.by.joined(separator: ", "))")
        for (kind, text) in (patient.identifiers ?? [:]).sorted(by: { $0.key < $1.key }) {
            lines.append("        \(kind): \(Printable.text(text, keepingLines: false))")
        }
        return lines.joined(separator: "\n")
    }
}
