extension BindingFold {
    /// The one who is at the bed now.
    package func openBinding(atBed bed: String) -> Binding? { bindings.last { $0.bed == bed && $0.isOpen } }

    package func openBinding(ofSubject subject: String) -> Binding? {
        bindings.last { $0.subject == subject && $0.isOpen }
    }

    /// The last one at the bed, where nobody knows whether the patient is still there.
    package func lostBinding(atBed bed: String) -> Binding? {
        bindings.last { $0.bed == bed && !$0.isWithdrawn }.flatMap { $0.isLost ? $0 : nil }
    }

    package func binding(_ number: Int64) -> Binding? { index(of: number).map { bindings[$0] } }

    /// The number of the binding by which whoever is there first came: before any correction of who it is.
    package func root(of binding: Binding) -> Int64 {
        var (first, steps) = (binding, 0)
        while steps < 100, let replaced = first.replaces.flatMap({ self.binding($0) }) {
            (first, steps) = (replaced, steps + 1)
        }
        return first.number
    }

    /// The one that counts at the bed at that moment, as is known now; `nil` where there is none, and where the session
    /// is not known.
    package func binding(atBed bed: String, at moment: Moment) -> Binding? {
        guard timeline.knows(moment.session) else { return nil }
        return bindings.last { $0.bed == bed && !$0.isWithdrawn && reaches($0, moment) }
    }

    /// The bed of a device; `nil` where none has it, or two.
    package func bed(ofDevice device: String, at moment: Moment) -> String? {
        timeline.bed(ofDevice: device, at: moment)
    }

    /// Whose values a device gives at that moment, as is known now.
    package func binding(ofDevice device: String, at moment: Moment) -> Binding? {
        bed(ofDevice: device, at: moment).flatMap { binding(atBed: $0, at: moment) }
    }

    /// 64 hexadecimal digits; `nil` where it is nobody's.
    package func subject(ofDevice device: String, at moment: Moment) -> String? {
        binding(ofDevice: device, at: moment)?.subject
    }

    /// Whether values at that moment were filed under the binding, whether or not it counts.
    package func reaches(_ binding: Binding, _ moment: Moment) -> Bool {
        let place = timeline.place(moment)
        return timeline.place(binding.since) <= place && (binding.until.map { place < timeline.place($0) } ?? true)
    }

    /// Whether the one comes before the other; a moment of a session that is not known comes before all.
    package func isBefore(_ one: Moment, _ other: Moment) -> Bool { timeline.place(one) < timeline.place(other) }

    /// The times within a session that a binding reaches over, whether or not it counts; `nil` where there are none.
    /// Unit: ns of the monotonic clock. Where it began in an earlier session, or goes on in a later one, the range
    /// begins or ends with the numbers themselves.
    package func range(of binding: Binding, in session: String) -> Range<Int64>? {
        guard timeline.knows(session) else { return nil }
        let number = timeline.place(Moment(session: session, nanoseconds: 0)).session
        let since = timeline.place(binding.since)
        let until = binding.until.map(timeline.place)
        guard since.session <= number, until?.session ?? .max >= number else { return nil }
        let lower = since.session == number ? since.nanoseconds : .min
        let upper = until?.session == number ? until?.nanoseconds ?? .max : .max
        return lower < upper ? lower..<upper : nil
    }

    /// The times within a session at which it may change whose a device's values are, as is known now, in their order,
    /// each once. Unit: ns of the monotonic clock. A run of values that reaches over none of them is of one subject, or
    /// of none.
    package func cuts(ofDevice device: String, in session: String) -> [Int64] {
        var times = Set(timeline.changes(in: session))
        for binding in bindings where !binding.isWithdrawn {
            guard let range = range(of: binding, in: session) else { continue }
            times.formUnion([range.lowerBound, range.upperBound])
        }
        return times.subtracting([.min, .max]).sorted().filter { time in
            let before = Moment(session: session, nanoseconds: time == .min ? .min : time - 1)
            return binding(ofDevice: device, at: before)?.number
                != binding(ofDevice: device, at: Moment(session: session, nanoseconds: time))?.number
        }
    }

    /// The times within a session at which a bed got other devices. Unit: ns of the monotonic clock.
    package func bedChanges(in session: String) -> [Int64] { timeline.changes(in: session) }

    /// By the wall clock at its session's first known event, which may have been wrong; `nil` where the session is not
    /// known any more. Unit: ns since 1970-01-01T00:00:00Z.
    package func utc(of moment: Moment) -> Int64? {
        timeline.sessions.first { $0.key == moment.session }.map { $0.utc &+ (moment.nanoseconds &- $0.begin) }
    }

    /// What a session that begins without them says of patients at beds that it no longer has.
    ///
    /// - Parameter stays: whether a patient may stay at the bed of this id.
    package func departures(stays: (String) -> Bool) -> [BedEvent] {
        bindings.filter { $0.isOpen && !stays($0.bed) }.map {
            .unbound(bed: $0.bed, binding: $0.number, by: [])
        }
    }

    /// The moment so long before `now`, as far as sessions are known: where it falls between two of them, one behind
    /// the earlier one's end; before all, one of the first that is known, before what is known of it.
    ///
    /// Within the session by its monotonic clock; before it by the wall clock at the first known event of each session,
    /// which may have been wrong.
    package func moment(_ nanoseconds: Int64, before now: Position) -> Moment {
        let session = now.moment.session
        guard let index = timeline.sessions.firstIndex(where: { $0.key == session }) else { return now.moment }
        let (monotonic, isBeyond) = now.moment.nanoseconds.subtractingReportingOverflow(max(0, nanoseconds))
        if !isBeyond, monotonic >= timeline.sessions[index].begin {
            return Moment(session: session, nanoseconds: monotonic)
        }
        let (utc, isOver) = now.utc.subtractingReportingOverflow(max(0, nanoseconds))
        let earlier = timeline.sessions[..<index]
        let found = isOver ? nil : earlier.last { $0.utc <= utc }
        let nearest = found ?? earlier.first ?? timeline.sessions[index]
        let (time, isTooFar) = nearest.begin.addingReportingOverflow(utc &- nearest.utc)
        return Moment(session: nearest.key, nanoseconds: isTooFar || isOver ? nearest.begin : time)
    }
}
