import DeviceModel

/// The slots of a rack of devices, and which of them have reported; of a device that is no rack, none.
struct Rack: Sendable {
    private let names: [[UInt8]]
    /// By slot: when it last reported; negative when it is not there. Unit: ns.
    private var seen: [Int64]

    init(_ slots: [String]) {
        names = slots.map { Array($0.utf8) }
        seen = [Int64](repeating: -1, count: slots.count)
    }

    /// The slot a device means by this text; `nil` for one that the plan does not have.
    func slot(_ bytes: [UInt8], _ range: Range<Int>) -> Int? {
        names.firstIndex { CaptureTable.isText($0, bytes, range) }
    }

    /// The rack has reported this slot.
    mutating func see(slot: Int, _ moment: Moment, sink: inout RecordBuffer) {
        if seen[slot] < 0 { tell(.vmdConnected, slot: slot, moment, sink: &sink) }
        seen[slot] = moment.time
    }

    /// The next slot that was there and has not been reported since `time`; it counts as gone.
    mutating func expireSlot(since time: Int64, _ moment: Moment, sink: inout RecordBuffer) -> Int? {
        guard let slot = seen.firstIndex(where: { $0 >= 0 && $0 < time }) else { return nil }
        seen[slot] = -1
        tell(.vmdDisconnected, slot: slot, moment, sink: &sink)
        return slot
    }

    private func tell(_ event: EventCode, slot: Int, _ moment: Moment, sink: inout RecordBuffer) {
        var record = SampleRecord(kind: .event, index: 0, monotonicNanoseconds: moment.time, event: event)
        _ = record.setText(names[slot].prefix(SampleRecord.textCapacity))
        sink.take(record, frameOffset: moment.offset)
    }
}
