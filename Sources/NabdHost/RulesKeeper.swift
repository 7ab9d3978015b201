#if Commands
import CommandFacts
import DeviceModel
import DevicePlans
import Foundation
import Nomenclature
import PlainFiles
import ProfileLanguage
package import PumpDesk
package import PumpRules
import StrictYAML
import Synchronization

/// The rules in force: read again and again, held against what was accepted before, and never looser for a fault.
package final class RulesKeeper: CommandGate {
    private let settings: PumpSettings
    /// Where it is kept which files were accepted last.
    private let stamps: String
    private let current: Mutex<PumpRules>

    /// - Parameter journal: the folder of the journal; what was accepted is kept beside it.
    package init(_ settings: PumpSettings, journal: String) {
        self.settings = settings
        stamps = "\(KeptProfiles(journal: journal).folder)/rules.txt"
        current = Mutex(.none)
        _ = readFiles()
    }

    package var rules: PumpRules { current.withLock { $0 } }

    /// What is wrong with the files, one line for each fault.
    package var faults: [String] {
        guard case .rules(let set) = rules else { return [] }
        return (set.policy.faults + set.library.faults + set.orders.faults).map(\.description)
    }

    /// The site's policy, where there is one that can be believed.
    package var policy: SitePolicy? {
        if case .rules(let set) = rules { set.policy.value } else { nil }
    }

    /// Reads the files anew, and keeps which they were: from then on no older one is taken.
    package func read() {
        if case .rules(let set) = readFiles() { keep(set.stamps) }
    }

    private func readFiles() -> PumpRules {
        let rules = PumpRules.read(folder: settings.rules, keys: RuleKeys(settings.key), accepted: accepted)
        current.withLock { $0 = rules }
        return rules
    }

    // MARK: What was accepted

    private var accepted: [RuleFile: RuleStamp] {
        var found: [RuleFile: RuleStamp] = [:]
        if case .rules(let set) = rules { found = set.stamps }
        for line in PlainFile.text(stamps)?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, let file = RuleFile(rawValue: words[0]), let version = Int64(words[1]) else {
                continue
            }
            if version >= found[file]?.version ?? 0 { found[file] = RuleStamp(version: version, digest: words[2]) }
        }
        return found
    }

    private func keep(_ accepted: [RuleFile: RuleStamp]) {
        let text = accepted.sorted { $0.key.rawValue < $1.key.rawValue }.map {
            "\($0.key.rawValue) \($0.value.version) \($0.value.digest)\n"
        }.joined()
        guard PlainFile.text(stamps) != text else { return }
        let folder = URL(fileURLWithPath: stamps).deletingLastPathComponent().path
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
        try? Data(text.utf8).write(to: URL(fileURLWithPath: stamps), options: .atomic)
    }

    // MARK: The gate

    package func judge(_ entered: EnteredCommand) -> GateVerdict {
        let profile = entered.pump.plan.profile
        if profile.device.isForTraining, policy?.use != .training {
            return .refused(
                code: RuleRefusal.Word.notAllowed.rawValue,
                words: ["This device is for training only, and the site's policy is not."])
        }
        if profile.line.transport == .modbusTCP, policy?.devices[entered.pump.handle]?.acceptsNetwork != true {
            return .refused(
                code: RuleRefusal.Word.notAllowed.rawValue,
                words: ["The site's policy does not let this device be driven over a network."])
        }
        let isTrigger = entered.kind == .trigger
        var request = PumpRequest(
            device: entered.pump.handle, command: entered.command.name, kind: isTrigger ? .trigger : .set,
            area: policy?.devices[entered.pump.handle]?.area ?? "")
        request.entries = entered.entries
        request.arguments = entered.command.description.arguments.compactMap { argument in
            guard let step = try? ExactQuantity(argument.step.text(of: 1)) else { return nil }
            return PumpRequest.Argument(
                argument.name, unit: argument.unit.ucum, least: argument.range.lowerBound,
                most: argument.range.upperBound, step: step)
        }
        request.standing = isTrigger ? entered.standing ?? [] : []
        request.running =
            entered.isRunning ? entered.standing?.first { Measure.measured(in: $0.unit)?.measure == .rate } : nil
        request.serial = entered.pump.plan.expectedSerial
        request.order = entered.order
        request.reason = entered.reason
        request.now = entered.utc
        request.hasRemoteStop = entered.pump.commands.contains { $0.kind == .stop }
        request.isSyringePump = profile.device.kind.contains("syringe")
        request.infuses = profile.device.kind.contains("pump")
        request.pace = entered.command.description.measurement.map {
            PumpRequest.Pace(leastGap: $0.leastPause, mostPerHour: $0.mostPerHour)
        }
        switch rules.judge(request) {
        case .allowed(let permit): return .allowed(people: permit.people, rules: permit.rules)
        case .refused(let refusals):
            // What the pump is set to is read when it is started; until then nobody can judge it.
            let left = refusals.filter { !(isTrigger && entered.standing == nil && $0.word == .missingParameter) }
            guard let first = left.first else {
                return .allowed(people: 2, rules: policy?.devices[request.device]?.rules ?? CommandRules())
            }
            return .refused(code: first.word.rawValue, words: left.map(\.text))
        }
    }
}
#endif
