import StrictYAML

/// Steps of Modbus commands.
extension ProfileReader {
    func writeStep(_ map: YAMLMapping, arguments: [CommandDescription.Argument]) -> CommandDescription.Step? {
        for key in ["send", "reply", "frame"] {
            map[key]?.error("“\(key)” belongs to serial protocols; a Modbus command says “write: {FIELD: ARGUMENT}”")
        }
        if let value = map["class"], value.choice("the step's class", Grammar.Words.stepClass) != .effect {
            value.error("a write is the command's effect: what is only read needs no step")
        }
        guard let value = map.required("write"), let entries = value.mapping("what is written, by field")?.entries,
            !entries.isEmpty
        else { return nil }
        let parts = entries.compactMap { part($0, $1, $2, arguments: arguments) }
        guard parts.count == entries.count else { return nil }
        let write = RegisterWrite(
            parts: parts, function: map["function"].flatMap(function), proofs: proofs(map["refused"]),
            location: value.location)
        return CommandDescription.Step(
            saying: .write(write), reply: nil, refusal: nil, effect: .effect, location: map.value.location)
    }

    private func part(
        _ name: String, _ key: YAMLValue, _ value: YAMLValue, arguments: [CommandDescription.Argument]
    ) -> RegisterWrite.Part? {
        guard fieldExists(name, key), let field = profile.field(name) else { return nil }
        if let fault = field.writeFault {
            key.error(fault)
            return nil
        }
        if value.isMapping, let map = value.mapping("what it is to hold") {
            map.allow(Grammar.written)
            guard let value = map.required("is"), let text = value.text("a number") else { return nil }
            let code = ValueCode(text, at: value.location)
            do throws(ValueCode.Refusal) { _ = try field.words(code) } catch {
                value.error(error.why, suggestion: error.suggestion)
                return nil
            }
            return RegisterWrite.Part(field: name, content: .value(code), location: key.location)
        }
        guard let argument = value.text("an argument's name") else { return nil }
        guard arguments.contains(where: { $0.name == argument }) else {
            value.error(
                "the command has no argument “\(argument)”; a fixed number is written FIELD: {is: …}",
                suggestion: YAMLValue.suggest(argument, among: arguments.map(\.name)))
            return nil
        }
        return RegisterWrite.Part(field: name, content: .argument(argument), location: key.location)
    }

    private func function(_ value: YAMLValue) -> Int? {
        guard let number = value.int("the function that writes", Grammar.Bounds.writing) else { return nil }
        if RegisterWrite.functions.contains(number) { return number }
        value.error("function \(number) does not write; 5 and 15 write coils, 6 and 16 registers")
        return nil
    }

    private func proofs(_ value: YAMLValue?) -> [UInt8] {
        guard let value else { return RegisterWrite.usualProofs }
        return (value.list("exceptions such as [1, 2, 3]") ?? []).compactMap { entry in
            entry.int("an exception that proves that nothing was done", Grammar.Bounds.proof).map { UInt8($0) }
        }
    }
}
