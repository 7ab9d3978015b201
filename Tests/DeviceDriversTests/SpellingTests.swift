import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import Testing

/// Sentinels in the words of manuals where a value is written in text, is some bits of a byte, or is a number of
/// another form: what the sentinel says is sent and read as none, or the sentinel is refused where it stands.
@Suite struct SpellingTests {
    struct Spelling: Sendable, CustomTestStringConvertible {
        enum Outcome: Sendable {
            /// The first that the device sends is none; the last is a value.
            case means([[UInt8]], not: [UInt8])
            case refused(String)
        }

        let place: String
        let code: String
        let outcome: Outcome

        init(_ place: String, _ code: String, _ sent: [String], not: String) {
            (self.place, self.code) = (place, code)
            outcome = .means(sent.map { Array($0.utf8) }, not: Array(not.utf8))
        }
        init(_ place: String, _ code: String, bytes: [[UInt8]], not: [UInt8]) {
            (self.place, self.code, outcome) = (place, code, .means(bytes, not: not))
        }
        init(_ place: String, _ code: String, refused: String) {
            (self.place, self.code, outcome) = (place, code, .refused(refused))
        }

        var testDescription: String { "\(place) \(code)" }
    }

    // MARK: Text

    /// The hole and the field's type.
    static let texts: [Spelling] = [
        Spelling("{v}|integer", "-999", ["-999", "-0999", " -999 "], not: "-998"),
        Spelling("{v:5}|integer", "9999", [" 9999", "09999", "+9999"], not: "99999"),
        Spelling("{v:3}|integer", "9999", refused: "longer than the 3 characters"),
        Spelling("{v:3}|integer", "-100", refused: "longer than the 3 characters"),
        Spelling("{v:3}|integer", "-99", ["-99"], not: " 99"),
        Spelling("{v}|integer", "1e3", ["1000", "1e3", "1000.0"], not: "1001"),
        Spelling("{v}|integer", "12.5", refused: "more digits than the field keeps"),
        Spelling("{v:5}|integer", "0x8000", refused: "32768"), Spelling("{v:4}|integer", "0x10", refused: "write 16"),
        Spelling("{v}|integer", "0xFFFF", refused: "decimal digits"),
        Spelling("{v}|integer", "NaN", ["NaN", " NaN"], not: "7"),
        Spelling("{v}|integer", "---", ["---", " --- "], not: "0"),
        Spelling("{v}|integer", "", ["", "   "], not: "0"),
        Spelling("{v}|integer", "-0", ["0", "-0", "000"], not: "1"),
        Spelling("{v}|integer", "ÿ", refused: "two bytes"), Spelling("{v}|integer", "\\xFF\\xFF", refused: "two bytes"),
        Spelling("{v}|decimal, places: 1", "-999.9", ["-999.9", "-999.90", "-9999e-1"], not: "-999.8"),
        Spelling("{v}|decimal, places: 1", "99.99", refused: "give the field “places”"),
        Spelling("{v:3}|decimal, places: 1", "-99.9", refused: "longer than the 3 characters"),
        Spelling("{v:2}|decimal, places: 1", "0.5", [".5"], not: ".6"),
        Spelling("{v:5}|decimal, places: 1", "---.-", ["---.-"], not: "100.5"),
        Spelling("{v:5}|decimal, strip: \"%\"", "99 %", ["99 % ", "99   "], not: "98 % "),
        Spelling("{v}|decimal", "1,5", refused: "which ends “v” before it"),
        Spelling("{v:4}|hex", "0xFFFF", ["FFFF", "ffff"], not: "FFFE"),
        Spelling("{v:4}|hex", "7", ["0007", "   7"], not: "0008"),
        Spelling("{v:2}|hex", "0x123", refused: "longer than the 2 characters"),
        Spelling("{v:4}|hex", "10", refused: "either number"), Spelling("{v:4}|hex", "----", ["----"], not: "0000"),
        Spelling("{v}|hex", "0x1000000000000000", refused: "15 digits"),
        Spelling("{v}|hours-minutes", "1:23", ["1:23", "01:23"], not: "1:24"),
        Spelling("{v}|hours-minutes", "--:--", ["--:--"], not: "0:00"),
        Spelling("{v}|hours-minutes", "83", refused: "hours and minutes such as"),
        Spelling("{v}|degrees-minutes", "9959.9", ["9959.9", "09959.900"], not: "9959.8"),
        Spelling("{v}|degrees-minutes", "48.1173", refused: "degrees and minutes such as"),
        Spelling("{v}|text", "ERR", ["ERR", " ERR "], not: "err"), Spelling("{v:4}|text", "ERROR", refused: "longer"),
        Spelling("{v}|text", "0x41", ["0x41"], not: "A"), Spelling("{v}|text", "A,B", refused: "holds “,”"),
        Spelling("{v}|text", "\\xB0C", refused: "two bytes"), Spelling("{v}|text", "A\\rB", refused: "holds “\\r”"),
        Spelling("{v};{w}|text", "A;B", refused: "holds “;”"), Spelling("{w};{v}|text", "A;B", ["9;A;B"], not: "9;A;C"),
    ]

