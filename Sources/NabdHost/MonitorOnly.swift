#if !Commands
import CommandFacts
import DeviceModel
import Fieldbus
import OperatorDesk
import ProfileLanguage
import Sampling
import StrictYAML

// A build without the command path: the record of commands of before is read, nothing is decided or sent.

/// There is no pump that is driven, no rule that is kept and no round of a desk, for there is no value of these.
typealias HostPump = Never
typealias DeskRounds = Never
package typealias RulesKeeper = Never

extension Never {
    var asks: AskQueue<DeskRequest, DeskAnswer> { switch self {} }
    var alarms: [(alert: AlertKind, device: String?, holds: Bool)] { switch self {} }
    func turn(now: Int64, utc: Int64?, file: String, record: @escaping ([UnitEvent]) throws -> Int64) {}
    func took(_ events: some Sequence<UnitEvent>, first: Int64) {}
    func beginClosing() {}
    func close() {}
}

extension HostDesk {
    var drivenLines: Set<String> { [] }
    func stopNow(device: String) -> Bool { false }
}

extension UnitConfiguration {
    func drivenPumps(_ workers: [LineWorker]) -> [HostPump] { [] }
}

extension UnitHost {
    func commands() -> DeskRounds? { nil }
    func readRules() async {}
}

extension UnitReader {
    /// What would let pumps be driven is refused, with what is needed for it. The people that stand there in files of
    /// before may ask all the same, and sampling goes on.
    mutating func readPumps(_ map: YAMLMapping) {
        map.allow(["rules", "key", "operators", "socket"])
        if unit.people != nil || map["operators"] != nil { readPeople(ofPumps: map) }
        map.value.error("\(CommandPath.lacking); or take “pumps” out here")
    }

    func isDriven(_ handle: String, _ profile: DeviceProfile, on address: LineAddress, _ line: YAMLValue) -> Bool {
        false
    }
}
#endif
