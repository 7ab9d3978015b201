import DeviceModel
import Foundation
import Nomenclature
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
            let requires = (entry["requires"]?.mapping("values by field")?.entries ?? []).compactMap {
                field, keyValue, value in
                fieldExists(field, keyValue) ? (field, codes(value)) : nil
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
                    name: name, arguments: arguments, steps: steps, effect: effect, requires: requires,
                    readBack: readBack,
                    within: entry["within"]?.duration("how soon the read-back shows it", Grammar.Bounds.readBack),
                    hazards: entry.required("hazards")?.text("what can go wrong") ?? "", location: value.location))
        }
    }

    private func argument(_ name: String, _ value: YAMLValue) -> CommandDescription.Argument? {
        guard let map = value.mapping("an argument") else { return nil }
        map.allow(Grammar.argument)
        guard let unit = map.required("unit").flatMap({ unit($0) }), let range = limits(map.required("range")),
            let step = map.required("step")?.scale()
        else { return nil }
        let scale = map["scale"]?.scale() ?? .one
        let places =
            map["places"]?.int("the digits after the point", Grammar.Bounds.argumentPlaces)
            ?? (map["scale"] == nil ? max(0, -step.exponent) : 0)
        if map["scale"] != nil, map["places"] != nil {
            map["places"]?.error("with a “scale” a whole number is sent; leave “places” out")
        }
        let sent = scale == .one ? DecimalScale(multiplier: 1, exponent: -places) : scale
        let ratio = step.double(of: 1) / sent.double(of: 1)
        if abs(ratio - ratio.rounded()) > 1e-9 || ratio < 1 {
            map["step"]?.error("a step of \(step.text(of: 1)) cannot be written in what is sent")
        }
        let digits = map["digits"]?.int("the most digits", Grammar.Bounds.argumentDigits)
        if let digits, range.upperBound >= pow(10, Double(digits)) * (scale == .one ? 1 : scale.double(of: 1)) {
            map["range"]?.error("\(range.upperBound) does not fit into \(digits) digits")
        }
        return CommandDescription.Argument(
            name: name, unit: unit, range: range, step: step, places: places, digits: digits, scale: scale,
            location: value.location)
    }

    private mutating func step(_ value: YAMLValue, _ name: String, arguments: [CommandDescription.Argument])
        -> CommandDescription.Step?
    {
        guard let map = value.mapping("a step") else { return nil }
        map.allow(Grammar.step)
        let frame = sendingFrame(map["frame"])
        guard let sendValue = map.required("send"), let send = send(sendValue, frame: frame) else { return nil }
        for hole in send.names
        where !arguments.contains(where: { $0.name == hole }) && !(hole == "slot" && profile.rack != nil) {
            _ = fieldExists(hole, sendValue)
        }
        var reply: Int?
        if let value = map["reply"], value.word != "none", let message = message(name, value, isReply: true) {
            reply = profile.messages.count
            profile.messages.append(message)
        }
        let isRead = map["class"]?.choice("the step's class", Grammar.Words.stepClass) != nil
        return CommandDescription.Step(send: send, frame: frame, reply: reply, isRead: isRead)
    }

    private func readBack(
        _ key: String, _ keyValue: YAMLValue, _ value: YAMLValue, arguments: [CommandDescription.Argument]
    ) -> (field: String, shows: CommandDescription.ReadBack)? {
        if value.isMapping, let map = value.mapping("a state afterwards") {
            map.allow(Grammar.expectation)
            guard fieldExists(key, keyValue), let codes = map.required("is").map(codes) else { return nil }
            return (key, .codes(codes))
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
            let data = FileManager.default.contents(atPath: folder.appendingPathComponent(name).path)
        else {
            value.error("there is no file “\(name)” beside the profile")
            return nil
        }
        let numbers = String(decoding: data.prefix(16 << 20), as: UTF8.self).split(whereSeparator: \.isNewline).prefix(
            1_000_000
        ).map { Double($0) }
        guard !numbers.isEmpty, !numbers.contains(nil) else {
            value.error("“\(name)” is not one number a line (line \((numbers.firstIndex(of: nil) ?? 0) + 1))")
            return nil
        }
        return .recording(numbers.compactMap { $0 }, period: period)
    }
}
