import Alarms
import BedDesk
import DeviceModel
import Nomenclature
import Patients
import Presets
import Scores

/// What is watched at the beds: limits, what is missing, and scores. Fed as the lines are drained; no I/O.
struct BedWatches {
    /// A bed's scores: what was told of them last.
    private struct Scored {
        let bed: String
        let streams: [WatchedStream]
        var desk: ScoreDesk
        /// The binding that is open.
        var binding: Int64?
        var news2: ScoreResult?
        var esas: ScoreResult?
    }

    /// Where a stream's values go.
    private struct Route {
        let scored: Int
        let place: Int
    }

    /// How often scores are looked at. Unit: ns.
    private static let scoreEvery: Int64 = 1_000_000_000

    private let names: Nomenclature
    private let presets: [String: Preset]
    /// By device: its streams, by the numbers under which the journal knows them.
    private var streams: [String: [WatchedStream]] = [:]
    private var limits = LimitWatches()
    private var scored: [Scored] = []
    /// By the streams' numbers.
    private var routes: [Route?] = []
    /// What was entered at each bed, the newest of each item.
    private var entries: [String: [ScoreItem: ScoreEntry]] = [:]
    private var nextScores: Int64 = 0
    /// What ended with a watch that is no more, and has not been told.
    private var untold: [LimitChange] = []
    /// By bed: what its watch was made of.
    private var laid: [String: Layout] = [:]

    private struct Layout: Hashable {
        let configured: ConfiguredBed
        let preset: PresetChoice?
        let streams: [WatchedStream]
    }

    init(presets: [String: Preset], names: Nomenclature) { (self.presets, self.names) = (presets, names) }

    // MARK: Layout

    /// The lines as they are drained from now on; the beds are to be laid anew.
    mutating func set(streams all: [(descriptor: StreamDescriptor, number: Int)]) {
        streams = [:]
        for (descriptor, number) in all {
            streams[descriptor.device, default: []].append(WatchedStream(index: number, descriptor: descriptor))
        }
    }

    /// The beds with their devices, by which preset each is watched, and who is there. What has not changed goes on.
    ///
    /// - Returns: beds that are watched anew, for whatever reason, and those that are no more.
    mutating func lay(_ fold: BindingFold, at now: Int64) -> [String] {
        let beds = fold.beds.sorted { $0.key < $1.key }
        var layouts: [String: Layout] = [:]
        for (bed, configured) in beds {
            layouts[bed] = Layout(
                configured: configured, preset: fold.presets[bed],
                streams: configured.devices.flatMap { streams[$0] ?? [] })
        }
        let changed = Set(laid.keys).union(layouts.keys).filter { laid[$0] != layouts[$0] }.sorted()
        limits = LimitWatches(
            beds.compactMap { bed, _ in
                changed.contains(bed)
                    ? watch(bed, fold, at: now)
                    : limits.beds.first { $0.bed.id == bed } ?? watch(bed, fold, at: now)
            })
        scored = beds.map { bed, _ in
            let binding = fold.openBinding(atBed: bed)?.number
            if !changed.contains(bed), let known = scored.first(where: { $0.bed == bed }) { return known }
            let own = layouts[bed]?.streams ?? []
            var desk = ScoreDesk(streams: own.map(\.descriptor))
            for entry in (entries[bed] ?? [:]).values { desk.enter(entry) }
            return Scored(bed: bed, streams: own, desk: desk, binding: binding)
        }
        laid = layouts
        unread = Set(beds.map(\.key).filter { bed in fold.presets[bed].map { presets[$0.preset] == nil } ?? false })
        route()
        return changed
    }

    private mutating func route() {
        routes = []
        for (number, one) in scored.enumerated() {
            for (place, stream) in one.streams.enumerated() where one.desk.watches(place) {
                if stream.index >= routes.count {
                    routes += Array(repeating: nil, count: stream.index + 1 - routes.count)
                }
                routes[stream.index] = Route(scored: number, place: place)
            }
        }
    }

    private func watch(_ bed: String, _ fold: BindingFold, at now: Int64) -> LimitWatch? {
        guard let configured = fold.beds[bed], let preset = fold.presets[bed].flatMap({ presets[$0.preset] }) else {
            return nil
        }
        var watch = LimitWatch(
            bed: WatchedBed(id: bed, name: configured.name, arabicName: configured.nameArabic), preset: preset,
            streams: configured.devices.flatMap { streams[$0] ?? [] }, names: names, now: now)
        if fold.openBinding(atBed: bed) != nil { watch.bind(at: now) }
        return watch
    }

    // MARK: What happens at a bed

    /// Somebody chose a preset; it is watched by from now on, and what the former one had begun ends.
    mutating func choosePreset(at bed: String, _ fold: BindingFold, now: Int64) {
        if let watch = watch(bed, fold, at: now) {
            untold += limits.set(watch, now: now)
            unread.remove(bed)
        }
        if let place = laid[bed] {
            laid[bed] = Layout(configured: place.configured, preset: fold.presets[bed], streams: place.streams)
        }
    }

