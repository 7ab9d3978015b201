package import DevicePlans

/// A line of Modbus RTU devices. Made here whole, so that what runs on a line's thread knows its wire.
package struct RTUEngine: LineEngine {
    private var engine: ModbusEngine<RTUWire>

    /// - Parameters:
    ///   - byteTime: how long a byte takes on the wire. Unit: ns.
    ///   - baud: bit/s.
    package init(devices: [DevicePlan], byteTime: Int64, baud: Int, recorder: LineRecorder, now: Int64) {
        engine = ModbusEngine(
            devices: devices, wire: RTUWire(byteTime: byteTime, baud: baud), recorder: recorder, now: now)
    }

    package var outgoing: [UInt8] { engine.outgoing }
    package var isDriven: Bool { engine.isDriven }
    package var mayTakeOrder: Bool { engine.mayTakeOrder }
    package mutating func next(at now: Int64) -> LineAction { engine.next(at: now) }
    package mutating func opened(at now: Int64) { engine.opened(at: now) }
    package mutating func lost(_ loss: LineLoss, at now: Int64) { engine.lost(loss, at: now) }
    package mutating func said(at now: Int64) { engine.said(at: now) }
    package mutating func heard(_ bytes: [UInt8], count: Int, isAll: Bool, at now: Int64) {
        engine.heard(bytes, count: count, at: now)
    }
    package mutating func take(_ order: LineOrder, at now: Int64) { engine.take(order, at: now) }
    package mutating func leave(at now: Int64) { engine.leave(at: now) }
}

/// A connection to Modbus TCP devices. Made here whole, as ``RTUEngine`` is.
package struct TCPEngine: LineEngine {
    private var engine: ModbusEngine<TCPWire>

    package init(devices: [DevicePlan], recorder: LineRecorder, now: Int64) {
        engine = ModbusEngine(devices: devices, wire: TCPWire(), recorder: recorder, now: now)
    }

    package var outgoing: [UInt8] { engine.outgoing }
    package var isDriven: Bool { engine.isDriven }
    package var mayTakeOrder: Bool { engine.mayTakeOrder }
    package mutating func next(at now: Int64) -> LineAction { engine.next(at: now) }
    package mutating func opened(at now: Int64) { engine.opened(at: now) }
    package mutating func lost(_ loss: LineLoss, at now: Int64) { engine.lost(loss, at: now) }
    package mutating func said(at now: Int64) { engine.said(at: now) }
    package mutating func heard(_ bytes: [UInt8], count: Int, isAll: Bool, at now: Int64) {
        engine.heard(bytes, count: count, at: now)
    }
    package mutating func take(_ order: LineOrder, at now: Int64) { engine.take(order, at: now) }
    package mutating func leave(at now: Int64) { engine.leave(at: now) }
}
