import DeviceModel
package import DevicePlans
package import Fieldbus
import ProfileLanguage
import RealTime

/// Plays devices from their profiles' own text, at the pace of their line: one serial device, or any number of Modbus
/// units on one bus.
///
/// It is for demonstrations and for authors. It shares the profile, and so every mistake in it, with the host: what
/// proves a profile is its vectors and devices that others wrote.
package final class DevicePlayer: @unchecked Sendable {
    private let plans: [DevicePlan]
    private let end: DeviceEnd
    private let stopFlag = StopFlag()
    private var faults: FaultScript?
    private let scene: PlayedScene
    private var thread: RealTimeThread?

    /// Where a client finds the device.
    package let name: String

    /// Devices that cannot be on one line.
    package struct Unplayable: Error, CustomStringConvertible {
        package let description: String
    }

    /// - Parameter plans: the profiles, compiled with the units and scales that the devices shall have.
    package init(
        _ plans: [DevicePlan], on address: LineAddress, faults: FaultScript? = nil, scene: PlayedScene = PlayedScene()
    ) throws {
        guard let first = plans.first else { throw Unplayable(description: "there is no device to play") }
        if plans.count > 1 {
            guard plans.allSatisfy({ if case .modbus = $0.protocolPlan { true } else { false } }) else {
                throw Unplayable(
                    description: "only Modbus devices share a line; a serial protocol has its line for itself")
            }
            guard plans.allSatisfy({ $0.line.transport == first.line.transport && $0.line.serial == first.line.serial })
            else {
                throw Unplayable(description: "the devices differ in transport, baud rate or format")
            }
            guard Set(plans.map(\.line.unit)).count == plans.count else {
                throw Unplayable(description: "two devices on one line have the same Modbus unit: write PROFILE@UNIT")
            }
        }
        self.plans = plans
        self.faults = faults
        self.scene = scene
        end = try DeviceEnd(address)
        name = end.name
    }

    /// Of SCHED_FIFO, where that is allowed, below the host's: what else a machine does keeps no device from speaking.
    /// Range: 1…99.
    private static let priority: Int32 = 5

    package func start() throws {
        thread = try RealTimeThread(name: "play \(plans[0].handle)", priority: Self.priority) { [self] in run() }
    }

    package func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }

    private func run() {
        let serial = plans[0].line.serial
        let pace: Int64 = serial.map { Int64($0.bitsPerByte) * 1_000_000_000 / Int64($0.baud) } ?? 0
        var output = PlayedOutput(end: end, pace: pace, faults: faults, kind: .serial)
        switch plans[0].protocolPlan {
        case .serial(let serial):
            let player = SerialPlayer(plan: plans[0], serial: serial, scene: scene)
            player.run(end, &output, until: stopFlag)
        case .modbus:
            output.kind = plans[0].line.transport == .modbusTCP ? .modbusTCP : .modbusRTU
            let player = ModbusPlayer(plans: plans, scene: scene)
            player.run(end, &output, until: stopFlag)
        }
    }
}

/// Sends messages, with what the faults make of them.
struct PlayedOutput {
    let end: DeviceEnd
    /// Time a byte takes on the line. Unit: ns.
    let pace: Int64
    var faults: FaultScript?
    var kind: FaultScript.Kind
    private let clock = MonotonicClock()

    init(end: DeviceEnd, pace: Int64, faults: FaultScript?, kind: FaultScript.Kind) {
        self.end = end
        self.pace = pace
        self.faults = faults
        self.kind = kind
    }

    mutating func send(_ message: [UInt8]) {
        guard let outcome = faults?.apply(message, kind) else { return end.write(message, nanosecondsPerByte: pace) }
        if outcome.isUnplugged { end.hangUp() }
        if outcome.delay > 0 { clock.sleep(until: clock.now() + outcome.delay) }
        guard outcome.gap > 0 else { return end.write(outcome.bytes, nanosecondsPerByte: pace) }
        for byte in outcome.bytes {
            clock.sleep(until: clock.now() + outcome.gap)
            end.write([byte], nanosecondsPerByte: 0)
        }
    }
}
