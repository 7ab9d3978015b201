package import CommandFacts
package import DevicePlans
package import LineEngine
import Nomenclature
import ProfileLanguage

/// The way to a line's thread: nothing here waits.
package protocol PumpLine: AnyObject, Sendable {
    /// Hands an order in, to be said once. `false`, and nothing is said, when too many are under way.
    func hand(in order: LineOrder) -> Bool
    /// What became of an order; `nil` when no more is known yet.
    func takeOutcome() -> OrderOutcome?
    /// How far a stop has come; `nil` when no more is known yet.
    func takeStopReport() -> StopReport?
    /// Asks for a stop of a device, from any thread. Returns how many were asked for with it.
    func askStop(device: Int) -> Int64
    func stopsAsked(device: Int) -> Int64
}

/// A pump that this unit drives.
package struct DrivenPump: Sendable {
    package let key: PumpKey
    /// By its place on the line.
    package let device: Int
    package let plan: DevicePlan
    package let commands: [CommandPlan]
    /// Of its profile, in hexadecimal digits.
    package let profileDigest: String
    /// Where it is connected.
    package let lineName: String
    package let line: any PumpLine

    package var handle: String { plan.handle }

    /// `nil` for a device that has no commands, nor any that cannot be carried out.
    package init?(_ plan: DevicePlan, profileDigest: String, device: Int, lineName: String, line: any PumpLine) {
        let commands = plan.commands
        if commands.isEmpty, plan.faultyCommands.isEmpty { return nil }
        (self.plan, self.commands, self.profileDigest, self.device) = (plan, commands, profileDigest, device)
        (self.lineName, self.line) = (lineName, line)
        key = plan.expectedSerial.map { PumpKey(serial: $0) } ?? PumpKey(port: lineName)
    }

    func command(_ name: String) -> (place: Int, plan: CommandPlan)? {
        commands.firstIndex { $0.name == name }.map { ($0, commands[$0]) }
    }

    /// What it shows that it is set to, in the units of what its commands set: a trigger sets it going with that.
    func standing(_ outcome: OrderOutcome, of command: CommandPlan) -> [CommandEntry] {
        let readings = readings(outcome, of: command)
        return commands.flatMap { other in
            other.shows.compactMap { shown -> CommandEntry? in
                guard case .argument(let name) = shown.what,
                    let argument = other.description.arguments.first(where: { $0.name == name }),
                    let reading = readings.first(where: { $0.field == other.watched[shown.watched].name }),
                    let quantity = try? ExactQuantity(reading.value)
                else { return nil }
                return CommandEntry(name, quantity, unit: argument.unit.ucum)
            }
        }
    }

    /// Whether it shows what one of its triggers brings about.
    func isRunning(_ outcome: OrderOutcome, of command: CommandPlan) -> Bool {
        let readings = readings(outcome, of: command)
        return commands.contains { other in
            guard other.kind == .trigger else { return false }
            return other.shows.allSatisfy { shown in
                let name = other.watched[shown.watched].name
                return readings.contains { $0.field == name && shown.what.isMet(by: $0.value) == true }
            }
        }
    }

    /// What a look told of all that a command depends on and shows; `nil` where any of it is not known for sure, or not
    /// of now.
    func shown(_ outcome: OrderOutcome, of command: CommandPlan) -> [Reading]? {
        guard outcome.kind == .looked(isClean: true),
            command.watched.indices.allSatisfy({ place in
                let (told, watched) = (outcome.told[place], command.watched[place])
                return told.isKnown && (!watched.isOfBits || watched.value(told.text) != nil)
            })
        else { return nil }
        return readings(outcome, of: command)
    }

    /// The unit of what a field shows, as people read it; `nil` of a word.
    func unit(of field: String) -> String? {
        for command in commands {
            for shown in command.shows where command.watched[shown.watched].name == field {
                guard case .argument(let name) = shown.what else { continue }
                return command.description.arguments.first { $0.name == name }?.unit.display
            }
        }
        return nil
    }

    /// What the pump showed when something was entered, and what it shows now: what differs, and what to do.
    ///
    /// - Parameter before: `nil` where it is not known.
    func words(ofChangeFrom before: [Reading]?, to shown: [Reading]) -> String {
        let known = before ?? []
        let same = Set(known).intersection(shown)
        var fields: [String] = []
        for reading in known + shown where !same.contains(reading) && !fields.contains(reading.field) {
            fields.append(reading.field)
        }
        func words(_ readings: [Reading]) -> String {
            fields.map { field in
                guard let reading = readings.first(where: { $0.field == field }) else { return "no \(field)" }
                return "\(field) \(reading.value)" + (unit(of: field).map { " \($0)" } ?? "")
            }.joined(separator: ", ")
        }
        let then =
            before == nil
            ? "It is not known what \(handle) showed when this was entered"
            : "When this was entered, \(handle) showed \(words(known))"
        return
            "\(then); now it shows \(words(shown)). Nothing was sent, and what was entered is void: look at the pump, "
            + "and enter it anew."
    }

    /// What a look told, in the one way in which it is compared.
    func readings(_ outcome: OrderOutcome, of command: CommandPlan) -> [Reading] {
        command.watched.indices.compactMap { place in
            let watched = command.watched[place]
            guard outcome.told[place].isKnown else { return nil }
            return watched.value(outcome.told[place].text).map { Reading(watched.name, $0) }
        }
    }
}

/// What a policy says of a command that somebody has entered.
package protocol CommandGate: Sendable {
    func judge(_ entered: EnteredCommand) -> GateVerdict
}

/// A command as somebody entered it, whole and within what the pump itself takes.
package struct EnteredCommand: Sendable {
    package let pump: DrivenPump
    package let command: CommandPlan
    package let kind: CommandKind
    package let entries: [CommandEntry]
    package let order: String?
    package let reason: String?
    /// What the pump shows, where it was asked just now: quantities in the units of what a command sets.
    package let standing: [CommandEntry]?
    /// Whether it shows that it delivers.
    package let isRunning: Bool
    /// Unit: ns since 1970; `nil` while the clock is not known to be right.
    package let utc: Int64?
}

package enum GateVerdict: Sendable, Hashable {
    /// - people: how many must enter it. Range: 1…2.
    /// - rules: how far apart effects on this device must be, and how many an hour.
    case allowed(people: Int, rules: CommandRules)
    /// One sentence for each thing that stands against it.
    case refused(code: String, words: [String])
}
