/// Curves that a far screen has not been told yet: handed out whole, or thinned to what its link carries.
///
/// Of `2 × factor` samples in a row the least and the greatest are told, in the order in which they came: a peak stays
/// a peak. Where one of them carries no value, neither does what is told: a gap stays a gap. What is told has numbers
/// of its own, which go on without a hole as long as the samples do.
struct WaveThinner: Sendable {
    /// What waits longer is old: the oldest goes. Unit: ms.
    private static let longest = 10_000.0

    /// Samples in a row.
    private struct Stretch {
        /// The number of the first sample.
        var first: Int64
        /// Unit: ms of the monotonic clock.
        var begin: Double
        let period: Double
        var values: [ArraySlice<UInt8>]

        var end: Int64 { first + Int64(values.count) }
        var length: Double { Double(values.count) * period }

        mutating func dropFirst(_ count: Int) {
            values.removeFirst(count)
            first += Int64(count)
            begin += Double(count) * period
        }
    }

    /// How far a stream has been told.
    private struct Told {
        /// The number after the last sample that was told.
        var end: Int64
        /// The next number to tell.
        var next: Int64
        var factor: Int
    }

    private var waiting: [String: [Int64: [Stretch]]] = [:]
    private var told: [Int64: Told] = [:]

    var isEmpty: Bool { waiting.isEmpty }

    /// Takes a line `{"bed":…,"waves":[[n,first,t0,dt,[…]],…]}`; what cannot be read is left out.
    mutating func push(_ line: ArraySlice<UInt8>) {
        guard let members = JSONPieces.members(line),
            let bed = members.first(where: { $0.name == "bed" }).flatMap({ JSONPieces.text($0.value) }),
            let waves = members.first(where: { $0.name == "waves" }).flatMap({ JSONPieces.elements($0.value) })
        else { return }
        for wave in waves {
            guard let parts = JSONPieces.elements(wave), parts.count == 5,
                let stream = JSONPieces.integer(parts[0]), let first = JSONPieces.integer(parts[1]),
                let begin = JSONPieces.number(parts[2]), let period = JSONPieces.number(parts[3]), period > 0,
                let values = JSONPieces.elements(parts[4]), !values.isEmpty, first >= 0, first < Int64.max / 2
            else { continue }
            add(Stretch(first: first, begin: begin, period: period, values: values), of: stream, at: bed)
        }
    }

    private mutating func add(_ stretch: Stretch, of stream: Int64, at bed: String) {
        var stretches = waiting[bed, default: [:]][stream] ?? []
        if let last = stretches.last, last.end == stretch.first, last.period == stretch.period {
            stretches[stretches.count - 1].values += stretch.values
        } else {
            stretches.append(stretch)
        }
        var length = stretches.reduce(0) { $0 + $1.length }
        while length > Self.longest, let oldest = stretches.first {
            let over = min(oldest.values.count, max(1, Int((length - Self.longest) / oldest.period)))
            length -= Double(over) * oldest.period
            stretches[0].dropFirst(over)
            if stretches[0].values.isEmpty { stretches.removeFirst() }
        }
        waiting[bed, default: [:]][stream] = stretches
    }

    /// Nothing of what waits is told.
    mutating func clear() { waiting = [:] }

    /// What waits, as lines of the same form, by bed. Of samples that do not fill a group the last ones go on waiting.
    ///
    /// - Parameter factor: 1 for every sample.
    mutating func take(factor: Int) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for (bed, streams) in waiting.sorted(by: { $0.key < $1.key }) {
            var entries: [ArraySlice<UInt8>] = []
            for (stream, stretches) in streams.sorted(by: { $0.key < $1.key }) {
                let (some, rest) = take(stretches, of: stream, factor: factor)
                entries += some
                waiting[bed]?[stream] = rest
            }
            if waiting[bed]?.isEmpty ?? true { waiting[bed] = nil }
            guard !entries.isEmpty else { continue }
            lines.append(
                JSONPieces.object([
                    ("bed", Array("\"\(bed)\"".utf8)[...]), ("waves", JSONPieces.array(entries)[...]),
                ]))
        }
        return lines
    }

    /// What of a stream's samples is told, and what goes on waiting; `nil` where nothing does.
    private mutating func take(
        _ stretches: [Stretch], of stream: Int64, factor: Int
    ) -> (entries: [ArraySlice<UInt8>], rest: [Stretch]?) {
        var (entries, rest): ([ArraySlice<UInt8>], [Stretch]?) = ([], nil)
        for (place, stretch) in stretches.enumerated() {
            let isLast = place == stretches.count - 1
            let count = factor == 1 ? stretch.values.count : stretch.values.count / (2 * factor) * (2 * factor)
            // What is followed by a hole is told to its end, as far as there is a group.
            if isLast, count < stretch.values.count {
                var left = stretch
                left.dropFirst(count)
                rest = [left]
            }
            guard count > 0 else { continue }
            let values =
                factor == 1 ? stretch.values[...] : Self.thinned(stretch.values[..<count], factor: factor)[...]
            let number = number(stretch, of: stream, factor: factor)
            let head = "\(stream),\(number),\(stretch.begin),\(stretch.period * Double(factor))"
            entries.append(Array("[\(head),".utf8)[...] + JSONPieces.array(Array(values)) + [UInt8(ascii: "]")])
            told[stream] = Told(
                end: stretch.first + Int64(count), next: number + Int64(values.count), factor: factor)
        }
        return (entries, rest)
    }

    /// The number of the first of the samples that are told. One that does not follow, or is of another factor, leaves
    /// a number out, so that no line is drawn to it.
    private func number(_ stretch: Stretch, of stream: Int64, factor: Int) -> Int64 {
        guard let told = told[stream] else { return stretch.first }
        return told.end == stretch.first && told.factor == factor ? told.next : told.next + 1
    }

    private static func thinned(_ values: ArraySlice<ArraySlice<UInt8>>, factor: Int) -> [ArraySlice<UInt8>] {
        var thinned: [ArraySlice<UInt8>] = []
        var start = values.startIndex
        while start < values.endIndex {
            let group = values[start..<min(start + 2 * factor, values.endIndex)]
            start = group.endIndex
            let numbers = group.map(JSONPieces.number)
            guard let first = numbers.first ?? nil, !numbers.contains(nil) else {
                thinned += [Array("null".utf8)[...], Array("null".utf8)[...]]
                continue
            }
            var (least, greatest) = ((place: 0, value: first), (place: 0, value: first))
            for (place, number) in numbers.enumerated() {
                guard let number else { continue }
                if number < least.value { least = (place, number) }
                if number > greatest.value { greatest = (place, number) }
            }
            let places = [least.place, greatest.place].sorted()
            thinned += places.map { group[group.startIndex + $0] }
        }
        return thinned
    }
}
