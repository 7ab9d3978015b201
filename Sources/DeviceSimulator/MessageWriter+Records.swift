import DeviceModel
import DevicePlans
import ProfileLanguage

/// Binary records: one after the other, or in their lists.
extension MessageWriter {
    /// The records of a message one after the other, and where each stands in the index.
    func indexed(
        _ binary: BinaryRecords, _ index: BinaryRecords.Index, _ message: MessagePlan, seconds: Double,
        head: inout [UInt8]
    ) -> [UInt8] {
        var records: [UInt8] = []
        var entry = index.bytes.lowerBound
        func fill(_ key: [UInt8]) {
            head.replaceSubrange((entry + binary.key.lowerBound)...(entry + binary.key.upperBound), with: key)
        }
        for keyed in message.records?.keyed ?? [] {
            guard metric(plan.profile.fields[keyed.field.index]) != nil, entry + index.stride <= head.count else {
                continue
            }
            fill(keyed.key)
            Self.put(head.count + records.count - index.adds, index.place, at: entry, in: &head)
            var record = [UInt8](repeating: 0, count: plan.recordBytes(of: keyed.field, in: binary))
            write([keyed.field], seconds: seconds, to: &record)
            if case .told(let number, let times, let adds) = binary.size {
                Self.put((record.count - adds) / times, number, at: 0, in: &record)
            }
            records += record
            entry += index.stride
        }
        if let end = index.end, entry + index.stride <= head.count { fill(end) }
        return records
    }

    private static func put(_ value: Int, _ number: BinaryRecords.WrittenNumber, at start: Int, in bytes: inout [UInt8])
    {
        let both = [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
        let place = start + number.byte
        switch number.type {
        case .uint8, .decimal: bytes[place] = both[1]
        case .uint16: bytes.replaceSubrange(place...(place + 1), with: both)
        case .uint16LowFirst: bytes.replaceSubrange(place...(place + 1), with: both.reversed())
        }
    }

    /// The one part before an answer.
    func part(_ parts: MessageDescription.Parts, _ format: FrameFormat, _ records: [UInt8]) -> [UInt8] {
        var head = [UInt8](repeating: 0, count: max(parts.from, format.payloadStart))
        head[parts.number] = 1
        mark(&head, parts.when + [parts.lastWhen])
        return format.encode(payload: Array(head[format.payloadStart...]) + records)
    }

    /// The records of a message, or for each the attributes of its list.
    func items(_ binary: BinaryRecords, _ message: String, seconds: Double) -> [[[UInt8]]] {
        var items: [[[UInt8]]] = []
        for field in plan.profile.fields {
            if case .attribute(message, let number, _) = field.place, simulated(field, seconds: seconds) != nil {
                items.append([Self.attribute(number, bytes(field, of: field, seconds: seconds))])
            }
            // That an alarm is in the message means that it holds: only where it is said so.
            guard case .record(message, let key?, _, _, _) = field.place,
                metric(field) != nil || simulated(field, seconds: seconds) != nil
            else { continue }
            var record = [UInt8](repeating: 0, count: binary.size.least)
            record.replaceSubrange(binary.key, with: key)
            var beside: [(number: UInt16, value: [UInt8])] = []
            for other in plan.profile.fields {
                guard case .record(message, let otherKey, let attribute, let slices, _) = other.place,
                    otherKey == key || otherKey == nil
                else { continue }
                guard let attribute else {
                    let value = UInt64(bitPattern: number(other, of: field, seconds: seconds))
                    write(
                        value, slices.map { (byte: $0.byte, low: UInt8($0.low), width: UInt8($0.width)) }, to: &record)
                    continue
                }
                beside.append((attribute, bytes(other, of: field, seconds: seconds)))
            }
            guard let holding = binary.attributes.sorted(by: { $0.key < $1.key }).first else {
                items.append([record])
                continue
            }
            let content = holding.value == .list ? Self.list([record]) : record
            items.append([Self.attribute(holding.key, content)] + beside.map { Self.attribute($0.number, $0.value) })
        }
        return items
    }

    /// The value of an attribute.
    private func bytes(_ field: FieldDescription, of value: FieldDescription, seconds: Double) -> [UInt8] {
        let slices: [FieldDescription.Slice]
        switch field.place {
        case .attribute(_, _, let own), .record(_, _, _, let own, _): slices = own
        case .slices, .hole, .keyed, .registers: return []
        }
        var bytes = [UInt8](repeating: 0, count: (slices.map(\.byte).max() ?? 0) + 1)
        write(
            UInt64(bitPattern: number(field, of: value, seconds: seconds)),
            slices.map { (byte: $0.byte, low: UInt8($0.low), width: UInt8($0.width)) }, to: &bytes)
        return bytes
    }

    /// Records, or attributes, in their lists.
    func lists(_ binary: BinaryRecords, _ items: [[[UInt8]]]) -> [UInt8] {
        guard let innermost = binary.lists.last else { return items.joined().flatMap { $0 } }
        var depth = binary.lists.count - 1
        var body = Self.list(Array(items.joined()))
        if depth > 0, !binary.attributes.isEmpty {
            body = Self.list(items.map { [UInt8](repeating: 0, count: innermost) + Self.list($0) })
            depth -= 1
        }
        while depth > 0 {
            body = Self.list([[UInt8](repeating: 0, count: binary.lists[depth]) + body])
            depth -= 1
        }
        return [UInt8](repeating: 0, count: binary.lists[0]) + body
    }

    private static func list(_ items: [[UInt8]]) -> [UInt8] {
        let bytes = items.flatMap { $0 }
        return word(items.count) + word(bytes.count) + bytes
    }

    private static func attribute(_ number: UInt16, _ value: [UInt8]) -> [UInt8] {
        word(Int(number)) + word(value.count) + value
    }

    private static func word(_ number: Int) -> [UInt8] { [UInt8(number >> 8 & 0xFF), UInt8(number & 0xFF)] }

    /// What a field of a record holds: the unit's field the code of the unit in which the value is given.
    private func number(_ field: FieldDescription, of value: FieldDescription, seconds: Double) -> Int64 {
        if let condition = metric(value)?.metric.condition, condition.field == field.name,
            let code = condition.codes.first
        {
            return YAMLText.integer(code.text) ?? 0
        }
        let counts = number(field, seconds: seconds)
        guard case .medicalFloat(let places) = field.type else { return counts }
        return Int64(bitPattern: MedicalFloat(width: field.width).bits(of: counts, places: places) ?? 0)
    }
}
