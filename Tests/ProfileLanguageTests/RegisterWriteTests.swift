import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// Commands over Modbus in the language: what is refused, where, and what is written.
@Suite struct RegisterWriteTests {
    static let pump = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: syringe pump, use: training}
        provenance: [{document: manual, seen: here}]
        line: {modbus: rtu, baud: 9600, format: 8N1, unit: 1}
        fields:
          rate: {holding: 10, type: uint16}
          volume: {holding: 11, type: float32}
          low: {holding: 20, type: int32, words: low-first, every: 1s}
          state: {holding: 30, type: uint16, every: 1s}
          part: {holding: 31, type: uint16, bits: 0..3, every: 1s}
          seen: {input: 40, type: uint16, every: 1s}
          run: {coil: 5, every: 1s}
          lamp: {coil: 6, every: 1s}
        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP, from: rate, unit: mL/h, scale: 0.1, every: 1s}
          - {metric: MDC_VOL_FLUID_DELIV_TOTAL_SET, from: volume, unit: mL, every: 1s}
        commands:
          rate:
            kind: set
            class: idempotent
            arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1, scale: 0.1}}
            steps: [{write: {rate: new}}]
            requires: {state: 0}
            read-back: {new: rate}
            hazards: wrong rate
        """

    struct Fault: Sendable, CustomTestStringConvertible {
        let replacing: String
        let with: String
        let line: Int
        let column: Int
        let message: String

        init(_ replacing: String, _ with: String, _ line: Int, _ column: Int, _ message: String) {
            (self.replacing, self.with, self.line, self.column, self.message) = (replacing, with, line, column, message)
        }

        var testDescription: String { message }
    }

    static let volume = "arguments: {new: {unit: mL, range: [0.5, 100], step: 0.5}}"
    static let written = "{write: {rate: new}}"

    static let faults: [Fault] = [
        Fault("range: [0.1, 1200]", "range: [0.1, 7000]", 21, 22, "7000: the field cannot be 70000: it holds 0 to"),
        Fault("step: 0.1, scale: 0.1", "step: 0.1", 21, 22, "“rate” holds whole numbers: say by “scale”"),
        Fault("step: 0.1, scale", "step: 0.1, digits: 5, scale", 21, 22, "“digits” belongs to text"),
        Fault(
            "[\(written)]", "[\(written), {write: {state: {is: 1}}}]", 22, 35,
            "a Modbus command is one transmission"),
        Fault(
            "modbus: rtu, baud: 9600, format: 8N1, unit: 1", "modbus: tcp, unit: 0", 22, 21, "unit 0 is every device"),
        Fault("    read-back: {new: rate}\n", "", 19, 5, "“rate” has no “read-back”"),
        Fault(
            "read-back: {new: rate}", "read-back: {state: {is: 0}}", 21, 22, "“new” is set, and no “read-back” shows"),
        Fault("write: {rate: new}", "write: {seen: new}", 22, 22, "“seen” can only be read"),
        Fault("write: {rate: new}", "write: {part: new}", 22, 22, "“part” is a part of its registers"),
        Fault("write: {rate: new}", "write: {rat: new}", 22, 22, "there is no field “rat”"),
        Fault("write: {rate: new}", "write: {rate: old}", 22, 28, "the command has no argument “old”"),
        Fault("write: {rate: new}", "write: {rate: {is: 65536}}", 22, 33, "the field cannot be 65536"),
        Fault("write: {rate: new}", "write: {rate: new, low: {is: 1}}", 22, 21, "this is no one write"),
        Fault("write: {rate: new}", "write: {run: {is: 1}, rate: new}", 22, 21, "this is no one write"),
        Fault("write: {rate: new}", "write: {rate: new}, function: 7", 22, 44, "function 7 does not write"),
        Fault("write: {rate: new}", "write: {rate: new}, function: 5", 22, 21, "this is no one write"),
        Fault("write: {rate: new}", "write: {rate: new}, refused: [1, 5]", 22, 47, "is 5, expected 1 to 4"),
        Fault("write: {rate: new}", "send: \"RATE\"", 22, 20, "“send” belongs to serial protocols"),
        Fault("requires:", "ask: rate\n    requires:", 23, 10, "“ask” belongs to serial protocols"),
        Fault("    kind: set\n", "", 19, 5, "“rate” has no “kind”: on Modbus nobody could ask for it"),
        Fault(
            "scale: 0.1, every: 1s}", "scale: 0.01, every: 1s}", 19, 5,
            "one count of “rate” is worth another quantity where it is measured than in “new”"),
        Fault("unit: mL/h, range", "unit: mL/min, range", 19, 5, "“rate” is measured in another unit than “new” has"),
        Fault("use: training", "use: treatment", 2, 63, "expected what it is for (training)"),
    ]

    @Test(arguments: faults) func aFaultIsToldWhereItIs(_ fault: Fault) throws {
        let text = Self.pump.replacingOccurrences(of: fault.replacing, with: fault.with)
        #expect(text != Self.pump)
        do {
            _ = try DeviceProfile.load(try YAMLFile(path: "v/m/profile.yaml", text: text))
            Issue.record("it was taken")
        } catch {
            let told = "\(error)"
            #expect(told.contains("v/m/profile.yaml:\(fault.line):\(fault.column): error:"), "\(told)")
            #expect(told.contains(fault.message), "\(told)")
        }
    }

    /// Of a serial device as well; a host that runs leaves the command out and reads the device.
    @Test func aCommandOfASerialDeviceThatCannotBeCarriedOutIsAFault() throws {
        func load(_ commands: DeviceProfile.FaultyCommands) throws -> DeviceProfile {
            try DeviceProfile.load(
                try YAMLFile(path: "alaris/asena-gh/profile.yaml", text: try DrivenLine.faultyText()),
                commands: commands)
        }
        let error = #expect(throws: InvalidFile.self) { try load(.areErrors) }
        let told = "\(error.map { "\($0)" } ?? "")"
        let (line, column) = try DrivenLine.faultyPlace()
        #expect(
            told.contains(
                "alaris/asena-gh/profile.yaml:\(line):\(column): error: “rate” could not be carried out: “rate” shows "
                    + "another unit than “new-rate” has"), "\(told)")
        let profile = try load(.areLeft)
        #expect(profile.compile(handle: "pump").faultyCommands.isEmpty)
        let plan = profile.compile(handle: "pump", isDriven: true)
        // What a start depends on is what the other sets.
        #expect(plan.faultyCommands.map(\.name) == ["rate", "start"] && plan.faultyCommands[0].location.line == line)
        #expect(plan.commands.map(\.name) == ["stop"])
        // Modbus alike.
        let register = try DeviceProfile.load(
            try YAMLFile(
                path: "v/m/profile.yaml",
                text: Self.pump.replacingOccurrences(of: "unit: mL/h, range", with: "unit: mL/min, range")),
            commands: .areLeft)
        let write = register.compile(handle: "pump", isDriven: true)
        #expect(write.commands.isEmpty && write.faultyCommands.map(\.name) == ["rate"])
    }

    private func plan(_ replacing: [(String, String)]) throws -> DevicePlan {
        var text = Self.pump
        for (old, new) in replacing { text = text.replacingOccurrences(of: old, with: new) }
        return try DeviceProfile.load(try YAMLFile(path: "v/m/profile.yaml", text: text)).compile(
            handle: "pump", isDriven: true)
    }

    /// Unit, function, place, and the number's own registers.
    @Test(
        arguments: [
            ([], "12.5", [1, 6, 0, 10, 0, 125]),
            ([("{rate: new}}", "{rate: new}, function: 16}")], "12.5", [1, 16, 0, 10, 0, 1, 2, 0, 125]),
            (
                [("{rate: new}}", "{rate: new, volume: {is: 0.25}}}")], "1.1",
                [
                    1, 16, 0, 10, 0, 3, 6, 0, 11, 0x3E, 0x80, 0, 0,
                ]
            ),
            (
                [("{rate: new}}", "{low: new}}"), ("read-back: {new: rate}", "read-back: {new: low}")], "1200",
                [
                    1, 16, 0, 20, 0, 2, 4, 0x2E, 0xE0, 0, 0,
                ]
            ),
        ] as [([(String, String)], String, [UInt8])])
    func aQuantityIsWrittenExactly(_ replacing: [(String, String)], quantity: String, bytes: [UInt8]) throws {
        let plan = try plan(replacing)
        let command = try #require(plan.commands.first)
        let argument = try #require(command.description.arguments.first)
        #expect(plan.effect(of: command, arguments: ["new": try argument.written(quantity)]) == bytes)
        #expect(plan.effect(of: command, arguments: [:]) == nil)
    }

    @Test(
        arguments: [
            ("{run: {is: 1}}", [1, 5, 0, 5, 0xFF, 0]), ("{run: {is: 0}}", [1, 5, 0, 5, 0, 0]),
            ("{run: {is: 1}, lamp: {is: 1}}", [1, 15, 0, 5, 0, 2, 1, 3]),
            ("{state: {is: \"0x5555\"}}", [1, 6, 0, 30, 0x55, 0x55]),
        ] as [(String, [UInt8])])
    func aFixedNumberIsWritten(_ write: String, bytes: [UInt8]) throws {
        let plan = try plan([
            (
                "arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1, scale: 0.1}}\n    ", ""
            ), ("{rate: new}", write), ("read-back: {new: rate}", "read-back: {run: {is: 1}}"),
        ])
        #expect(plan.effect(of: try #require(plan.commands.first), arguments: [:]) == bytes)
    }

    /// A float that is only near the quantity is not written.
    @Test(
        arguments: [
            ("0.5", true), ("0.125", true), ("0.1", false), ("1", true), ("0.3", false), ("0.0625", true),
        ])
    func aStepThatAFloatDoesNotHoldIsRefused(_ step: String, isHeld: Bool) throws {
        let argument = "arguments: {new: {unit: mL, range: [\(step), 120], step: \(step)}}"
        let replacing = [
            ("arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1, scale: 0.1}}", argument),
            ("{rate: new}", "{volume: new}"), ("read-back: {new: rate}", "read-back: {new: volume}"),
        ]
        if isHeld {
            let plan = try plan(replacing)
            #expect(plan.commands.count == 1)
        } else {
            #expect(throws: InvalidFile.self) { try plan(replacing) }
        }
    }

    @Test(
        arguments: [
            (25, -1, 2.5), (1, -3, nil), (125, -3, 0.125), (16_777_216, 0, 16_777_216), (16_777_217, 0, nil),
            (3, 2, 300), (0, -5, 0), (10, -1, 1), (-25, -1, -2.5),
        ] as [(Int64, Int, Float?)])
    func aDecimalIsAFloatExactlyOrNone(_ mantissa: Int64, _ exponent: Int, float: Float?) {
        #expect(ExactFloat.float(mantissa, exponent: exponent) == float)
    }

    @Test(
        arguments: [
            (2.5, "2.5"), (0, "0"), (0.1, nil), (-0.0, nil), (Float.nan, nil), (Float.infinity, nil), (1e-30, nil),
            (16_777_216, "16777216"), (-3.25, "-3.25"), (1024, "1024"), (0.125, "0.125"),
        ] as [(Float, String?)])
    func aFloatIsADecimalExactlyOrNone(_ float: Float, text: String?) {
        #expect(ExactFloat.text(ofBits: float.bitPattern) == text)
    }

    /// What a device shows is compared in the one form in which a quantity is entered.
    @Test func whatIsReadBackIsTheQuantity() throws {
        let plan = try plan([])
        let command = try #require(plan.commands.first)
        let rate = try #require(command.watched.first { $0.name == "rate" })
        #expect(rate.value(Array("125".utf8)) == "12.5" && rate.value(Array("x".utf8)) == nil)
        #expect(command.look.count == 2 && !command.barriers.isEmpty && command.prepare.isEmpty)
    }

    /// A unit that is given to the device when it is configured is none that is every device.
    @Test func nothingIsWrittenToUnitZero() throws {
        let profile = try DeviceProfile.load(
            try YAMLFile(
                path: "v/m/profile.yaml",
                text: Self.pump.replacingOccurrences(of: "modbus: rtu, baud: 9600, format: 8N1", with: "modbus: tcp")))
        var overrides = DeviceOverrides()
        overrides.unit = 0
        #expect(profile.compile(handle: "pump", overrides: overrides, isDriven: true).commands.isEmpty)
        #expect(profile.compile(handle: "pump", isDriven: true).commands.count == 1)
        #expect(profile.compile(handle: "pump").commands.isEmpty)
    }
}
