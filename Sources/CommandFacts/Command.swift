/// The pump that a command is for, however the configuration calls it: its serial number where it tells one, else the
/// port it is on; and the slot of a rack.
package struct PumpKey: Sendable, Hashable, Comparable {
    /// `serial:8003-00107`, `port:/dev/ttyUSB0`, with `#A3` for a slot.
    package let text: String

    package init(serial: String, slot: String? = nil) { text = "serial:\(serial)" + (slot.map { "#\($0)" } ?? "") }

    package init(port: String, slot: String? = nil) { text = "port:\(port)" + (slot.map { "#\($0)" } ?? "") }

    /// As it stands in the journal.
    package init(text: String) { self.text = text }

    package static func < (left: PumpKey, right: PumpKey) -> Bool { left.text < right.text }
}

/// Somebody who has signed in.
package struct Operator: Sendable, Hashable {
    package let id: String

    package init(_ id: String) { self.id = id }
}

/// What a command does to the device.
package enum CommandKind: String, Sendable, Hashable, CaseIterable {
    /// It stores a value, which can be read back.
    case set
    /// It begins something: a delivery, a measurement. What it began may have ended before anybody looks.
    case trigger
}

/// A quantity of a command, with its name and unit.
package struct CommandEntry: Sendable, Hashable {
    package let name: String
    package let quantity: ExactQuantity
    /// UCUM.
    package let unit: String

    package init(_ name: String, _ quantity: ExactQuantity, unit: String) {
        (self.name, self.quantity, self.unit) = (name, quantity, unit)
    }
}

/// What somebody wants done. Two are the same when all of it is.
package struct CommandContent: Sendable, Hashable {
    package let pump: PumpKey
    /// The line that the pump is on: one effect at a time is under way on it.
    package let line: String
    /// The command's name in the profile.
    package let command: String
    package let kind: CommandKind
    /// In the order of their names.
    package let entries: [CommandEntry]
    /// How many must have entered it, each by themselves. Range: 1…2.
    package let people: Int
    /// The order that it carries out, by its id; `nil` where it needs none.
    package let order: String?
    /// Why a limit is passed that may be passed.
    package let reason: String?

    package init(
        pump: PumpKey, line: String, command: String, kind: CommandKind, entries: [CommandEntry], people: Int = 2,
        order: String? = nil, reason: String? = nil
    ) {
        (self.pump, self.line, self.command, self.kind) = (pump, line, command, kind)
        self.entries = entries.sorted { $0.name < $1.name }
        (self.people, self.order, self.reason) = (people, order, reason)
    }
}

/// A value as the device told it: exact decimal text without superfluous zeros, or its word.
package struct Reading: Sendable, Hashable {
    package let field: String
    package let value: String

    package init(_ field: String, _ value: String) { (self.field, self.value) = (field, value) }
}

/// What a field shows when the command is in effect: one of these, or none of these.
package struct Expectation: Sendable, Hashable {
    package let field: String
    package let values: [String]
    /// Whether it shows anything but these.
    package let isOther: Bool

    package init(_ field: String, _ values: [String], isOther: Bool = false) {
        (self.field, self.values, self.isOther) = (field, values, isOther)
    }

    func isMet(by reading: Reading) -> Bool {
        reading.field == field && values.contains(reading.value) != isOther
    }
}

/// The one transmission that has the effect, as it is journalled before it is made.
package struct Effect: Sendable, Hashable {
    /// Exactly what is said.
    package let bytes: [UInt8]
    /// What the device shows when it is in effect.
    package let wanted: [Expectation]
    /// Whether that can come of this command only: a number or counter that the device gives to each. A state can come
    /// of a key that somebody presses.
    package let isEvidenceOwn: Bool
    /// What it showed when this was decided: the line refuses where a fresh reading differs.
    package let before: [Reading]
    /// Of the profile that made the bytes, in hexadecimal digits.
    package let profileDigest: String
    /// It is not said after this. Unit: ns of the boot clock.
    package let expires: Int64

    package init(
        bytes: [UInt8], wanted: [Expectation], isEvidenceOwn: Bool = false, before: [Reading], profileDigest: String,
        expires: Int64
    ) {
        (self.bytes, self.wanted, self.isEvidenceOwn, self.before) = (bytes, wanted, isEvidenceOwn, before)
        (self.profileDigest, self.expires) = (profileDigest, expires)
    }

    /// Whether it is known what each field that it is known by showed before: what is not known proves nothing.
    package var isBeforeKnown: Bool {
        !wanted.isEmpty && wanted.allSatisfy { expected in before.contains { $0.field == expected.field } }
    }

    /// Whether readings show everything that is wanted; a field that was not read shows nothing.
    package func isShown(by readings: [Reading]) -> Bool {
        !wanted.isEmpty
            && wanted.allSatisfy { expected in
                readings.contains(where: expected.isMet)
            }
    }

    /// Whether the fields that the effect is known by are as they were before.
    package func isUnchanged(in readings: [Reading]) -> Bool {
        !wanted.isEmpty
            && wanted.allSatisfy { expected in
                guard let old = before.first(where: { $0.field == expected.field }) else { return false }
                return readings.contains { $0.field == expected.field && $0.value == old.value }
            }
    }
}
