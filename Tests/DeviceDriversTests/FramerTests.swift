import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// Frames of every kind: found whole, found after rubbish, never found when damaged, and made again to the same bytes.
@Suite struct FramerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let frames: String
        /// Two whole frames as they are on the wire.
        let wire: [UInt8]
        /// Their payloads.
        let payloads: [[UInt8]]
        var testDescription: String { name }
    }

    private static func xmodem(_ bytes: [UInt8]) -> [UInt8] {
        let sum = ChecksumAlgorithm.crc16XMODEM.compute(bytes)
        return [UInt8(sum >> 8), UInt8(truncatingIfNeeded: sum)]
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    static let cases: [Case] = [
        Case(
            name: "fixed, sum of one byte", frames: "frame: {start: 0x01, length: 5, checksum: {sum8: 0.., at: 4}}",
            wire: [1, 0x80, 97, 7, 0xE9, 1, 0x80, 98, 8, 0xEB], payloads: [[0x80, 97, 7], [0x80, 98, 8]]),
        Case(
            name: "marks and hexadecimal",
            frames:
                "frame: {start: \"<\", end: \"\\r\", longest: 40, checksum: {sum8: 0.., encoding: hex, after: \">\"}}",
            wire: bytes("<CHGR125>36\r<STOP>C0\r"), payloads: [bytes("CHGR125"), bytes("STOP")]),
        Case(
            name: "raw checksum that holds the end mark",
            frames: "frame: {start: \"[\", longest: 40, checksum: {crc16-xmodem: 0.., after: \"]\"}}",
            wire: bytes("[DEV?]") + [0x8B, 0x1C] + bytes("[ACK]") + xmodem(bytes("[ACK]")),
            payloads: [bytes("DEV?"), bytes("ACK")]),
        Case(
            name: "length and raw checksum before the end",
            frames:
                "frame: {start: 0x02, length: {byte: 1, type: uint8, adds: 1}, end: 0x03, longest: 64, checksum: "
                + "{crc16-xmodem: 2..}}",
            wire: [
                0x02, 0x08, 0x30, 0x56, 0x45, 0x52, 0x48, 0x09, 0x03, 0x02, 0x08, 0x30, 0x52, 0x55, 0x4E, 0x44, 0x07,
                0x03,
            ],
            payloads: [bytes("0VER"), bytes("0RUN")]),
        Case(
            name: "decimal length and checksum",
            frames:
                "frame: {start: 0x01, length: {byte: 1, type: decimal, digits: 5, adds: 0}, end: 0x04, longest: 64, "
                + "checksum: {sum8: 0.., encoding: decimal, digits: 5, after: [0x03, 0x17]}}",
            wire: bytes("\u{1}00031\u{2}1/1/1>ADMIN:ALIVE\u{3}00061\u{4}")
                + bytes("\u{1}00031\u{2}1/1/1>ADMIN:ALIVE\u{3}00061\u{4}"),
            payloads: [bytes("\u{2}1/1/1>ADMIN:ALIVE"), bytes("\u{2}1/1/1>ADMIN:ALIVE")]),
        Case(
            name: "stuffing",
            frames:
                "frame: {start: 0x85, length: {byte: 1, type: uint8, adds: 3}, longest: 80, checksum: {xor8: 1..}, "
                + "stuffing: {0x80: [0x80, 0x00], 0x85: [0x80, 0x05]}}",
            wire: [0x85, 0x05, 0x00, 0x05, 0x80, 0x05, 0x80, 0x00, 0x08, 0x0D, 0x85, 0x01, 0x06, 0x07],
            payloads: [[0x00, 0x05, 0x85, 0x80, 0x08], [0x06]]),
        Case(
            name: "high bits gathered", frames: "frame: {start: 0x01, length: 9, high-bits: {in: 1, of: 2..8}}",
            wire: [
                0x01, 0x81, 0xC6, 0xB5, 0x97, 0xC8, 0xE1, 0xAC, 0x81, 0x01, 0x80, 0xC6, 0xB5, 0x97, 0xC8, 0xE1, 0xAC,
                0x81,
            ],
            payloads: [
                [0x81, 0xC6, 0x35, 0x17, 0x48, 0x61, 0x2C, 0x01], [0x80, 0x46, 0x35, 0x17, 0x48, 0x61, 0x2C, 0x01],
            ]),
        Case(
            name: "zero sum",
            frames:
                "frame: {start: 0x3E, length: {byte: 1, type: uint8, adds: 0}, longest: 64, checksum: {zero-sum8: "
                + "0..}}",
            wire: [0x3E, 0x05, 0x02, 0x01, 0xBA, 0x3E, 0x05, 0x0C, 0x00, 0xB1], payloads: [[2, 1], [0x0C, 0]]),
    ]

    private func formats(_ frames: String) throws -> [FrameFormat] {
        let text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {serial: 9600, format: 8N1}
            frames:
              \(frames)
            messages:
              m: {length: 1..5}
            fields:
              v: {in: m, byte: 0, type: uint8}
            metrics:
              - {metric: MDC_PULS_OXIM_SAT_O2, from: v, unit: "%", every: 10s}
            """
        return try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text)).frames
    }

    private func payloads(_ formats: [FrameFormat], _ bytes: [UInt8], pieces: Int = 64) -> [[UInt8]] {
        var framer = Framer(formats.map { FramePlan($0) }, indices: Array(formats.indices))
        var found: [[UInt8]] = []
        var place = 0
        while place < bytes.count {
            let piece = Array(bytes[place..<min(bytes.count, place + pieces)])
            place += piece.count
            var taken = 0
            feeding: while taken < piece.count {
                taken += framer.feed(piece, from: taken, count: piece.count - taken)
                while true {
                    switch framer.next(finished: place == bytes.count && taken == piece.count) {
                    case .needMore: continue feeding
                    case .damaged, .stray: continue
                    case .frame(let index, let length):
                        found.append(
                            Array(framer.plain[formats[index].payloadStart..<formats[index].payloadEnd(length: length)])
                        )
                    }
                }
            }
        }
        return found
    }

    @Test(arguments: cases)
    func framesAreFoundWholeAndInPieces(one: Case) throws {
        let formats = try formats(one.frames)
        for pieces in [1, 2, 3, 64] { #expect(payloads(formats, one.wire, pieces: pieces) == one.payloads) }
        #expect(payloads(formats, [0x55, 0x00, 0x21] + one.wire) == one.payloads)
    }

    @Test(arguments: cases)
    func framesAreMadeAgainFromTheirPayload(one: Case) throws {
        let formats = try formats(one.frames)
        #expect(one.payloads.flatMap { formats[0].encode(payload: $0) } == one.wire)
    }

    @Test(arguments: cases.filter { $0.name != "high bits gathered" })
    func aDamagedByteNeverMakesAnotherPayload(one: Case) throws {
        let formats = try formats(one.frames)
        for place in one.wire.indices {
            for change in UInt8(1)...255 {
                var damaged = one.wire
                damaged[place] ^= change
                // A sum of one byte cannot tell everything when its place is told by the damaged byte; a frame of
                // another length is the message's to refuse.
                let wrong = payloads(formats, damaged).filter {
                    !one.payloads.contains($0) && one.payloads.map(\.count).contains($0.count)
                }
                #expect(wrong.isEmpty, "byte \(place) changed by \(change): \(wrong)")
            }
        }
    }

    @Test func bytesOfAnotherStreamInsideAFrameAreTakenOut() throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/draeger/evita-4")).compile(handle: "d")
        guard case .serial(let serial) = plan.protocolPlan else { return }
        #expect(serial.interleaved.count == 1)
        #expect(serial.frames[serial.interleaved[0][0]].format.bytesWith != nil)
        let profile = try DeviceProfile.load(Repository.path("device-profiles/draeger/evita-4"))
        let vectors = try VectorFile.load(Repository.path("device-profiles/draeger/evita-4/vectors.yaml"), for: profile)
            .vectors
        func values(_ bytes: [UInt8]) -> [String] {
            CaptureDecoder(plan).decode(bytes).filter { $0.record.kind == .sample && $0.record.validity == .valid }
                .map { "\($0.record.index) \($0.record.bits)" }
        }
        var compared = 0
        for vector in vectors {
            let bytes = vector.bytes.filter { $0 & 0x80 == 0 }
            let whole = values(bytes)
            // A byte of the fast stream after each of the slow one.
            #expect(values(bytes.flatMap { [$0, 0xD0] }) == whole, "\(vector.name)")
            compared += whole.count
        }
        #expect(compared > 10, "\(compared) values")
    }
}
