import DeviceDrivers
package import DeviceModel
package import DevicePlans
package import Fieldbus
package import LineEngine
package import ProfileLanguage
package import RealTime

/// One line of the unit with the devices on it: its thread, its ring, and what the ring's indices stand for.
package final class LineWorker: @unchecked Sendable {
    package let address: LineAddress
    package let recorder: LineRecorder
    /// The handles of the devices on the line; events index them.
    package let devices: [String]
    /// The streams of all devices on the line; samples index them.
    package let streams: [StreamDescriptor]
    /// The alerts of all devices on the line: those of their profiles, then those about the link. Alert records index
    /// them.
    package let alerts: [LineAlert]
    /// What each device does when the host falls silent; those of whom nobody knows it are not among them.
    package let silences: [(device: String, does: SessionDescription.Silence)]

    private let plans: [DevicePlan]
    /// Orders that wait for the line's thread.
    private let orders = Ring<LineOrder>(minimumCapacity: LineRecorder.mostOrders, blank: .none)
    /// Orders handed in whose outcome has not been taken.
    private var underWay = 0
    /// Wakes the line's thread where it waits for bytes; `nil` where no device on the line is driven.
    let bell: Bell?
    private let stopFlag = StopFlag()
    private var thread: RealTimeThread?

    /// - Parameter plans: the devices on the line. A serial protocol has its line for itself; Modbus devices share one.
    package init(address: LineAddress, plans: [DevicePlan]) {
        self.address = address
        self.plans = plans
        devices = plans.map(\.handle)
        streams = plans.flatMap(\.streams)
        alerts =
            plans.flatMap { plan in plan.alerts.map { LineAlert(device: plan.handle, $0) } }
            + plans.flatMap { plan in LinkAlert.allCases.map { LineAlert(device: plan.handle, $0) } }
        silences = plans.compactMap { plan in plan.profile.session.silence.map { (plan.handle, $0) } }
        recorder = LineRecorder(devices: plans.count)
        bell = plans.contains { !$0.commands.isEmpty } ? Bell() : nil
    }

    /// How the line's thread is scheduled; `nil` before it runs.
    package var scheduling: SchedulingOutcome? { thread?.scheduling }

    /// Starts the line's thread.
    ///
    /// - Parameter priority: SCHED_FIFO priority, 1…99; 0 asks for none.
    package func start(priority: Int32) throws(ThreadStartError) {
        guard let run = loop() else { return }
        let name = "line \(devices.first ?? "")"
        thread = try RealTimeThread(name: name, priority: priority, body: run)
    }

    /// Hands an order in, to be said once; its outcome comes from ``takeOutcome()``. One thread hands in and takes.
    /// `false`, and nothing is said, when too many are under way.
    package func hand(in order: LineOrder) -> Bool {
        guard underWay < LineRecorder.mostOrders, orders.push(order) else { return false }
        underWay += 1
        return true
    }

    /// What became of an order; `nil` when no more is known yet.
    package func takeOutcome() -> OrderOutcome? {
        guard let outcome = recorder.outcomes.pop() else { return nil }
        underWay -= 1
        return outcome
    }

    /// Tells the thread to stop, without waiting.
    package func askToStop() { stopFlag.set() }

    /// Tells the thread to stop and waits until it has; the line is closed then.
    package func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }

    private func loop() -> (@Sendable () -> Void)? {
        guard let first = plans.first else { return nil }
        let (plans, recorder, orders, stop, address, bell) = (plans, recorder, orders, stopFlag, address, bell)
        let clock = MonotonicClock()
        let settings = first.line.serial.map(SerialSettings.init)
        switch (first.protocolPlan, address) {
        case (.serial(let plan), .path(let path)):
            guard let settings else { return nil }
            return {
                let engine = TextEngine(
                    device: first, plan: plan, byteTime: settings.nanosecondsPerByte, recorder: recorder,
                    now: clock.now())
                LineLoop(
                    engine, line: SerialLine(path: path, settings: settings, bell: bell), clock: clock,
                    recorder: recorder, orders: orders
                ).run(until: stop)
            }
        case (.serial(let plan), .tcp(let host, let port)):
            return {
                let engine = TextEngine(
                    device: first, plan: plan, byteTime: settings?.nanosecondsPerByte ?? 0, recorder: recorder,
                    now: clock.now())
                LineLoop(
                    engine, line: TCPLine(host: host, port: port), clock: clock, recorder: recorder, orders: orders
                ).run(until: stop)
            }
        case (.serial(let plan), .listening(let host, let port, let caller)):
            return {
                let engine = TextEngine(device: first, plan: plan, byteTime: 0, recorder: recorder, now: clock.now())
                let line = ListeningLine(host: host, port: port, caller: caller)
                LineLoop(engine, line: line, clock: clock, recorder: recorder, orders: orders).run(until: stop)
            }
        case (.modbus, .path(let path)):
            guard let settings else { return nil }
            return Self.rtu(
                plans, settings, on: { ModbusPort(.rtu(path: path, settings), bell: bell) }, recorder, orders,
                until: stop)
        case (.modbus, .rtuOverTCP(let host, let port)):
            guard let settings else { return nil }
            return Self.rtu(plans, settings, on: { TCPLine(host: host, port: port) }, recorder, orders, until: stop)
        case (.modbus, .tcp(let host, let port)), (.modbus, .modbusTCP(let host, let port)):
            return {
                let engine = TCPEngine(devices: plans, recorder: recorder, now: clock.now())
                let port = ModbusPort(.tcp(host: host, port: port, endsAtOnce: engine.isDriven), bell: bell)
                LineLoop(engine, line: port, clock: clock, recorder: recorder, orders: orders).run(until: stop)
            }
        // What no device can be on, as `DevicePlan.fault(on:)` says.
        case (.serial, .rtuOverTCP), (.serial, .modbusTCP), (.modbus, .listening), (_, .newPseudoTerminal): return nil
        }
    }

    private static func rtu<Carrier: ByteLine & SendableMetatype>(
        _ plans: [DevicePlan], _ settings: SerialSettings, on line: @escaping @Sendable () -> Carrier,
        _ recorder: LineRecorder,
        _ orders: Ring<LineOrder>, until stop: StopFlag
    ) -> @Sendable () -> Void {
        let isASCII = plans[0].line.isASCII
        return {
            let clock = MonotonicClock()
            // A byte takes two characters in ASCII, and its frames may pause within.
            let byteTime = settings.nanosecondsPerByte * (isASCII ? 2 : 1)
            let engine = RTUEngine(
                devices: plans, byteTime: byteTime, baud: settings.baud / (isASCII ? 2 : 1), recorder: recorder,
                now: clock.now())
            if isASCII {
                LineLoop(engine, line: ASCIILine(line()), clock: clock, recorder: recorder, orders: orders).run(
                    until: stop)
            } else {
                LineLoop(engine, line: line(), clock: clock, recorder: recorder, orders: orders).run(until: stop)
            }
        }
    }
}

extension SerialSettings {
    /// The settings a profile, or the configuration over it, asks for.
    package init(_ format: SerialFormat) {
        let flow: FlowControl =
            switch format.flow {
            case .none: .none
            case .hardware: .hardware
            case .software: .software
            }
        self.init(
            baud: format.baud, dataBits: format.dataBits, parity: Character(format.parity.rawValue),
            stopBits: format.stopBits, flow: flow, dtr: format.dtr,
            rts: format.rts, isRS485: format.isRS485)
    }
}
