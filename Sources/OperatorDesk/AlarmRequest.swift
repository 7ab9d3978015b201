package import Alarms

/// What people ask about alerts. Which there are is read elsewhere, without signing in.
package enum AlarmRequest: Sendable, Hashable {
    /// Alerts at once, at most.
    package static let most = 100
    /// How long a pause may be. Unit: s.
    package static let seconds = 1...Int(AlarmPolicy.longestPause / 1_000_000_000)

    /// Somebody has seen these, named by their instances: all of them, or none.
    case acknowledge([String])
    /// What is signalled at a bed, or at none, is silent for a while.
    case pause(bed: String?, seconds: Int)
    case switchOff(AlarmSwitch)
    case switchOn(AlarmSwitch)

    var isWithinBounds: Bool {
        switch self {
        case .acknowledge(let instances):
            (1...Self.most).contains(instances.count) && instances.allSatisfy(DeskLine.isShort)
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
        case .acknowledge(let instances):
            wire = DeskLine.Wire("acknowledge")
            wire.instances = instances
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
        case "acknowledge": self = .acknowledge(try DeskLine.given(wire.instances))
        case "pause": self = .pause(bed: wire.bed, seconds: try DeskLine.given(wire.seconds))
        case "switchOff": self = .switchOff(try Self.off(wire))
        case "switchOn": self = .switchOn(try Self.off(wire))
        default: return nil
        }
    }

    private static func off(_ wire: DeskLine.Wire) throws(DeskLine.Fault) -> AlarmSwitch {
        AlarmSwitch(bed: try DeskLine.given(wire.bed), name: try DeskLine.given(wire.alert), metric: wire.metric)
    }
}
