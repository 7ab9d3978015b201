extension BindingFold {
    /// A stretch of a session's time over which nothing changes of whose values are given, nor ever changed.
    package struct Stretch: Sendable, Hashable {
        /// Its first moment; the lowest number where it began with the session. Unit: ns of the monotonic clock.
        package let from: Int64
        /// Where the next one begins; the highest number where none does.
        package let to: Int64
        /// The withdrawn bindings under which values of it were filed, in the order of their numbers, which is that in
        /// which they were withdrawn: of two at a time the later one could be made only when the earlier counted no
        /// longer.
        package let withdrawn: [Binding]
        /// The binding that counts.
        package let counting: Binding?
    }

    /// All of a session as stretches for what a device gives. Where a binding ever began or ended at a bed that claims
    /// it at any time, one begins: what was cut there once stays cut, whatever is withdrawn later.
    package func stretches(ofDevice device: String, in session: String) -> [Stretch] {
        stretches(atBeds: timeline.beds(claiming: device, in: session, at: nil), in: session) {
            timeline.beds(claiming: device, in: session, at: $0)
        }
    }

    /// The same for what is told of a bed itself.
    package func stretches(ofBed bed: String, in session: String) -> [Stretch] {
        stretches(atBeds: [bed], in: session) { _ in [bed] }
    }

    private func stretches(atBeds beds: [String], in session: String, bedsAt: (Int64) -> [String]) -> [Stretch] {
        let ofBeds = bindings.filter { beds.contains($0.bed) }
        let reaching = ofBeds.compactMap { binding in
            range(of: binding, in: session).map { (binding: binding, times: $0) }
        }
        var starts: Set<Int64> = [.min]
        starts.formUnion(timeline.changes(in: session))
        // Of one that reaches over nothing too: before it ended it may have.
        for moment in ofBeds.flatMap({ [$0.since, $0.until].compactMap(\.self) }) where moment.session == session {
            starts.insert(moment.nanoseconds)
        }
        starts.remove(.max)
        let places = starts.sorted()
        var coming = reaching.sorted { $0.times.lowerBound < $1.times.lowerBound }[...]
        var here: [(binding: Binding, times: Range<Int64>)] = []
        return places.indices.map { index in
            let from = places[index]
            here.removeAll { $0.times.upperBound <= from }
            while let next = coming.first, next.times.lowerBound <= from {
                here.append(next)
                coming = coming.dropFirst()
            }
            let claiming = bedsAt(from)
            let claimed = here.map(\.binding).filter { claiming.contains($0.bed) }.sorted { $0.number < $1.number }
            return Stretch(
                from: from, to: index + 1 < places.count ? places[index + 1] : .max,
                withdrawn: claimed.filter(\.isWithdrawn),
                // Where two beds claim it, it is nobody's.
                counting: claiming.count == 1 ? claimed.last { !$0.isWithdrawn } : nil)
        }
    }
}
