import DeviceDrivers
import DeviceModel
import RealTime
import Synchronization

/// One line's way to the journal: the ring its thread fills, and what it counts about itself.
public final class LineRecorder: Sendable {
    /// Records held while the journal is busy. At 10,000 samples a second this is 1.6 s; at the unit's usual rate, minutes.
    public static let capacity = 16_384

    public let ring = Ring<SampleRecord>(minimumCapacity: LineRecorder.capacity, blank: .blank)
    public let lateness = LatenessHistogram()
    private let lostRecords = Atomic<Int64>(0)
    private let missed = Atomic<Int64>(0)
    private let asked = Atomic<Int64>(0)
    private let answered = Atomic<Int64>(0)

    public init() {}

    /// Records lost because the ring was full, in all. Each loss is also an event in the journal.
    public var lost: Int64 { lostRecords.load(ordering: .relaxed) }
    /// Periods that passed without a reading because the thread woke too late, in all.
    public var missedDeadlines: Int64 { missed.load(ordering: .relaxed) }
    /// Requests sent, in all.
    public var requests: Int64 { asked.load(ordering: .relaxed) }
    /// Requests answered, in all.
    public var replies: Int64 { answered.load(ordering: .relaxed) }

    func countLost() { lostRecords.wrappingAdd(1, ordering: .relaxed) }
    func countMissed(_ periods: Int64) { missed.wrappingAdd(periods, ordering: .relaxed) }
    func countSent() { asked.wrappingAdd(1, ordering: .relaxed) }
    func countAnswered() { answered.wrappingAdd(1, ordering: .relaxed) }
}

/// Puts one device's records into its line's ring. A full ring loses records and counts them; the journal tells of the loss as an event.
struct RingSink: RecordSink {
    let recorder: LineRecorder
    /// What is added to the device's own indices to make the line's.
    let streamBase: UInt32
    let alertBase: UInt32
    let device: UInt32
    /// Samples that carried a value since it was last asked: how the loop knows that the device is alive.
    private var fresh = 0

    init(recorder: LineRecorder, streamBase: Int, alertBase: Int, device: Int) {
        self.recorder = recorder
        self.streamBase = UInt32(streamBase)
        self.alertBase = UInt32(alertBase)
        self.device = UInt32(device)
    }

    mutating func take(_ record: SampleRecord, frameOffset: Int) {
        var record = record
        switch record.kind {
        case .sample:
            record.index += streamBase
            if record.reason == .none || record.reason == .sentinel || record.reason == .deviceStatus || record.reason == .implausible {
                fresh += 1
            }
        case .event: record.index = device
        case .alertStart, .alertEnd: record.index += alertBase
        }
        push(record)
    }

    mutating func event(_ event: EventCode, figure: Int64 = 0, time: Int64) {
        push(SampleRecord(kind: .event, index: device, monotonicNanoseconds: time, bits: figure, event: event))
    }

    mutating func takeFresh() -> Bool {
        defer { fresh = 0 }
        return fresh > 0
    }

    private mutating func push(_ record: SampleRecord) {
        if !recorder.ring.push(record) { recorder.countLost() }
    }
}
