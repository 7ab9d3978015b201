import CommandFacts
import DeviceModel
import Foundation
import Nomenclature
import PlainFiles
import StrictYAML

/// Commands, and what a player of the device sends.
extension ProfileReader {
    mutating func readCommands(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a command") else { continue }
            entry.allow(Grammar.command)
            let arguments = (entry["arguments"]?.mapping("arguments")?.entries ?? []).compactMap { argument($0, $2) }
            let effect =
                entry.required("class")?.choice(
                    "the command's class", Grammar.Words.commandClass)
                ?? .effect
            var steps: [CommandDescription.Step] = []
            for (index, step) in (entry.required("steps")?.list("steps") ?? []).enumerated() {
                if let read = self.step(step, "\(name).\(index + 1)", arguments: arguments) { steps.append(read) }
            }
            if entry["steps"] != nil, steps.isEmpty {
                entry["steps"]?.error("a command that sends nothing does nothing")
            }
            let requires = (entry["requires"]?.mapping("conditions by field")?.entries ?? []).compactMap {
                requirement($0, $1, $2)
            }
            let readBack = (entry["read-back"]?.mapping("what must show")?.entries ?? []).compactMap {
                self.readBack($0, $1, $2, arguments: arguments)
            }
            if effect == .effect, requires.isEmpty {
                diagnostics.warning(
                    value.location,
                    "“\(name)” has an effect and requires nothing: in which state of the device is it allowed?")
            }
            if readBack.isEmpty {
                diagnostics.warning(value.location, "“\(name)” has no “read-back”: nothing will show that it was done")
            }
            profile.commands.append(
                CommandDescription(
                    name: name, kind: entry["kind"]?.choice("what the command does", Grammar.Words.commandKind),
                    arguments: arguments, steps: steps, effect: effect, requires: requires, ask: question(entry["ask"]),
                    settles: entry["settles"]?.duration("how long it takes to show", Grammar.Bounds.settling) ?? 0,
                    readBack: readBack,
                    within: entry["within"]?.duration("how soon the read-back shows it", Grammar.Bounds.readBack),
                    measurement: entry["measurement"].flatMap(measurement),
                    hazards: entry.required("hazards")?.text("what can go wrong") ?? "", location: value.location))
        }
    }

    private func measurement(_ value: YAMLValue) -> CommandDescription.Measurement? {
        guard let map = value.mapping("how often it may be begun") else { return nil }
        map.allow(Grammar.measurement)
        guard
            let pause = map.required("least-pause")?.duration(
                "from one beginning to the next at least", Grammar.Bounds.measurementPause),
            let most = map.required("most-per-hour")?.int("the most in an hour", Grammar.Bounds.measurementsPerHour)
        else { return nil }
        return CommandDescription.Measurement(leastPause: pause, mostPerHour: most)
    }

    private func question(_ value: YAMLValue?) -> String? {
        guard let value, let name = value.text("a request's name") else { return nil }
        guard profile.line.transport == .serial else {
            value.error("“ask” belongs to serial protocols: of Modbus the fields of “read-back” are read")
            return nil
        }
        if let request = profile.requests.first(where: { $0.name == name }) {
            if request.effect != .read { value.error("a reading back only reads: “\(name)” is not “class: read”") }
            return name
        }
        value.error(
            "there is no request “\(name)”",
            suggestion: YAMLValue.suggest(name, among: profile.requests.map(\.name)))
        return nil
    }

    /// How old what a requirement rests on may be, where the profile does not say: until the next answer must have
    /// come, and 2 s at least. Unit: ns.
    private func usualAge(_ field: String) -> Int64 {
        let period = profile.requests(reading: field).compactMap(\.period).min() ?? 0
        return max(2_000_000_000, period + profile.line.slowestReply)
    }

    private func requirement(_ field: String, _ keyValue: YAMLValue, _ value: YAMLValue)
        -> CommandDescription.Requirement?
    {
        guard fieldExists(field, keyValue) else { return nil }
        guard value.isMapping else {
            return CommandDescription.Requirement(
                field: field, test: .isOneOf(codes(value)), within: usualAge(field), areAlike: false)
        }
        guard let map = value.mapping("a condition") else { return nil }
        map.allow(Grammar.requirement)
        let within = map["within"]?.duration("how old it may be", Grammar.Bounds.requirementAge)
        if let within, let period = profile.requests(reading: field).compactMap(\.period).min(), within < period {
            map["within"]?.error("it is asked for less often than that: it could hardly ever be so young")
        }
        let areAlike = map["alike"]?.bool("whether these are one value") ?? false
        if areAlike, map["is"] == nil { map["alike"]?.error("“alike” says of the values of “is” that they are one") }
        return test(map).map {
            CommandDescription.Requirement(
                field: field, test: $0, within: within ?? usualAge(field), areAlike: areAlike)
        }
    }

    private func argument(_ name: String, _ value: YAMLValue) -> CommandDescription.Argument? {
        guard let map = value.mapping("an argument") else { return nil }
        map.allow(Grammar.argument)
        guard let unit = map.required("unit").flatMap({ unit($0) }), let range = quantities(map.required("range")),
            let step = map.required("step")?.scale()
        else { return nil }
        let scale = map["scale"]?.scale() ?? .one
        for (key, value) in [("step", step), ("scale", scale)] where value.multiplier < 0 {
            map[key]?.error("a quantity is not negative, and neither is its \(key)")
        }
        let places =
            map["places"]?.int("the digits after the point", Grammar.Bounds.argumentPlaces)
            ?? (map["scale"] == nil ? max(0, -step.exponent) : 0)
        if map["scale"] != nil, map["places"] != nil {
            map["places"]?.error("with a “scale” a whole number is sent; leave “places” out")
        }
        let digits = map["digits"]?.int("the most digits", Grammar.Bounds.argumentDigits)
        let argument = CommandDescription.Argument(
            name: name, unit: unit, range: range, step: step, places: places, digits: digits, scale: scale,
            location: value.location)
        if step.ratio.over(argument.sentScale.ratio)?.denominator != 1 {
            map["step"]?.error("a step of \(step.text(of: 1)) cannot be written in what is sent")
        }
        // Zeros behind the point may be left out to fit: what counts is what is before it.
        let most = scale == .one ? range.upperBound.ratio : range.upperBound.ratio.over(scale.ratio)
        if let digits, let most, most >= Ratio(DecimalScale(multiplier: 1, exponent: digits).ratio.numerator, 1) {
            map["range"]?.error("\(range.upperBound.text) does not fit into \(digits) digits")
        }
        return argument
    }

    /// Two quantities, the least and the most.
    private func quantities(_ value: YAMLValue?) -> ClosedRange<ExactQuantity>? {
        guard let value, let entries = value.list("the least and the most") else { return nil }
        let read = entries.compactMap { entry -> ExactQuantity? in
            guard let text = entry.text("a quantity") else { return nil }
            let parsed = DecimalText.parse(Array(text.utf8))
            if let parsed, parsed.exponent <= 0, let quantity = ExactQuantity(parsed.mantissa, places: -parsed.exponent)
            {
                return quantity
            }
            entry.error("“\(text)” is no quantity: digits, and perhaps a point with digits behind it")
            return nil
        }
        guard read.count == entries.count else { return nil }
        guard read.count == 2 else {
            value.error("expected the least and the most, such as [0.1, 1200]")
            return nil
        }
        guard read[0] < read[1] else {
            value.error("the lower limit is not below the upper one")
            return nil
        }
        return read[0]...read[1]
    }

    private mutating func step(_ value: YAMLValue, _ name: String, arguments: [CommandDescription.Argument])
        -> CommandDescription.Step?
    {
        guard let map = value.mapping("a step") else { return nil }
        map.allow(Grammar.step)
        if profile.line.transport != .serial { return writeStep(map, arguments: arguments) }
        for key in ["write", "function"] { map[key]?.error("“\(key)” belongs to Modbus; say what to “send”") }
        let frame = sendingFrame(map["frame"])
        guard let sendValue = map.required("send"), let send = send(sendValue, frame: frame) else { return nil }
        for hole in send.names
        where !arguments.contains(where: { $0.name == hole }) && !(hole == "slot" && profile.rack != nil) {
            _ = fieldExists(hole, sendValue)
        }
        let reply = map["reply"].flatMap { $0.word == "none" ? nil : answer($0, name) }
        let refusal = map["refused"].flatMap { answer($0, "\(name) refused") }
        return CommandDescription.Step(
            saying: .message(send, frame: frame), reply: reply, refusal: refusal,
            effect: map["class"]?.choice("the step's class", Grammar.Words.stepClass) ?? .effect,
            location: value.location)
    }

    /// A message that answers a step.
    private mutating func answer(_ value: YAMLValue, _ name: String) -> Int? {
        guard let message = message(name, value, isReply: true) else { return nil }
        profile.messages.append(message)
        return profile.messages.count - 1
    }

    private func readBack(
        _ key: String, _ keyValue: YAMLValue, _ value: YAMLValue, arguments: [CommandDescription.Argument]
    ) -> (field: String, shows: CommandDescription.ReadBack)? {
        if value.isMapping, let map = value.mapping("a state afterwards") {
            map.allow(Grammar.expectation)
            guard fieldExists(key, keyValue) else { return nil }
            switch (map["is"], map["is-not"]) {
            case (let value?, nil): return (key, .codes(codes(value)))
            case (nil, let value?): return (key, .otherThan(codes(value)))
            default:
                value.error("expected one of “is” and “is-not”")
                return nil
            }
        }
        guard arguments.contains(where: { $0.name == key }) else {
            keyValue.error(
                "the command has no argument “\(key)”; a state is written FIELD: {is: …}",
                suggestion: YAMLValue.suggest(key, among: arguments.map(\.name)))
            return nil
        }
        guard let field = value.text("a field's name"), fieldExists(field, value) else { return nil }
        return (field, .argument(key))
    }

    // MARK: Simulated values

    mutating func readSimulation(_ map: YAMLMapping) {
        let names = profile.fields.map(\.name) + profile.metrics.map(\.name.referenceID)
        for (name, keyValue, value) in map.entries {
            let name = names.contains(name) ? name : profile.currentName(name)
            if !names.contains(name) {
                keyValue.error(
                    "there is no field or metric “\(name)”", suggestion: YAMLValue.suggest(name, among: names))
                continue
            }
            let isText = profile.fields.first { $0.name == name }.map { $0.type == .text || $0.type == .hex } ?? false
            profile.simulation[name] = simulated(value, isText: isText)
        }
    }

    private func simulated(_ value: YAMLValue, isText: Bool) -> SimulatedValue? {
        guard value.isMapping else {
            guard let text = value.text("a simulated value") else { return nil }
            let isNumber = !isText && DecimalText.parse(Array(text.utf8)) != nil
            return isNumber ? Double(text).map { .number($0) } : .text(text)
        }
        guard let map = value.mapping("a simulated value") else { return nil }
        map.allow(Grammar.simulated)
        if let file = map["file"], let name = file.text("a file beside the profile") {
            return recording(
                name, file,
                period: map.required("period")?.duration("the period of a sample", Grammar.Bounds.simulated)
                    ?? 1_000_000_000)
        }
        if let start = map["start"]?.number("the start") {
            return .ramp(start: start, perHour: map.required("per-hour")?.number("the growth an hour") ?? 0)
        }
        guard let low = map.required("low")?.number("the low end"),
            let high = map.required("high")?.number("the high end")
        else { return nil }
        if let rate = map["pulse-rate"]?.text("the field with the rate") {
            return .pulse(low: low, high: high, rateField: rate)
        }
        return .swing(
            low: low, high: high,
            period: map.required("period")?.duration("the period", Grammar.Bounds.simulated) ?? 60_000_000_000)
    }

    /// A recording: one number a line, at most a million, in a file of the profile's own folder.
    private func recording(_ name: String, _ value: YAMLValue, period: Int64) -> SimulatedValue? {
        let folder = URL(fileURLWithPath: value.location.file).deletingLastPathComponent()
        guard !name.contains("/"), !name.hasPrefix("."),
            let data = PlainFile.bytes(folder.appendingPathComponent(name).path, limit: 16 << 20)
        else {
            value.error("there is no file “\(name)” of at most 16 MiB beside the profile")
            return nil
        }
        let numbers = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).prefix(
            1_000_000
        ).map { Double($0) }
        guard !numbers.isEmpty, !numbers.contains(nil) else {
            value.error("“\(name)” is not one number a line (line \((numbers.firstIndex(of: nil) ?? 0) + 1))")
            return nil
        }
        return .recording(numbers.compactMap { $0 }, period: period)
    }
}
