import DeviceModel
import DevicePlans
import Nomenclature
import ProfileLanguage
import StrictYAML

/// Makes a device's messages from its profile: the reverse of decoding.
struct MessageWriter {
    let plan: DevicePlan
    let serial: SerialPlan
    private let world: SimulatedWorld
    /// What each field shows: the first metric of it whose unit is known.
    private let shown: [String: (metric: MetricDescription, stream: StreamDescriptor)]

    init(plan: DevicePlan, serial: SerialPlan, scene: PlayedScene = PlayedScene()) {
        self.plan = plan
        self.serial = serial
        world = SimulatedWorld(profile: plan.profile, scene: scene)
        shown = plan.profile.metrics.reduce(into: [:]) { shown, metric in
            guard shown[metric.field] == nil,
                let stream = plan.streams.first(where: {
                    $0.metric == metric.name.referenceID && $0.unit == metric.unit?.ucum
                })
            else { return }
            shown[metric.field] = (metric, stream)
        }
    }

    /// A message as it is on the wire.
    func message(_ index: Int, slot: Int?, seconds: Double) -> [UInt8] {
        let compiled = serial.messages[index]
        guard let description = plan.profile.messages.first(where: { $0.name == compiled.name }) else { return [] }
        let format = serial.frames[compiled.frame].format
        let slot = slot ?? compiled.fixedSlot
        if let binary = description.records?.binary {
            let length = max(binary.from, format.payloadStart)
            var head = [UInt8](repeating: 0, count: length)
            mark(&head, compiled.when)
            write(compiled.fields, seconds: seconds, to: &head)
            if let index = binary.index {
                let records = indexed(binary, index, compiled, seconds: seconds, head: &head)
                return format.encode(payload: Array(head[format.payloadStart...]) + records)
            }
            var items = items(binary, description.name, seconds: seconds)
            var before: [UInt8] = []
            if let parts = description.parts {
                // What may come in parts comes in two: whoever plays it shows that they are put together.
                before = part(parts, format, lists(binary, Array(items.prefix(items.count / 2))))
                items.removeFirst(items.count / 2)
            }
            return before + format.encode(payload: Array(head[format.payloadStart...]) + lists(binary, items))
        }
        if description.template != nil || description.records != nil {
            var payload =
                description.template.map { render($0, description, slot: slot, seconds: seconds) }
                ?? records(description, slot: slot, seconds: seconds)
            if description.template == nil { payload = payload.isEmpty ? [0x20] : payload }
            return binary(format, compiled.when, compiled.fields, payload: payload, length: nil, seconds: seconds)
        }
        var length = compiled.length?.lowerBound
        if case .fixed(let fixed) = format.length { length = fixed }
        return binary(
            format, compiled.when, compiled.fields, payload: nil, length: length ?? format.shortest, seconds: seconds)
    }

    /// The frame at a place in a stream of fixed frames.
    func frame(_ index: Int, position: Int, seconds: Double) -> [UInt8] {
        let format = serial.frames[index].format
        var tests: [ByteTest] = []
        var fields = serial.frameFields[index].fields
        if let packet = serial.packet, packet.frame == index {
            if position == 0 {
                tests = [packet.firstWhen]
            } else if case .bit(let bit, let isSet) = packet.firstWhen.test {
                tests = [ByteTest(bytes: packet.firstWhen.bytes, test: .bit(bit, isSet: !isSet))]
            }
            fields += packet.list.fields
        }
        return binary(
            format, tests, fields, payload: nil, length: format.longest,
            part: serial.packet?.frame == index ? position : nil, seconds: seconds)
    }

    // MARK: Binary

    /// - Parameter part: which frame of a packet it is; bytes of the others are left out.
    private func binary(
        _ format: FrameFormat, _ tests: [ByteTest], _ fields: [FieldPlan], payload: [UInt8]?, length: Int?,
        part: Int? = nil, seconds: Double
    ) -> [UInt8] {
        if var payload {
            // What the message is known by stands in it, whatever the template leaves open there.
            for test in format.validWhen + tests {
                for place in test.bytes where payload.indices.contains(place - format.payloadStart) {
                    if case .isOneOf(let values) = test.test, !values.contains(payload[place - format.payloadStart]) {
                        payload[place - format.payloadStart] = values.first ?? 0
                    }
                }
            }
            return format.encode(payload: payload)
        }
        var plain = [UInt8](repeating: 0, count: max(length ?? 0, format.shortest))
        for (offset, byte) in format.start.enumerated() where offset < plain.count { plain[offset] = byte }
        mark(&plain, format.validWhen + tests)
        write(fields, part: part, seconds: seconds, to: &plain)
        let start = min(format.payloadStart, plain.count)
        return format.encode(
            payload: Array(plain[start..<max(start, min(plain.count, format.payloadEnd(length: plain.count)))]))
    }

