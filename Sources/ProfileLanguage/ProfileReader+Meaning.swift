import DeviceModel
import Nomenclature
import StrictYAML

/// Metrics and alerts: what a device's fields mean.
extension ProfileReader {
    // MARK: Metrics

    mutating func readMetrics(_ value: YAMLValue, waveform: Bool) {
        for entry in value.list(waveform ? "waveforms" : "metrics") ?? [] {
            guard let map = entry.mapping("a metric") else { continue }
            map.allow(waveform ? Grammar.waveform : Grammar.metric)
            guard let name = map.required("metric").flatMap(metricName), let from = map.required("from"),
                let field = metricField(from, map, name: name)
            else { continue }
            let isText = field.givesText
            if isText {
                for key in ["scale", "offset", "plausible", "absolute", "jump", "wraps-at"] {
                    map[key]?.error("“\(key)” belongs to numbers; this field is text")
                }
            }
            if isText, waveform { from.error("a waveform's field is a number") }
            if field.isSeveral, !waveform {
                from.error("“\(field.name)” is several values; only a waveform holds them")
            }
            let scale = map["scale"]?.scale() ?? .one
            let mark = waveform ? nil : mark(map)
            let terms = terms(map, of: field)
            for unit in units(map, name: name, isText: isText, scale: scale) {
                profile.metrics.append(
                    MetricDescription(
                        name: name, field: field.name, scale: unit.scale,
                        offset: offset(map["offset"], scale: unit.scale, of: field, terms), unit: unit.unit,
                        period: map[waveform ? "period" : "every"]?.duration(
                            "the period", waveform ? Grammar.Bounds.samplePeriod : Grammar.Bounds.period),
                        isWaveform: waveform, isEpisodic: map["episodic"]?.bool("whether it is a result") ?? false,
                        mark: mark, terms: terms,
                        condition: unit.condition,
                        plausible: limits(unit.own?["plausible"] ?? map["plausible"]),
                        absolute: limits(unit.own?["absolute"] ?? map["absolute"]),
                        jump: jump(map["jump"]),
                        wrapsAt: wraps(map, of: field, terms),
                        vmd: map["vmd"].flatMap(virtualDevice),
                        location: entry.location))
            }
        }
    }

    /// What tells one result from another.
    private func mark(_ map: YAMLMapping) -> MetricDescription.ResultMark? {
        var newWhen: [String] = []
        if map["new-when"]?.word == Grammar.eachMessage {
            return MetricDescription.ResultMark(newWhen: [], takenAt: map["taken-at"].flatMap(takenAt))
        }
        for value in map["new-when"]?.listOrOne() ?? [] {
            if let field = value.text("a field's name"), fieldExists(field, value) { newWhen.append(field) }
        }
        let takenAt = map["taken-at"].flatMap(takenAt)
        return newWhen.isEmpty && takenAt == nil
            ? nil : MetricDescription.ResultMark(newWhen: newWhen, takenAt: takenAt)
    }

    private func takenAt(_ value: YAMLValue) -> MetricDescription.TakenAt? {
        guard let map = value.mapping("the result's own time") else { return nil }
        map.allow(Grammar.takenAt)
        guard let fieldValue = map.required("field"), let field = fieldValue.text("a field's name"),
            fieldExists(field, fieldValue),
            let formatValue = map.required("format"), let text = formatValue.text("how the time is written"),
            let within = map.required("within")?.duration("how old it may be", Grammar.Bounds.resultAge)
        else { return nil }
        guard let format = TimeFormat(text) else {
            formatValue.error(
                "expected a time such as YYYYMMDDhhmmss, DD/MM/YY hh:mm or unix, with year, month, day, hour and "
                    + "minute, found “\(text)”"
            )
            return nil
        }
        if profile.fields.first(where: { $0.name == field })?.type != .text {
            fieldValue.error("a time is read as it is written: the field is text")
        }
        return MetricDescription.TakenAt(field: field, format: format, within: within)
    }

    // MARK: Heartbeats

    mutating func readHeartbeats(_ value: YAMLValue) {
        for entry in value.listOrOne() {
            guard let map = entry.mapping("a heartbeat") else { continue }
            map.allow(Grammar.heartbeat)
            guard let fieldValue = map.required("field"), let field = fieldValue.text("a field's name"),
                fieldExists(field, fieldValue),
                let within = map.required("changes-within")?.duration(
                    "the longest time between two changes", Grammar.Bounds.heartbeat)
            else { continue }
            profile.heartbeats.append(
                DeviceProfile.Heartbeat(
                    field: field, within: within, vmd: map["vmd"].flatMap(virtualDevice), location: fieldValue.location)
            )
        }
    }

