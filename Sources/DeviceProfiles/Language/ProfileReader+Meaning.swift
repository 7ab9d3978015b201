import DeviceModel
import Nomenclature

/// Metrics, alerts and simulated values: what a device's fields mean.
extension ProfileReader {
    // MARK: Metrics

    mutating func readMetrics(_ value: YAMLValue, waveform: Bool) {
        for entry in value.list(waveform ? "waveforms" : "metrics") ?? [] {
            guard let map = entry.mapping("a metric") else { continue }
            map.allow(["metric", "from", "scale", "unit", waveform ? "period" : "every", "plausible", "absolute", "vmd"])
            guard let code = map.required("metric").flatMap(metricCode), let from = map.required("from"),
                let (source, type) = metricSource(from, map["vmd"])
            else { continue }
            let isText = type == .text
            let unit = self.unit(map, code: code, isText: isText)
            if isText { for key in ["scale", "plausible", "absolute"] { map[key]?.error("“\(key)” belongs to numbers; this field is text") } }
            if isText, waveform { from.error("a waveform's field is a number") }
            profile.metrics.append(
                MetricDescription(
                    code: code, source: source, scale: map["scale"]?.scale() ?? .one, unit: unit,
                    period: map[waveform ? "period" : "every"]?.duration("the period", waveform ? 100_000...1_000_000_000 : 10_000_000...3_600_000_000_000),
                    isWaveform: waveform, plausible: limits(map["plausible"]), absolute: limits(map["absolute"]),
                    vmd: map["vmd"].flatMap(virtualDevice), location: entry.location))
        }
    }

    private func metricCode(_ value: YAMLValue) -> MetricCode? {
        guard let name = value.text("a metric's reference identifier") else { return nil }
        if let code = MetricCode.named(name) { return code }
        let own = name.hasPrefix(MetricCode.ownPrefix) ? "; a NABD_ name must stand in the project's table" : ""
        value.error(
            "“\(name)” is not in the nomenclature table with a verified number\(own)",
            suggestion: YAMLValue.suggest(name, among: MetricCode.all.map(\.referenceID)))
        return nil
    }

    private func unit(_ map: YAMLMapping, code: MetricCode, isText: Bool) -> UnitOfMeasure? {
        if isText {
            map["unit"]?.error("text has no unit")
            if code.dimension != .text { map["metric"]?.error("\(code.referenceID) is a \(code.dimension.rawValue), but its field is text") }
            return nil
        }
        guard let value = map.required("unit"), let name = value.text("a UCUM unit") else { return nil }
        guard let unit = UnitOfMeasure.named(name) else {
            value.error("“\(name)” is not a UCUM unit of the table", suggestion: YAMLValue.suggest(name, among: UnitOfMeasure.all.map(\.ucum)))
            return nil
        }
        if unit.dimension != code.dimension {
            let fitting = UnitOfMeasure.all.filter { $0.dimension == code.dimension }.map(\.ucum).joined(separator: ", ")
            value.error("\(code.referenceID) is a \(code.dimension.rawValue); “\(name)” is a \(unit.dimension.rawValue), expected \(fitting)")
        }
        return unit
    }

    private func limits(_ value: YAMLValue?) -> ClosedRange<Double>? {
        guard let value, let ends = value.list("two limits"), ends.count == 2 else {
            value?.error("expected two limits such as [-40, 80]")
            return nil
        }
        guard let low = ends[0].number("the lower limit"), let high = ends[1].number("the upper limit") else { return nil }
        guard low < high else {
            value.error("the lower limit is not below the upper one")
            return nil
        }
        return low...high
    }

    private func virtualDevice(_ value: YAMLValue) -> String? {
        guard let name = value.text("a virtual device's name") else { return nil }
        if !profile.vmds.contains(where: { $0.name == name }) {
            value.error("there is no virtual device “\(name)” under “vmds”", suggestion: YAMLValue.suggest(name, among: profile.vmds.map(\.name)))
        }
        return name
    }

