import DeviceModel
import StrictYAML

/// Frames and packets.
extension ProfileReader {
    private static let limit = FrameFormat.limit

    mutating func readFrames(_ map: YAMLMapping) {
        for (name, keyValue, value) in map.entries {
            guard let entry = value.mapping("a frame") else { continue }
            entry.allow(Grammar.frame)
            if entry["of"] != nil {
                readPacket(name, entry)
            } else {
                for key in ["count", "first-when"] { entry[key]?.error("“\(key)” belongs to a packet, which has “of”") }
                readFrame(name, entry)
            }
            if profile.frames.count > 16 { keyValue.error("a profile has at most 16 frames") }
        }
        for (index, frame) in profile.frames.enumerated() {
            if let other = frame.number?.restartsWith, profile.frameIndex(other) == nil {
                diagnostics.error(
                    frame.location, "there is no frame “\(other)”",
                    suggestion: YAMLValue.suggest(other, among: profile.frames.map(\.name)))
            }
            guard frame.start.isEmpty, frame.validWhen.isEmpty, index < profile.frames.count - 1, !frame.isFromHost
            else { continue }
            diagnostics.error(frame.location, "a frame without a start takes every byte: it must be the last one")
        }
    }

    private mutating func readFrame(_ name: String, _ map: YAMLMapping) {
        var frame = FrameFormat()
        frame.name = name
        frame.location = map.value.location
        frame.start = map["start"].flatMap { $0.bytes("the start") } ?? []
        frame.end = map["end"].flatMap { $0.bytes("the end") } ?? []
        frame.length = map["length"].flatMap(length)
        frame.longest = map["longest"]?.int("the longest frame", Grammar.Bounds.frameBytes) ?? 0
        if case .fixed(let length)? = frame.length {
            map["longest"]?.error("the frame's length is fixed; leave “longest” out")
            frame.longest = length
            if frame.start.count > length { map["start"]?.error("the start is longer than the frame") }
        }
        frame.checksum = map["checksum"].flatMap { checksum($0, frame) }
        frame.continuedBy = map["continued-by"]?.byte("the mark that goes on")
        if let mark = frame.continuedBy, frame.checksum?.after.contains([mark]) != true {
            map["continued-by"]?.error("the mark that goes on is one of the marks “after” which the checksum stands")
        }
        frame.abort = map["abort"]?.byte("the abort byte")
        for (_, keyValue, value) in map["stuffing"]?.mapping("stuffing such as {0x80: [0x80, 0x00]}")?.entries ?? [] {
            guard let plain = keyValue.byte("a plain byte"), let wire = value.bytes("two bytes on the wire") else {
                continue
            }
            guard wire.count == 2 else {
                value.error("expected two bytes on the wire, found \(wire.count)")
                continue
            }
            frame.stuffing.append(FrameFormat.Stuffing(plain: plain, wire: (wire[0], wire[1])))
        }
        let longest = frame.longest > 0 ? frame.longest : Self.limit
        frame.validWhen = map["valid-when"]?.byteTests(limit: longest) ?? []
        frame.bytesWith = map["bytes-with"]?.mapping("a test such as {bit: 7, is: 0}").flatMap(streamTest)
        frame.highBits = map["high-bits"].flatMap { highBits($0, longest: longest) }
        frame.number = map["number"]?.mapping("where the frame's number stands").flatMap { number in
            number.allow(Grammar.frameNumber)
            return number.required("byte")?.place("the byte", below: longest).map {
                .init(byte: $0, restartsWith: number["restarts-with"]?.text("a frame"))
            }
        }
        frame.isFromHost = map["from"]?.choice("who sends it", Grammar.Words.from) ?? false
        frame.split = map["split"]?.separator()
        check(frame, map)
        var bare = frame
        bare.validWhen = []
        map["valid-when"]?.refuseDead(frame.validWhen, KnownBytes(bare), in: "“\(frame.name)”")
        profile.frames.append(frame)
    }

