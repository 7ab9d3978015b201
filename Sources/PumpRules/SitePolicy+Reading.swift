import CommandFacts
import StrictYAML

extension SitePolicy {
    static func read(_ root: YAMLMapping) -> SitePolicy {
        root.allow(["nabd", "version", "use", "areas", "devices"])
        var policy = SitePolicy(use: root.use)
        for (name, key, value) in root.required("areas")?.mapping("the care areas by name")?.entries ?? [] {
            if !name.isName { key.error("expected a care area's name of letters and digits") }
            guard let map = value.mapping("a care area") else { continue }
            map.allow(["limits"])
            policy.areas[name] = map["limits"].map(limits) ?? [:]
        }
        for (handle, key, value) in root.required("devices")?.mapping("the devices by handle")?.entries ?? [] {
            if !handle.isName { key.error("expected a device's handle of letters and digits") }
            guard let map = value.mapping("a device") else { continue }
            let device = device(map, areas: Set(policy.areas.keys))
            if let serial = device.serial, policy.devices.values.contains(where: { $0.serial == serial }) {
                map["serial"]?.error("another device has this serial number")
            }
            policy.devices[handle] = device
        }
        return policy
    }

    private static func limits(_ value: YAMLValue) -> [Measure: LimitPair] {
        guard let map = value.mapping("limits of rate, volume and duration") else { return [:] }
        map.allow(Measure.allCases.map(\.rawValue))
        return map.limits()
    }

    private static func device(_ map: YAMLMapping, areas: Set<String>) -> Device {
        map.allow([
            "area", "bed", "serial", "commands", "measurements", "without-order", "people", "accepts-no-remote-stop",
            "accepts-unknown-lapse", "accepts-network", "limits", "least-gap", "most-per-hour",
        ])
        let area = map.required("area") { $0.name("a care area") } ?? ""
        if !areas.contains(area) { map["area"]?.error("there is no such care area under “areas”") }
        var device = Device(area: area, commands: map.required("commands") { $0.names("commands") } ?? [])
        device.bed = map["bed"]?.name("a bed")
        device.serial = map["serial"]?.text("a serial number")
        if device.serial?.isEmpty == true { map["serial"]?.error("expected a serial number, or no such key") }
        device.measurements = some(of: device.commands, map["measurements"])
        device.withoutOrder = some(of: device.commands, map["without-order"])
        device.alone = alone(map["people"], device)
        device.acceptsNoRemoteStop = map.flag("accepts-no-remote-stop")
        device.acceptsUnknownLapse = map.flag("accepts-unknown-lapse")
        device.acceptsNetwork = map.flag("accepts-network")
        device.limits = map["limits"].map(limits) ?? [:]
        device.rules = rules(map)
        return device
    }

    /// Names of commands that the device may be given at all.
    private static func some(of commands: Set<String>, _ value: YAMLValue?) -> Set<String> {
        let names = value?.names("commands") ?? []
        if !names.isSubset(of: commands) { value?.error("a command stands here and not under “commands”") }
        return names
    }

    /// The commands that one person may give.
    private static func alone(_ value: YAMLValue?, _ device: Device) -> Set<String> {
        var alone: Set<String> = []
        for (command, key, value) in value?.mapping("how many people give a command, by its name")?.entries ?? [] {
            if !device.commands.contains(command) { key.error("this command does not stand under “commands”") }
            guard value.int("how many people give it", 1...2) == 1 else { continue }
            if !device.measurements.contains(command) {
                value.error(
                    "one person is enough for a stop and for what stands under “measurements”, for nothing else")
            }
            alone.insert(command)
        }
        return alone
    }

    /// The program's own rules, tightened.
    private static func rules(_ map: YAMLMapping) -> CommandRules {
        var rules = CommandRules()
        if let gap = map["least-gap"]?.duration("the least gap", 1...rules.window) {
            if gap < rules.leastGap {
                map["least-gap"]?.error(
                    "the program's own least gap is \(YAMLValue.describe(rules.leastGap)), and a policy only tightens")
            }
            rules.leastGap = max(gap, rules.leastGap)
        }
        if let most = map["most-per-hour"]?.int("the most effects an hour", 1...rules.mostInWindow) {
            rules.mostInWindow = min(most, rules.mostInWindow)
        }
        return rules
    }
}
