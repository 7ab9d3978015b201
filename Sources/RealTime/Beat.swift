import Synchronization

/// The last sign of life of a thread: it gives one in each of its rounds, anybody reads it. No lock, no allocation.
package final class Beat: Sendable {
    /// Whose hands the thread was in when it gave its sign.
    package enum Place: Sendable {
        /// Its own: it comes round within moments.
        case own
        /// The system's, in a call that may take its time: the disk, the opening of a line.
        case system
    }

    /// What was last said.
    package struct Sign: Sendable, Hashable {
        /// Unit: ns of the monotonic clock.
        package let time: Int64
        package let place: Place

        package init(time: Int64, place: Place) { (self.time, self.place) = (time, place) }
    }

    /// The time, negative where the thread went into the system; 0 before the first sign.
    private let state = Atomic<Int64>(0)

    package init() {}

    /// - Parameter time: of the monotonic clock, greater than 0. Unit: ns.
    package func give(at time: Int64, into place: Place = .own) {
        state.store(place == .own ? time : -time, ordering: .relaxed)
    }

    /// `nil` before the first.
    package var last: Sign? {
        switch state.load(ordering: .relaxed) {
        case 0: nil
        case let time where time > 0: Sign(time: time, place: .own)
        case let time: Sign(time: -time, place: .system)
        }
    }
}