    private func check(_ frame: FrameFormat, _ map: YAMLMapping) {
        let endsAfterChecksum = frame.checksum.map { !$0.after.isEmpty && $0.at == nil } ?? false
        if map["length"] == nil, map["end"] == nil, !endsAfterChecksum {
            map.value.error(
                "a frame never ends: it has neither “length”, nor “end”, nor a checksum “after” a mark, nor “of” with "
                    + "“count”"
            )
        }
        if frame.longest == 0, map["longest"] == nil, map["length"] == nil || frame.length != nil {
            map.value.error("“longest” is missing: how many bytes are too many?")
        }
        if case .fixed(let length)? = frame.length, length < frame.overhead {
            map["length"]?.error("the frame's marks and its checksum alone are \(frame.overhead) bytes")
        }
        if frame.longest > 0, frame.shortest > frame.longest {
            map["longest"]?.error("a frame has at least \(frame.shortest) bytes")
        }
        if frame.start.isEmpty, frame.end.isEmpty, frame.validWhen.isEmpty {
            map.value.error("nobody can tell where a frame starts: it has neither “start”, nor “end”, nor “valid-when”")
        }
        if !frame.stuffing.isEmpty, frame.start.isEmpty {
            map["stuffing"]?.error("stuffing needs a “start” that is sent as it is")
        }
        if !frame.stuffing.isEmpty, frame.highBits != nil {
            map["high-bits"]?.error("a frame has either stuffing or high bits")
        }
        if case .field(let byte, let type, let digits, _)? = frame.length,
            byte + FrameFormat.size(type, digits: digits) > max(frame.longest, 1)
        {
            map["length"]?.error("the length stands beyond the longest frame")
        }
    }

    private func streamTest(_ map: YAMLMapping) -> ByteTest? {
        for key in map.entries where key.key != "bit" && key.key != "is" {
            key.keyValue.error("a test on every byte has “is”, perhaps with “bit”")
        }
        if map["bit"] == nil, let value = map.required("is") {
            value.expectEntries("byte's value")
            let values = value.listOrOne().compactMap { $0.byte("the byte's value") }
            return values.isEmpty ? nil : ByteTest(bytes: 0...0, test: .isOneOf(values))
        }
        guard let bit = map.required("bit")?.int("the bit", Grammar.Bounds.byteBit),
            let isSet = map.required("is")?.int("the bit's value", Grammar.Bounds.bitValue)
        else { return nil }
        return ByteTest(bytes: 0...0, test: .bit(bit, isSet: isSet == 1))
    }

    private func length(_ value: YAMLValue) -> FrameFormat.Length? {
        guard value.isMapping else {
            return value.int("the frame's length", Grammar.Bounds.frameBytes).map { .fixed($0) }
        }
        guard let map = value.mapping("a length") else { return nil }
        map.allow(Grammar.lengthField)
        guard let byte = map.required("byte")?.int("the length's byte", Grammar.Bounds.lengthByte),
            let type = map.required("type")?.choice("the length's type", Grammar.Words.lengthType),
            let adds = map.required("adds")?.int("what is added", Grammar.Bounds.lengthAdds)
        else { return nil }
        if type == .decimal, map["digits"] == nil {
            value.error("“digits” is missing: how many digits has the length?")
        }
        return .field(
            byte: byte, type: type, digits: map["digits"]?.int("the digits", Grammar.Bounds.lengthDigits) ?? 5,
            adds: adds)
    }

    private func highBits(_ value: YAMLValue, longest: Int) -> FrameFormat.HighBits? {
        guard let map = value.mapping("high bits such as {in: 1, of: 2..8}") else { return nil }
        map.allow(Grammar.highBits)
        guard let byte = map.required("in")?.place("the byte with the bits", below: longest),
            let of = map.required("of")?.span("the bytes", 0...max(0, longest - 1))
        else { return nil }
        if of.contains(byte) || of.count > 7 { value.error("at most seven other bytes have their high bits in one") }
        return FrameFormat.HighBits(byte: byte, of: of)
    }

