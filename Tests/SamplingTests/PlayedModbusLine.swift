import DeviceModel
import DevicePlans
import Fieldbus
import LineEngine
import ProfileLanguage
import RealTime
import StrictYAML
import TestSupport

@testable import Sampling

/// What a line in virtual time has come to.
struct Run {
    let line: PlayedBus
    let recorder: LineRecorder
    let records: [SampleRecord]

    func values(_ stream: Int? = nil) -> [SampleRecord] {
        records.filter { $0.kind == .sample && $0.validity == .valid && (stream == nil || Int($0.index) == stream) }
    }
    func told(_ event: EventCode) -> [SampleRecord] { records.filter { $0.kind == .event && $0.event == event } }
    var alerts: [SampleRecord.Kind] { records.map(\.kind).filter { $0 == .alertStart || $0 == .alertEnd } }
}

/// Devices of some registers each, by unit, on a line of theirs.
func plans(
    _ units: [UInt8], count: Int = 10, every: String = "100ms", isTCP: Bool = false, slowest: String = "500ms",
    line: String = "",
    without: Set<Int> = []
) throws -> [DevicePlan] {
    let medium = isTCP ? "modbus: tcp" : "modbus: rtu, baud: 115200, format: 8N1"
    var text = """
        nabd: profile/1
        device: {manufacturer: test, model: registers, kind: test}
        provenance: [{document: test, seen: here}]
        line: {\(medium), unit: 1, slowest-reply: \(slowest)\(line)}
        vmds:

        """
    for index in 0..<count where !without.contains(index) { text += "  c\(index): {label: channel}\n" }
    text += "metrics:\n"
    for index in 0..<count where !without.contains(index) {
        text +=
            "  - {metric: MDC_TEMP, vmd: c\(index), from: {holding: \(index), type: int16}, scale: 0.1, unit: Cel, "
            + "every: \(every)}\n"
    }
    let profile = try DeviceProfile.load(try YAMLFile(path: "test/registers/profile.yaml", text: text))
    return units.map { unit in
        var overrides = DeviceOverrides()
        overrides.unit = unit
        return profile.compile(handle: "unit-\(unit)", overrides: overrides)
    }
}

/// Runs a Modbus line in virtual time.
func run(
    _ plans: [DevicePlan], seconds: Int64, isTCP: Bool = false, orders: [LineOrder] = [],
    arrange: (PlayedBus) -> Void = { _ in },
    rule: @escaping (AskedRead) -> PlayedBus.Outcome
) -> Run {
    let clock = VirtualClock(seconds: seconds)
    let line = PlayedBus(clock, isTCP: isTCP, rule: rule)
    arrange(line)
    let recorder = LineRecorder(devices: plans.count)
    let mailbox = Ring<LineOrder>(minimumCapacity: 16, blank: .none)
    for order in orders { _ = mailbox.push(order) }
    // The ring is emptied as the recorder does it, so that it is never full.
    var records: [SampleRecord] = []
    func play(_ loop: LineLoop<some LineEngine, PlayedBus, VirtualClock>) {
        while !clock.stop.isSet, loop.step() { while let record = recorder.ring.pop() { records.append(record) } }
        loop.run(until: clock.stop)
    }
    if isTCP {
        play(
            LineLoop(
                TCPEngine(devices: plans, recorder: recorder, now: clock.now()), line: line, clock: clock,
                recorder: recorder, orders: mailbox))
    } else {
        let engine = RTUEngine(devices: plans, byteTime: 86_805, baud: 115_200, recorder: recorder, now: clock.now())
        play(LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: mailbox))
    }
    while let record = recorder.ring.pop() { records.append(record) }
    return Run(line: line, recorder: recorder, records: records)
}
