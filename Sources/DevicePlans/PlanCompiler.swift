import DeviceModel
import Nomenclature
package import ProfileLanguage

extension DeviceProfile {
    /// Compiles the profile for one device.
    ///
    /// - Parameters:
    ///   - handle: the device's name in the unit's configuration.
    ///   - expectedSerial: the serial number the device must report; `nil` accepts any.
    ///   - barred: what the commands of other profiles send.
    ///   - isDriven: whether its commands may be carried out.
    package func compile(
        handle: String, overrides: DeviceOverrides = DeviceOverrides(), expectedSerial: String? = nil,
        barred: [WirePattern] = [], isDriven: Bool = false
    ) -> DevicePlan {
        PlanCompiler(profile: self, handle: handle, overrides: overrides, barred: barred, isDriven: isDriven).plan(
            expectedSerial: expectedSerial)
    }
}

/// Turns a checked profile into a plan. Names are resolved here, once.
struct PlanCompiler {
    let profile: DeviceProfile
    let handle: String
    let overrides: DeviceOverrides
    let barred: [WirePattern]
    let isDriven: Bool
    let line: LineDescription
    let slots: [String]
    let fieldIndex: [String: Int]
    /// By metric: the index of its first stream.
    let streamBases: [Int]
    /// By alert of the profile: the index of its first instance.
    let alertBases: [Int]
    let remembered: Set<String>
    /// Fields on which others depend.
    let tested: Set<String>
    /// By field on which others depend, where others decide about it in turn: how many in a row.
    let gateDepths: [String: Int]

    init(
        profile: DeviceProfile, handle: String, overrides: DeviceOverrides, barred: [WirePattern] = [],
        isDriven: Bool = false
    ) {
        self.profile = profile
        self.barred = barred
        self.isDriven = isDriven
        self.handle = handle
        self.overrides = overrides
        var line = profile.line
        if let serial = overrides.serial { line.serial = serial }
        if let unit = overrides.unit { line.unit = unit }
        self.line = line
        let named = profile.rack?.slots ?? []
        slots = overrides.slots.map { wanted in named.filter { wanted.contains($0) } } ?? named
        fieldIndex = Dictionary(profile.fields.enumerated().map { ($0.element.name, $0.offset) }) { first, _ in first }
        let count = slots.count
        var next = 0
        streamBases = profile.metrics.map { metric in
            defer { next += Self.isSlotted(metric, profile) ? count : 1 }
            return next
        }
        next = 0
        alertBases = profile.alerts.map { alert in
            defer { next += Self.isSlotted(field: alert.field, profile) ? count : 1 }
            return next
        }
        let sends =
            profile.requests.flatMap { $0.prelude.map(\.send) + [$0.send] } + profile.session.answers.map(\.send)
            + profile.commands.flatMap { $0.steps.map(\.send) }
        remembered = Set(sends.flatMap(\.names) + (isDriven ? Self.watchedFields(profile) : []))
        let gates = profile.fields.flatMap(\.gates).compactMap { gate in
            if case .field(let name, _) = gate.test { name } else { nil }
        }
        let marks = profile.metrics.compactMap(\.mark).flatMap { $0.newWhen + [$0.takenAt?.field].compactMap { $0 } }
        let terms = profile.metrics.compactMap(\.terms).flatMap(\.fields)
        tested = Set(
            gates + terms + profile.metrics.compactMap(\.condition?.field) + marks + profile.heartbeats.map(\.field))
        gateDepths = GateChain(profile.fields).depths.filter { [tested] in tested.contains($0.key) && $0.value > 0 }
    }

    func plan(expectedSerial: String?) -> DevicePlan {
        let streams = profile.metrics.flatMap(streams)
        return DevicePlan(
            handle: handle, profile: profile, line: line, streams: streams, alerts: profile.alerts.flatMap(alerts),
            slots: slots,
            protocolPlan: line.transport == .serial ? .serial(serialPlan()) : .modbus(modbusPlan()),
            heartbeats: profile.heartbeats.map { beat in
                HeartbeatPlan(
                    field: fieldIndex[beat.field] ?? 0, within: beat.within,
                    covers: streams.map { beat.vmd == nil || $0.vmd == beat.vmd })
            }, gateDepth: gateDepths.values.max() ?? 0, expectedSerial: expectedSerial)
    }

    // MARK: Slots

    static func isSlotted(_ metric: MetricDescription, _ profile: DeviceProfile) -> Bool {
        metric.vmd != nil && metric.vmd == profile.rack?.name
    }

