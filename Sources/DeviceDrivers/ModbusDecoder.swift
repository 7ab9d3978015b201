import DeviceModel
import DeviceProfiles

/// Turns the registers of a Modbus device into samples.
public struct ModbusDecoder: Sendable {
    private var judge: ValueJudge
    private var bytes = [UInt8](repeating: 0, count: ModbusBlock.longest * 2)

    public init(_ device: DevicePlan) { judge = ValueJudge(device) }

    /// Takes the registers of one read.
    public mutating func take(_ registers: [UInt16], of block: ModbusBlock, time: Int64, offset: Int = 0, sink: inout some RecordSink) {
        for index in 0..<min(block.count, registers.count) {
            bytes[index * 2] = UInt8(registers[index] >> 8)
            bytes[index * 2 + 1] = UInt8(truncatingIfNeeded: registers[index])
        }
        judge.read(block.outputs, bytes: bytes, start: 0, time: time, offset: offset, sink: &sink)
    }

    /// Samples without a value for all that a read would have brought.
    public func miss(_ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64, offset: Int = 0, sink: inout some RecordSink) {
        judge.miss(block.outputs, validity, reason, time: time, offset: offset, sink: &sink)
    }
}
