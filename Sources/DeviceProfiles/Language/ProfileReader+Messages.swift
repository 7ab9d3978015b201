import DeviceModel

/// Frames, fields and requests: what a serial device's messages look like.
extension ProfileReader {
    // MARK: Frames

    mutating func readFrames(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a frame") else { continue }
            if entry["of"] != nil {
                readPacket(name, entry)
            } else if entry["length"] != nil {
                readFixedFrame(name, entry)
            } else if entry["end"] != nil {
                readDelimitedFrame(name, entry)
            } else {
                value.error("a frame never ends: it has neither “length”, nor “end”, nor “of” with “count”")
            }
        }
    }

    private mutating func readFixedFrame(_ name: String, _ map: YAMLMapping) {
        map.allow(["start", "length", "checksum", "valid-when"])
        guard let start = map.required("start").flatMap({ bytes($0, "the start") }),
            let length = map.required("length")?.int("the frame's length", 2...1024)
        else { return }
        let tests = map["valid-when"]?.listOrOne().compactMap { bitTest($0, length: length) } ?? []
        let rule = map["checksum"].flatMap { checksum($0, length: length) }
        if start.count >= length { map["start"]?.error("the start is as long as the frame") }
        profile.frames.append(
            FrameDescription(
                name: name, shape: .fixed(start: start, length: length, validWhen: tests), checksum: rule, location: map.value.location))
    }

    private mutating func readDelimitedFrame(_ name: String, _ map: YAMLMapping) {
        map.allow(["start", "end", "checksum", "abort", "longest", "split"])
        guard let start = map.required("start").flatMap({ bytes($0, "the start") }),
            let end = map.required("end").flatMap({ bytes($0, "the end") })
        else { return }
        let longest = map.required("longest")?.int("the longest frame", 4...4096) ?? 256
        let rule = map["checksum"].flatMap { checksum($0, length: nil) }
        profile.frames.append(
            FrameDescription(
                name: name,
                shape: .delimited(
                    start: start, end: end, abort: map["abort"].flatMap { byte($0, "the abort byte") }, longest: longest,
                    split: map["split"].flatMap { byte($0, "the separator") }),
                checksum: rule, location: map.value.location))
    }

    private mutating func readPacket(_ name: String, _ map: YAMLMapping) {
        map.allow(["of", "count", "first-when"])
        guard let of = map.required("of"), let frameName = of.text("a frame's name"),
            let count = map.required("count")?.int("the number of frames", 2...256)
        else { return }
        guard let frame = profile.frames.first(where: { $0.name == frameName }), case .fixed(_, let length, _) = frame.shape else {
            of.error("there is no frame “\(frameName)” of fixed length above", suggestion: YAMLValue.suggest(frameName, among: profile.frames.map(\.name)))
            return
        }
        guard let first = map.required("first-when").flatMap({ bitTest($0, length: length) }) else { return }
        profile.frames.append(
            FrameDescription(
                name: name, shape: .packet(of: frameName, count: count, firstWhen: first), checksum: nil, location: map.value.location))
    }

    /// A checksum such as `{sum8: 0..3, at: 4}` or `{crc16-ccitt-false: payload, encoding: hex, after: "|"}`.
    private func checksum(_ value: YAMLValue, length: Int?) -> ChecksumRule? {
        guard let map = value.mapping("a checksum") else { return nil }
        let names = ChecksumAlgorithm.allCases.map(\.rawValue)
        map.allow(names + ["at", "after", "encoding"])
        let chosen = ChecksumAlgorithm.allCases.filter { map[$0.rawValue] != nil }
        guard let algorithm = chosen.first, chosen.count == 1, let range = map[algorithm.rawValue] else {
            value.error("a checksum names one of \(names.joined(separator: ", "))")
            return nil
        }
        let encoding = map["encoding"]?.choice("the encoding", ["raw": ChecksumRule.Encoding.raw, "hex": .hex]) ?? .raw
        if let length {
            guard let covered = byteRange(range), let at = map.required("at")?.int("the checksum's byte", 0...(length - 1)) else { return nil }
            let rule = ChecksumRule(algorithm: algorithm, coverage: .bytes(covered), encoding: encoding, place: .at(at))
            if covered.upperBound >= length { range.error("the frame has \(length) bytes, numbered 0 to \(length - 1)") }
            if at + rule.length > length { map["at"]?.error("a checksum of \(rule.length) bytes at \(at) ends beyond the frame's \(length) bytes") }
            if covered.overlaps(at...(at + rule.length - 1)) { range.error("the checksum covers itself") }
            return rule
        }
        guard range.text("what the checksum covers") == "payload" else {
            range.error("in a frame between marks a checksum covers “payload”")
            return nil
        }
        guard let after = map.required("after").flatMap({ byte($0, "the mark before the checksum") }) else { return nil }
        return ChecksumRule(algorithm: algorithm, coverage: .payload, encoding: encoding, place: .after(after))
    }

    private func bitTest(_ value: YAMLValue, length: Int?) -> BitTest? {
        guard let map = value.mapping("a bit test such as {byte: 1, bit: 7, is: 1}") else { return nil }
        map.allow(["byte", "bit", "is", "validity"])
        guard let byte = map.required("byte")?.int("the byte", 0...((length ?? 1024) - 1)), let bit = map.required("bit")?.int("the bit", 0...7),
            let isSet = map.required("is")?.int("the bit's value", 0...1)
        else { return nil }
        return BitTest(byte: byte, bit: bit, isSet: isSet == 1)
    }

    // MARK: Fields

    mutating func readFields(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a field") else { continue }
            entry.allow(["in", "frame", "byte", "bits", "type", "join", "places", "missing", "validity-when"])
            if let scope = entry["in"] {
                readBinaryField(name, entry, scope)
            } else {
                readTextField(name, entry)
            }
        }
    }

    private mutating func readBinaryField(_ name: String, _ map: YAMLMapping, _ scope: YAMLValue) {
        guard let scopeName = scope.text("a frame's name") else { return }
        guard let frame = profile.frames.first(where: { $0.name == scopeName }) else {
            scope.error("there is no frame “\(scopeName)”", suggestion: YAMLValue.suggest(scopeName, among: profile.frames.map(\.name)))
            return
        }
        let length: Int
        var frames = 1
        switch frame.shape {
        case .fixed(_, let bytes, _): length = bytes
        case .packet(let of, let count, _):
            guard case .fixed(_, let bytes, _)? = profile.frames.first(where: { $0.name == of })?.shape else { return }
            (length, frames) = (bytes, count)
        case .delimited:
            scope.error("fields of a frame between marks are named by a request's reply; leave “in” out")
            return
        }
        let parts = map["join"]?.list("parts").map { $0.compactMap { $0.mapping("a part") } } ?? [map]
        let slices = parts.flatMap { slice($0, length: length, frames: frames, joined: map["join"] != nil) }
        let type: FieldType = map["type"].flatMap { typed($0) }.map { .bits(signed: $0.signed) } ?? .bits(signed: false)
        if let places = map["places"] { places.error("“places” belongs to decimal text") }
        if slices.reduce(0, { $0 + $1.width }) > 32 { map.value.error("a field has at most 32 bits") }
        profile.fields.append(
            FieldDescription(
                name: name, place: .slices(scope: scopeName, slices), type: type, missing: missing(map["missing"]),
                gates: gates(map["validity-when"], length: length), location: map.value.location))
    }

    /// The slices one part of a field stands for: some bits of a byte, or whole bytes by a type's width.
    private func slice(_ map: YAMLMapping, length: Int, frames: Int, joined: Bool) -> [FieldDescription.Slice] {
        if joined { map.allow(["frame", "byte", "bits"]) }
        var frame = 0
        if frames > 1 {
            guard let position = map.required("frame")?.int("the frame within the packet", 1...frames) else { return [] }
            frame = position - 1
        } else if let value = map["frame"] {
            value.error("“frame” belongs to packets of several frames")
        }
        guard let byte = map.required("byte")?.int("the byte", 0...(length - 1)) else { return [] }
        if let bits = map["bits"] {
            guard let range = bitRange(bits) else { return [] }
            return [FieldDescription.Slice(frame: frame, byte: byte, low: range.lowerBound, width: range.count)]
        }
        guard !joined, let typeValue = map["type"] else { return [FieldDescription.Slice(frame: frame, byte: byte, low: 0, width: 8)] }
        let bytes = typed(typeValue)?.bytes ?? 1
        if byte + bytes > length { typeValue.error("\(bytes) bytes at \(byte) end beyond the frame's \(length) bytes") }
        return (0..<bytes).map { FieldDescription.Slice(frame: frame, byte: byte + $0, low: 0, width: 8) }
    }

    private func typed(_ value: YAMLValue) -> (bytes: Int, signed: Bool)? {
        value.choice(
            "the type",
            ["uint8": (1, false), "int8": (1, true), "uint16": (2, false), "int16": (2, true), "uint32": (4, false), "int32": (4, true)])
    }

    private mutating func readTextField(_ name: String, _ map: YAMLMapping) {
        for key in ["frame", "byte", "bits", "join", "validity-when"] { map[key]?.error("“\(key)” belongs to binary fields with “in”") }
        let isDecimal = map.required("type")?.choice("the type", ["text": false, "decimal": true]) ?? false
        if !isDecimal { map["places"]?.error("“places” belongs to decimal text") }
        let places = map["places"]?.int("the digits after the point", 0...9) ?? 3
        profile.fields.append(
            FieldDescription(
                name: name, place: .item, type: isDecimal ? .decimal(places: places) : .text, missing: missing(map["missing"]), gates: [],
                location: map.value.location))
    }

    private func gates(_ value: YAMLValue?, length: Int) -> [FieldDescription.Gate] {
        (value?.listOrOne() ?? []).compactMap { entry in
            guard let test = bitTest(entry, length: length), let map = entry.mapping("a bit test"),
                let validity = map.required("validity").flatMap(validity)
            else { return nil }
            return FieldDescription.Gate(test: test, validity: validity)
        }
    }

    /// The values that mean “none”, such as `{511: notAvailable, "---": notAvailable}`.
    func missing(_ value: YAMLValue?) -> [FieldDescription.Missing] {
        guard let map = value?.mapping("the values that mean none") else { return [] }
        return map.entries.compactMap { key, _, value in
            guard let validity = validity(value) else { return nil }
            return FieldDescription.Missing(code: YAMLValue.integer(key).map { .integer($0) } ?? .text(key), validity: validity)
        }
    }

    private func validity(_ value: YAMLValue) -> Validity? {
        guard let word = value.text("a validity") else { return nil }
        let words = Validity.allCases.filter { $0 != .valid }.map(\.word)
        guard let validity = Validity(word: word), validity != .valid else {
            value.error("expected a validity (\(words.joined(separator: ", "))), found “\(word)”", suggestion: YAMLValue.suggest(word, among: words))
            return nil
        }
        return validity
    }

    // MARK: Requests

    mutating func readRequests(_ map: YAMLMapping) {
        for (name, _, value) in map.entries {
            guard let entry = value.mapping("a request") else { continue }
            entry.allow(["send", "reply", "every", "class"])
            guard let frame = profile.frames.first(where: { if case .delimited = $0.shape { true } else { false } }),
                case .delimited(_, _, _, let longest, let split) = frame.shape
            else {
                value.error("a request needs a frame with “start” and “end” to travel in")
                return
            }
            _ = entry.required("class")?.choice("the request's class", ["read": true])
            guard let send = entry.required("send")?.text("what is sent"), let replyValue = entry.required("reply"),
                let reply = replyValue.text("the reply"), let period = entry.required("every")?.duration("the period", 10_000_000...3_600_000_000_000)
            else { continue }
            if send.utf8.count > longest { entry["send"]?.error("longer than the frame's longest, \(longest) bytes") }
            let parsed = replyItems(reply, split: split, replyValue)
            profile.requests.append(
                RequestDescription(
                    name: name, send: send, frame: frame.name, reply: parsed.items, moreItems: parsed.more, period: period,
                    location: value.location))
        }
    }

    /// Reads a reply such as `INF^{serial}^{_}^ml/h^...`.
    private func replyItems(_ text: String, split: UInt8?, _ value: YAMLValue) -> (items: [RequestDescription.Item], more: Bool) {
        guard let split else { return ([.literal(text)], false) }
        var parts = text.split(separator: Character(Unicode.Scalar(split)), omittingEmptySubsequences: false).map(String.init)
        let more = parts.last == "..."
        if more { parts.removeLast() }
        let items = parts.map { part -> RequestDescription.Item in
            guard part.hasPrefix("{"), part.hasSuffix("}") else {
                if part.contains("{") { value.error("an item is either text or one {field}, found “\(part)”") }
                return .literal(part)
            }
            let name = String(part.dropFirst().dropLast())
            if name == "_" { return .ignored }
            if !profile.fields.contains(where: { $0.name == name }) {
                value.error("there is no field “\(name)”", suggestion: YAMLValue.suggest(name, among: profile.fields.map(\.name)))
            }
            return .field(name)
        }
        guard case .literal? = items.first else {
            value.error("nobody can tell this reply from another: its first item must be text")
            return (items, more)
        }
        if items.count > 64 { value.error("a reply has at most 64 items") }
        return (items, more)
    }

    // MARK: Small values

    /// One byte: a number such as `0x1B`, or one ASCII character.
    func byte(_ value: YAMLValue, _ what: String) -> UInt8? {
        guard let bytes = bytes(value, what) else { return nil }
        guard bytes.count == 1 else {
            value.error("expected \(what) as one byte, found \(bytes.count)")
            return nil
        }
        return bytes[0]
    }

    /// Bytes: a number such as `0x01`, or text.
    func bytes(_ value: YAMLValue, _ what: String) -> [UInt8]? {
        guard let text = value.text(what) else { return nil }
        if let number = YAMLValue.integer(text) {
            guard let byte = UInt8(exactly: number) else {
                value.error("expected \(what) as a byte, 0 to 0xFF, found \(text)")
                return nil
            }
            return [byte]
        }
        // An empty mark would stand everywhere.
        if text.isEmpty { value.error("expected \(what) as a byte such as 0x01, or text, found nothing") }
        return text.isEmpty ? nil : Array(text.utf8)
    }

    private func byteRange(_ value: YAMLValue) -> ClosedRange<Int>? { range(value, "bytes such as 0..3", 0...1023) }

    private func bitRange(_ value: YAMLValue) -> ClosedRange<Int>? { range(value, "bits such as 3 or 0..6", 0...7) }

    private func range(_ value: YAMLValue, _ what: String, _ limits: ClosedRange<Int>) -> ClosedRange<Int>? {
        guard let text = value.text(what) else { return nil }
        let ends = text.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = ends.filter { !$0.isEmpty }.compactMap { Int($0) }
        let well = ends.count == 1 ? numbers.count == 1 : ends.count == 3 && ends[1].isEmpty && numbers.count == 2
        guard well, let low = numbers.first, let high = numbers.last, low <= high, limits.contains(low), limits.contains(high) else {
            value.error("expected \(what), within \(limits.lowerBound) to \(limits.upperBound), found “\(text)”")
            return nil
        }
        return low...high
    }
}