    /// Lets bytes pass their tests.
    func mark(_ plain: inout [UInt8], _ tests: [ByteTest]) {
        for test in tests {
            for byte in test.bytes where byte < plain.count {
                switch test.test {
                case .bit(let bit, true): plain[byte] |= 1 << UInt8(bit)
                case .bit(let bit, false): plain[byte] &= ~(1 << UInt8(bit))
                case .isOneOf(let values): plain[byte] = values.first ?? 0
                }
            }
        }
    }

    func write(_ fields: [FieldPlan], part: Int? = nil, seconds: Double, to plain: inout [UInt8]) {
        for field in fields {
            guard case .bits(let slices, _, let stride) = field.source else { continue }
            let count = plan.samples(of: field)
            let shift = part.map { $0 * (serial.packet?.frameLength ?? 0) } ?? 0
            let described = plan.profile.fields[field.index]
            let period = samplePeriod(field)
            for sample in 0..<count {
                // A device sends what it has measured: the last sample is of now.
                let time = seconds - Double(count - 1 - sample) * period
                let value = UInt64(bitPattern: number(described, seconds: time))
                let moved = slices.map {
                    (byte: $0.byte + sample * stride - (isOfPacket(field) ? shift : 0), low: $0.low, width: $0.width)
                }
                write(value, moved, to: &plain)
            }
        }
    }

    private func isOfPacket(_ field: FieldPlan) -> Bool {
        serial.packet?.list.fields.contains { $0.index == field.index } ?? false
    }

    private func samplePeriod(_ field: FieldPlan) -> Double {
        field.targets.first.map { Double(plan.streams[$0.stream].periodNanoseconds) / 1e9 } ?? 0
    }

    func write(_ value: UInt64, _ slices: [(byte: Int, low: UInt8, width: UInt8)], to plain: inout [UInt8]) {
        var left = slices.reduce(0) { $0 + UInt64($1.width) }
        for slice in slices {
            left -= UInt64(slice.width)
            guard plain.indices.contains(slice.byte) else { continue }
            let mask = UInt8(truncatingIfNeeded: UInt64(1) << UInt64(slice.width) - 1)
            plain[slice.byte] &= ~(mask << slice.low)
            plain[slice.byte] |= (UInt8(truncatingIfNeeded: value >> left) & mask) << slice.low
        }
    }

    // MARK: Text

    private func render(
        _ template: Template, _ message: MessageDescription, slot: Int?, key: String? = nil, value: [UInt8] = [],
        seconds: Double
    ) -> [UInt8] {
        let items = template.items.map { item in
            item.flatMap { segment -> [UInt8] in
                switch segment {
                case .literal(let literal): return literal
                case .hole(let name, let width):
                    let written: [UInt8] =
                        switch name {
                        // Something that no reader takes for a separator.
                        case "_": [UInt8](repeating: 0x30, count: width ?? (template.separator == .blanks ? 1 : 0))
                        case "key": Array((key ?? "").utf8)
                        case "value": value
                        case "slot": slot.map { Array(plan.slots[$0].utf8) } ?? []
                        case "repeat": records(message, slot: slot, seconds: seconds)
                        default: plan.profile.fields.first { $0.name == name }.map { text($0, seconds: seconds) } ?? []
                        }
                    return width.map { Self.fit(written, to: $0) } ?? written
                }
            }
        }
        let separator = template.separator.map { Self.bytes($0) } ?? []
        return Array(items.joined(separator: separator)) + (template.moreItems ? separator : [])
    }

