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
    private struct Entry: BitwiseCopyable {
        let record: SampleRecord
        let frameOffset: Int
    }

    private var entries: [Entry] = []

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        entries.append(Entry(record: record, frameOffset: frameOffset))
    }

    /// A sample that is a number: made where it lies.
    @inline(__always)
    mutating func take(
        number bits: Int64, of stream: UInt32, _ validity: Validity, _ reason: Reason, time: Int64, frameOffset: Int
    ) {
        entries.append(
            Entry(
                record: SampleRecord(
                    kind: .sample, index: stream, monotonicNanoseconds: time, bits: bits, validity: validity,
                    reason: reason), frameOffset: frameOffset))
    }

    mutating func hand(over sink: inout some RecordSink) {
        for entry in entries { sink.take(entry.record, frameOffset: entry.frameOffset) }
        entries.removeAll(keepingCapacity: true)
    }

    /// Room for so many records without an allocation.
    mutating func reserve(_ count: Int) { entries.reserveCapacity(count) }
}