    /// Whether a field stands in messages of a rack's slots.
    static func isSlotted(field name: String, _ profile: DeviceProfile) -> Bool {
        guard profile.rack != nil else { return false }
        if profile.metrics.contains(where: { $0.field == name && isSlotted($0, profile) }) { return true }
        return profile.messages.indices.contains { index in
            let message = profile.messages[index]
            let isOfSlot =
                message.holes.contains("slot") || profile.requests.contains { $0.reply == index && $0.forEachSlot }
            return isOfSlot && profile.holds(message, field: name)
        }
    }

    // MARK: Streams and alerts

    func scale(_ metric: MetricDescription) -> DecimalScale { overrides.scale[metric.name.referenceID] ?? metric.scale }

    func field(_ name: String) -> FieldDescription? { fieldIndex[name].map { profile.fields[$0] } }

    func form(_ metric: MetricDescription) -> ValueForm { profile.form(metric, scale: scale(metric)) }

    /// Time between two values of a metric. Unit: ns.
    func period(_ metric: MetricDescription) -> Int64 {
        if let period = overrides.period[metric.name.referenceID] ?? metric.period { return period }
        return profile.requests(reading: metric.field).compactMap { $0.period }.min() ?? 1_000_000_000
    }

    private func streams(_ metric: MetricDescription) -> [StreamDescriptor] {
        let names: [String?] =
            Self.isSlotted(metric, profile) ? slots.map { profile.rack?.name(slot: $0) } : [metric.vmd]
        return names.map { name in
            StreamDescriptor(
                device: handle, vmd: name, metric: metric.name.referenceID, code: metric.name.code,
                unit: metric.unit?.ucum, form: form(metric),
                isWaveform: metric.isWaveform, periodNanoseconds: period(metric), profile: profile.name,
                name: StreamName(
                    system: metric.name.system, category: metric.name.category, display: metric.name.display,
                    arabicDisplay: metric.name.arabicDisplay,
                    loinc: profile.device.class.flatMap { metric.name.loinc[$0] }))
        }
    }

    private func alerts(_ alert: AlertDescription) -> [AlertDescription] {
        guard Self.isSlotted(field: alert.field, profile) else { return [alert] }
        return slots.map { slot in
            var own = alert
            own.vmd = profile.rack?.name(slot: slot)
            return own
        }
    }

    // MARK: Fields

    func fieldPlan(
        _ field: FieldDescription, _ source: FieldPlan.Source, _ reading: FieldPlan.Reading, gateOffset: Int = 0
    ) -> FieldPlan {
        FieldPlan(
            index: fieldIndex[field.name] ?? 0, source: source, reading: reading,
            strip: field.strip.map { Array($0.utf8) },
            missing: field.missing.compactMap { missing in
                (try? missing.code.plan(for: field)).map { ($0, missing.validity) }
            },
            gates: field.gates.map { gate in
                switch gate.test {
                case .bytes(let test):
                    let moved = ByteTest(
                        bytes: (test.bytes.lowerBound + gateOffset)...(test.bytes.upperBound + gateOffset),
                        test: test.test)
                    return GatePlan(test: .bytes(moved), validity: gate.validity, longestAge: 0)
                case .field(let name, let test):
                    return GatePlan(
                        test: .field(fieldIndex[name] ?? 0, self.test(test, on: name)), validity: gate.validity,
                        longestAge: line.transport == .serial ? 0 : 3 * readPeriod(name))
                }
            },
            table: field.table.compactMap { entry in
                (try? entry.code.plan(for: field)).map { FieldPlan.Word(code: $0, word: Array(entry.word.utf8)) }
            },
            otherwise: field.otherwise.map { Array($0.utf8) }, targets: targets(field.name),
            alerts: alertPlans(field.name),
            isIdentity: field.name == profile.session.identityField, isRemembered: remembered.contains(field.name),
            isTested: tested.contains(field.name), gateDepth: gateDepths[field.name] ?? 0)
    }

    func reading(_ type: FieldType, width: Int) -> FieldPlan.Reading {
        switch type {
        case .bits(let signed): .number(signed: signed, width: width)
        case .signMagnitude: .signMagnitude(width: width)
        case .float32: .float32
        case .float64: .float64
        case .degreesMinutes: .degreesMinutes
        case .sexagesimal: .sexagesimal
        case .bcd: .bcd(digits: width / 4)
        case .medicalFloat(let places): .medicalFloat(MedicalFloat(width: width), places: places)
        case .decimal(let places): .decimal(places: places)
        case .hex: .hex
        case .text: .text
        }
    }