    private func records(_ message: MessageDescription, slot: Int?, seconds: Double) -> [UInt8] {
        guard let records = message.records else { return [] }
        let isOfSlots = records.each.holes.contains("slot") && slot == nil
        var parts: [[UInt8]] = []
        for place in isOfSlots ? Array(plan.slots.indices.prefix(2)).map({ Optional($0) }) : [slot] {
            for field in plan.profile.fields {
                guard case .keyed(message.name, let key) = field.place else { continue }
                // That an alarm is in the message means that it holds: only where it is said so.
                guard metric(field) != nil || simulated(field, seconds: seconds) != nil else { continue }
                parts.append(
                    render(
                        records.each, message, slot: place, key: key, value: text(field, seconds: seconds),
                        seconds: seconds))
            }
        }
        switch records.division {
        case .stride(let stride): return parts.flatMap { Self.fit($0, to: stride) }
        case .separator(let separator): return Array(parts.joined(separator: Self.bytes(separator)))
        // These are made in their lists.
        case .binary: return []
        }
    }

    private static func bytes(_ separator: Separator) -> [UInt8] {
        if case .mark(let bytes) = separator { bytes } else { [0x20] }
    }

    private static func fit(_ text: [UInt8], to width: Int) -> [UInt8] {
        Array((text + [UInt8](repeating: 0x20, count: width)).prefix(width))
    }

    // MARK: Values

    func metric(_ field: FieldDescription) -> (metric: MetricDescription, stream: StreamDescriptor)? {
        shown[field.name]
    }

    func simulated(_ field: FieldDescription, seconds: Double) -> SimulatedWorld.Value? {
        let value = world.value(
            field.name,
            showing: metric(field).map {
                SimulatedWorld.Shown(
                    metric: $0.stream.metric, unit: $0.stream.unit, isWaveform: $0.metric.isWaveform,
                    isEpisodic: $0.metric.isEpisodic)
            }, at: seconds)
        // A word of the table stands for its code.
        guard case .text(let word)? = value, let entry = field.table.first(where: { $0.word == word }) else {
            return value
        }
        return .text(entry.code.text)
    }

    /// The number a field holds for its simulated value.
    func number(_ field: FieldDescription, seconds: Double) -> Int64 {
        switch simulated(field, seconds: seconds) {
        case .number(let value)?:
            if field.type == .float32 { return Int64(Float(value).bitPattern) }
            if field.type == .float64 { return Int64(bitPattern: value.bitPattern) }
            guard let (metric, stream) = metric(field), case .integer(let scale) = stream.form else {
                return DecimalScale(multiplier: 1, exponent: -(field.type.places ?? 0)).counts(nearest: value) ?? 0
            }
            var counts = (scale.counts(nearest: value) ?? 0) - metric.offsetCounts(stream.form)
            if let exponent = metric.terms?.exponent,
                case .number(let power)? = world.value(exponent.field, at: seconds)
            {
                for _ in exponent.range.lowerBound..<max(exponent.range.lowerBound, Int(power)) { counts /= 10 }
            }
            // The sign stands in a field of its own.
            if metric.terms?.negativeWhen != nil { counts = abs(counts) }
            return field.type == .bcd ? Int64(String(max(0, counts)), radix: 16) ?? 0 : counts
        case .text(let text)?: return YAMLText.integer(text) ?? 0
        case nil: return 0
        }
    }

    private func text(_ field: FieldDescription, seconds: Double) -> [UInt8] {
        let value = simulated(field, seconds: seconds)
        if case .text(let text)? = value { return Array(text.utf8) }
        switch field.type {
        case .decimal(let places):
            return Array(DecimalText.render(number(field, seconds: seconds), exponent: -places).utf8)
        case .degreesMinutes:
            let degrees = number(field, seconds: seconds)
            let minutes = degrees % 10_000_000 * 600_000 / 10_000_000
            func padded(_ number: Int64, _ width: Int) -> String {
                String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
            }
            return Array("\(degrees / 10_000_000)\(padded(minutes / 10_000, 2)).\(padded(minutes % 10_000, 4))".utf8)
        case .sexagesimal:
            let minutes = number(field, seconds: seconds)
            return Array("\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)".utf8)
        case .hex: return Array(String(number(field, seconds: seconds), radix: 16, uppercase: true).utf8)
        default:
            guard case .number(let number)? = value else { return [] }
            return Array(DecimalText.plain(Float(number)).utf8)
        }
    }
}

/// Whole numbers as profiles write them.
enum YAMLText {
    static func integer(_ text: String) -> Int64? {
        text.hasPrefix("0x") ? Int64(text.dropFirst(2), radix: 16) : Int64(text)
    }
}
