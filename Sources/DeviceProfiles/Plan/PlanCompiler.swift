import DeviceModel
import Nomenclature

extension DeviceProfile {
    /// Compiles the profile for one device.
    ///
    /// - Parameters:
    ///   - handle: the device's name in the unit's configuration.
    ///   - expectedSerial: the serial number the device must report; `nil` accepts any.
    public func compile(handle: String, overrides: DeviceOverrides = DeviceOverrides(), expectedSerial: String? = nil) -> DevicePlan {
        PlanCompiler(profile: self, handle: handle, overrides: overrides).plan(expectedSerial: expectedSerial)
    }
}

/// Turns a checked profile into a plan. Names are resolved here, once.
struct PlanCompiler {
    let profile: DeviceProfile
    let handle: String
    let overrides: DeviceOverrides

    func plan(expectedSerial: String?) -> DevicePlan {
        var line = profile.line
        if let serial = overrides.serial { line.serial = serial }
        if let unit = overrides.unit { line.unit = unit }
        return DevicePlan(
            handle: handle, profile: profile, line: line, streams: profile.metrics.map(stream), alerts: profile.alerts,
            protocolPlan: line.transport == .serial ? .serial(serialPlan()) : .modbus(ModbusPlan(blocks: blocks(line))),
            expectedSerial: expectedSerial)
    }

    // MARK: Streams

    private func scale(_ metric: MetricDescription) -> DecimalScale { overrides.scale[metric.code.referenceID] ?? metric.scale }

    func period(_ metric: MetricDescription) -> Int64 {
        if let period = overrides.period[metric.code.referenceID] ?? metric.period { return period }
        guard case .field(let name) = metric.source, let request = profile.requests.first(where: { $0.reply.contains(.field(name)) }) else {
            return 1_000_000_000
        }
        return requestPeriod(request)
    }

    /// A request is sent as often as the fastest of its metrics is wanted.
    private func requestPeriod(_ request: RequestDescription) -> Int64 {
        let wanted = profile.metrics.compactMap { metric -> Int64? in
            guard case .field(let name) = metric.source, request.reply.contains(.field(name)) else { return nil }
            return overrides.period[metric.code.referenceID]
        }
        return wanted.min() ?? request.period
    }

    private func stream(_ metric: MetricDescription) -> StreamDescriptor {
        let form: ValueForm
        switch metric.source {
        case .registers(let source): form = source.form == .float32 ? .float32 : .integer(scale(metric))
        case .field(let name):
            switch profile.fields.first(where: { $0.name == name })?.type {
            case .text: form = .text
            case .float32: form = .float32
            case .decimal(let places):
                let scale = scale(metric)
                form = .integer(DecimalScale(multiplier: scale.multiplier, exponent: max(-18, scale.exponent - places)))
            default: form = .integer(scale(metric))
            }
        }
        return StreamDescriptor(
            device: handle, vmd: metric.vmd, metric: metric.code.referenceID, code: metric.code.code, unit: metric.unit?.ucum, form: form,
            isWaveform: metric.isWaveform, periodNanoseconds: period(metric), profile: profile.name)
    }

    // MARK: Outputs

    /// Limits in counts of the stream, so that judging a sample is two comparisons.
    private func counts(_ limits: ClosedRange<Double>?, _ form: ValueForm) -> ClosedRange<Double>? {
        guard let limits, case .integer(let scale) = form else { return limits }
        let unit = scale.double(of: 1)
        let ends = [limits.lowerBound / unit, limits.upperBound / unit].sorted()
        // Half a count of slack: 80 / 0.1 must not become 799.9999.
        return (ends[0] - 0.25)...(ends[1] + 0.25)
    }

    private func alertPlans(_ field: String) -> [AlertPlan] {
        profile.alerts.enumerated().compactMap { index, alert in
            guard alert.field == field else { return nil }
            let (codes, listed): ([FieldDescription.Missing.Code], Bool) =
                switch alert.test {
                case .isOneOf(let codes): (codes, true)
                case .isNoneOf(let codes): (codes, false)
                }
            return AlertPlan(
                alert: index,
                numbers: codes.compactMap { if case .integer(let number) = $0 { number } else { nil } },
                texts: codes.map { code in
                    switch code {
                    case .integer(let number): Array(String(number).utf8)
                    case .text(let text): Array(text.utf8)
                    }
                }, holdsWhenListed: listed)
        }
    }