    private func metricSource(_ value: YAMLValue, _ vmd: YAMLValue?) -> (MetricDescription.Source, FieldType)? {
        if profile.line.transport != .serial {
            return registers(value, vmd: vmd?.text("a virtual device's name")).map { (.registers($0), .bits(signed: false)) }
        }
        guard let name = value.text("a field's name") else { return nil }
        guard let field = profile.fields.first(where: { $0.name == name }) else {
            value.error("there is no field “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
            return nil
        }
        return (.field(name), field.type)
    }

    /// Registers such as `{input: 0x0001, type: int16}`.
    private func registers(_ value: YAMLValue, vmd: String?) -> RegisterSource? {
        guard let map = value.mapping("registers such as {input: 0x0001, type: int16}") else { return nil }
        map.allow(["input", "holding", "type", "words", "missing"])
        let space: RegisterSource.Space
        let addressValue: YAMLValue
        switch (map["input"], map["holding"]) {
        case (let address?, nil): (space, addressValue) = (.input, address)
        case (nil, let address?): (space, addressValue) = (.holding, address)
        default:
            value.error("registers are either “input” (function 4) or “holding” (function 3)")
            return nil
        }
        guard let address = addressValue.int("the register's address", 0...65535),
            let form = map.required("type")?.choice(
                "the type",
                [
                    "uint16": RegisterSource.Form.integer(registers: 1, signed: false), "int16": .integer(registers: 1, signed: true),
                    "uint32": .integer(registers: 2, signed: false), "int32": .integer(registers: 2, signed: true), "float32": .float32,
                ])
        else { return nil }
        let source = RegisterSource(
            space: space, address: address, form: form,
            lowWordFirst: map["words"]?.choice("the order of words", ["high-first": false, "low-first": true]) ?? false,
            missing: missing(map["missing"]), vmd: vmd, location: value.location)
        if address + source.registers > 65536 { addressValue.error("the value ends beyond register 65535") }
        if source.registers == 1 { map["words"]?.error("one register has no order of words") }
        return source
    }

    // MARK: Alerts

    mutating func readAlerts(_ value: YAMLValue) {
        for entry in value.list("alerts") ?? [] {
            guard let map = entry.mapping("an alert") else { continue }
            map.allow(["alert", "when", "priority", "text", "text-ar"])
            guard let nameValue = map.required("alert"), let name = nameValue.text("the alert's name"),
                let when = map.required("when")?.mapping("a condition"), let condition = condition(when),
                let priority = map.required("priority")?.choice(
                    "the priority", ["high": AlertDescription.Priority.high, "medium": .medium, "low": .low])
            else { continue }
            let code = AlertCode.conditions[name]
            if code == nil, !name.hasPrefix(MetricCode.ownPrefix) {
                nameValue.error(
                    "“\(name)” is not an alert with a verified number; use a NABD_ name until it is",
                    suggestion: YAMLValue.suggest(name, among: AlertCode.conditions.keys))
            }
            profile.alerts.append(
                AlertDescription(
                    name: name, code: code, field: condition.field, test: condition.test, priority: priority,
                    text: map.required("text")?.text("what it says") ?? "", arabicText: map.required("text-ar")?.text("what it says in Arabic") ?? "",
                    location: entry.location))
        }
    }

    /// A condition such as `{field: alarm, is-not: ["-", AL_NOALM]}`.
    private func condition(_ map: YAMLMapping) -> (field: String, test: AlertDescription.Test)? {
        map.allow(["field", "is", "is-not"])
        guard let fieldValue = map.required("field"), let name = fieldValue.text("a field's name") else { return nil }
        guard profile.fields.contains(where: { $0.name == name }) else {
            fieldValue.error("there is no field “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
            return nil
        }
        func codes(_ value: YAMLValue) -> [FieldDescription.Missing.Code] {
            value.listOrOne().compactMap { $0.text("a value") }.map { text in YAMLValue.integer(text).map { .integer($0) } ?? .text(text) }
        }
        switch (map["is"], map["is-not"]) {
        case (let value?, nil): return (name, .isOneOf(codes(value)))
        case (nil, let value?): return (name, .isNoneOf(codes(value)))
        default:
            map.value.error("a condition says either “is” or “is-not”")
            return nil
        }
    }

    // MARK: Simulated values

    mutating func readSimulation(_ map: YAMLMapping) {
        let names = profile.fields.map(\.name) + profile.metrics.map(\.code.referenceID)
        for (name, keyValue, value) in map.entries {
            if !names.contains(name) {
                keyValue.error("there is no field or metric “\(name)”", suggestion: YAMLValue.suggest(name, among: names))
                continue
            }
            profile.simulation[name] = simulated(value)
        }
    }

    private func simulated(_ value: YAMLValue) -> SimulatedValue? {
        guard case .mapping = value.node else {
            guard let text = value.text("a simulated value") else { return nil }
            return Double(text).map { .number($0) } ?? .text(text)
        }
        guard let map = value.mapping("a simulated value") else { return nil }
        map.allow(["low", "high", "period", "start", "per-hour", "pulse-rate"])
        if let start = map["start"]?.number("the start") {
            return .ramp(start: start, perHour: map.required("per-hour")?.number("the growth an hour") ?? 0)
        }
        guard let low = map.required("low")?.number("the low end"), let high = map.required("high")?.number("the high end") else { return nil }
        if let rate = map["pulse-rate"]?.text("the field with the rate") { return .pulse(low: low, high: high, rateField: rate) }
        return .swing(low: low, high: high, period: map.required("period")?.duration("the period") ?? 60_000_000_000)
    }
}