    private func targets(_ name: String) -> [TargetPlan] {
        profile.metrics.enumerated().compactMap { index, metric in
            guard metric.field == name else { return nil }
            let form = form(metric)
            return TargetPlan(
                stream: streamBases[index], isSlotted: Self.isSlotted(metric, profile), isEpisodic: metric.isEpisodic,
                result: metric.mark.flatMap { mark in
                    mark.newWhen.isEmpty && mark.takenAt == nil
                        ? nil
                        : ResultPlan(
                            marks: mark.newWhen.compactMap { fieldIndex[$0] },
                            time: mark.takenAt.flatMap { at in fieldIndex[at.field].map { ($0, at.format, at.within) } }
                        )
                },
                terms: metric.terms.map(terms),
                condition: metric.condition.map { condition in
                    TargetPlan.Condition(
                        field: fieldIndex[condition.field] ?? 0,
                        test: test(.isOneOf(condition.codes), on: condition.field),
                        known: condition.known.isEmpty ? nil : test(.isOneOf(condition.known), on: condition.field),
                        longestAge: line.transport == .serial ? 3 * readPeriod(condition.field) : 0)
                },
                offset: metric.offsetCounts(form), plausible: limits(metric.plausible, form),
                absolute: limits(metric.absolute, form), jump: change(metric, form))
        }
    }

    private func change(_ metric: MetricDescription, _ form: ValueForm) -> ChangePlan? {
        guard let jump = metric.jump else { return nil }
        guard case .integer(let scale) = form else { return .float(jump) }
        guard let limit = DecimalNumber(jump) else { return nil }
        let (floor, ceiling) = limit.counts(of: scale)
        return .counts(max(floor, -ceiling), wrapsAt: profile.wrapCounts(metric).map { Int128($0) })
    }

    private func terms(_ terms: MetricDescription.Terms) -> TermsPlan {
        TermsPlan(
            negativeWhen: terms.negativeWhen.map { sign in
                (
                    fieldIndex[sign.field] ?? 0, test(sign.test, on: sign.field),
                    sign.positive.isEmpty ? nil : test(.isOneOf(sign.positive), on: sign.field)
                )
            },
            plus: terms.plus.map { (fieldIndex[$0.field] ?? 0, $0.times) },
            exponent: terms.exponent.map { (fieldIndex[$0.field] ?? 0, $0.range) })
    }

    /// Limits in counts of the stream, so that judging a sample is two comparisons.
    private func limits(_ limits: ClosedRange<Double>?, _ form: ValueForm) -> PlainNumber.Limits {
        switch form {
        case .integer(let scale):
            guard let limits, let low = DecimalNumber(limits.lowerBound), let high = DecimalNumber(limits.upperBound)
            else { return PlainNumber.Limits(counts: nil) }
            let (one, other) = (low.counts(of: scale), high.counts(of: scale))
            // What is turned over has the upper limit below.
            return PlainNumber.Limits(
                counts: scale.multiplier > 0 ? (one.ceiling, other.floor) : (other.ceiling, one.floor))
        case .float32:
            return PlainNumber.Limits(
                quantities: limits.map { Double(Float($0.lowerBound))...Double(Float($0.upperBound)) })
        case .float64, .text: return PlainNumber.Limits(quantities: limits)
        }
    }

    private func alertPlans(_ name: String) -> [AlertPlan] {
        profile.alerts.enumerated().compactMap { index, alert in
            guard alert.field == name else { return nil }
            return AlertPlan(
                alert: alertBases[index], isSlotted: Self.isSlotted(field: name, profile),
                test: test(alert.test, on: name))
        }
    }

    func test(_ test: FieldTest, on name: String) -> TestPlan {
        func plans(_ codes: [ValueCode]) -> [CodePlan] {
            field(name).map { field in codes.compactMap { try? $0.plan(for: field) } } ?? []
        }
        switch test {
        case .isOneOf(let codes): return .listed(plans(codes), expected: true)
        case .isNoneOf(let codes): return .listed(plans(codes), expected: false)
        case .bit(let bit): return .bit(bit)
        case .has(let text): return .has(Array(text.utf8))
        case .present: return .present
        case .absent: return .absent
        case .above(let limit): return self.limit(limit, isUpper: true, on: name)
        case .below(let limit): return self.limit(limit, isUpper: false, on: name)
        }
    }

    private func limit(_ limit: Double, isUpper: Bool, on name: String) -> TestPlan {
        let (limit, isAbove) = profile.limit(limit, isUpper: isUpper, on: name) { scale($0) }
        return isAbove ? .above(limit) : .below(limit)
    }

    /// How often a field is read; of one that comes unasked, how long it says something at least. Unit: ns.
    private func readPeriod(_ name: String) -> Int64 {
        if case .registers(let source)? = field(name)?.place {
            return profile.metrics.filter { $0.field == name }.map(period).min() ?? source.period ?? 1_000_000_000
        }
        return profile.requests(reading: name).compactMap(\.period).min() ?? Self.unaskedPeriod
    }

    /// For a setting that comes unasked. Unit: ns.
    private static let unaskedPeriod: Int64 = 20_000_000_000
}
