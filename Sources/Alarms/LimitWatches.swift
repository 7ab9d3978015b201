package import DeviceModel

/// The watches of all beds: each record goes to the bed whose stream it is.
package struct LimitWatches: Sendable {
    private struct Route: Sendable {
        let bed: Int32
        let slot: Int32
    }

    package private(set) var beds: [LimitWatch] = []
    /// By the streams' numbers; a bed below 0 for what nobody watches.
    private var routes: [Route] = []

    package init(_ beds: [LimitWatch] = []) {
        self.beds = beds
        route()
    }

    private mutating func route() {
        let count = (beds.compactMap(\.watchedStreams.last).max() ?? -1) + 1
        routes = Array(repeating: Route(bed: -1, slot: -1), count: count)
        for (number, bed) in beds.enumerated() {
            for index in bed.watchedStreams where routes[index].bed < 0 {
                guard let slot = bed.slot(ofStream: index) else { continue }
                routes[index] = Route(bed: Int32(number), slot: Int32(slot))
            }
        }
    }

    /// Puts a watch in the place of the one of the same bed, or adds it. What the former one held has to be ended by
    /// ``LimitWatch/end(_:at:)`` first; what it had not told yet is returned.
    package mutating func set(_ watch: LimitWatch, now: Int64) -> [LimitChange] {
        var told: [LimitChange] = []
        if let place = beds.firstIndex(where: { $0.bed.id == watch.bed.id }) {
            beds[place].end(.notWatched, at: now)
            told = beds[place].turn(now: now)
            beds[place] = watch
        } else {
            beds.append(watch)
        }
        route()
        return told
    }

    /// Changes the watch of a bed; does nothing when there is none.
    package mutating func change(_ bed: String, _ body: (inout LimitWatch) -> Void) {
        guard let place = beds.firstIndex(where: { $0.bed.id == bed }) else { return }
        body(&beds[place])
    }

    /// Takes a record of a stream. One that nobody watches costs a look into a table.
    package mutating func take(_ record: SampleRecord, stream index: Int) {
        guard routes.indices.contains(index), routes[index].bed >= 0 else { return }
        let route = routes[index]
        beds[Int(route.bed)].take(record, slot: Int(route.slot))
    }

    /// Lets time pass at every bed, and gives all that has changed. No allocation when nothing has.
    package mutating func turn(now: Int64) -> [LimitChange] {
        var told: [LimitChange] = []
        for place in beds.indices {
            let more = beds[place].turn(now: now)
            if !more.isEmpty { told += more }
        }
        return told
    }
}