    private func output(
        _ source: OutputPlan.Source, metric: Int?, missing: [FieldDescription.Missing], gates: [FieldDescription.Gate], isFloat: Bool,
        field: String?
    ) -> OutputPlan {
        let description = metric.map { profile.metrics[$0] }
        let form = description.map { stream($0).form } ?? .text
        return OutputPlan(
            stream: metric, source: source, isFloat: isFloat,
            missingNumbers: missing.compactMap { if case .integer(let code) = $0.code { (code, $0.validity) } else { nil } },
            missingTexts: missing.map { missing in
                switch missing.code {
                case .integer(let code): (Array(String(code).utf8), missing.validity)
                case .text(let text): (Array(text.utf8), missing.validity)
                }
            },
            gates: gates, plausible: counts(description?.plausible, form), absolute: counts(description?.absolute, form),
            alerts: field.map(alertPlans) ?? [], isIdentity: field != nil && field == profile.identityField)
    }

    /// The outputs of one field: one for each metric that names it, or one without a stream.
    private func outputs(_ field: FieldDescription, _ source: OutputPlan.Source, frameLength: Int) -> [OutputPlan] {
        let metrics = profile.metrics.indices.filter { if case .field(field.name) = profile.metrics[$0].source { true } else { false } }
        var gates = field.gates
        if case .slices(_, let slices) = field.place, let frame = slices.first?.frame, frame > 0 {
            gates = gates.map { gate in
                let test = BitTest(byte: gate.test.byte + frame * frameLength, bit: gate.test.bit, isSet: gate.test.isSet)
                return FieldDescription.Gate(test: test, validity: gate.validity)
            }
        }
        let names: [Int?] = metrics.isEmpty ? [nil] : metrics.map { $0 }
        return names.enumerated().map { position, metric in
            output(source, metric: metric, missing: field.missing, gates: gates, isFloat: false, field: position == 0 ? field.name : nil)
        }
    }

    // MARK: Serial

    private func serialPlan() -> SerialPlan {
        let base = profile.frames.first { if case .packet = $0.shape { false } else { true } }
        guard let base else { preconditionFailure("a checked serial profile has a frame") }
        var longest = 0
        var fixedLength = 0
        switch base.shape {
        case .fixed(_, let length, _): (longest, fixedLength) = (length, length)
        case .delimited(_, _, _, let limit, _): longest = limit
        case .packet: break
        }
        var packet: PacketPlan?
        if let frame = profile.frames.first(where: { if case .packet = $0.shape { true } else { false } }),
            case .packet(_, let count, let firstWhen) = frame.shape
        {
            packet = PacketPlan(count: count, firstWhen: firstWhen, outputs: binaryOutputs(frame.name, frameLength: fixedLength))
        }
        let framePlan = FramePlan(shape: base.shape, checksum: base.checksum, longest: longest)
        let streamed = profile.metrics.compactMap { metric -> Int64? in
            guard case .field(let name) = metric.source, let field = profile.fields.first(where: { $0.name == name }),
                case .slices = field.place
            else { return nil }
            return period(metric)
        }
        return SerialPlan(
            frame: framePlan, frameOutputs: binaryOutputs(base.name, frameLength: fixedLength), packet: packet,
            requests: profile.requests.map { request($0, framePlan) }, streamPeriod: streamed.max())
    }

    private func binaryOutputs(_ scope: String, frameLength: Int) -> [OutputPlan] {
        profile.fields.flatMap { field -> [OutputPlan] in
            guard case .slices(scope, let slices) = field.place, case .bits(let signed) = field.type else { return [] }
            let bits = slices.map { BitSlice(byte: $0.frame * frameLength + $0.byte, low: UInt8($0.low), width: UInt8($0.width)) }
            let width = bits.reduce(0) { $0 + Int($1.width) }
            return outputs(field, .bits(bits, signed: signed, width: width), frameLength: frameLength)
        }
    }

    private func request(_ description: RequestDescription, _ frame: FramePlan) -> RequestPlan {
        var plans: [OutputPlan] = []
        for (index, item) in description.reply.enumerated() {
            guard case .field(let name) = item, let field = profile.fields.first(where: { $0.name == name }) else { continue }
            if case .decimal(let places) = field.type {
                plans += outputs(field, .decimal(item: index, places: places), frameLength: 0)
            } else {
                plans += outputs(field, .text(item: index), frameLength: 0)
            }
        }
        // The field that identifies the device is judged before any other value of the reply.
        plans.sort { $0.isIdentity && !$1.isIdentity }
        let items = description.reply.map { item -> RequestPlan.Item in
            if case .literal(let text) = item { .literal(Array(text.utf8)) } else { .any }
        }
        return RequestPlan(
            name: description.name, bytes: frame.encode(payload: Array(description.send.utf8)), reply: items, moreItems: description.moreItems,
            outputs: plans, period: requestPeriod(description))
    }

    // MARK: Modbus

