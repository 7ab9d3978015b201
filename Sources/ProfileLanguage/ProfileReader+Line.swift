import DeviceModel
import StrictYAML

/// How bytes are carried.
extension ProfileReader {
    mutating func readLine(_ map: YAMLMapping) {
        map.allow(Grammar.line)
        var line = LineDescription()
        if let modbus = map["modbus"] {
            for key in ["serial", "tcp"] { map[key]?.error("a line is either a serial protocol or Modbus, not both") }
            readModbus(map, modbus, &line)
        } else {
            for key in ["baud", "unit", "port", "never-read", "longest-read", "widen"] {
                map[key]?.error("“\(key)” belongs to Modbus lines")
            }
            if map["serial"] == nil, map["tcp"] == nil {
                map.value.error(
                    "the line says neither “serial: <baud>”, nor “tcp: <port>”, nor “modbus: rtu” or “modbus: tcp”")
            }
            if let baud = map["serial"]?.int("the baud rate", Grammar.Bounds.baud) {
                line.serial = SerialFormat(baud: baud)
            }
            line.port = map["tcp"]?.int("the TCP port", Grammar.Bounds.port)
        }
        readSettings(map, &line)
        if let value = map["turnaround"]?.duration("the turnaround", Grammar.Bounds.turnaround) {
            line.turnaround = value
        }
        if let value = map["slowest-reply"]?.duration("the slowest reply", Grammar.Bounds.slowestReply) {
            line.slowestReply = value
        }
        if let value = map["pause-after-opening"]?.duration("the pause after opening", Grammar.Bounds.pauseAfterOpening)
        {
            line.pauseAfterOpening = value
        }
        line.quiet = map["quiet"]?.duration("the quiet time", Grammar.Bounds.quiet)
        profile.line = line
    }

    private func readModbus(_ map: YAMLMapping, _ modbus: YAMLValue, _ line: inout LineDescription) {
        (line.transport, line.isASCII) =
            modbus.choice("the Modbus transport", Grammar.Words.modbus) ?? (.modbusRTU, false)
        map["quiet"]?.error("“quiet” belongs to serial protocols; Modbus has its own silence")
        if line.transport == .modbusRTU {
            map["port"]?.error("“port” belongs to Modbus TCP")
            if let baud = map.required("baud")?.int("the baud rate", Grammar.Bounds.baud) {
                line.serial = SerialFormat(baud: baud)
            }
        } else {
            for key in ["baud", "format", "flow", "dtr", "rts", "rs-485"] {
                map[key]?.error("“\(key)” belongs to serial lines")
            }
            line.port = map["port"]?.int("the TCP port", Grammar.Bounds.port) ?? 502
        }
        // 0 is everybody on a serial line, and the device itself on TCP.
        line.unit =
            map["unit"]?.int(
                "the Modbus unit",
                line.transport == .modbusTCP ? Grammar.Bounds.modbusUnit : Grammar.Bounds.serialUnit
            ).map { UInt8($0) } ?? 1
        line.longestRead = map["longest-read"]?.int(
            "the longest read, in registers or bits", Grammar.Bounds.longestRead)
        if let widen = map["widen"]?.choice("whether reads may be wider than planned", Grammar.Words.consent) {
            line.mayWiden = widen
        }
        for entry in map["never-read"]?.list("register ranges") ?? [] {
            guard let range = entry.mapping("registers such as {holding: 16..31}") else { continue }
            range.allow(Grammar.neverRead)
            for space in RegisterSource.Space.allCases {
                guard let value = range[space.rawValue], let registers = value.span("registers", Grammar.Bounds.address)
                else {
                    continue
                }
                line.neverRead.append((space, registers))
            }
        }
    }

    private func readSettings(_ map: YAMLMapping, _ line: inout LineDescription) {
        if let format = map["format"], let text = format.text("the format"), line.serial?.apply(format: text) == false {
            format.error("expected data bits, parity and stop bits such as 8N1, 7E1 or 8O2, found “\(text)”")
        }
        if let flow = map["flow"]?.choice("the flow control", Grammar.Words.flow) { line.serial?.flow = flow }
        if let level = map["dtr"]?.choice("the level of DTR", Grammar.Words.level) { line.serial?.dtr = level }
        if let level = map["rts"]?.choice("the level of RTS", Grammar.Words.level) { line.serial?.rts = level }
        if let mode = map["rs-485"]?.choice("the RS-485 mode", Grammar.Words.level) {
            line.serial?.isRS485 = mode
        }
        if line.serial == nil, line.transport == .serial, map["tcp"] != nil {
            for key in ["format", "flow", "dtr", "rts", "rs-485"] {
                map[key]?.error("“\(key)” belongs to a line with “serial”")
            }
        }
    }
}

