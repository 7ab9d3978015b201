package import DeviceModel
package import DevicePlans
import ModbusFrames
import ProfileLanguage

/// Turns the registers of a Modbus device into samples.
package struct ModbusDecoder: Sendable {
    var judge: ValueJudge
    /// Bits, each as a register.
    private var bytes = [UInt8](repeating: 0, count: ModbusBlock.longest * 2)
    private let captures = CaptureTable(capacity: 0)

    private var records = RecordBuffer()

    package init(_ device: DevicePlan) {
        judge = ValueJudge(device)
        // A sample of each value of the longest read, and an alert.
        records.reserve(2 * ModbusBlock.longest)
    }

    /// Takes the data of an answer: registers, the upper byte first, or bits, eight to a byte.
    ///
    /// - Parameters:
    ///   - data: bytes of which those from `start` on are the block's.
    package mutating func take(
        _ data: [UInt8], from start: Int, of block: ModbusBlock, time: Int64, offset: Int = 0,
        sink: inout some RecordSink
    ) {
        let moment = Moment(time: time, offset: offset)
        judge.beginMessage()
        defer { records.hand(over: &sink) }
        if block.space == .identification { return takeObject(data, start, block, moment, sink: &sink) }
        guard block.space.isBits else {
            let length = min(block.count * 2, data.count - start)
            if !block.swapped.isEmpty {
                for place in 0..<length { bytes[place] = data[start + place] }
                for range in block.swapped where range.upperBound <= length {
                    for place in stride(from: range.lowerBound, to: range.upperBound - 1, by: 2) {
                        bytes.swapAt(place, place + 1)
                    }
                }
                return judge.read(
                    block.list, bytes: bytes, start: 0, length: length, captures: captures, moment, sink: &records)
            }
            return judge.read(
                block.list, bytes: data, start: start, length: length, captures: captures, moment, sink: &records)
        }
        // A plan sees each bit as a register of its own.
        let count = min(block.count, (data.count - start) * 8)
        for index in 0..<count {
            bytes[index * 2] = 0
            bytes[index * 2 + 1] = data[start + index / 8] >> UInt8(index % 8) & 1
        }
        judge.read(block.list, bytes: bytes, start: 0, length: count * 2, captures: captures, moment, sink: &records)
    }

    /// An object of the device identification, of an answer whose third byte is at `start`.
    private mutating func takeObject(
        _ data: [UInt8], _ start: Int, _ block: ModbusBlock, _ moment: Moment, sink: inout some RecordSink
    ) {
        let place = start - 2
        guard place >= 0, case .object(_, let text)? = ModbusAnswer(data, at: place, end: data.count) else {
            return judge.miss(block.fields, .invalid, .malformed, moment, sink: &records)
        }
        for index in 0..<ModbusBlock.longestObject {
            bytes[index] = index < text.count ? data[text.lowerBound + index] : 0
        }
        judge.read(
            block.list, bytes: bytes, start: 0, length: ModbusBlock.longestObject, captures: captures, moment,
            sink: &records)
    }

    /// Samples without a value for all that a read would have brought.
    package mutating func miss(
        _ block: ModbusBlock, _ validity: Validity, _ reason: Reason, time: Int64, offset: Int = 0,
        sink: inout some RecordSink
    ) {
        judge.miss(block.fields, validity, reason, Moment(time: time, offset: offset), sink: &records)
        records.hand(over: &sink)
    }

    /// How the clocks on the wall stand, for results with a time of their own.
    package var civilClock: CivilClock? {
        get { judge.civilClock }
        set { judge.civilClock = newValue }
    }

    /// The device may be another by now: it must say again who it is before its values count.
    package mutating func forgetIdentity() { judge.forgetIdentity() }
}
