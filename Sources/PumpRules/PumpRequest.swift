package import CommandFacts

/// What somebody asks a device to do, with what is known of the device.
package struct PumpRequest: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// It stores a value.
        case set
        /// It begins something.
        case trigger
        /// It ends a delivery.
        case stop
    }

    /// What the device's profile says of a quantity that the command takes.
    package struct Argument: Sendable, Hashable {
        package let name: String
        /// UCUM.
        package let unit: String
        /// The device's own limits, in the unit.
        package let least: ExactQuantity
        package let most: ExactQuantity
        /// The smallest change that the device can make, in the unit.
        package let step: ExactQuantity

        package init(
            _ name: String, unit: String, least: ExactQuantity, most: ExactQuantity, step: ExactQuantity
        ) {
            (self.name, self.unit) = (name, unit)
            (self.least, self.most, self.step) = (least, most, step)
        }
    }

    /// The device's handle.
    package let device: String
    /// The command's name in the profile.
    package let command: String
    package let kind: Kind
    /// Where the device stands.
    package let area: String
    package var entries: [CommandEntry] = []
    package var arguments: [Argument] = []
    /// What the device shows that it is set to, read afresh. A trigger sets it going with that.
    package var standing: [CommandEntry] = []
    /// The rate that is being delivered; `nil` where nothing is.
    package var running: CommandEntry?
    /// As the device tells it; `nil` where it tells none.
    package var serial: String?
    /// The order's id.
    package var order: String?
    /// Why a soft limit is passed.
    package var reason: String?
    /// Unit: ns since 1970. `nil` while the clock is not known to be right.
    package var now: Int64?
    /// Whether the profile has a command that stops the device.
    package var hasRemoteStop = false
    /// Whether the profile says what the device does when it is no longer spoken to.
    package var isLapseKnown = false
    package var isSyringePump = false
    /// Whether the device gives something to somebody: what it begins is no measurement then.
    package var infuses = true
    /// Of a measurement, what the device's profile says of how often it may be begun; `nil` where it says nothing.
    package var pace: Pace?

    /// How often something may be begun.
    package struct Pace: Sendable, Hashable {
        /// From one beginning to the next at least. Unit: ns.
        package let leastGap: Int64
        package let mostPerHour: Int

        package init(leastGap: Int64, mostPerHour: Int) { (self.leastGap, self.mostPerHour) = (leastGap, mostPerHour) }
    }

    package init(device: String, command: String, kind: Kind, area: String) {
        (self.device, self.command, self.kind, self.area) = (device, command, kind, area)
    }
}
