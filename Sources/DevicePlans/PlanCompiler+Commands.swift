#if Commands
import DeviceModel
import ProfileLanguage

extension CompiledCommands {
    mutating func add(_ command: CommandDescription, _ compile: () throws(PlanCompiler.CommandFault) -> CommandPlan) {
        do throws(PlanCompiler.CommandFault) {
            plans.append(try compile())
        } catch {
            faults.append(Faulty(name: command.name, location: command.location, why: error.why))
        }
        if !faults.isEmpty { plans.removeAll { $0.kind != .stop } }
    }
}

/// The commands of a device that may be driven.
extension PlanCompiler {
    /// Why a command of the profile cannot be carried out.
    struct CommandFault: Error {
        let why: String
    }

    /// The requests that the steps of commands are, behind those of the profile.
    func steps(_ replies: [Int: [Int]]) -> [RequestPlan] {
        guard isDriven else { return [] }
        return profile.commands.filter { $0.kind != nil }.flatMap { command in
            command.steps.enumerated().map { place, step in
                RequestPlan(
                    name: "\(command.name).\(place + 1)", prelude: [], send: step.send, frame: step.frame,
                    reply: step.reply.flatMap { replies[$0]?.first },
                    refusal: step.refusal.flatMap { replies[$0]?.first }, period: nil, retries: 0,
                    isRepeatable: step.effect != .effect, isInstruction: !step.isRead, slot: nil)
            }
        }
    }

    /// - Parameters:
    ///   - requests: all of the plan; the steps of the commands stand at their end.
    ///   - messages: of the plan.
    func commands(_ requests: [RequestPlan], messages: [MessagePlan], likeness: Likeness) -> CompiledCommands {
        var compiled = CompiledCommands()
        guard isDriven else { return compiled }
        let driven = profile.commands.filter { $0.kind != nil }
        var first = requests.count - driven.reduce(0) { $0 + $1.steps.count }
        for command in driven {
            compiled.add(command) { () throws(CommandFault) in
                try self.command(command, first: first, requests, messages, likeness)
            }
            first += command.steps.count
        }
        return compiled
    }

    private func command(
        _ command: CommandDescription, first: Int, _ requests: [RequestPlan], _ messages: [MessagePlan],
        _ likeness: Likeness
    ) throws(CommandFault) -> CommandPlan {
        guard let kind = command.kind, let (place, _) = command.effectStep, !command.mentionsSlot else {
            throw CommandFault(why: "it is not done by one step")
        }
        let own = command.requires.map(\.field) + command.readBack.map(\.field)
        let names = (own + (kind == .trigger ? standing(requests, messages) : [])).unique
        guard names.count <= CommandPlan.mostWatched else {
            throw CommandFault(why: "it depends on more than \(CommandPlan.mostWatched) fields")
        }
        let behind = command.steps.indices.filter { $0 > place && command.steps[$0].isRead }.map { first + $0 }
        let asked = command.ask.flatMap { name in requests.firstIndex { $0.name == name } }
        var look = asked.map { [$0] } ?? behind
        for name in names where !look.contains(where: { tells(requests[$0], name, messages) }) {
            let tellers = requests.indices.filter { requests[$0].period != nil && tells(requests[$0], name, messages) }
            let quickest = tellers.min { (requests[$0].period ?? .max) < (requests[$1].period ?? .max) }
            let before = command.steps.indices.filter { $0 < place && command.steps[$0].isRead }.map { first + $0 }
            guard let teller = quickest ?? before.first(where: { tells(requests[$0], name, messages) }) else {
                throw CommandFault(why: "nothing tells “\(name)”")
            }
            look.append(teller)
        }
        var watched: [CommandPlan.Watched] = []
        for name in names { watched.append(try self.watched(name, command, look.map { requests[$0] }, messages)) }
        let answers = (look + [first + place]).flatMap { [requests[$0].reply, requests[$0].refusal].compactMap { $0 } }
        func isApart(_ answer: Int) -> Bool { !answers.contains { $0 == answer || likeness.isAlike($0, answer) } }
        let barriers = requests.indices.filter { index in
            guard let reply = requests[index].reply, requests[index].isRepeatable, !requests[index].isInstruction,
                requests[index].slot == nil, requests[index].period != nil || index >= first
            else { return false }
            return isApart(reply)
        }
        return CommandPlan(
            description: command, kind: kind,
            prepare: command.steps.indices.filter { $0 < place }.map { first + $0 }, effect: first + place, look: look,
            barriers: barriers, refusedBarriers: barriers.filter { requests[$0].refusal.map(isApart) ?? false },
            watched: watched,
            requires: command.requires.compactMap { requirement in
                names.firstIndex(of: requirement.field).map {
                    CommandPlan.Requirement(
                        watched: $0, test: test(requirement.test, on: requirement.field), within: requirement.within)
                }
            },
            shows: command.readBack.compactMap { field, what in
                names.firstIndex(of: field).map { shown(watched, $0, field, what) }
            })
    }