    private func metricName(_ value: YAMLValue) -> MetricName? {
        guard let text = value.text("a metric's reference identifier") else { return nil }
        if let name = profile.names.metric(text) {
            if name.referenceID != text {
                diagnostics.note(
                    value.location,
                    "\(text) is called \(name.referenceID) now, with a number; the record takes the new name")
            }
            return name
        }
        value.error(
            "“\(text)” is not in the nomenclature; a name of your own stands under “names” or in a table beside the "
                + "profiles",
            suggestion: YAMLValue.suggest(text, among: profile.names.metrics.keys))
        return nil
    }

    /// The field a metric is taken from; registers named in the metric become a field of the metric's name.
    private mutating func metricField(_ value: YAMLValue, _ map: YAMLMapping, name metric: MetricName)
        -> FieldDescription?
    {
        guard value.isMapping else {
            guard let name = value.text("a field's name"), fieldExists(name, value) else { return nil }
            return profile.fields.first { $0.name == name }
        }
        guard profile.line.transport != .serial,
            let registers = value.mapping("registers such as {input: 0x0001, type: int16}")
        else {
            value.error("expected a field's name, found a mapping")
            return nil
        }
        registers.allow(Grammar.registers)
        let vmd = map["vmd"].flatMap(virtualDevice)
        let name = "\(vmd.map { "\($0)/" } ?? "")\(metric.referenceID)"
        guard !profile.fields.contains(where: { $0.name == name }) else {
            map.value.error(
                "\(metric.referenceID) is measured twice by the same device; which one counts would be a guess")
            return nil
        }
        addRegisters(name, registers, vmd: vmd)
        return profile.fields.last { $0.name == name }
    }

    private func units(
        _ map: YAMLMapping, name metric: MetricName, isText: Bool, scale: DecimalScale
    ) -> [(unit: UnitOfMeasure?, scale: DecimalScale, condition: MetricDescription.Condition?, own: YAMLMapping?)] {
        if isText {
            map["unit"]?.error("text has no unit")
            if !metric.isText, !metric.measuredIn.isEmpty {
                map["metric"]?.error(
                    "\(metric.referenceID) is measured in \(metric.measuredIn.joined(separator: ", ")), but its field "
                        + "is text"
                )
            }
            return [(nil, .one, nil, nil)]
        }
        guard let value = map.required("unit") else { return [(nil, scale, nil, nil)] }
        // A metric whose unit is wrong is still a metric: what else depends on it is not wrong as well.
        guard value.isMapping else { return [(unit(value, name: metric), scale, nil, nil)] }
        guard let table = value.mapping("units by a device's code"), let by = table.required("by"),
            let field = by.text("a field's name"),
            fieldExists(field, by)
        else { return [] }
        let entries = table.entries.filter { $0.key != "by" }
        if entries.isEmpty { value.error("no code is given a unit") }
        let known = entries.map { ValueCode($0.key, at: $0.keyValue.location) }
        return entries.enumerated().compactMap { index, entry in
            var own = scale
            var name = entry.value
            var limits: YAMLMapping?
            if entry.value.isMapping, let map = entry.value.mapping("a unit") {
                map.allow(Grammar.unitByCode)
                guard let unit = map.required("unit") else { return nil }
                name = unit
                limits = map
                own = map["scale"]?.scale() ?? scale
            }
            // Another code than all these makes the first one invalid: told once.
            let condition = MetricDescription.Condition(
                field: field, codes: [known[index]], known: index == 0 ? known : [])
            return unit(name, name: metric).map { ($0, own, condition, limits) }
        }
    }

    private func unit(_ value: YAMLValue, name metric: MetricName) -> UnitOfMeasure? {
        guard let unit = unit(value) else { return nil }
        if metric.isText {
            value.error("\(metric.referenceID) is words, and words have no unit")
        } else if metric.measuredIn.isEmpty {
            diagnostics.note(
                value.location,
                "the tables leave open what \(metric.referenceID) is measured in: its unit is not checked")
        } else if !profile.names.fits(unit, metric) {
            let fitting = profile.names.units(for: metric).map(\.ucum).joined(separator: ", ")
            value.error(
                "\(metric.referenceID) is measured in \(metric.measuredIn.joined(separator: ", ")); “\(unit.ucum)” is "
                    + "another quantity, expected "
                    + "one such as \(fitting)")
        }
        return unit
    }

