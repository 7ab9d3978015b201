import DeviceModel
import DeviceProfiles

/// Turns the registers of a Modbus device into samples.
public struct ModbusDecoder: Sendable {
    private var judge: ValueJudge
    private var bytes = [UInt8](repeating: 0, count: ModbusBlock.longest * 2)
    private let captures = CaptureTable(capacity: 0)

    public init(_ device: DevicePlan) { judge = ValueJudge(device) }

    /// Takes the registers (or bits, one in each element) of one read.
    public mutating func take(_ registers: [UInt16], of block: ModbusBlock, time: Int64, offset: Int = 0, sink: inout some RecordSink) {
        let count = min(block.count, registers.count)
        for index in 0..<count {
            bytes[index * 2] = UInt8(registers[index] >> 8)
            bytes[index * 2 + 1] = UInt8(truncatingIfNeeded: registers[index])
        }
        judge.read(block.fields, bytes: bytes, start: 0, length: count * 2, captures: captures, Moment(time: time, offset: offset), sink: &sink)
    }

    /// Samples without a value for all that a read would have brought.
    public func miss(_ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64, offset: Int = 0, sink: inout some RecordSink) {
        judge.miss(block.fields, validity, reason, Moment(time: time, offset: offset), sink: &sink)
    }

    /// The device may be another by now: it must say again who it is before its values count.
    public mutating func forgetIdentity() { judge.forgetIdentity() }
}
