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
