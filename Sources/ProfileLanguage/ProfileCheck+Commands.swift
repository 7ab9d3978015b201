import DeviceModel
import StrictYAML

/// What a command must be before somebody can ask for it: one that has a “kind”.
extension ProfileCheck {
    func checkCommands() {
        let isModbus = profile.line.transport != .serial
        if isModbus { checkWrites() }
        for command in profile.commands where command.kind != nil {
            if !isModbus { checkSteps(command) }
            checkReadBack(command)
            if !isModbus { checkRequirements(command) }
            checkAlike(command)
            checkEvidence(command)
        }
        for command in profile.commands where command.measurement != nil { checkMeasurement(command) }
    }

    /// Words and quantities that differ are never one, nor is anything that a pump shows.
    private func checkAlike(_ command: CommandDescription) {
        for requirement in command.requires where requirement.areAlike {
            let field = profile.fields.first { $0.name == requirement.field }
            let isSet = profile.commands.contains { other in
                other.readBack.contains { entry in
                    if case .argument = entry.shows { entry.field == requirement.field } else { false }
                }
            }
            let isNumber = if case .bits? = field?.type { true } else { false }
            if isSet || !isNumber {
                diagnostics.error(
                    command.location,
                    "“alike” is for numbers in bits that nothing sets, and “\(requirement.field)” is none")
            }
            if command.measurement == nil {
                diagnostics.error(
                    command.location,
                    "“alike” is for a command with “measurement”: of one that gives something, each value is another")
            }
        }
    }

    /// A measurement that acts on somebody begins, and can be ended.
    private func checkMeasurement(_ command: CommandDescription) {
        if command.kind != .trigger {
            diagnostics.error(command.location, "“\(command.name)” is a measurement, and so “kind: trigger”")
        }
        if !profile.commands.contains(where: { $0.kind == .stop }) {
            diagnostics.error(
                command.location,
                "“\(command.name)” acts on somebody, and nothing ends it: give the command that does “kind: stop”")
        }
    }

    /// Prepared by what may be said again, done by one transmission, looked at by what only reads.
    private func checkSteps(_ command: CommandDescription) {
        guard let (place, step) = command.effectStep else {
            let count = command.steps.count { $0.effect == .effect }
            return diagnostics.error(
                command.location,
                "“\(command.name)” has \(count) steps with an effect; a command that can be asked for has one: mark "
                    + "the others “class: read” or “class: prepare”")
        }
        for later in command.steps[(place + 1)...] where !later.isRead {
            diagnostics.error(later.location, "behind the effect only what reads may be said")
        }
        for name in command.arguments.map(\.name) {
            let users = command.steps.enumerated().filter { $0.element.send.names.contains(name) }
            if users.map(\.offset) != [place] {
                diagnostics.error(
                    command.location, "“\(name)” must stand in the step with the effect, and in no other")
            }
        }
        if step.reply == nil {
            diagnostics.error(
                step.location,
                "the effect has no “reply” that says that it was taken: each one would be in doubt")
        }
        if let reply = step.reply, let refusal = step.refusal,
            profile.couldBeTaken(profile.messages[reply], for: profile.messages[refusal])
        {
            diagnostics.error(step.location, "nobody can tell the refusal from the answer that it was taken")
        }
    }

    /// Everything that is set shows, in an answer to a question of its own.
    private func checkReadBack(_ command: CommandDescription) {
        if command.readBack.isEmpty {
            diagnostics.error(
                command.location, "“\(command.name)” has no “read-back”: its outcome could never be known")
        }
        let shown = command.readBack.compactMap { entry in
            if case .argument(let name) = entry.shows { name } else { nil }
        }
        for argument in command.arguments where !shown.contains(argument.name) {
            diagnostics.error(argument.location, "“\(argument.name)” is set, and no “read-back” shows it")
        }
        if command.kind == .stop, !command.arguments.isEmpty {
            diagnostics.error(command.location, "a stop has no arguments: it must be said at once")
        }
        // What is in registers can be read.
        guard profile.line.transport == .serial else { return }
        let asked = command.ask.flatMap { name in profile.requests.first { $0.name == name } }.flatMap(\.reply)
        let behind = command.steps.drop { $0.effect != .effect }.dropFirst().compactMap(\.reply)
        let answers = (asked.map { [$0] } ?? behind).map { profile.messages[$0] }
        for (field, _) in command.readBack where !answers.contains(where: { profile.holds($0, field: field) }) {
            diagnostics.error(
                command.location,
                command.ask.map { "the answer to “\($0)” does not tell “\(field)”" }
                    ?? "no step behind the effect tells “\(field)”: name the request that does by “ask”")
        }
    }

    /// A trigger that shows afterwards what may be there before proves nothing.
    private func checkEvidence(_ command: CommandDescription) {
        for (field, shows) in command.readBack where command.kind == .trigger {
            for requirement in command.requires where requirement.field == field {
                guard case .isOneOf(let allowed) = requirement.test else { continue }
                let same: ValueCode?
                switch shows {
                case .codes(let shown): same = shown.first { code in allowed.contains { $0.text == code.text } }
                case .otherThan(let others):
                    same = allowed.first { code in !others.contains { $0.text == code.text } }
                case .argument: same = nil
                }
                if let same {
                    diagnostics.error(
                        command.location, "“\(field)” may be “\(same.text)” before already: that would prove nothing")
                }
            }
        }
    }

    /// What allows it is known before it is said: asked for again and again, or by a step before the effect.
    private func checkRequirements(_ command: CommandDescription) {
        let before = command.steps.prefix { $0.effect != .effect }.compactMap(\.reply).map { profile.messages[$0] }
        for requirement in command.requires {
            let polled = profile.requests(reading: requirement.field).contains { $0.period != nil }
            if !polled, !before.contains(where: { profile.holds($0, field: requirement.field) }) {
                diagnostics.error(
                    command.location,
                    "nothing tells “\(requirement.field)” before the effect: no request is said again and again for it")
            }
        }
    }
}
