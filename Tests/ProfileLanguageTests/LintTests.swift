import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// Faults in profiles, each with the place and the words it must be told with.
@Suite struct LintTests {
    static let modbus = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: environment sensor}
        provenance: [{document: manual, seen: here}]
        line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
        metrics:
          - {metric: MDC_TEMP, from: {input: 1, type: int16}, scale: 0.1, unit: Cel, every: 5s}
        """
    static let serial = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: environment sensor}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1}
        frames:
          frame: {start: 0x01, length: 5, checksum: {sum8: 0..3, at: 4}}
        fields:
          value: {in: frame, byte: 2, type: uint8}
        metrics:
          - {metric: MDC_PULS_OXIM_SAT_O2, from: value, unit: "%", every: 1s}
        """
    static let text = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: syringe pump}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1}
        frames:
          message: {start: "!", end: "\\r", longest: 80, split: "^"}
        fields:
          rate: {type: decimal}
        requests:
          status: {send: INF, reply: "INF^{rate}", every: 1s, class: read}
        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP_CURRENT, from: rate, unit: mL/h}
        """

    struct Fault: Sendable, CustomTestStringConvertible {
        let base: String
        let replacing: String
        let with: String
        let line: Int
        let column: Int
        let message: String

        init(_ base: String, _ replacing: String, _ with: String, _ line: Int, _ column: Int, _ message: String) {
            self.base = base
            self.replacing = replacing
            self.with = with
            self.line = line
            self.column = column
            self.message = message
        }

        var testDescription: String { message }
    }

    static let faults: [Fault] = [
        Fault(
            modbus, "nabd: profile/1", "nabd: profile/2", 1, 7, "this file says it is “profile/2”, expected “profile/1”"
        ),
        Fault(modbus, "kind: environment sensor}", "sort: environment sensor}", 2, 38, "unknown key “sort”"),
        Fault(modbus, "model: M, ", "", 2, 9, "“model” is missing"),
        Fault(modbus, "model: M, ", "model: M, model: N, ", 2, 38, "the key “model” stands twice"),
        Fault(modbus, "[{document: manual, seen: here}]", "[]", 3, 13, "a profile needs at least one source"),
        Fault(modbus, "baud: 9600", "baud: fast", 4, 27, "expected the baud rate as a whole number, found “fast”"),
        Fault(modbus, "baud: 9600", "baud: 50", 4, 27, "the baud rate is 50, expected 300 to 921600"),
        Fault(modbus, "format: 8N1", "format: 9N1", 4, 41, "expected data bits, parity and stop bits such as 8N1"),
        Fault(
            modbus, "modbus: rtu", "modbus: udp", 4, 16,
            "expected the Modbus transport (rtu, ascii, tcp), found "
                + "“udp”"),
        Fault(modbus, "unit: 1", "unit: 300", 4, 52, "the Modbus unit is 300, expected 1 to 255"),
        Fault(modbus, "MDC_TEMP", "MDC_TEMPERATURE", 6, 14, "“MDC_TEMPERATURE” is not in the nomenclature;"),
        Fault(modbus, "unit: Cel", "unit: C", 6, 73, "MDC_TEMP is measured in Cel; “C” is another quantity"),
        Fault(modbus, "unit: Cel", "unit: mL", 6, 73, "MDC_TEMP is measured in Cel; “mL” is another quantity"),
        Fault(modbus, "every: 5s", "every: 5", 6, 85, "expected the period as a time with its unit, found “5”"),
        Fault(modbus, "scale: 0.1", "scale: 0", 6, 62, "expected a scale such as 0.1"),
        Fault(
            modbus, "type: int16", "type: int15", 6, 47,
            "expected the type (uint16, int16, uint32, int32, uint64, int64, float32, float64, bcd16, bcd32, "
                + "sign-magnitude16, sign-magnitude32, text), found “int15”"
        ),
        Fault(modbus, "input: 1", "input: 70000", 6, 38, "the register's address is 70000, expected 0 to 65535"),
        Fault(
            modbus, "every: 5s}",
            "every: 5s}\n  - {metric: NABD_RELATIVE_HUMIDITY, from: {input: 0, type: int32}, unit: \"%\", every: 5s}",
            7, 44,
            "NABD_RELATIVE_HUMIDITY and MDC_TEMP overlap at register 1"),
        Fault(
            modbus, "every: 5s}",
            "every: 5s}\n  - {metric: MDC_TEMP, from: {input: 9, type: int16}, unit: Cel, every: 5s}", 7, 5,
            "MDC_TEMP is measured twice"),
        Fault(modbus, ", every: 5s", "", 6, 5, "“every” is missing"),
        Fault(modbus, "metrics:", "frames: {}\nmetrics:", 5, 9, "“frames” belongs to serial protocols"),
        Fault(serial, "sum8: 0..3", "sum8: 0..4", 6, 52, "the checksum covers itself"),
        Fault(serial, "at: 4", "at: 7", 6, 62, "the checksum's byte is 7, expected 0 to 4"),
        Fault(serial, "length: 5, ", "", 6, 10, "a frame never ends"),
        Fault(serial, "in: frame", "in: farme", 8, 15, "there is no frame “farme”"),
        Fault(serial, "byte: 2", "byte: 9", 8, 28, "the byte is 9, expected 0 to 4"),
        Fault(serial, "from: value", "from: valeu", 10, 42, "there is no field “valeu”"),
        Fault(
            serial, "type: uint8}", "type: uint8}\n  other: {in: frame, byte: 2, bits: 3}", 9, 10,
            "the fields “value” and “other” overlap"),
        Fault(serial, "type: uint8}", "type: uint8, missing: {127: gone}}", 8, 59, "expected a validity"),
        Fault(
            text, "start: \"!\"", "start: \"\"", 6, 20,
            "expected the start as a byte such as 0x01, or text, of 1 to 16 bytes, found nothing"),
        Fault(text, "split: \"^\"", "from: host", 6, 3, "no frame is one that the device sends"),
        Fault(modbus, "unit: 1", "unit: -0x-8000000000000000", 4, 52, "expected the Modbus unit as a whole number"),
        Fault(text, "{rate}\"", "{ratio}\"", 10, 30, "there is no field “ratio”"),
        Fault(
            text, "every: 1s, class: read}",
            "every: 1s, class: read}\n  again: {send: INF, reply: \"{rate}\", every: 1s, class: read}", 11, 29,
            "nobody can tell this message from another: some of its text must be fixed"),
        Fault(
            text, "reply: \"INF^{rate}\"", "reply: INF", 8, 9,
            "no message and no request's reply names the field “rate”"),
        Fault(
            text, "class: read", "class: effect", 10, 51, "what has an effect is a command, not said again and again"),
        Fault(text, "unit: mL/h", "unit: mL/h, every: 1s", 12, 5, "the request decides how often this is read"),
    ]

    @Test(arguments: faults)
    func eachFaultIsToldAtItsPlace(fault: Fault) throws {
        #expect(fault.base.contains(fault.replacing))
        let text = fault.base.replacingOccurrences(of: fault.replacing, with: fault.with)
        let found = diagnostics(text)
        let match = found.first { $0.message.hasPrefix(fault.message) }
        let place = match.map { "\($0.location.line):\($0.location.column)" }
        #expect(place == "\(fault.line):\(fault.column)", "found: \(found.map(\.description).joined(separator: "\n"))")
        #expect(match?.severity == .error)
    }

    @Test(arguments: [modbus, serial, text])
    func theProfilesWithoutTheFaultsAreClean(text: String) { #expect(diagnostics(text).isEmpty) }

    @Test(arguments: ["", "- a", "a: [", "a: b: c", "\u{0}", "x", "nabd: [profile/1]", "\tnabd: x"])
    func whatIsNoProfileIsToldAndNeverTraps(text: String) { #expect(!diagnostics(text).isEmpty) }

    /// Acknowledgements and refusals that look like other answers are named, once, and only where they do.
    @Test func answersThatLookAlikeAreNamed() {
        func notes(_ more: String) -> [String] {
            diagnostics(Self.text.replacingOccurrences(of: "metrics:", with: more + "metrics:")).filter {
                $0.severity == .note
            }.map(\.message)
        }
        let commands = """
            commands:
              start: {steps: [{send: S, reply: "INF^{_}"}], class: effect, requires: {rate: 0}, hazards: none}

            """
        #expect(notes("").isEmpty)
        #expect(notes(commands).count == 1)
        #expect(notes(commands).first?.hasPrefix("the answer “start.1” could be that of “status”") == true)
        #expect(notes(commands.replacingOccurrences(of: "INF^{_}", with: "STA^{_}")).isEmpty)
        #expect(notes(commands.replacingOccurrences(of: "INF^{_}", with: "INF^{_}^{_}")).isEmpty)
        #expect(notes(commands.replacingOccurrences(of: "INF^{_}", with: "INF^{_}^{_?}")).count == 1)
        #expect(notes(commands.replacingOccurrences(of: "INF^{_}", with: "INF^OK")).isEmpty)
        // What may be left out of one is there where the other must have it.
        let optional = Self.text.replacingOccurrences(of: "INF^{rate}", with: "INF^{_}^{rate}")
        for (reply, count) in [("INF^{_}^{_?}", 1), ("INF^{_?}", 0), ("INF^{_?}^{_?}", 1), ("INF^{_?}^...", 1)] {
            let text = optional.replacingOccurrences(
                of: "metrics:", with: commands.replacingOccurrences(of: "INF^{_}", with: reply) + "metrics:")
            #expect(diagnostics(text).count { $0.severity == .note } == count, "\(reply)")
        }
    }

    private static let driven = """
        \(text)
        commands:
          rate:
            kind: set
            arguments: {new-rate: {unit: mL/h, range: [0.1, 1200], step: 0.1, digits: 5}}
            steps:
              - {send: CTRL, reply: CTRL, class: prepare}
              - {send: "RATE^{new-rate}", reply: "RATE^{_}", refused: NO}
            class: effect
            requires: {rate: {below: 1200, within: 3s}}
            ask: status
            settles: 1s
            read-back: {new-rate: rate}
            hazards: none
        """

    /// What nobody could ask for safely is an error, once the command says what it does.
    @Test(arguments: [
        ("class: prepare", "class: effect", "has 2 steps with an effect"),
        ("refused: NO}", "refused: NO, class: read}", "has 0 steps with an effect"),
        ("class: prepare}", "class: read}\n      - {send: X}", "has 2 steps with an effect"),
        ("refused: NO}", "refused: NO}\n      - {send: X, class: prepare}", "behind the effect only what reads"),
        ("send: CTRL,", "send: \"CTRL{new-rate}\",", "must stand in the step with the effect"),
        ("\"RATE^{new-rate}\", reply: \"RATE^{_}\",", "\"RATE^{new-rate}\",", "has no “reply” that says"),
        ("refused: NO", "refused: \"RATE^NO\"", "nobody can tell the refusal"),
        ("    read-back: {new-rate: rate}\n", "", "its outcome could never be known"),
        ("read-back: {new-rate: rate}", "read-back: {rate: {is: 5}}", "no “read-back” shows it"),
        ("    ask: status\n", "", "no step behind the effect tells “rate”"),
        ("ask: status", "ask: state", "there is no request “state”"),
        ("every: 1s, class: read}", "every: 1s, class: idempotent}", "a reading back only reads"),
        ("within: 3s", "within: 500ms", "could hardly ever be so young"),
        ("step: 0.1", "step: -0.1", "neither is its step"),
        ("step: 0.1", "step: 0.1, scale: -0.1", "neither is its scale"),
        ("{below: 1200, within: 3s}", "{bit: 2}", "rate"),
        ("kind: set", "kind: stop", "a stop has no arguments"),
        ("kind: set", "kind: sit", "expected what the command does (set, trigger, stop)"),
        ("within: 3s", "within: 3min", "expected"),
        ("below: 1200,", "", "a condition has one of"),
        ("[0.1, 1200]", "[1200, 0.1]", "the lower limit is not below"),
        ("[0.1, 1200]", "[-1, 1200]", "is no quantity"),
        ("[0.1, 1200]", "[1, 2, 3]", "expected the least and the most"),
        ("digits: 5", "digits: 3", "does not fit into 3 digits"),
        ("step: 0.1", "step: 0.15, places: 1", "cannot be written in what is sent"),
    ])
    func aCommandThatCanBeAskedForIsWhole(part: String, instead: String, told: String) {
        let text = Self.driven
        #expect(!diagnostics(text).contains { $0.severity == .error })
        #expect(text.contains(part))
        let found = diagnostics(text.replacingOccurrences(of: part, with: instead)).filter { $0.severity == .error }
        #expect(found.contains { $0.message.contains(told) }, "\(found.map(\.message))")
        // Without a kind it is only declared, as the profiles of earlier versions declare it.
        if !told.hasPrefix("has") { return }
        let declared = text.replacingOccurrences(of: "    kind: set\n", with: "")
        #expect(!diagnostics(declared.replacingOccurrences(of: part, with: instead)).contains { $0.severity == .error })
    }

    private static let measuring = """
        \(text)
        commands:
          start:
            kind: trigger
            steps: [{send: GO, reply: GO}]
            class: effect
            requires: {rate: [0, 1]}
            ask: status
            read-back: {rate: {is-not: [0, 1]}}
            measurement: {least-pause: 3min, most-per-hour: 6}
            hazards: none
          abort:
            kind: stop
            steps: [{send: NO, reply: NO}]
            class: idempotent
            ask: status
            read-back: {rate: {is: [0, 1]}}
            hazards: none
        """

    /// A measurement that acts on somebody says how often it may be begun, shows that it began, and can be ended.
    @Test(arguments: [
        (", most-per-hour: 6", "", "“most-per-hour” is missing"),
        ("least-pause: 3min, ", "", "“least-pause” is missing"),
        ("least-pause: 3min", "least-pause: 2h", "expected"), ("most-per-hour: 6", "most-per-hour: 13", "expected"),
        ("most-per-hour: 6", "most-per-hour: 0", "expected"),
        ("kind: trigger", "kind: set", "is a measurement, and so “kind: trigger”"),
        ("kind: stop", "kind: set", "nothing ends it"),
        ("{is-not: [0, 1]}", "{is-not: [0]}", "may be “1” before already"),
        ("{is-not: [0, 1]}", "{is: 5, is-not: [0, 1]}", "expected one of “is” and “is-not”"),
        ("{is-not: [0, 1]}", "{}", "expected one of “is” and “is-not”"),
        ("{is-not: [0, 1]}", "{is-not: [0, 1, 1]}", "“1” stands twice"),
        ("requires: {rate: [0, 1]}", "requires: {rate: {is: [0, 1], alike: true}}", "“alike” is for numbers in bits"),
        ("requires: {rate: [0, 1]}", "requires: {rate: {below: 1, alike: true}}", "“alike” says of the values of “is”"),
    ])
    func aMeasurementIsWhole(part: String, instead: String, told: String) {
        let text = Self.measuring
        #expect(!diagnostics(text).contains { $0.severity == .error }, "\(diagnostics(text).map(\.message))")
        #expect(text.contains(part))
        let found = diagnostics(text.replacingOccurrences(of: part, with: instead)).filter { $0.severity == .error }
        #expect(found.contains { $0.message.contains(told) }, "\(found.map(\.message))")
    }

    /// What gives something shows another state with each number: 1 and 3 may be “stopped” and “infusing”.
    @Test func onlyAMeasurementTakesSeveralValuesAsOne() {
        let words = "is for a command with “measurement”"
        let alike = Self.measuring.replacingOccurrences(
            of: "requires: {rate: [0, 1]}", with: "requires: {rate: {is: [0, 1], alike: true}}")
        #expect(!diagnostics(alike).contains { $0.message.contains(words) })
        let giving = alike.replacingOccurrences(of: "measurement: {least-pause: 3min, most-per-hour: 6}", with: "")
        #expect(giving != alike)
        #expect(diagnostics(giving).contains { $0.message.contains(words) && $0.severity == .error })
    }

    @Test func whatAllowsACommandIsAskedFor() {
        let text = Self.driven.replacingOccurrences(
            of: "rate: {type: decimal}", with: "rate: {type: decimal}\n  mode: {type: text}"
        )
        .replacingOccurrences(of: "requires: {rate: {below: 1200, within: 3s}}", with: "requires: {mode: STOP}")
        let unread = text.replacingOccurrences(of: "reply: CTRL,", with: "reply: CTRL,")
        #expect(diagnostics(unread).contains { $0.message.contains("mode") && $0.severity == .error })
        let told = text.replacingOccurrences(of: "reply: CTRL,", with: "reply: \"CTRL^{mode}\",")
        // What prepares is not looked at: a command that rests on it could not be carried out.
        let found = diagnostics(told).filter { $0.severity == .error }
        #expect(found.map(\.message) == ["“rate” could not be carried out: nothing tells “mode”"])
        let read = told.replacingOccurrences(of: "class: prepare", with: "class: read")
        #expect(read != told && !diagnostics(read).contains { $0.severity == .error })
    }

    /// A quantity is sent exactly or not at all (C-16, C-28).
    @Test func aQuantityIsWrittenExactly() throws {
        let profile = try DeviceProfile.load(try YAMLFile(path: "a/b/profile.yaml", text: Self.driven))
        let argument = try #require(profile.commands.first?.arguments.first)
        func written(_ text: String) -> String? {
            (try? argument.written(text)).map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(
            written("12.5") == "12.5" && written("0.1") == "0.1" && written("1200") == "1200.0" && written("7") == "7.0"
        )
        for refused in ["0", "0.05", "1200.1", "12.55", "12.50", "1e1", "+1", "12,5", "١٢", ".5", "5.", "012.5", "NaN"]
        {
            #expect(written(refused) == nil, "\(refused)")
        }
    }

    /// A device that no longer obeys is an alert, unless the profile has one that says the same.
    @Test func theLossOfControlIsAnAlert() throws {
        func alerts(_ more: String) throws -> [String] {
            let text = Self.text.replacingOccurrences(of: "metrics:", with: more + "metrics:")
            return try DeviceProfile.load(try YAMLFile(path: "a/b/profile.yaml", text: text)).alerts.map(\.name)
        }
        let session = "session: {control-lost-when: {field: rate, above: 5}}\n"
        let own = "alerts: [{alert: NABD_OWN, when: {field: rate, above: 5}, priority: low, text: a, text-ar: \"ا\"}]\n"
        #expect(try alerts("") == [])
        #expect(try alerts(session) == ["NABD_CONTROL_LOST"])
        #expect(try alerts(session + own) == ["NABD_OWN"])
        #expect(
            try alerts(session + own.replacingOccurrences(of: "5", with: "6")) == ["NABD_OWN", "NABD_CONTROL_LOST"])
    }

    @Test func aMisspeltWordIsSuggested() {
        let found = diagnostics(Self.serial.replacingOccurrences(of: "checksum:", with: "cheksum:"))
        #expect(found.contains { $0.suggestion == "did you mean “checksum”?" })
    }

    @Test func deepAndExplodingFilesAreRefused() {
        #expect(
            diagnostics(String(repeating: "a: {", count: 40) + "b: c" + String(repeating: "}", count: 40)).count == 1)
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...7 {
            bomb += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        #expect(diagnostics(bomb).contains { $0.message.contains("more than 100000 values") })
    }

    private func diagnostics(_ text: String) -> [Diagnostic] {
        let collected = Diagnostics()
        do throws(InvalidFile) {
            _ = try DeviceProfile.load(try YAMLFile(path: "profile.yaml", text: text, diagnostics: collected))
            return collected.all
        } catch {
            return error.diagnostics
        }
    }
}
