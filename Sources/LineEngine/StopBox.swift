#if Commands
package import RealTime

/// The stops that were asked for of a line's devices, and how far they have come.
final class StopBox: Sendable {
    /// Who asks for more at once than it holds is told of the last ones only.
    fileprivate let reports = Ring<StopReport>(minimumCapacity: 64, blank: .blank)
    /// By device: how many were asked for.
    fileprivate let asked: Counters

    init(devices: Int) { asked = Counters(count: max(1, devices)) }
}

extension LineRecorder {
    /// How far stops have come.
    package var stopReports: Ring<StopReport> { stops.reports }

    /// Asks for a stop of a device, from any thread: nothing is waited for. Returns how many it is, which its reports
    /// have.
    package func askStop(device: Int) -> Int64 { stops.asked.add(1, to: device) }

    /// How many stops of a device were asked for.
    package func stopsAsked(device: Int) -> Int64 { stops.asked[device] }
}

/// How far a stop has come.
package struct StopReport: Sendable, BitwiseCopyable, Equatable {
    package enum Kind: Sendable, BitwiseCopyable, Equatable {
        /// It may be on the wire, all or any of it.
        case said
        /// The device shows that it stands.
        case proven
        /// It could not be said, or the device does not show that it stands.
        case notDelivered
    }

    /// How many stops of the device had been asked for with it.
    package let number: Int64
    /// The device, by its place on the line.
    package let device: Int32
    package let kind: Kind
    /// Unit: ns of the monotonic clock.
    package let time: Int64

    static let blank = StopReport(number: 0, device: 0, kind: .notDelivered, time: 0)
}
#endif