    /// Who is at the beds, after something was said of it.
    ///
    /// - Parameter leaving: beds of which somebody said that whoever was there is not, also where nobody knew who.
    /// - Returns: beds whose patient has left, and all that have another one than before or none. Whom a correction
    ///   names is the one who was there all the time, and whoever is bound at last may have been.
    mutating func attend(
        _ fold: BindingFold, leaving: Set<String> = [], at now: Int64
    ) -> (left: [String], others: [String]) {
        var (left, others): ([String], [String]) = ([], [])
        for place in scored.indices {
            let (bed, before) = (scored[place].bed, scored[place].binding)
            let open = fold.openBinding(atBed: bed)
            let isLeft = before != nil || leaving.contains(bed)
            guard open?.number != before || before == nil && isLeft else { continue }
            scored[place].binding = open?.number
            (scored[place].news2, scored[place].esas) = (nil, nil)
            if let open, before != nil, open.replaces == before { continue }
            if isLeft { limits.change(bed) { $0.release(at: now) } }
            if open != nil { limits.change(bed) { $0.bind(at: now) } }
            entries[bed] = nil
            scored[place].desk.clear()
            others.append(bed)
            if isLeft { left.append(bed) }
        }
        return (left, others)
    }

    /// - Parameter time: when it was entered. Unit: ns of the monotonic clock.
    mutating func enter(_ entry: BedEntry, at bed: String, time: Int64) {
        guard let entry = try? ScoreEntry(item: entry.item, value: entry.value, by: entry.by, time: time) else {
            return
        }
        entries[bed, default: [:]][entry.item] = entry
        guard let place = scored.firstIndex(where: { $0.bed == bed }) else { return }
        scored[place].desk.enter(entry)
    }

    // MARK: Values and time

    /// A sample that is recorded, by its stream's number. What nobody watches costs two looks.
    mutating func take(_ record: SampleRecord, stream: Int) {
        limits.take(record, stream: stream)
        guard routes.indices.contains(stream), let route = routes[stream] else { return }
        scored[route.scored].desk.take(
            stream: route.place, bits: record.bits, validity: record.validity, reason: record.reason,
            at: record.monotonicNanoseconds)
    }

    /// What has changed of the limits.
    mutating func turn(at now: Int64) -> [LimitChange] {
        defer { untold = [] }
        return untold + limits.turn(now: now)
    }

    /// A score as it is now.
    struct Told {
        let bed: String
        let result: ScoreResult
        /// Whether it says something that was not told.
        let isNews: Bool
    }

    /// The scores of beds with a patient, once a second.
    mutating func scores(at now: Int64) -> [Told] {
        guard now >= nextScores else { return [] }
        nextScores = now &+ Self.scoreEvery
        var told: [Told] = []
        for place in scored.indices where scored[place].binding != nil {
            let (bed, news2, esas) = (
                scored[place].bed, scored[place].desk.news2(at: now), scored[place].desk.esas(at: now)
            )
            told.append(Told(bed: bed, result: news2, isNews: news2.isNews(after: scored[place].news2)))
            scored[place].news2 = news2
            // Symptoms that nobody ever entered are no score that is incomplete.
            guard !esas.parts.isEmpty || scored[place].esas != nil else { continue }
            told.append(Told(bed: bed, result: esas, isNews: esas.isNews(after: scored[place].esas)))
            scored[place].esas = esas
        }
        return told
    }

    /// The rules by which a bed's scores are alarms.
    func scoreRules(_ bed: String) -> [Preset.ScoreRule] {
        limits.beds.first { $0.bed.id == bed }?.preset.scores ?? []
    }

    /// How people call a bed.
    func name(_ bed: String) -> (english: String, arabic: String) {
        let watched = limits.beds.first { $0.bed.id == bed }?.bed
        return (watched?.name ?? bed, watched?.arabicName ?? bed)
    }

    /// Beds whose preset cannot be read: nobody watches their limits.
    private(set) var unread: Set<String> = []

    /// What of a preset cannot be watched at its bed, a sentence each.
    var unwatched: [String] {
        limits.beds.flatMap { watch in
            watch.unwatched.map { rule in
                switch rule.cause {
                case .noDevice: "no device at \(watch.bed.id) has \(rule.metric): its limits are not watched"
                case .otherUnit(let device, let unit):
                    "“\(device)” at \(watch.bed.id) has \(rule.metric) in \(unit ?? "no unit"): its limits are not "
                        + "watched"
                }
            }
        }
    }

    /// The limits that nothing at a bed is held against.
    func unwatched(at bed: String) -> [UnwatchedLimit] {
        limits.beds.first { $0.bed.id == bed }?.unwatchedLimits ?? []
    }

    /// The same of every bed that has any, in the order of their ids.
    var unwatchedLimits: [(bed: String, limits: [UnwatchedLimit])] {
        limits.beds.map { ($0.bed.id, $0.unwatchedLimits) }.filter { !$0.1.isEmpty }
    }

    /// The alarm that a bed's limit of a metric would be, if any: whose side, and the highest priority it may have.
    func facts(of off: AlarmSwitch) -> (nature: AlertNature, priority: AlertPriority)? {
        guard let preset = limits.beds.first(where: { $0.bed.id == off.bed })?.preset else { return nil }
        let priorities: [AlertPriority] =
            switch LimitAlert(rawValue: off.name) {
            case .high?: preset.limits.filter { $0.vital.metric == off.metric }.flatMap(\.high).map(\.priority)
            case .low?: preset.limits.filter { $0.vital.metric == off.metric }.flatMap(\.low).map(\.priority)
            case .missing?: preset.missing.filter { $0.vital.metric == off.metric }.map(\.priority)
            case .overdue?: preset.episodic.filter { $0.vital.metric == off.metric }.map(\.priority)
            case nil: []
            }
        guard let priority = priorities.max(by: { $0.rank < $1.rank }), let alert = LimitAlert(rawValue: off.name)
        else {
            return nil
        }
        return (alert.nature, priority)
    }
}

extension LimitAlert {
    /// That a value is beyond its limit is about the patient; that none comes, about what measures.
    var nature: AlertNature {
        switch self {
        case .high, .low: .physiological
        case .missing, .overdue: .technical
        }
    }
}
