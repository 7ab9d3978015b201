package import Alarms
package import DeviceModel

/// What people ask about alerts. Which there are is read elsewhere, without signing in.
package enum AlarmRequest: Sendable, Hashable {
    /// Alerts at once, at most.
    package static let most = 250
    /// How long a pause may be. Unit: s.
    package static let seconds = 1...Int(AlarmPolicy.longestPause / 1_000_000_000)

    /// Somebody has seen these, named by their instances: all of them, or none.
    ///
    /// - seenAs: of each the priority with which it was shown; empty where that is not known.
    case acknowledge([String], seenAs: [AlertPriority] = [])
    /// What is signalled at a bed, or at none, is silent for a while.
    case pause(bed: String?, seconds: Int)
    case switchOff(AlarmSwitch)
    case switchOn(AlarmSwitch)

    var isWithinBounds: Bool {
        switch self {
        case .acknowledge(let instances, let priorities):
            (priorities.isEmpty || priorities.count == instances.count) && (1...Self.most).contains(instances.count)
                && instances.allSatisfy(DeskLine.isShort)
        case .pause(let bed, let seconds):
            bed.map(DeskLine.isShort) ?? true && Self.seconds.contains(seconds)
        case .switchOff(let off), .switchOn(let off):
            DeskLine.isShort(off.bed) && DeskLine.isShort(off.name) && off.metric.map(DeskLine.isShort) ?? true
        }
    }
}

extension AlarmRequest {
    var wire: DeskLine.Wire {
        var wire: DeskLine.Wire
        switch self {
        case .acknowledge(let instances, let priorities):
            wire = DeskLine.Wire("acknowledge")
            wire.instances = instances
            wire.priorities = priorities.isEmpty ? nil : priorities.map(\.rawValue)
        case .pause(let bed, let seconds):
            wire = DeskLine.Wire("pause")
            (wire.bed, wire.seconds) = (bed, seconds)
        case .switchOff(let off): wire = Self.wire("switchOff", off)
        case .switchOn(let off): wire = Self.wire("switchOn", off)
        }
        return wire
    }

    private static func wire(_ ask: String, _ off: AlarmSwitch) -> DeskLine.Wire {
        var wire = DeskLine.Wire(ask)
        (wire.bed, wire.alert, wire.metric) = (off.bed, off.name, off.metric)
        return wire
    }

    /// `nil` where the line asks something else.
    init?(_ wire: DeskLine.Wire) throws(DeskLine.Fault) {
        switch wire.ask {
        case "acknowledge":
            self = .acknowledge(try DeskLine.given(wire.instances), seenAs: try Self.priorities(wire))
        case "pause": self = .pause(bed: wire.bed, seconds: try DeskLine.given(wire.seconds))
        case "switchOff": self = .switchOff(try Self.off(wire))
        case "switchOn": self = .switchOn(try Self.off(wire))
        default: return nil
        }
    }

    private static func priorities(_ wire: DeskLine.Wire) throws(DeskLine.Fault) -> [AlertPriority] {
        var priorities: [AlertPriority] = []
        for word in wire.priorities ?? [] { priorities.append(try DeskLine.given(AlertPriority(rawValue: word))) }
        return priorities
    }

    private static func off(_ wire: DeskLine.Wire) throws(DeskLine.Fault) -> AlarmSwitch {
        AlarmSwitch(bed: try DeskLine.given(wire.bed), name: try DeskLine.given(wire.alert), metric: wire.metric)
    }
}
