#if Commands
import DeviceModel
import ProfileLanguage

/// The commands of a Modbus device that may be driven.
extension PlanCompiler {
    /// The reads of commands, each once.
    private struct Reads {
        var blocks: [ModbusBlock] = []
        private var places: [String: Int] = [:]

        mutating func place(of name: String, _ compiler: PlanCompiler) -> Int? {
            if let known = places[name] { return known }
            guard let block = compiler.read(of: name) else { return nil }
            blocks.append(block)
            places[name] = blocks.count - 1
            return blocks.count - 1
        }
    }

    /// What may be carried out, what has the effects, and what is read for them.
    func drivenWrites() -> (commands: CompiledCommands, writes: [ModbusWritePlan], reads: [ModbusBlock]) {
        var (reads, writes, commands) = (Reads(), [ModbusWritePlan](), CompiledCommands())
        for description in isDriven ? profile.commands : [] {
            commands.add(description) { () throws(CommandFault) in
                let (command, write) = try command(description, effect: writes.count, &reads)
                writes.append(write)
                return command
            }
        }
        return (commands, writes, reads.blocks)
    }

    private func command(
        _ command: CommandDescription, effect: Int, _ reads: inout Reads
    ) throws(CommandFault) -> (CommandPlan, ModbusWritePlan) {
        guard let kind = command.kind, let write = command.effectStep?.step.write, command.steps.count == 1,
            let span = profile.span(of: write), let field = write.parts.first.flatMap({ field($0.field) }),
            let unit = unit(of: field)
        else { throw CommandFault(why: "it is no one write") }
        guard unit != 0 else { throw CommandFault(why: "nothing is written to unit 0, which is every device") }
        for part in write.parts {
            guard case .argument(let name) = part.content,
                let argument = command.arguments.first(where: { $0.name == name })
            else { continue }
            _ = try scale(of: part.field, as: argument)
        }
        let own = command.requires.map(\.field) + command.readBack.map(\.field)
        let names = (own + (kind == .trigger ? fieldsOfArguments : [])).unique
        guard names.count <= CommandPlan.mostWatched else {
            throw CommandFault(why: "it depends on more than \(CommandPlan.mostWatched) fields")
        }
        var watched: [CommandPlan.Watched] = []
        var look: [Int] = []
        for name in names {
            guard let place = reads.place(of: name, self), reads.blocks[place].unit == unit else {
                throw CommandFault(why: "“\(name)” is not read from the unit that is written to")
            }
            watched.append(try self.watched(name, command, reads.blocks[place]))
            if !look.contains(place) { look.append(place) }
        }
        // Who it is, is asked with the rest.
        if let identity = profile.session.identityField, let place = reads.place(of: identity, self),
            !look.contains(place)
        {
            look.append(place)
        }
        return (
            CommandPlan(
                description: command, kind: kind, prepare: [], effect: effect, look: look,
                barriers: barriers(besides: look, unit, &reads), refusedBarriers: [], watched: watched,
                requires: command.requires.compactMap { requirement in
                    names.firstIndex(of: requirement.field).map {
                        CommandPlan.Requirement(
                            watched: $0, test: test(requirement.test, on: requirement.field),
                            within: requirement.within)
                    }
                },
                shows: command.readBack.compactMap { field, what in
                    names.firstIndex(of: field).map { shown(watched, $0, field, what) }
                }),
            ModbusWritePlan(unit: unit, span: span, proofs: write.proofs, write: write)
        )
    }

    /// Reads whose answers cannot be taken for any that matters; where there are none, those that matter: behind the
    /// answer comes a rest, in which the second of two is seen.
    private func barriers(besides look: [Int], _ unit: UInt8, _ reads: inout Reads) -> [Int] {
        func shape(_ block: ModbusBlock) -> [Int] { [Int(block.function), block.replySize] }
        let taken = Set(look.map { shape(reads.blocks[$0]) })
        var found: [Int] = []
        for field in profile.fields where found.count < Self.mostBarriers {
            guard let place = reads.place(of: field.name, self), !found.contains(place),
                reads.blocks[place].unit == unit, !taken.contains(shape(reads.blocks[place]))
            else { continue }
            found.append(place)
        }
        return found.isEmpty ? look : found
    }

    /// More than a few are not tried in one command.
    private static let mostBarriers = 4

    /// How a field is read back.
    private func watched(_ name: String, _ command: CommandDescription, _ block: ModbusBlock) throws(CommandFault)
        -> CommandPlan.Watched
    {
        let index = fieldIndex[name] ?? 0
        guard let reading = block.fields.first(where: { $0.index == index }) else {
            throw CommandFault(why: "nothing reads “\(name)”")
        }
        let form: CommandPlan.Watched.Form
        switch reading.reading {
        case .text: form = .word
        case .float32: form = .float32
        case .number:
            if let argument = argument(shownBy: name, command) {
                form = .count(try scale(of: name, as: argument))
            } else {
                form = .count(profile.metrics.first { $0.field == name }.map(scale) ?? .one)
            }
        default: throw CommandFault(why: "“\(name)” is of a type that is not compared")
        }
        if case .float32 = form, let argument = argument(shownBy: name, command) {
            _ = try scale(of: name, as: argument)
        }
        return CommandPlan.Watched(
            name: name, field: index, form: form, reading: reading, alike: alike(name, command))
    }

    /// What one count of a field is worth in the unit of an argument that it holds or shows.
    private func scale(of name: String, as argument: CommandDescription.Argument) throws(CommandFault) -> DecimalScale {
        let metrics = profile.metrics.filter { $0.field == name }
        for metric in metrics {
            if metric.unit != argument.unit {
                throw CommandFault(why: "“\(name)” is measured in another unit than “\(argument.name)” has")
            }
            if scale(metric).text(of: 1) != argument.scale.text(of: 1) || metric.offset != .zero {
                throw CommandFault(
                    why: "one count of “\(name)” is worth another quantity where it is measured than in "
                        + "“\(argument.name)”")
            }
        }
        return argument.scale
    }
}
#endif