    private func blocks(_ line: LineDescription) -> [ModbusBlock] {
        struct Wanted {
            let unit: UInt8
            let source: RegisterSource
            let period: Int64
            let metric: Int
        }
        let wanted = profile.metrics.enumerated().compactMap { index, metric -> Wanted? in
            guard case .registers(let source) = metric.source else { return nil }
            let own = source.vmd.flatMap { name in overrides.units[name] ?? profile.vmds.first { $0.name == name }?.unit }
            return Wanted(unit: own ?? line.unit, source: source, period: period(metric), metric: index)
        }.sorted { left, right in
            (left.unit, left.source.space.rawValue, left.period, left.source.address)
                < (right.unit, right.source.space.rawValue, right.period, right.source.address)
        }
        var groups: [[Wanted]] = []
        for item in wanted {
            // Neighbours only: a register that nobody named may not exist, and one illegal address fails the whole read.
            if let last = groups.last?.last, let first = groups.last?.first, last.unit == item.unit, last.source.space == item.source.space,
                last.period == item.period, last.source.address + last.source.registers == item.source.address,
                item.source.address + item.source.registers - first.source.address <= ModbusBlock.longest
            {
                groups[groups.count - 1].append(item)
            } else {
                groups.append([item])
            }
        }
        return groups.compactMap { group in
            guard let first = group.first, let last = group.last else { return nil }
            let start = first.source.address
            return ModbusBlock(
                unit: first.unit, space: first.source.space, address: start,
                count: last.source.address + last.source.registers - start, period: first.period,
                outputs: group.map { registerOutput($0.source, metric: $0.metric, start: start) })
        }
    }

    private func registerOutput(_ source: RegisterSource, metric: Int, start: Int) -> OutputPlan {
        let first = (source.address - start) * 2
        var words = (0..<source.registers).map { [first + $0 * 2, first + $0 * 2 + 1] }
        if source.lowWordFirst { words.reverse() }
        let slices = words.flatMap { $0 }.map { BitSlice(byte: $0, low: 0, width: 8) }
        var signed = false
        if case .integer(_, true) = source.form { signed = true }
        return output(
            .bits(slices, signed: signed, width: slices.count * 8), metric: metric, missing: source.missing, gates: [],
            isFloat: source.form == .float32, field: nil)
    }

    /// The block a captured request asks for, with the metrics that lie wholly within it. `nil` when none does.
    static func block(_ plan: DevicePlan, unit: UInt8, space: RegisterSource.Space, address: Int, count: Int) -> ModbusBlock? {
        guard case .modbus(let modbus) = plan.protocolPlan else { return nil }
        let outputs = modbus.blocks.filter { $0.unit == unit && $0.space == space }.flatMap { block in
            block.outputs.compactMap { $0.moved(by: (block.address - address) * 2, within: count * 2) }
        }
        guard !outputs.isEmpty else { return nil }
        return ModbusBlock(unit: unit, space: space, address: address, count: count, period: 1, outputs: outputs)
    }
}

extension OutputPlan {
    /// The same output read from a block that starts elsewhere; `nil` when it does not lie wholly within.
    fileprivate func moved(by bytes: Int, within length: Int) -> OutputPlan? {
        guard case .bits(let slices, let signed, let width) = source else { return nil }
        let moved = slices.map { BitSlice(byte: $0.byte + bytes, low: $0.low, width: $0.width) }
        guard moved.allSatisfy({ $0.byte >= 0 && $0.byte < length }) else { return nil }
        return OutputPlan(
            stream: stream, source: .bits(moved, signed: signed, width: width), isFloat: isFloat, missingNumbers: missingNumbers,
            missingTexts: missingTexts, gates: gates, plausible: plausible, absolute: absolute, alerts: alerts, isIdentity: isIdentity)
    }
}

extension DevicePlan {
    /// The read that a captured Modbus request stands for. `nil` when no metric of the profile lies wholly within it.
    public func block(unit: UInt8, function: UInt8, address: Int, count: Int) -> ModbusBlock? {
        guard function == 3 || function == 4, (1...ModbusBlock.longest).contains(count) else { return nil }
        return PlanCompiler.block(self, unit: unit, space: function == 4 ? .input : .holding, address: address, count: count)
    }
}

extension FramePlan {
    /// The whole frame around a payload, with its marks and checksum. Frames of fixed length are made by their fields, not by a payload.
    public func encode(payload: [UInt8]) -> [UInt8] {
        guard case .delimited(let start, let end, _, _, _) = shape else { return payload }
        var bytes = start + payload
        if let checksum, case .after(let mark) = checksum.place { bytes += [mark] + checksum.encoded(over: payload) }
        return bytes + end
    }
}