extension YAMLValue {
    /// A number or a span such as `0..6`; the upper end may be left out where `openEnd` says what it then is.
    func span(_ what: String, _ limits: ClosedRange<Int>, openEnd: Int? = nil) -> ClosedRange<Int>? {
        guard let text = text(what) else { return nil }
        let parts = text.split(separator: "..", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let low = parts.first.flatMap(Self.integer).flatMap { Int(exactly: $0) }
        var high = parts.last.flatMap(Self.integer).flatMap { Int(exactly: $0) }
        if parts.count == 2, parts[1].isEmpty { high = openEnd }
        guard text.contains("..") == (parts.count == 2), let low, let high, low <= high, limits.contains(low),
            limits.contains(high)
        else {
            error(
                "expected \(what) such as 3 or 0..6, within \(limits.lowerBound) to \(limits.upperBound), found "
                    + "“\(text)”"
            )
            return nil
        }
        return low...high
    }

    /// Bytes: a number such as `0x01`, text, or a list of these.
    func bytes(_ what: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for part in listOrOne() {
            guard let text = part.text(what) else { return nil }
            if let number = Self.integer(text) {
                guard let byte = UInt8(exactly: number) else {
                    part.error("expected \(what) as a byte, 0 to 0xFF, found \(text)")
                    return nil
                }
                bytes.append(byte)
            } else {
                bytes += text.utf8
            }
        }
        guard !bytes.isEmpty, bytes.count <= 16 else {
            // An empty mark would stand everywhere.
            error(
                "expected \(what) as a byte such as 0x01, or text, of 1 to 16 bytes, found "
                    + "\(bytes.isEmpty ? "nothing" : "\(bytes.count)")"
            )
            return nil
        }
        return bytes
    }

    /// One byte.
    func byte(_ what: String) -> UInt8? {
        guard let bytes = bytes(what) else { return nil }
        guard bytes.count == 1 else {
            error("expected \(what) as one byte, found \(bytes.count)")
            return nil
        }
        return bytes[0]
    }

    func separator() -> Separator? {
        if word == "blanks" { return .blanks }
        return bytes("the separator").map { .mark($0) }
    }

    /// A list of values has one at least: none of them would never be so, or always.
    func expectEntries(_ what: String) {
        if isList, listOrOne().isEmpty { error("expected at least one \(what), found an empty list") }
    }

    /// Text of which every character is the bytes that the device sends.
    func plainText(_ what: String) -> String? {
        guard let text = text(what) else { return nil }
        if text.hasRawByte {
            let refusal = ValueCode.Refusal(rawByteIn: text)
            error(refusal.why, suggestion: refusal.suggestion)
        }
        return text
    }

    /// One or more conditions on bytes.
    func byteTests(limit: Int) -> [ByteTest] { listOrOne().compactMap { $0.byteTest(limit: limit) } }

    /// Refuses the first of some tests, which this value says, that no byte can pass, by what is known beside them.
    ///
    /// - Parameters:
    ///   - known: what is known of the frame without them.
    ///   - what: the frame or message in which they are to hold.
    /// - Returns: what is known of the frame with them.
    @discardableResult
    func refuseDead(_ tests: [ByteTest], _ known: KnownBytes, in what: String) -> KnownBytes {
        let values = listOrOne()
        var known = known
        for (place, test) in tests.enumerated() {
            if known.verdict(test) == .none {
                // A test that could not be read was told; which value says which is then not known.
                let value = values.count == tests.count ? values[place] : self
                value.error(
                    "byte \(test.bytes.lowerBound) of \(what) can never be so: its start, or what is said before, "
                        + "says otherwise")
                return known
            }
            known.narrow(test)
        }
        return known
    }

    func byteTest(limit: Int, keys: Grammar.Part = Grammar.byteTest) -> ByteTest? {
        guard let map = mapping("a test such as {byte: 1, bit: 7, is: 1}") else { return nil }
        map.allow(keys)
        guard let bytes = map.required("byte")?.span("the byte", 0...max(0, limit - 1)),
            let expected = map.required("is")
        else { return nil }
        if let bit = map["bit"] {
            guard let bit = bit.int("the bit", Grammar.Bounds.byteBit),
                let isSet = expected.int("the bit's value", Grammar.Bounds.bitValue)
            else {
                return nil
            }
            return ByteTest(bytes: bytes, test: .bit(bit, isSet: isSet == 1))
        }
        expected.expectEntries("byte's value")
        let values = expected.listOrOne().compactMap { value -> UInt8? in
            if value.isQuoted, let text = value.word, text.utf8.count == 1, let byte = text.utf8.first,
                (0x30...0x39).contains(byte)
            {
                value.error(
                    "“\(text)” may be meant as the character or as the number",
                    suggestion:
                        "write 0x\(String(byte, radix: 16)) for the character, \(text) without quotes for the number")
                return nil
            }
            return value.byte("the byte's value")
        }
        return values.isEmpty ? nil : ByteTest(bytes: bytes, test: .isOneOf(values))
    }
}
