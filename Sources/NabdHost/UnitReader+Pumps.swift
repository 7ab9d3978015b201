#if Commands
import Fieldbus
import ProfileLanguage
import PumpRules
import StrictYAML

extension UnitReader {
    /// Reads where the unit has what lets its pumps be driven. Whatever is wrong with it, none is.
    mutating func readPumps(_ map: YAMLMapping) {
        map.allow(["rules", "key", "operators", "socket"])
        if trust.isMonitorOnly {
            return map.value.error("this unit is “monitor-only”: it drives no pump; take one of the two out")
        }
        guard let rules = map.required("rules")?.text("the folder of policy.yaml, library.yaml and orders.yaml"),
            let key = map.required("key")?.text("the public key that they are signed with")
        else { return }
        readPeople(ofPumps: map)
        guard unit.people != nil else { return }
        let settings = PumpSettings(rules: absolute(rules), key: absolute(key))
        let keeper = RulesKeeper(settings, journal: unit.journalDirectory)
        // A file that cannot be believed closes what it speaks of; the unit runs.
        for fault in keeper.faults { diagnostics.warning(map.value.location, fault) }
        if case .none = keeper.rules {
            diagnostics.warning(map.value.location, "no pump is driven: there is no policy.yaml in \(settings.rules)")
        }
        (unit.pumps, unit.pumpRules) = (settings, keeper)
    }

    /// Whether the site's policy lets a device be driven. What is said over a network may come minutes later, when
    /// nobody expects it any more: a pump is driven on a port of this machine, and over Modbus TCP where the site takes
    /// that.
    func isDriven(_ handle: String, _ profile: DeviceProfile, on address: LineAddress, _ line: YAMLValue) -> Bool {
        guard let keeper = unit.pumpRules else { return false }
        // With a policy that cannot be believed a pump can be stopped, and nothing else.
        if let policy = keeper.policy, policy.devices[handle] == nil { return false }
        if case .none = keeper.rules { return false }
        if profile.device.isForTraining, let policy = keeper.policy, policy.use != .training {
            if !profile.commands.isEmpty {
                diagnostics.warning(
                    line.location,
                    "“\(handle)” is read and not driven: it is a device for training, and the site's policy is for "
                        + policy.use.rawValue)
            }
            return false
        }
        switch (address, profile.line.transport) {
        case (.path, _): return true
        case (.tcp, .modbusTCP):
            // Without a policy that can be believed only the stop is left: nothing is allowed by what is not there.
            guard let policy = keeper.policy else { return true }
            if policy.devices[handle]?.acceptsNetwork == true { return true }
            diagnostics.warning(
                line.location,
                "“\(handle)” is read and not driven: what is said over a network may reach a pump later; connect it to "
                    + "a serial port of this machine, or let the site's policy say “accepts-network: true”")
        default:
            diagnostics.warning(
                line.location,
                "“\(handle)” is read and not driven: what is said over a network may reach a pump much later; connect "
                    + "it to a serial port of this machine")
        }
        return false
    }
}
#endif
