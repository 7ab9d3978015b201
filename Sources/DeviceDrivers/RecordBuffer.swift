package import DeviceModel
import DevicePlans

/// A record, and where its frame stands in the stream of bytes, for captures.
package struct TakenRecord: Sendable, BitwiseCopyable {
    package fileprivate(set) var record: SampleRecord
    package fileprivate(set) var frameOffset: Int

    static let blank = TakenRecord(record: .blank, frameOffset: 0)
}

/// Where samples, alerts and events of a device go.
package protocol RecordSink {
    /// Takes a record. Indices are those of the device's plan. `frameOffset` is the frame's place in the stream of
    /// bytes, for captures.
    mutating func take(_ record: SampleRecord, frameOffset: Int)

    /// Takes several, in order. A sink that is asked often has its own, which is compiled for it.
    mutating func take(all records: Span<TakenRecord>)
}

extension RecordSink {
    package mutating func take(all records: Span<TakenRecord>) {
        for place in records.indices { take(records[place].record, frameOffset: records[place].frameOffset) }
    }
}

/// What is being read, until it goes to its sink: one type, so that reading is compiled for it and not for any sink. It
/// keeps its room.
struct RecordBuffer: Sendable {
    /// Of those from ``count`` on nothing but their empty text is known: what makes a number need not write it.
    private var entries: [TakenRecord] = []
    private var count = 0
    private var carriesText = false

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        reserve(count + 1)
        entries[count] = TakenRecord(record: record, frameOffset: frameOffset)
        count += 1
        if record.textLength > 0 { carriesText = true }
    }

    /// Samples of a run of plain numbers of a list, all of one moment: each is made where it lies.
    ///
    /// - Parameters:
    ///   - numbers: the list's, of which the run is a part; so its sentinels and gates.
    ///   - bytes: all that the list is read from.
    mutating func take(
        _ run: Range<Int>, of numbers: [PlainNumber], _ sentinels: [PlainNumber.Sentinel], _ gates: [PlainNumber.Gate],
        _ bytes: Span<UInt8>, _ moment: Moment
    ) {
        let first = count
        reserve(first + run.count)
        count = first + run.count
        let (numbers, sentinels, gates) = (numbers.span, sentinels.span, gates.span)
        var free = entries.mutableSpan
        var next = first
        for place in run {
            let (bits, validity, reason) = numbers[place].judged(bytes, sentinels, gates)
            free[next].record.kind = .sample
            free[next].record.validity = validity
            free[next].record.reason = reason
            free[next].record.event = .none
            free[next].record.textLength = 0
            free[next].record.index = numbers[place].stream
            free[next].record.repeats = 0
            free[next].record.monotonicNanoseconds = moment.time
            free[next].record.bits = bits
            free[next].frameOffset = moment.offset
            next += 1
        }
    }

    mutating func hand(over sink: inout some RecordSink) {
        guard count > 0 else { return }
        sink.take(all: entries.span.extracting(0..<count))
        if carriesText {
            for place in 0..<count where entries[place].record.textLength > 0 { entries[place] = .blank }
            carriesText = false
        }
        count = 0
    }

    /// Room for so many records without an allocation.
    mutating func reserve(_ room: Int) {
        if room > entries.count { grow(to: room) }
    }

    @inline(never)
    private mutating func grow(to room: Int) {
        let most = max(room, 2 * entries.count)
        entries.reserveCapacity(most)
        while entries.count < most { entries.append(.blank) }
    }
}

extension [UInt8] {
    /// Writes over bytes that are there, without asking for each whether the array is its own.
    mutating func put(_ count: Int, of bytes: [UInt8], from start: Int, at place: Int) {
        let source = bytes.span.extracting(start..<(start + count))
        var free = mutableSpan
        for position in source.indices { free[place + position] = source[position] }
    }
}
