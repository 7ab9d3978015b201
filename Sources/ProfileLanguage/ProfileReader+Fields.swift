import DeviceModel
import StrictYAML

/// Fields: what is where in a message.
extension ProfileReader {
    mutating func readFields(_ map: YAMLMapping) {
        for (name, keyValue, value) in map.entries {
            guard let entry = value.mapping("a field") else { continue }
            entry.allow(Grammar.field)
            let isRegister = RegisterSource.Space.allCases.contains { entry[$0.rawValue] != nil }
            if isRegister || profile.line.transport != .serial {
                if let (source, type) = registers(entry, vmd: entry["vmd"].flatMap(virtualDevice)) {
                    add(name, .registers(source), type, entry, limit: 1)
                }
            } else if let records = recordsOf(entry["in"]) {
                readRecordField(name, entry, records.binary, of: records.scope)
            } else if entry["key"] != nil {
                readKeyedField(name, entry)
            } else if entry["in"] != nil {
                readBinaryField(name, entry)
            } else {
                for key in ["frame", "byte", "bits", "join", "count"] {
                    entry[key]?.error("“\(key)” belongs to binary fields with “in”")
                }
                if MessageDescription.reserved.contains(name) || name == "_" {
                    keyValue.error("“\(name)” has a meaning of its own; call the field otherwise")
                }
                add(name, .hole, writtenType(entry), entry, limit: profile.frames.map(\.longest).max() ?? 1)
            }
        }
    }

    private mutating func add(
        _ name: String, _ place: FieldDescription.Place, _ type: FieldType?, _ map: YAMLMapping, limit: Int
    ) {
        guard let type else { return }
        var field = FieldDescription(name: name, place: place, type: type, location: map.value.location)
        field.strip = map["strip"]?.listOrOne().compactMap { $0.plainText("what is stripped") } ?? []
        if !type.isWritten { map["strip"]?.error("“strip” belongs to text") }
        field.missing = missing(map["missing"])
        field.table = (map["table"]?.mapping("words for codes")?.entries ?? []).compactMap { key, keyValue, value in
            value.text("a word").map { (ValueCode(key, at: keyValue.location), $0) }
        }
        for (_, word) in field.table where word.utf8.count > SampleRecord.textCapacity {
            map["table"]?.error("“\(word)” is longer than \(SampleRecord.textCapacity) bytes")
        }
        field.otherwise = map["otherwise"]?.text("a word")
        if let word = field.otherwise, word.utf8.count > SampleRecord.textCapacity {
            map["otherwise"]?.error("“\(word)” is longer than \(SampleRecord.textCapacity) bytes")
        }
        if field.table.isEmpty { map["otherwise"]?.error("“otherwise” belongs to a “table”") }
        switch type {
        case .decimal, .medicalFloat: break
        default: map["places"]?.error("“places” belongs to decimal text, “medfloat16” and “medfloat32”")
        }
        for (float, width) in [(FieldType.float32, 32), (.float64, 64)] where type == float && field.width != width {
            map.value.error("a float of this type has \(width) bits; these are \(field.width)")
        }
        if case .medicalFloat = type, field.width != 16, field.width != 32 {
            map.value.error("a float of this type has 16 or 32 bits; these are \(field.width)")
        }
        if type == .bcd, field.width % 4 != 0 {
            map.value.error("a decimal digit has four bits; \(field.width) bits are no whole digits")
        }
        field.gates = gates(map["validity-when"], limit: limit)
        checkBytes(map["validity-when"], field)
        profile.fields.append(field)
    }

    private func writtenType(_ map: YAMLMapping) -> FieldType? {
        guard let type = map.required("type")?.choice("the type", Grammar.Words.textTypes) else { return nil }
        if type == .decimal(places: 3),
            let places = map["places"]?.int("the digits after the point", Grammar.Bounds.places)
        {
            return .decimal(places: places)
        }
        return type
    }

    /// The message of a field that has binary records.
    private func recordsOf(_ value: YAMLValue?) -> (scope: String, binary: BinaryRecords)? {
        guard let scope = value?.word, let index = messageNames[scope],
            let binary = profile.messages[index].records?.binary
        else { return nil }
        return (scope, binary)
    }

