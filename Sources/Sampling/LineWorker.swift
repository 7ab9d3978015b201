import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import RealTime

/// One line of the unit with the devices on it: its thread, its ring, and what the ring's indices stand for.
public final class LineWorker: @unchecked Sendable {
    public let address: LineAddress
    public let recorder: LineRecorder
    /// The handles of the devices on the line; events index them.
    public let devices: [String]
    /// The streams of all devices on the line; samples index them.
    public let streams: [StreamDescriptor]
    /// The alerts of all devices on the line: those of their profiles, then those about the link. Alert records index them.
    public let alerts: [LineAlert]

    private let plans: [DevicePlan]
    private let stopFlag = StopFlag()
    private var thread: RealTimeThread?

    /// - Parameter plans: the devices on the line. A serial protocol has its line for itself; Modbus devices share one.
    public init(address: LineAddress, plans: [DevicePlan]) {
        self.address = address
        self.plans = plans
        devices = plans.map(\.handle)
        streams = plans.flatMap(\.streams)
        alerts =
            plans.flatMap { plan in plan.alerts.map { LineAlert(device: plan.handle, $0) } }
            + plans.flatMap { plan in LinkAlert.allCases.map { LineAlert(device: plan.handle, $0) } }
        recorder = LineRecorder(devices: plans.count)
    }

    /// How the line's thread is scheduled; `nil` before it runs.
    public var scheduling: SchedulingOutcome? { thread?.scheduling }

    /// Starts the line's thread.
    ///
    /// - Parameter priority: SCHED_FIFO priority, 1…99; 0 asks for none.
    public func start(priority: Int32) throws(ThreadStartError) {
        guard let run = loop() else { return }
        let name = "line \(devices.first ?? "")"
        thread = try RealTimeThread(name: name, priority: priority, body: run)
    }

    /// Tells the thread to stop, without waiting.
    public func askToStop() { stopFlag.set() }

    /// Tells the thread to stop and waits until it has; the line is closed then.
    public func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }

    private func loop() -> (@Sendable () -> Void)? {
        guard let first = plans.first else { return nil }
        let (plans, recorder, stop, address) = (plans, recorder, stopFlag, address)
        let clock = MonotonicClock()
        let settings = first.line.serial.map(SerialSettings.init)
        switch (first.protocolPlan, address) {
        case (.serial(let plan), .path(let path)):
            guard let settings else { return nil }
            return {
                SerialLineLoop(device: first, plan: plan, line: SerialLine(path: path, settings: settings), clock: clock, recorder: recorder)
                    .run(until: stop)
            }
        case (.serial(let plan), .tcp(let host, let port)):
            return {
                SerialLineLoop(device: first, plan: plan, line: TCPLine(host: host, port: port), clock: clock, recorder: recorder)
                    .run(until: stop)
            }
        case (.modbus, .path(let path)):
            guard let settings else { return nil }
            return {
                let client = RTUClient(ModbusPort(.rtu(path: path, settings)), settings: settings, clock: clock)
                ModbusLineLoop(devices: plans, line: client, clock: clock, recorder: recorder).run(until: stop)
            }
        case (.modbus, .tcp(let host, let port)):
            return {
                let client = TCPClient(ModbusPort(.tcp(host: host, port: port)), clock: clock)
                ModbusLineLoop(devices: plans, line: client, clock: clock, recorder: recorder).run(until: stop)
            }
        case (_, .newPseudoTerminal): return nil
        }
    }
}

extension SerialSettings {
    /// The settings a profile, or the configuration over it, asks for.
    public init(_ format: SerialFormat) {
        let flow: FlowControl =
            switch format.flow {
            case .none: .none
            case .hardware: .hardware
            case .software: .software
            }
        self.init(
            baud: format.baud, dataBits: format.dataBits, parity: Character(format.parity.rawValue), stopBits: format.stopBits, flow: flow, dtr: format.dtr,
            rts: format.rts)
    }
}