    func unit(_ value: YAMLValue) -> UnitOfMeasure? {
        guard let text = value.text("a UCUM unit") else { return nil }
        switch profile.names.unit(text) {
        case .success(let unit): return unit
        case .failure(let fault):
            value.error(
                fault.sentence(for: text),
                suggestion: YAMLValue.suggest(text, among: profile.names.allUnits.map(\.ucum)))
            return nil
        }
    }

    func virtualDevice(_ value: YAMLValue) -> String? {
        guard let name = value.text("a virtual device's name") else { return nil }
        if !profile.vmds.contains(where: { $0.name == name }) {
            value.error(
                "there is no virtual device “\(name)” under “vmds”",
                suggestion: YAMLValue.suggest(name, among: profile.vmds.map(\.name)))
        }
        return name
    }

    // MARK: Alerts

    mutating func readAlerts(_ value: YAMLValue) {
        for entry in value.list("alerts") ?? [] {
            guard let map = entry.mapping("an alert") else { continue }
            map.allow(Grammar.alert)
            guard let nameValue = map.required("alert"), let name = nameValue.text("the alert's name"),
                let when = map.required("when")?.mapping("a condition"), let condition = condition(when),
                let priority = map.required("priority")?.choice(
                    "the priority", Grammar.Words.priority)
            else { continue }
            let known = profile.names.event(name)
            if known == nil, !name.hasPrefix(Nomenclature.ownPrefix) {
                nameValue.error(
                    "“\(name)” is not an event of the nomenclature; use a NABD_ name, or declare one of your own "
                        + "under “names”",
                    suggestion: YAMLValue.suggest(name, among: profile.names.events.keys))
            }
            if let known, known.referenceID != name {
                diagnostics.note(
                    nameValue.location,
                    "\(name) is called \(known.referenceID) now, with a number; the record takes the new name")
            }
            profile.alerts.append(
                AlertDescription(
                    name: known?.referenceID ?? name, code: known?.code, field: condition.field, test: condition.test,
                    priority: priority,
                    text: map.required("text")?.text("what it says") ?? "",
                    arabicText: map.required("text-ar")?.text("what it says in Arabic") ?? "",
                    location: entry.location))
        }
    }

    /// A condition such as `{field: alarm, is-not: ["-", AL_NOALM]}`.
    func condition(_ map: YAMLMapping) -> (field: String, test: FieldTest)? { condition(map, among: Grammar.condition) }

    func condition(_ map: YAMLMapping, among keys: Grammar.Part?) -> (field: String, test: FieldTest)? {
        if let keys { map.allow(keys) }
        guard let fieldValue = map.required("field"), let name = fieldValue.text("a field's name") else { return nil }
        // A field may be tested before it is read: then its existence is checked when all are known.
        if keys != nil, !fieldExists(name, fieldValue) { return nil }
        return test(map).map { (name, $0) }
    }

    /// The one test that a condition has.
    func test(_ map: YAMLMapping) -> FieldTest? {
        let tests: [FieldTest] = [
            map["is"].map { .isOneOf(codes($0)) }, map["is-not"].map { .isNoneOf(codes($0)) },
            map["bit"].flatMap { $0.int("the bit", Grammar.Bounds.fieldBit) }.map { .bit($0) },
            map["has"].flatMap(textWithin).map { .has($0) },
            map["present"].flatMap { $0.bool("whether it is there") }.map { $0 ? .present : .absent },
            map["above"].flatMap { exact($0, "a limit") }.map { .above($0) },
            map["below"].flatMap { exact($0, "a limit") }.map { .below($0) },
        ].compactMap { $0 }
        guard let test = tests.first, tests.count == 1 else {
            map.value.error("a condition has one of “is”, “is-not”, “bit”, “has”, “present”, “above” and “below”")
            return nil
        }
        return test
    }

    private func textWithin(_ value: YAMLValue) -> String? {
        let text = value.plainText("a text")
        if text?.isEmpty == true { value.error("every text has nothing in it: this would always be so") }
        return text
    }

    func codes(_ value: YAMLValue) -> [ValueCode] {
        value.expectEntries("value")
        return value.listOrOne().compactMap { value in value.text("a value").map { ValueCode($0, at: value.location) } }
    }
}
