package import DevicePlans
package import LineEngine
package import PumpControl

/// The way to a line's thread: nothing here waits.
package protocol PumpLine: AnyObject, Sendable {
    /// Hands an order in, to be said once. `false`, and nothing is said, when too many are under way.
    func hand(in order: LineOrder) -> Bool
    /// What became of an order; `nil` when no more is known yet.
    func takeOutcome() -> OrderOutcome?
    /// How far a stop has come; `nil` when no more is known yet.
    func takeStopReport() -> StopReport?
    /// Asks for a stop of a device, from any thread. Returns how many were asked for with it.
    func askStop(device: Int) -> Int64
    func stopsAsked(device: Int) -> Int64
}

/// A pump that this unit drives.
package struct DrivenPump: Sendable {
    package let key: PumpKey
    /// By its place on the line.
    package let device: Int
    package let plan: DevicePlan
    package let serial: SerialPlan
    /// Of its profile, in hexadecimal digits.
    package let profileDigest: String
    /// Where it is connected.
    package let lineName: String
    package let line: any PumpLine

    package var handle: String { plan.handle }

    /// `nil` for a device that has no commands.
    package init?(_ plan: DevicePlan, profileDigest: String, device: Int, lineName: String, line: any PumpLine) {
        guard case .serial(let serial) = plan.protocolPlan, !serial.commands.isEmpty else { return nil }
        (self.plan, self.serial, self.profileDigest, self.device) = (plan, serial, profileDigest, device)
        (self.lineName, self.line) = (lineName, line)
        key = plan.expectedSerial.map { PumpKey(serial: $0) } ?? PumpKey(port: lineName)
    }

    func command(_ name: String) -> (place: Int, plan: CommandPlan)? {
        serial.commands.firstIndex { $0.name == name }.map { ($0, serial.commands[$0]) }
    }

    /// What a look told, in the one way in which it is compared.
    func readings(_ outcome: OrderOutcome, of command: CommandPlan) -> [Reading] {
        command.watched.indices.compactMap { place in
            let watched = command.watched[place]
            guard outcome.told[place].isKnown else { return nil }
            return watched.value(outcome.told[place].text).map { Reading(watched.name, $0) }
        }
    }
}

/// What a policy says of a command that somebody has entered.
package protocol CommandGate: Sendable {
    func judge(_ entered: EnteredCommand) -> GateVerdict
}

/// A command as somebody entered it, whole and within what the pump itself takes.
package struct EnteredCommand: Sendable, Hashable {
    /// The pump's handle.
    package let device: String
    package let command: String
    package let kind: CommandKind
    package let entries: [CommandEntry]
    package let reason: String?
    /// Unit: ns since 1970.
    package let utc: Int64
}

package enum GateVerdict: Sendable, Hashable {
    /// - people: how many must enter it. Range: 1…2.
    case allowed(people: Int)
    /// One sentence for each thing that stands against it.
    case refused(code: String, words: [String])
}