    private mutating func readKeyedField(_ name: String, _ map: YAMLMapping) {
        for key in ["frame", "byte", "bits", "join", "count"] { map[key]?.error("“\(key)” belongs to binary fields") }
        guard let key = map.required("key")?.text("the record's key"), let inside = map.required("in"),
            let scope = inside.text("a message's name")
        else {
            return
        }
        guard let index = messageNames[scope], let records = profile.messages[index].records else {
            inside.error(
                "there is no message or request “\(scope)” with “repeat”",
                suggestion: YAMLValue.suggest(scope, among: messageNames.keys))
            return
        }
        if case .stride = records.division, let width = records.each.width(of: "key"), key.utf8.count != width {
            map["key"]?.error("the key has \(width) characters in every record")
        }
        add(name, .keyed(message: scope, key: key), writtenType(map), map, limit: 1)
    }

    // MARK: Binary fields

    private mutating func readBinaryField(_ name: String, _ map: YAMLMapping) {
        guard let inside = map.required("in"), let scope = inside.text("a frame's or message's name") else { return }
        var frames = 1
        let length: Int
        if let packet = profile.packet, packet.name == scope,
            let frame = profile.frames.first(where: { $0.name == packet.of })
        {
            (length, frames) = (frame.longest, packet.count)
        } else if let frame = profile.frames.first(where: { $0.name == scope }) {
            guard case .fixed(let fixed) = frame.length else {
                inside.error("a frame of variable length holds messages; name the message in which the field stands")
                return
            }
            length = fixed
        } else if let index = messageNames[scope] {
            let message = profile.messages[index]
            guard let shortest = message.shortest(in: profile.frames) else {
                inside.error("“length” is missing in “\(scope)”: which frames are long enough for the field?")
                return
            }
            length = shortest
        } else {
            let known =
                profile.frames.map(\.name) + messageNames.keys.sorted() + (profile.packet.map { [$0.name] } ?? [])
            inside.error("there is no frame “\(scope)”", suggestion: YAMLValue.suggest(scope, among: known))
            return
        }
        let slices = slices(map, length: length, frames: frames)
        let type = binaryType(map)
        let count = map["count"]?.int("how many values", Grammar.Bounds.samples) ?? 1
        let stride = (slices.map(\.byte).max() ?? 0) - (slices.map(\.byte).min() ?? 0) + 1
        if count > 1, (slices.map(\.byte).min() ?? 0) + stride * count > length {
            map["count"]?.error("\(count) values end beyond the frame's \(length) bytes")
        }
        add(name, .slices(scope: scope, slices, count: count, stride: stride), type, map, limit: length)
    }

    /// Adds a field of bytes that are neither a frame's nor a packet's.
    mutating func addSlices(
        _ name: String, _ map: YAMLMapping, length: Int, _ place: ([FieldDescription.Slice]) -> FieldDescription.Place
    ) {
        add(name, place(slices(map, length: length, frames: 1)), binaryType(map), map, limit: length)
    }

    private func slices(_ map: YAMLMapping, length: Int, frames: Int) -> [FieldDescription.Slice] {
        let parts = map["join"]?.list("parts").map { $0.compactMap { $0.mapping("a part") } } ?? [map]
        if parts.isEmpty { map["join"]?.error("expected at least one part, found an empty list") }
        let slices = parts.flatMap { slice($0, length: length, frames: frames, isJoined: map["join"] != nil) }
        if slices.reduce(0, { $0 + $1.width }) > 64 { map.value.error("a field has at most 64 bits") }
        return slices
    }

    private func binaryType(_ map: YAMLMapping) -> FieldType {
        guard let value = map["type"], map["bits"] == nil || map["join"] != nil else {
            if let value = map["type"], let typed = typed(value), typed.bytes != 1 || typed.type != .bits(signed: false)
            {
                value.error("bits are a number without a sign, taken of one byte; leave “type” out")
            }
            return .bits(signed: false)
        }
        let type = typed(value)?.type ?? .bits(signed: false)
        if case .medicalFloat(let places) = type {
            return .medicalFloat(
                places: map["places"]?.int("the digits after the point", Grammar.Bounds.places) ?? places)
        }
        return type
    }

