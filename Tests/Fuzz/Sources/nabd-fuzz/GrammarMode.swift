import DeviceModel
import Foundation
import ProfileLanguage

/// Profiles made from the language's own grammar: every key in every place, with values at and beyond its bounds and
/// names that mostly exist. What follows the choices is a capture.
enum GrammarMode {
    /// Whether each profile is printed: for whoever looks at one input.
    private static let isShown = ProcessInfo.processInfo.environment["NABD_FUZZ_SHOW"] != nil

    static func run(_ input: inout Input) {
        var writer = Writer(input)
        let text = writer.profile()
        let capture = writer.input.rest()
        if isShown { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
        ProfileMode.load(text, capture: capture)
    }

    /// Writes YAML in flow form; each choice takes a byte, zeros choose what is plain.
    private struct Writer {
        var input: Input
        /// So many values at most: a profile is small.
        private var left = 400

        init(_ input: Input) { self.input = input }

        private static let names = ["a", "b", "c", "slot", "key", "value"]
        private static let metrics = [
            "MDC_TEMP", "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_RATE", "MDC_FLOW_FLUID_PUMP", "MDC_PUMP_MODE", "OWN_ONE",
        ]
        private static let units = ["Cel", "%", "{beat}/min", "mL/h", "mm[Hg]", "1", "own"]
        private static let texts = [
            "{a}", "A{a}", "{a}{b}", "A{a:3}B", "{key}={value}", "{_}", "{slot}{a}", "{a}...", "", "A", "{a", "a}",
            "{a:hex}", "{crc8(a):raw}", "{count:3}", "{now:YYYYMMDD}", "\\x00\\xFF", "\\r\\n", "ß", "{repeat}",
        ]
        private static let numbers = [
            "0", "1", "2", "3", "7", "8", "16", "0x01", "0xFF", "0xFFFF", "0x8000", "255", "256", "4096", "-1", "1e18",
            "1e-18", "0.1", "-32768", "4294967296", "9223372036854775807", "1e36", "1e-36", ".5",
        ]
        private static let widths = ["8N1", "7E1", "uint8", "int16", "uint16le", "float32", "bcd16", "hex", "decimal"]

        mutating func profile() -> String {
            // Whether the device is one of text or bytes, or has registers.
            let isModbus = input.byte() & 1 == 1
            var lines: [String] = []
            for key in Grammar.profile.keys {
                let value: String
                switch key.name {
                case "nabd": value = "profile/1"
                case "extends": continue
                case "device": value = "{manufacturer: M, model: X, kind: thing}"
                case "provenance": value = "[{document: d, seen: s}]"
                case "line" where input.byte() & 3 != 3:
                    value = isModbus ? "{modbus: rtu, baud: 9600, format: 8N1}" : "{serial: 9600, format: 8N1}"
                case "fields":
                    value = fields(isModbus: isModbus, key.shape)
                case "metrics" where input.byte() & 3 != 3:
                    value = "[{metric: MDC_TEMP, unit: Cel, from: a, every: 1s}]"
                case "frames", "messages", "requests", "waveforms", "commands":
                    if isModbus || input.byte() & 1 == 0, key.name != "frames" || isModbus { continue }
                    value = write(key.shape, key.name, depth: 0)
                default:
                    if input.byte() & 3 != 1 { continue }
                    value = write(key.shape, key.name, depth: 0)
                }
                lines.append("\(key.name): \(value)")
            }
            return lines.joined(separator: "\n") + "\n"
        }

        private mutating func fields(isModbus: Bool, _ shape: Grammar.Shape) -> String {
            switch input.byte() & 3 {
            case 0: isModbus ? "{a: {holding: 1, type: uint16}}" : "{a: {in: a, byte: 1, type: uint8}}"
            case 1: "{a: {type: text}, b: {type: decimal, places: 1}}"
            default: write(shape, "fields", depth: 0)
            }
        }

        private mutating func part(_ part: Grammar.Part, depth: Int) -> String {
            var members: [String] = []
            for key in part.keys {
                guard left > 0 else { break }
                let wants = key.isRequired ? input.byte() != 255 : input.byte() & 3 == 1
                if wants { members.append("\(key.name): \(write(key.shape, key.name, depth: depth + 1))") }
            }
            return "{\(members.joined(separator: ", "))}"
        }

        private mutating func write(_ shape: Grammar.Shape, _ name: String, depth: Int) -> String {
            left -= 1
            guard depth < 8, left > 0 else { return "a" }
            switch shape {
            case .text: return text(name)
            case .number: return one(Self.numbers)
            case .whole(let range): return "\(bounded(Int64(range.lowerBound), Int64(range.upperBound)))"
            case .duration(let range): return "\(bounded(range.lowerBound, range.upperBound))ns"
            case .bytes: return one(["0x02", "\"A\"", "[0x0D, 0x0A]", "\"\"", "256", "\"\\r\"", "[]"])
            case .span(let range):
                let first = bounded(Int64(range.lowerBound), Int64(range.upperBound))
                return input.byte() & 1 == 0
                    ? "\(first)" : "\(first)..\(bounded(Int64(range.lowerBound), Int64(range.upperBound)))"
            case .truth: return one(["true", "false"])
            case .word(let words): return one(words)
            case .part(let part): return self.part(part, depth: depth)
            case .list(let element): return "[\(several(element, name, depth: depth).joined(separator: ", "))]"
            case .oneOrMore(let element):
                if input.byte() & 1 == 0 { return write(element, name, depth: depth + 1) }
                return "[\(several(element, name, depth: depth).joined(separator: ", "))]"
            case .named(let element):
                let values = several(element, name, depth: depth)
                let members = values.enumerated().map { "\(Self.names[$0.offset]): \($0.element)" }
                return "{\(members.joined(separator: ", "))}"
            case .either(let shapes):
                return write(shapes[Int(input.byte()) % shapes.count], name, depth: depth + 1)
            case .none: return "~"
            }
        }

        private mutating func several(_ element: Grammar.Shape, _ name: String, depth: Int) -> [String] {
            (0..<Int(input.byte() % 4)).map { _ in write(element, name, depth: depth + 1) }
        }

        /// Mostly within, often at an end, now and then beyond.
        private mutating func bounded(_ low: Int64, _ high: Int64) -> Int64 {
            switch input.byte() % 8 {
            case 0: low
            case 1: high
            case 2: low &- 1
            case 3: high == .max ? high : high + 1
            default: low &+ Int64(input.byte()) % max(1, high &- low)
            }
        }

        private mutating func one(_ list: [String]) -> String { input.one(of: list) ?? "a" }

        /// A text as it fits the key, most of the time.
        private mutating func text(_ key: String) -> String {
            guard input.byte() & 7 != 7 else { return quoted(one(Self.texts)) }
            switch key {
            case "metric", "event", "alert": return one(Self.metrics)
            case "unit", "measured-in": return quoted(one(Self.units))
            case "text", "send", "reply", "each", "requests", "messages": return quoted(one(Self.texts))
            case "type", "format": return one(Self.widths)
            case "hex": return quoted(one(["02", "00 FF", "{a}", "3A 20 A6", "0"]))
            case "scale", "step": return quoted(one(["1", "0.1", "1e-18", "1/256", "5", "1e18", "0"]))
            default: return quoted(one(Self.names + Self.numbers))
            }
        }

        private func quoted(_ text: String) -> String { "\"\(text)\"" }
    }
}
