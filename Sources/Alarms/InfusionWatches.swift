package import DeviceModel

/// The watches of all pumps: each record goes to the pump whose stream it is. Decides; nothing is done here.
package struct InfusionWatches: Sendable {
    /// Something that came to hold of a pump, or holds no longer.
    package struct Change: Sendable, Hashable {
        package let alert: AlertKind
        package let device: String
        package let vmd: String?
        package let holds: Bool
    }

    private struct Route: Sendable {
        let pump: Int
        let aspect: InfusionWatch.Aspect
        /// `nil` for text.
        let value: LimitWatchValue?
    }

    private struct Place: Hashable {
        let device: String
        let vmd: String?
    }

    private var pumps: [InfusionWatch] = []
    /// By the streams' numbers.
    private var routes: [Route?] = []
    /// What ended with a pump that is watched no more.
    private var untold: [Change] = []

    package init() {}

    /// The streams as they are drained from now on; a pump that was known goes on.
    package mutating func set(streams: [(descriptor: StreamDescriptor, number: Int)]) {
        var known = Dictionary(pumps.map { (Place(device: $0.device, vmd: $0.vmd), $0) }) { first, _ in first }
        (pumps, routes) = ([], [])
        var places: [Place: Int] = [:]
        // A pump is what counts a volume: without one there is nothing to hold against it.
        for (stream, _) in streams where InfusionWatch.Aspect(metric: stream.metric) == .volume {
            let place = Place(device: stream.device, vmd: stream.vmd)
            guard places[place] == nil else { continue }
            places[place] = pumps.count
            pumps.append(
                known.removeValue(forKey: place)
                    ?? InfusionWatch(device: stream.device, vmd: stream.vmd, step: Self.step(stream.form)))
        }
        for (stream, number) in streams where number >= 0 {
            guard let aspect = InfusionWatch.Aspect(metric: stream.metric),
                let pump = places[Place(device: stream.device, vmd: stream.vmd)]
            else { continue }
            if number >= routes.count { routes += Array(repeating: nil, count: number + 1 - routes.count) }
            routes[number] = Route(pump: pump, aspect: aspect, value: LimitWatchValue(stream.form))
        }
        untold += known.values.flatMap { gone in
            gone.told.map { Change(alert: $0, device: gone.device, vmd: gone.vmd, holds: false) }
        }
    }

    /// The smallest difference between two values; of a float the thousandth that such counters have at least.
    private static func step(_ form: ValueForm) -> Double {
        if case .integer = form { return LimitWatchValue(form)?.number(1) ?? 0.001 }
        return 0.001
    }

    /// A sample that is recorded. Only what counts is looked at.
    package mutating func take(_ record: SampleRecord, stream: Int) {
        guard routes.indices.contains(stream), let route = routes[stream] else { return }
        let time = record.monotonicNanoseconds
        guard record.validity == .valid || record.validity == .validated else {
            if case .limit = route.aspect, record.validity == .notAvailable {
                pumps[route.pump].take(limit: nil, at: time)
            }
            return
        }
        guard let reading = route.value else {
            if case .status = route.aspect { pumps[route.pump].take(status: record.textValue, at: time) }
            return
        }
        guard let value = reading.number(record.bits) else { return }
        switch route.aspect {
        case .volume: pumps[route.pump].take(volume: value, at: time)
        case .rate: pumps[route.pump].take(rate: value, at: time)
        case .limit: pumps[route.pump].take(limit: value, at: time)
        case .status: break
        }
    }

    /// One of the pump's own alarms, of medium or high priority.
    package mutating func take(alarm name: String, device: String, vmd: String?, begins: Bool, at time: Int64) {
        for place in pumps.indices where pumps[place].isOf(device, vmd) {
            // A rack's own alarm may have the name of a slot's.
            pumps[place].take(alarm: "\(vmd ?? "")/\(name)", begins: begins, at: time)
        }
    }

    /// The pump takes commands no more, or takes them again.
    package mutating func take(controlLost isLost: Bool, device: String, vmd: String?, at time: Int64) {
        for place in pumps.indices where pumps[place].isOf(device, vmd) {
            pumps[place].take(controlLost: isLost, at: time)
        }
    }

    /// How old what a pump showed last may be for it to count as infusing. Unit: ns.
    private static let known: Int64 = 60_000_000_000

    /// Whether a pump of a device infuses, as far as is known now. Unit of `now`: ns of the monotonic clock.
    package func infuses(_ device: String, at now: Int64) -> Bool {
        pumps.contains { $0.device == device && now &- Self.known < $0.heard && $0.infuses(at: now) }
    }

    /// Lets time pass, and gives all that has changed.
    package mutating func turn(at now: Int64) -> [Change] {
        var changes = untold
        untold = []
        for place in pumps.indices {
            for (alert, holds) in pumps[place].turn(at: now) {
                changes.append(
                    Change(alert: alert, device: pumps[place].device, vmd: pumps[place].vmd, holds: holds))
            }
        }
        return changes
    }
}

extension InfusionWatch {
    /// What is about the device as a whole is about each pump in it.
    fileprivate func isOf(_ device: String, _ vmd: String?) -> Bool {
        self.device == device && (vmd == nil || self.vmd == vmd)
    }
}
