package import CommandFacts
package import DeviceModel
package import Nomenclature
package import StrictYAML

/// What may be changed at a device, within what limits. Declared here; who may ask for it, and how it is verified, is
/// the command path's.
package struct CommandDescription: Sendable {
    package struct Argument: Sendable {
        package let name: String
        package let unit: UnitOfMeasure
        /// The device's own limits, in the unit.
        package let range: ClosedRange<ExactQuantity>
        /// The smallest change the device can make.
        package let step: DecimalScale
        /// Digits sent after the point.
        package let places: Int
        /// The most digits the device takes; `nil` for no limit.
        package let digits: Int?
        /// What one count of the number sent is worth; one for the quantity itself.
        package let scale: DecimalScale
        package let location: SourceLocation
    }

    package struct Step: Sendable {
        package enum Class: String, Sendable, CaseIterable {
            /// It changes nothing: a request may send the same.
            case read
            /// It makes the effect possible and may be said again: taking control, arming.
            case prepare
            /// It is what the command is for, and is said once, ever.
            case effect
        }

        package enum Saying: Sendable {
            /// In the device's own protocol; `frame` is the one that carries it.
            case message(SendTemplate, frame: Int?)
            /// Modbus.
            case write(RegisterWrite)
        }

        package let saying: Saying
        /// Index into ``DeviceProfile/messages`` of the answer that says it was taken.
        package let reply: Int?
        /// Index into ``DeviceProfile/messages`` of the answer that proves that nothing was done; `nil` where none
        /// does.
        package let refusal: Int?
        package let effect: Class
        package let location: SourceLocation

        package var isRead: Bool { effect == .read }
        /// Empty of a write.
        package var send: SendTemplate {
            if case .message(let send, _) = saying { send } else { SendTemplate(literal: []) }
        }
        package var frame: Int? { if case .message(_, let frame) = saying { frame } else { nil } }
        package var write: RegisterWrite? { if case .write(let write) = saying { write } else { nil } }
        /// The names of arguments and fields that it is made of.
        var names: [String] { write?.names ?? send.names }
    }

    package enum Kind: String, Sendable, CaseIterable {
        /// It stores a value that can be read back.
        case set
        /// It begins something, which may have ended before anybody looks.
        case trigger
        /// It ends a delivery.
        case stop
    }

    /// A measurement that acts on whoever is measured: how often it may be begun at most.
    package struct Measurement: Sendable, Hashable {
        /// From one beginning to the next at least. Unit: ns.
        package let leastPause: Int64
        package let mostPerHour: Int
    }

    /// What must be true of the device, told within an age.
    package struct Requirement: Sendable {
        package let field: String
        package let test: FieldTest
        /// How old what tells it may be. Unit: ns.
        package let within: Int64
        /// Whether the values that pass are one to the command.
        package let areAlike: Bool

        /// The values that are one to the command; empty where each is its own.
        package var alike: [ValueCode] {
            if areAlike, case .isOneOf(let codes) = test { codes } else { [] }
        }
    }

    package let name: String
    /// `nil`: the profile only declares what must never be said as a request; nobody can ask for it.
    package let kind: Kind?
    package let arguments: [Argument]
    package let steps: [Step]
    package let effect: RequestDescription.Class
    /// What allows the command.
    package let requires: [Requirement]
    /// The request whose answer is the reading back; `nil` where a step behind the effect is.
    package let ask: String?
    /// How long the device takes until it shows what it did. Unit: ns.
    package let settles: Int64
    /// By field: the argument that it must show afterwards, or the codes.
    package let readBack: [(field: String, shows: ReadBack)]
    /// How soon the read-back shows it; `nil` when the profile does not say. Unit: ns.
    package let within: Int64?
    /// `nil` of what is no measurement.
    package let measurement: Measurement?
    package let hazards: String
    package let location: SourceLocation

    /// The step that is what the command is for, with its place; `nil` where there is not just one.
    package var effectStep: (place: Int, step: Step)? {
        let found = steps.enumerated().filter { $0.element.effect == .effect }
        return found.count == 1 ? found.first.map { ($0.offset, $0.element) } : nil
    }

    package enum ReadBack: Sendable {
        case argument(String)
        /// One of these.
        case codes([ValueCode])
        /// None of these.
        case otherThan([ValueCode])
    }
}
