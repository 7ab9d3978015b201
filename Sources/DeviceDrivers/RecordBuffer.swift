package import DeviceModel

/// Where samples, alerts and events of a device go.
package protocol RecordSink {
    /// Takes a record. Indices are those of the device's plan. `frameOffset` is the frame's place in the stream of
    /// bytes, for captures.
    mutating func take(_ record: SampleRecord, frameOffset: Int)
}

/// What is being read, until it goes to its sink: one type, so that reading is compiled for it and not for any sink. It
/// keeps its room.
struct RecordBuffer: Sendable {
    private var records: [SampleRecord] = []
    private var offsets: [Int] = []

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        records.append(record)
        offsets.append(frameOffset)
    }

    mutating func hand(over sink: inout some RecordSink) {
        for place in records.indices { sink.take(records[place], frameOffset: offsets[place]) }
        records.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
    }

    /// Room for so many records without an allocation.
    mutating func reserve(_ count: Int) {
        records.reserveCapacity(count)
        offsets.reserveCapacity(count)
    }
}
