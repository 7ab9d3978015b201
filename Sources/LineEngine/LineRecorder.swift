import DeviceDrivers
package import DeviceModel
package import RealTime
import Synchronization

/// One line's way to the journal: the ring its thread fills, and what it counts about itself.
package final class LineRecorder: Sendable {
    /// Records held while the journal is busy. At 10,000 samples a second this is 1.6 s; at the unit's usual rate,
    /// minutes.
    package static let capacity = 16_384

    package let ring = Ring<SampleRecord>(minimumCapacity: LineRecorder.capacity, blank: .blank)
    /// What became of orders. It has room for every order that may be under way.
    package let outcomes = Ring<OrderOutcome>(minimumCapacity: LineRecorder.mostOrders, blank: .blank)
    /// Orders that may be under way on a line at once, waiting or said.
    package static let mostOrders = 16
    /// The stops of its devices.
    let stops: StopBox
    package let lateness = LatenessHistogram()
    /// The signs of life of the line's thread.
    package let beat = Beat()
    private let counters: Counters
    private let lostRecords = Atomic<Int64>(0)
    private let missed = Atomic<Int64>(0)
    private let busy = Atomic<Int64>(0)
    private let began = Atomic<Int64>(0)
    private let utcOffset = Atomic<Int64>(.min)
    private let zone = Atomic<Int64>(0)

    package init(devices: Int) {
        counters = Counters(count: max(1, devices) * LinkCount.caseCount)
        stops = StopBox(devices: devices)
    }

    /// Records lost because the ring was full, in all. Each loss is also an event in the journal.
    package var lost: Int64 { lostRecords.load(ordering: .relaxed) }
    /// Periods that passed without a reading because the thread woke too late or the line was taken, in all.
    package var missedDeadlines: Int64 { missed.load(ordering: .relaxed) }

    /// What has been counted of one device of the line.
    package func count(_ count: LinkCount, device: Int) -> Int64 {
        counters[device * LinkCount.caseCount + count.rawValue]
    }

    /// What has been counted of all devices of the line.
    package func total(_ count: LinkCount) -> Int64 {
        stride(from: count.rawValue, to: counters.count, by: LinkCount.caseCount).reduce(0) { $0 + counters[$1] }
    }

    /// The share of the time since the line's thread began that exchanges and what devices send unasked have taken.
    /// Range: 0…1.
    package func utilisation(now: Int64) -> Double {
        let start = began.load(ordering: .relaxed)
        guard start > 0, now > start else { return 0 }
        return min(1, Double(busy.load(ordering: .relaxed)) / Double(now - start))
    }

    /// How the clocks on the wall stand, told by whoever reads them; `nil` before that.
    package var civilClock: CivilClock? {
        let offset = utcOffset.load(ordering: .relaxed)
        return offset == .min ? nil : CivilClock(utcOffset: offset, zone: zone.load(ordering: .relaxed))
    }

    package func tell(_ clock: CivilClock) {
        zone.store(clock.zone, ordering: .relaxed)
        utcOffset.store(clock.utcOffset, ordering: .relaxed)
    }

    package func begin(at time: Int64) { began.store(time, ordering: .relaxed) }
    func countBusy(_ nanoseconds: Int64) { busy.wrappingAdd(max(0, nanoseconds), ordering: .relaxed) }
    func countLost() { lostRecords.wrappingAdd(1, ordering: .relaxed) }
    func countMissed(_ periods: Int64) { missed.wrappingAdd(periods, ordering: .relaxed) }
    func add(_ amount: Int64, to count: LinkCount, device: Int) {
        counters.add(amount, to: device * LinkCount.caseCount + count.rawValue)
    }
}