    /// The slices one part of a field stands for: some bits of a byte, or whole bytes by a type's width.
    private func slice(_ map: YAMLMapping, length: Int, frames: Int, isJoined: Bool) -> [FieldDescription.Slice] {
        if isJoined { map.allow(Grammar.slice) }
        var frame = 0
        if frames > 1 {
            guard let position = map.required("frame")?.int("the frame within the packet", 1...frames) else {
                return []
            }
            frame = position - 1
        } else if let value = map["frame"] {
            value.error("“frame” belongs to packets of several frames")
        }
        guard let byte = map.required("byte")?.place("the byte", below: length) else { return [] }
        if let bits = map["bits"] {
            guard let range = bits.span("bits", Grammar.Bounds.byteBit) else { return [] }
            return [FieldDescription.Slice(frame: frame, byte: byte, low: range.lowerBound, width: range.count)]
        }
        guard !isJoined, let typeValue = map["type"], let typed = typed(typeValue) else {
            return [FieldDescription.Slice(frame: frame, byte: byte, low: 0, width: 8)]
        }
        if byte + typed.bytes > length {
            typeValue.error("\(typed.bytes) bytes at \(byte) end beyond the frame's \(length) bytes")
        }
        let slices = (0..<typed.bytes).map { FieldDescription.Slice(frame: frame, byte: byte + $0, low: 0, width: 8) }
        return typed.isLowFirst ? slices.reversed() : slices
    }

    private func typed(_ value: YAMLValue) -> (bytes: Int, type: FieldType, isLowFirst: Bool)? {
        value.choice("the type", Grammar.Words.binaryTypes)
    }

    // MARK: Registers

    /// Registers named where they are measured become a field of that name.
    mutating func addRegisters(_ name: String, _ map: YAMLMapping, vmd: String?) {
        if let (source, type) = registers(map, vmd: vmd) { add(name, .registers(source), type, map, limit: 1) }
    }

    /// Registers such as `{input: 0x0001, type: int16}`.
    func registers(_ map: YAMLMapping, vmd: String?) -> (RegisterSource, FieldType)? {
        if let list = map["join"] { return joined(list, map, vmd: vmd) }
        let named = RegisterSource.Space.allCases.filter { map[$0.rawValue] != nil }
        guard let space = named.first, named.count == 1, let addressValue = map[space.rawValue] else {
            map.value.error(
                "registers are one of “input” (function 4), “holding” (3), “coil” (1), “discrete” (2) and "
                    + "“identification” (43)")
            return nil
        }
        for key in ["in", "key", "frame", "byte", "count", "strip", "places"] {
            map[key]?.error("“\(key)” belongs to serial protocols")
        }
        let period = map["every"]?.duration("the period", Grammar.Bounds.period)
        if space == .identification { return object(addressValue, map, period: period, vmd: vmd) }
        guard let address = addressValue.int("the register's address", Grammar.Bounds.address) else { return nil }
        if space.isBits {
            for key in ["type", "bits", "words", "registers"] {
                map[key]?.error("“\(key)” belongs to registers; here an address holds one bit")
            }
            for key in ["bytes", "join"] {
                map[key]?.error("“\(key)” belongs to registers; here an address holds one bit")
            }
            return (
                RegisterSource(
                    space: space, address: address, registers: 1, bits: nil, lowWordFirst: false, lowByteFirst: false,
                    parts: [], period: period, vmd: vmd),
                .bits(signed: false)
            )
        }
        guard let chosen = map.required("type")?.choice("the type", Grammar.Words.registerTypes) else { return nil }
        var count = chosen.registers
        if chosen.type == .text {
            guard
                let registers = map.required("registers")?.int(
                    "the registers of the text", Grammar.Bounds.textRegisters)
            else {
                return nil
            }
            count = registers
        } else {
            map["registers"]?.error("“registers” belongs to text")
        }
        let bits = map["bits"]?.span("bits", Grammar.Bounds.registerBit)
        if bits != nil, count != 1 { map["bits"]?.error("bits are taken of one register") }
        if let bits, chosen.type == .bcd, bits.lowerBound % 4 != 0 || bits.count % 4 != 0 {
            map["bits"]?.error("a decimal digit has four bits, from 0, 4, 8 or 12 on; these bits are parts of digits")
        }
        let lowByteFirst =
            map["bytes"]?.choice("the order of the bytes of a register", Grammar.Words.order)
            ?? false
        let lowFirst = map["words"]?.choice("the order of words", Grammar.Words.order) ?? false
        if count == 1 || chosen.type == .text { map["words"]?.error("one register or a text has no order of words") }
        if address + count > 65536 { addressValue.error("the value ends beyond register 65535") }
        return (
            RegisterSource(
                space: space, address: address, registers: count, bits: bits, lowWordFirst: lowFirst,
                lowByteFirst: lowByteFirst, parts: [],
                period: period, vmd: vmd), chosen.type
        )
    }

