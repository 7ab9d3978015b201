/// A quantity of a command, as it is shown.
package struct EntryView: Sendable, Hashable, Codable {
    package let name: String
    package let quantity: String
    /// As people read it.
    package let unit: String

    package init(_ name: String, _ quantity: String, unit: String) {
        (self.name, self.quantity, self.unit) = (name, quantity, unit)
    }
}

/// What a pump told, as it is shown.
package struct ReadingView: Sendable, Hashable, Codable {
    package let field: String
    package let value: String
    /// As people read it; `nil` for a word.
    package let unit: String?

    package init(_ field: String, _ value: String, unit: String? = nil) {
        (self.field, self.value, self.unit) = (field, value, unit)
    }
}

/// A command as anybody may see it.
///
/// Until as many people as it needs have entered it, each blind, no view holds what was entered (C-11): there is no way
/// to make one that does, here or from a line.
package struct CommandView: Sendable, Hashable {
    package enum Stage: String, Sendable, Hashable, Codable, CaseIterable {
        case draft
        case verified
        case intended
        case sent
        case acknowledged
        case uncertain
        case ended
    }

    package let number: Int64
    /// The pump's handle, or its key where the configuration has it no more.
    package let device: String
    package let command: String
    package let stage: Stage
    /// How many people have entered it alike; a second one who entered something else does not count.
    package let people: Int
    /// How many must.
    package let needed: Int
    /// `nil` where nobody may see them yet.
    package let entries: [EntryView]?
    /// Since when it is in this stage. Unit: ns of the boot clock.
    package let since: Int64
    /// What has to come next, in a sentence; `nil` after its end.
    package let waitsFor: String?
    /// What the pump showed last.
    package let readings: [ReadingView]
    /// How it ended, in a word (`confirmed`, `rejected`, `notInEffect`, `withdrawn` …); `nil` before.
    package let end: String?

    /// - Parameter entries: left out of the view where it must be blind.
    package init(
        number: Int64, device: String, command: String, stage: Stage, people: Int, needed: Int = 2,
        entries: [EntryView]?, since: Int64, waitsFor: String? = nil, readings: [ReadingView] = [], end: String? = nil
    ) {
        (self.number, self.device, self.command, self.stage) = (number, device, command, stage)
        (self.people, self.needed, self.since, self.waitsFor) = (people, needed, since, waitsFor)
        (self.readings, self.end) = (readings, end)
        self.entries = stage == .draft || people < needed ? nil : entries
    }
}

/// What may be asked of a pump.
package struct OfferView: Sendable, Hashable, Codable {
    package struct Argument: Sendable, Hashable, Codable {
        package let name: String
        /// As people read it.
        package let unit: String
        /// In words: `0.1 to 999 in steps of 0.1`.
        package let range: String

        package init(_ name: String, unit: String, range: String) {
            (self.name, self.unit, self.range) = (name, unit, range)
        }
    }

    package let command: String
    package let arguments: [Argument]

    package init(_ command: String, arguments: [Argument]) { (self.command, self.arguments) = (command, arguments) }
}

/// A pump as anybody may see it.
package struct PumpView: Sendable, Hashable, Codable {
    package enum Stop: String, Sendable, Hashable, Codable, CaseIterable {
        case asked
        case sent
        /// Nobody knows that it stands.
        case notDelivered
    }

    /// Its handle in the unit's configuration.
    package let device: String
    package let model: String
    package let line: String
    /// Whether this unit drives it at all.
    package let isDriven: Bool
    package let commands: [OfferView]
    /// The number of the command that is open for it.
    package let openCommand: Int64?
    /// A stop that is not proven.
    package let stop: Stop?
    package let mustBeLookedAt: Bool
    /// Whether it is locked after too many failures.
    package let isLocked: Bool

    package init(
        device: String, model: String, line: String, isDriven: Bool, commands: [OfferView], openCommand: Int64? = nil,
        stop: Stop? = nil, mustBeLookedAt: Bool = false, isLocked: Bool = false
    ) {
        (self.device, self.model, self.line, self.isDriven) = (device, model, line, isDriven)
        (self.commands, self.openCommand, self.stop) = (commands, openCommand, stop)
        (self.mustBeLookedAt, self.isLocked) = (mustBeLookedAt, isLocked)
    }
}