    /// What a trigger sets going: the fields that show what other commands set, as far as they are asked for anyway.
    private func standing(_ requests: [RequestPlan], _ messages: [MessagePlan]) -> [String] {
        fieldsOfArguments.filter { field in
            requests.contains { $0.period != nil && tells($0, field, messages) }
        }
    }

    /// The fields that show what commands set.
    var fieldsOfArguments: [String] {
        profile.commands.filter { $0.kind == .set }.flatMap(\.readBack).compactMap { field, what in
            if case .argument = what { field } else { nil }
        }
    }

    /// The argument, of any command, that a field shows; this command's own first.
    func argument(shownBy name: String, _ command: CommandDescription) -> CommandDescription.Argument? {
        ([command] + profile.commands).lazy.flatMap { command in
            command.readBack.compactMap { field, what -> CommandDescription.Argument? in
                guard field == name, case .argument(let argument) = what else { return nil }
                return command.arguments.first { $0.name == argument }
            }
        }.first
    }

    func shown(
        _ watched: [CommandPlan.Watched], _ place: Int, _ field: String, _ what: CommandDescription.ReadBack
    ) -> CommandPlan.Shown {
        func values(_ codes: [ValueCode]) -> [String] {
            codes.compactMap { code in self.field(field).flatMap { watched[place].value(code, of: $0) } }
        }
        switch what {
        case .argument(let name): return CommandPlan.Shown(watched: place, what: .argument(name), test: nil)
        case .codes(let codes):
            return CommandPlan.Shown(
                watched: place, what: .values(values(codes)), test: test(.isOneOf(codes), on: field))
        case .otherThan(let codes):
            return CommandPlan.Shown(
                watched: place, what: .otherThan(values(codes)), test: test(.isNoneOf(codes), on: field))
        }
    }

    private func tells(_ request: RequestPlan, _ name: String, _ messages: [MessagePlan]) -> Bool {
        guard let reply = request.reply, let index = fieldIndex[name] else { return false }
        return messages[reply].fields.contains { $0.index == index }
    }

    /// How a field is read in the answers that are looked at.
    private func watched(
        _ name: String, _ command: CommandDescription, _ look: [RequestPlan], _ messages: [MessagePlan]
    ) throws(CommandFault) -> CommandPlan.Watched {
        let index = fieldIndex[name] ?? 0
        let plans = look.compactMap(\.reply).flatMap { messages[$0].fields }
        guard let reading = plans.first(where: { $0.index == index }) else {
            throw CommandFault(why: "“\(name)” stands in no answer")
        }
        let argument = argument(shownBy: name, command)
        if case .bits(_, let count, _) = reading.source, case .number = reading.reading {
            guard count == 1 else { throw CommandFault(why: "“\(name)” is several values") }
            if argument != nil { throw CommandFault(why: "“\(name)” shows what is set, and is no text of an answer") }
            let form = CommandPlan.Watched.Form.count(profile.metrics.first { $0.field == name }.map(scale) ?? .one)
            return CommandPlan.Watched(
                name: name, field: index, form: form, reading: reading, alike: alike(name, command))
        }
        guard case .capture = reading.source else { throw CommandFault(why: "“\(name)” is no text of an answer") }
        let form: CommandPlan.Watched.Form
        switch reading.reading {
        case .decimal(let places):
            let metric = profile.metrics.first { $0.field == name }
            if let argument, let unit = metric?.unit, unit != argument.unit {
                throw CommandFault(why: "“\(name)” shows another unit than “\(argument.name)” has")
            }
            let scale = metric.map(scale) ?? .one
            guard scale.exponent - places >= -18 else { throw CommandFault(why: "“\(name)” has too many places") }
            form = .decimal(DecimalScale(multiplier: scale.multiplier, exponent: scale.exponent - places))
        case .hex: form = .hexadecimal
        case .text: form = .word
        default: throw CommandFault(why: "“\(name)” is written in a way that is not compared")
        }
        return CommandPlan.Watched(name: name, field: index, form: form, reading: reading)
    }

    /// The texts of a number in bits that are one value to a command.
    func alike(_ name: String, _ command: CommandDescription) -> [[UInt8]] {
        guard command.measurement != nil, let field = field(name) else { return [] }
        return command.requires.filter { $0.field == name }.flatMap(\.alike).compactMap { code in
            if case .number(let number)? = try? code.plan(for: field) { Array("\(number)".utf8) } else { nil }
        }
    }

    /// Fields whose text is kept for commands.
    static func watchedFields(_ profile: DeviceProfile) -> [String] {
        profile.commands.filter { $0.kind != nil }.flatMap { $0.requires.map(\.field) + $0.readBack.map(\.field) }
    }
}

extension CommandDescription {
    /// Whether it is of a rack's slot.
    fileprivate var mentionsSlot: Bool { steps.contains { $0.send.names.contains("slot") } }
}

extension [String] {
    /// Each once, in their order.
    var unique: [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
#endif