    /// An object of the device identification: text.
    private func object(_ value: YAMLValue, _ map: YAMLMapping, period: Int64?, vmd: String?) -> (
        RegisterSource, FieldType
    )? {
        for key in ["type", "bits", "words", "registers", "bytes", "join"] {
            map[key]?.error("“\(key)” belongs to registers; an object of the device identification is text")
        }
        guard let object = value.int("the object's number", Grammar.Bounds.object) else { return nil }
        return (
            RegisterSource(
                space: .identification, address: object, registers: 1, bits: nil, lowWordFirst: false,
                lowByteFirst: false, parts: [], period: period, vmd: vmd), .text
        )
    }

    /// A value put together of several registers, `{join: [{input: 10, bits: 0..3}, {input: 12}], type: …}`, the most
    /// significant bits first.
    private func joined(_ list: YAMLValue, _ map: YAMLMapping, vmd: String?) -> (RegisterSource, FieldType)? {
        for key in ["words", "bytes", "registers", "bits"] {
            map[key]?.error("“\(key)” belongs to registers in order; “join” says itself which bits come first")
        }
        var space: RegisterSource.Space?
        var parts: [RegisterSource.Part] = []
        for entry in list.list("registers") ?? [] {
            guard let part = entry.mapping("a register such as {input: 10, bits: 0..3}") else { continue }
            part.allow(Grammar.registerPart)
            guard let named = [RegisterSource.Space.input, .holding].first(where: { part[$0.rawValue] != nil }),
                let address = part[named.rawValue]?.int("the register's address", Grammar.Bounds.address)
            else {
                entry.error("a part names an “input” or a “holding” register")
                continue
            }
            if let space, space != named { entry.error("the registers of one value are read with one function") }
            space = named
            parts.append(
                RegisterSource.Part(
                    address: address, bits: part["bits"]?.span("bits", Grammar.Bounds.registerBit) ?? 0...15))
        }
        let width = parts.reduce(0) { $0 + $1.bits.count }
        guard let space, let low = parts.map(\.address).min(), let high = parts.map(\.address).max(), parts.count > 1,
            width <= 64
        else {
            list.error("expected two registers or more, of at most 64 bits together")
            return nil
        }
        let type = map["type"]?.choice("how the bits are meant", Grammar.Words.joinedTypes) ?? .bits(signed: false)
        return (
            RegisterSource(
                space: space, address: low, registers: high - low + 1, bits: nil, lowWordFirst: false,
                lowByteFirst: false, parts: parts,
                period: map["every"]?.duration("the period", Grammar.Bounds.period), vmd: vmd), type
        )
    }

    // MARK: Values that count less, or not

    private func gates(_ value: YAMLValue?, limit: Int) -> [FieldDescription.Gate] {
        (value?.listOrOne() ?? []).compactMap { entry in
            guard let map = entry.mapping("a test such as {byte: 1, bit: 6, is: 1, validity: invalid}") else {
                return nil
            }
            map.allow(Grammar.gate)
            guard let validity = map.required("validity").flatMap(validity) else { return nil }
            if map["field"] != nil {
                map["byte"]?.error("a test is on a “byte” or on a “field”, not both")
                return condition(map, among: nil).map {
                    FieldDescription.Gate(test: .field($0.field, $0.test), validity: validity)
                }
            }
            return entry.byteTest(limit: limit, keys: Grammar.gate).map {
                FieldDescription.Gate(test: .bytes($0), validity: validity)
            }
        }
    }

    /// The values that mean “none”, such as `{511: notAvailable, "---": notAvailable}`.
    private func missing(_ value: YAMLValue?) -> [FieldDescription.Missing] {
        (value?.mapping("the values that mean none")?.entries ?? []).compactMap { key, keyValue, value in
            validity(value).map { FieldDescription.Missing(code: ValueCode(key, at: keyValue.location), validity: $0) }
        }
    }

    private func validity(_ value: YAMLValue) -> Validity? {
        guard let word = value.text("a validity") else { return nil }
        guard let validity = Validity(word: word), Grammar.validities.contains(word) else {
            value.error(
                "expected a validity (\(Grammar.validities.joined(separator: ", "))), found “\(word)”",
                suggestion: YAMLValue.suggest(word, among: Grammar.validities))
            return nil
        }
        return validity
    }
}

extension MessageDescription {
    /// The fewest bytes of a frame that carries it; `nil` when nothing tells.
    func shortest(in frames: [FrameFormat]) -> Int? {
        if let length { return length.lowerBound }
        if case .fixed(let fixed) = frames[frame].length { return fixed }
        return nil
    }
}

extension Template {
    /// The width of a hole.
    func width(of name: String) -> Int? {
        for case .hole(name, let width) in items.joined() { return width }
        return nil
    }
}
