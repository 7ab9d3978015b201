#if Commands
package import DeviceModel
package import ProfileLanguage

/// A command, compiled: what is said before it, what it is, and what shows that it is in effect.
///
/// What it says stands in the plan of its protocol: of a serial one ``SerialPlan/requests``; of Modbus
/// ``ModbusPlan/writes`` for the effect and ``ModbusPlan/reads`` for the rest.
package struct CommandPlan: Sendable {
    /// A field by which the command is decided or proved.
    package struct Watched: Sendable {
        package enum Form: Sendable {
            case word
            case hexadecimal
            /// What one count of the last place is worth, in the unit of the argument that it shows.
            case decimal(DecimalScale)
            /// What one count of a number in bits is worth, in that unit. Its text is a whole number.
            case count(DecimalScale)
            /// A float32 in registers. Its text is the number that its bits are.
            case float32
        }

        package let name: String
        /// The field's place in the profile.
        package let field: Int
        package let form: Form
        /// How the field is read; a test is asked of what it reads.
        package let reading: FieldPlan
        /// Texts that are one value to the command: each is told as the first. Empty where each is its own.
        package var alike: [[UInt8]] = []

        /// Whether it is a number in bits: then each of its texts is a number, and one without an exact text is not
        /// known, for two of those cannot be told apart.
        package var isOfBits: Bool {
            switch form {
            case .count, .float32: true
            case .word, .hexadecimal, .decimal: false
            }
        }

        /// What a text of the field means, written in one way only: exact decimal text, or the word. `nil` where it is
        /// none.
        package func value(_ text: [UInt8]) -> String? {
            switch form {
            case .word:
                return text.isEmpty || text.contains { $0 < 0x20 || $0 > 0x7E }
                    ? nil : String(decoding: text, as: UTF8.self)
            case .hexadecimal: return Int64(String(decoding: text, as: UTF8.self), radix: 16).map(String.init)
            case .decimal(let scale):
                guard case .decimal(let places) = reading.reading,
                    let counts = try? DecimalText.counts(text, 0..<text.count, places: places)
                else { return nil }
                return scale.text(of: counts)
            case .count(let scale): return Int64(String(decoding: text, as: UTF8.self)).map { scale.text(of: $0) }
            case .float32:
                return UInt32(String(decoding: text, as: UTF8.self)).flatMap { ExactFloat.text(ofBits: $0) }
            }
        }

        /// What a code of the field means, in the same way; `nil` where it can be no value of it.
        func value(_ code: ValueCode, of field: FieldDescription) -> String? {
            switch (form, try? code.plan(for: field)) {
            case (.count, .number(let number)?): value(Array("\(number)".utf8))
            case (.float32, .float(let float)?): value(Array("\(float.bitPattern)".utf8))
            case (.count, _), (.float32, _): nil
            case (.word, _), (.hexadecimal, _), (.decimal, _): value(Array(code.text.utf8))
            }
        }
    }

    package struct Requirement: Sendable {
        /// The place in ``CommandPlan/watched``.
        package let watched: Int
        package let test: TestPlan
        /// How old what tells it may be. Unit: ns.
        package let within: Int64
    }

    package struct Shown: Sendable {
        package enum What: Sendable {
            /// The argument with this name.
            case argument(String)
            /// One of these, as ``Watched/value(_:)`` gives them.
            case values([String])
            /// None of these.
            case otherThan([String])

            /// Whether a value is what is shown; `nil` where only an order says that.
            package func isMet(by value: String) -> Bool? {
                switch self {
                case .argument: nil
                case .values(let values): values.contains(value)
                case .otherThan(let others): !others.contains(value)
                }
            }
        }

        /// The place in ``CommandPlan/watched``.
        package let watched: Int
        package let what: What
        /// Whether a reading shows it; `nil` for an argument, which only an order has.
        package let test: TestPlan?
    }

    package let description: CommandDescription
    package let kind: CommandDescription.Kind
    /// Requests of the plan that make it possible, in their order. They may be said again.
    package let prepare: [Int]
    /// The request that has the effect. It is said once.
    package let effect: Int
    /// Requests whose answers tell all that is watched.
    package let look: [Int]
    /// Requests whose answers cannot be taken for any that matters to the command: once one is answered, nothing that
    /// was asked before is still on its way. None: the line is never known to be clean.
    package let barriers: [Int]
    /// Those of them whose refusal cannot be taken for any that matters either: that the device will not tell now is
    /// an answer as well.
    package let refusedBarriers: [Int]
    /// At most ``mostWatched``.
    package let watched: [Watched]
    package let requires: [Requirement]
    package let shows: [Shown]

    package var name: String { description.name }
    /// How long the device takes until it shows what it did. Unit: ns.
    package var settles: Int64 { description.settles }
    /// Whether the effect may be said again: of a stop that says so in its profile.
    package var mayBeRepeated: Bool { kind == .stop && description.effect == .idempotent }

    /// Fields that a command may be decided and proved by.
    package static let mostWatched = 8
    /// The most bytes of an effect.
    package static let longestEffect = 256
}

extension SerialPlan {
    /// The bytes that have a command's effect, with its arguments as the device is told them; `nil` when one is
    /// missing.
    package func effect(of command: CommandPlan, arguments: [String: [UInt8]]) -> [UInt8]? {
        let request = requests[command.effect]
        return bytes(request.send, frame: request.frame) { arguments[$0] }
    }
}

extension DevicePlan {
    /// The bytes that have a command's effect, with its arguments as the device is told them; `nil` when one is
    /// missing. Of Modbus: unit and request, without what RTU and TCP put around them; TCP's numbers its transactions
    /// as they are said.
    package func effect(of command: CommandPlan, arguments: [String: [UInt8]]) -> [UInt8]? {
        switch protocolPlan {
        case .serial(let serial): serial.effect(of: command, arguments: arguments)
        case .modbus(let modbus):
            modbus.writes[command.effect].bytes(profile) { name in
                arguments[name].map { String(decoding: $0, as: UTF8.self) }
            }
        }
    }
}
#endif