    @Test(arguments: texts) func aSentinelInText(spelling: Spelling) throws {
        let parts = spelling.place.split(separator: "|")
        let beside = parts[0].contains("{w}") ? "w: {type: text}\n  " : ""
        try check(
            spelling,
            """
            frames: {line: {start: "$", end: "\\r", longest: 60, split: ","}}
            messages: {m: "T,\(parts[0])"}
            fields:
              \(beside)v: {type: \(parts[1]), missing: {"\(spelling.code)": notAvailable}}
            """, isText: parts[1] == "text"
        ) { Array("$T,".utf8) + $0 + (parts[0].hasSuffix(";{w}") ? [0x3B] : []) + [0x0D] }
    }

    // MARK: Bytes

    /// The field's bytes, two of a frame.
    static let bytes: [Spelling] = [
        Spelling("byte: 5, bits: 2..4", "7", bytes: [[0, 0x1C], [0, 0xFF]], not: [0, 0x18]),
        Spelling("byte: 5, bits: 2..4", "0x7", bytes: [[0, 0x1C]], not: [0, 0x0C]),
        Spelling("byte: 5, bits: 2..4", "8", refused: "it holds 0 to 7"),
        Spelling("byte: 5, bits: 2..4", "0x1C", refused: "more bits than the field's 3"),
        Spelling("byte: 5, bits: 2..4", "-1", refused: "it holds 0 to 7"),
        Spelling("byte: 4, type: int16", "0x8000", bytes: [[0x80, 0]], not: [0x80, 1]),
        Spelling("byte: 4, type: int16le", "0x8000", bytes: [[0, 0x80]], not: [1, 0x80]),
        Spelling("byte: 4, type: sign-magnitude16", "0x8000", bytes: [[0x80, 0]], not: [0, 0]),
        Spelling("byte: 4, type: sign-magnitude16", "-5", bytes: [[0x80, 5]], not: [0, 5]),
        Spelling("byte: 4, type: sign-magnitude16", "0x8005", bytes: [[0x80, 5]], not: [0x80, 6]),
        Spelling("byte: 4, type: sign-magnitude16", "0xFFFF", bytes: [[0xFF, 0xFF]], not: [0x7F, 0xFF]),
        Spelling("byte: 4, type: sign-magnitude16", "-32768", refused: "15 bits and a sign"),
        Spelling("byte: 4, type: sign-magnitude16", "-0", refused: "0x8000"),
        Spelling("byte: 4, type: medfloat16, places: 1", "NaN", bytes: [[0x07, 0xFF], [0xF7, 0xFF]], not: [0, 1]),
        Spelling("byte: 4, type: medfloat16, places: 1", "NRes", bytes: [[0x08, 0x00]], not: [0, 0]),
        Spelling("byte: 4, type: medfloat16, places: 1", "0x0801", bytes: [[8, 1], [0xF8, 1]], not: [0, 1]),
        Spelling("byte: 4, type: medfloat16, places: 1", "-20.5", bytes: [[0xFF, 0x33]], not: [0, 0x14]),
        Spelling("byte: 4, type: medfloat16, places: 1", "204.5", bytes: [[0xF7, 0xFD]], not: [0xF7, 0xFC]),
        Spelling("byte: 4, type: medfloat16, places: 1", "9999", refused: "mantissa of at most 2045"),
        Spelling("byte: 4, type: medfloat16, places: 1", "9990", bytes: [[0x13, 0xE7]], not: [0x03, 0xE7]),
        Spelling("byte: 4, type: medfloat16, places: 1", "0.25", refused: "at most 1 places"),
    ]

    @Test(arguments: bytes) func aSentinelInBytes(spelling: Spelling) throws {
        try check(
            spelling,
            """
            frames: {f: {start: [0x01, 0x02, 0x03, 0x04], length: 6}}
            fields:
              v: {in: f, \(spelling.place), missing: {\(spelling.code): notAvailable}}
            """, isText: false
        ) { [1, 2, 3, 4] + $0 }
    }

    private func check(
        _ spelling: Spelling, _ parts: String, isText: Bool, _ frame: ([UInt8]) -> [UInt8]
    ) throws {
        let text = """
            nabd: profile/1
            device: {manufacturer: XY, model: M, kind: sensor}
            provenance: [{document: manual, seen: here}]
            line: {serial: 9600, format: 8N1}
            \(parts)
            metrics:
              - {metric: \(isText ? "NABD_PUMP_ALARM_TEXT, from: v" : "MDC_TEMP, from: v, unit: Cel"), every: 1s}
            """
        let file = try YAMLFile(path: "xy/m/profile.yaml", text: text)
        switch spelling.outcome {
        case .refused(let words):
            let error = #expect(throws: InvalidFile.self) { try DeviceProfile.load(file) }
            let told = error?.diagnostics ?? []
            let sentence = "\(told.first?.message ?? "") \(told.first?.suggestion ?? "")"
            #expect(told.count == 1 && sentence.contains(words), "\(told)")
            #expect(told.first?.location.line ?? 0 > 6 && told.first?.location.column ?? 0 > 20, "\(told)")
        case .means(let sent, let value):
            let plan = try DeviceProfile.load(file).compile(handle: "device")
            for bytes in sent {
                let record = CaptureDecoder(plan).decode(frame(bytes)).map(\.record).first { $0.kind == .sample }
                #expect(record?.validity == .notAvailable && record?.reason == .sentinel, "\(bytes)")
            }
            let record = CaptureDecoder(plan).decode(frame(value)).map(\.record).first { $0.kind == .sample }
            #expect(record?.validity == .valid, "\(value)")
        }
    }
}