    private mutating func readPacket(_ name: String, _ map: YAMLMapping) {
        for entry in map.entries where !["of", "count", "first-when"].contains(entry.key) {
            entry.keyValue.error(
                "a packet has “of”, “count” and “first-when” only; “\(entry.key)” belongs to its frames")
        }
        guard let of = map.required("of"), let frame = frame(named: of),
            let count = map.required("count")?.int("the number of frames", Grammar.Bounds.packetFrames)
        else { return }
        guard case .fixed(let length) = profile.frames[frame].length else {
            of.error("the frames of a packet have a fixed length")
            return
        }
        guard let first = map.required("first-when")?.byteTest(limit: length) else { return }
        let verdict = KnownBytes(profile.frames[frame]).verdict(first)
        if verdict != .some {
            map["first-when"]?.error(
                "byte \(first.bytes.lowerBound) \(verdict == .none ? "can never be" : "is always") so in "
                    + "“\(profile.frames[frame].name)”: the first frame of a packet differs from the others")
        }
        if profile.packet != nil { map.value.error("a profile has at most one packet") }
        profile.packet = PacketFormat(
            name: name, of: profile.frames[frame].name, count: count, firstWhen: first, location: map.value.location)
    }

    /// A checksum such as `{sum8: 0..3, at: 4}` or `{crc16-ccitt-false: payload, encoding: hex, after: "|"}`.
    private func checksum(_ value: YAMLValue, _ frame: FrameFormat) -> ChecksumRule? {
        guard let map = value.mapping("a checksum") else { return nil }
        map.allow(Grammar.checksum)
        let chosen = ChecksumAlgorithm.allCases.filter { map[$0.rawValue] != nil }
        guard let algorithm = chosen.first, chosen.count == 1, let range = map[algorithm.rawValue] else {
            value.error("a checksum names one of \(ChecksumAlgorithm.allCases.map(\.rawValue).joined(separator: ", "))")
            return nil
        }
        var length: Int?
        if case .fixed(let fixed) = frame.length { length = fixed }
        let limit = frame.longest > 0 ? frame.longest : Self.limit
        let encoding = map["encoding"]?.choice("the encoding", Grammar.Words.encoding) ?? .raw
        if encoding == .decimal, map["digits"] == nil {
            value.error("“digits” is missing: how many digits has the checksum?")
        }
        guard let coverage = coverage(range, limit: limit) else { return nil }
        let rule = ChecksumRule(
            algorithm: algorithm, coverage: coverage, encoding: encoding,
            digits: map["digits"]?.int("the digits", Grammar.Bounds.checksumDigits) ?? 5,
            at: map["at"]?.place("the checksum's byte", below: limit),
            after: (map["after"]?.listOrOne() ?? []).compactMap { $0.bytes("the mark before the checksum") },
            overWire: map["over"]?.choice("what it is computed over", Grammar.Words.over) ?? false)
        if Set(rule.after.map(\.count)).count > 1 {
            map["after"]?.error("the marks before a checksum have the same length")
        }
        if rule.at != nil, !rule.after.isEmpty {
            map["after"]?.error("a checksum stands either “at” a byte or “after” a mark")
        }
        if case .bytes(let from, let through) = coverage {
            let place = rule.at ?? length.map { $0 - frame.end.count - rule.length }
            if let place, let length, place + rule.length > length {
                map["at"]?.error(
                    "a checksum of \(rule.length) bytes at \(place) ends beyond the frame's \(length) bytes")
            }
            if let place, (from...max(from, through ?? from)).overlaps(place...(place + rule.length - 1)) {
                range.error("the checksum covers itself")
            }
        }
        return rule
    }

    private func coverage(_ value: YAMLValue, limit: Int) -> ChecksumRule.Coverage? {
        guard let text = value.text("what the checksum covers") else { return nil }
        if text == "payload" { return .payload }
        guard let span = value.span("bytes", 0...max(0, limit - 1), openEnd: max(0, limit - 1)) else { return nil }
        return .bytes(from: span.lowerBound, through: text.hasSuffix("..") ? nil : span.upperBound)
    }
}
