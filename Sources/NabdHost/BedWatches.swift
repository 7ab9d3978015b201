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
        var desk: ScoreDesk
        var isBound = false
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
    /// What had begun at beds that are laid anew, and has not been told to have ended.
    private var untold: [LimitChange] = []

    init(presets: [String: Preset], names: Nomenclature) { (self.presets, self.names) = (presets, names) }

    // MARK: Layout

    /// The lines as they are drained from now on; the beds are to be laid anew.
    mutating func set(streams all: [(descriptor: StreamDescriptor, number: Int)]) {
        streams = [:]
        for (descriptor, number) in all {
            streams[descriptor.device, default: []].append(WatchedStream(index: number, descriptor: descriptor))
        }
    }

    /// The beds with their devices, by which preset each is watched, and who is there.
    mutating func lay(_ fold: BindingFold, at now: Int64) {
        var old = limits
        for bed in old.beds { old.change(bed.bed.id) { $0.end(.notWatched, at: now) } }
        untold += old.turn(now: now)
        limits = LimitWatches(fold.beds.sorted { $0.key < $1.key }.compactMap { watch($0.key, fold, at: now) })
        scored = []
        routes = []
        for (bed, configured) in fold.beds.sorted(by: { $0.key < $1.key }) {
            let own = configured.devices.flatMap { streams[$0] ?? [] }
            var desk = ScoreDesk(streams: own.map(\.descriptor))
            let isBound = fold.openBinding(atBed: bed) != nil
            if isBound { for entry in (entries[bed] ?? [:]).values { desk.enter(entry) } } else { entries[bed] = nil }
            for (place, stream) in own.enumerated() where desk.watches(place) {
                if stream.index >= routes.count {
                    routes += Array(repeating: nil, count: stream.index + 1 - routes.count)
                }
                routes[stream.index] = Route(scored: scored.count, place: place)
            }
            scored.append(Scored(bed: bed, desk: desk, isBound: isBound))
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

    /// Something that became durable.
    mutating func take(_ event: BedEvent, _ fold: BindingFold, at now: Int64) {
        switch event {
        case .configured, .snapshot: break
        case .presetChosen(let bed, _):
            if let watch = watch(bed, fold, at: now) { untold += limits.set(watch, now: now) }
        case .bound(let bed, _):
            clear(bed, isBound: true)
            limits.change(bed) { $0.bind(at: now) }
        case .unbound(let bed, _, _), .withdrawn(let bed, _, _):
            clear(bed, isBound: false)
            limits.change(bed) { $0.release(at: now) }
        case .entered(let bed, let entry): enter(entry, at: bed, time: now)
        }
    }

    private mutating func clear(_ bed: String, isBound: Bool) {
        entries[bed] = nil
        guard let place = scored.firstIndex(where: { $0.bed == bed }) else { return }
        scored[place].desk.clear()
        (scored[place].isBound, scored[place].news2, scored[place].esas) = (isBound, nil, nil)
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

    /// The scores that say something new, of beds with a patient.
    mutating func scores(at now: Int64) -> [(bed: String, result: ScoreResult)] {
        guard now >= nextScores else { return [] }
        nextScores = now &+ Self.scoreEvery
        var told: [(bed: String, result: ScoreResult)] = []
        for place in scored.indices where scored[place].isBound {
            let (news2, esas) = (scored[place].desk.news2(at: now), scored[place].desk.esas(at: now))
            if news2.isNews(after: scored[place].news2) {
                scored[place].news2 = news2
                told.append((scored[place].bed, news2))
            }
            // Symptoms that nobody ever entered are no score that is incomplete.
            if !esas.parts.isEmpty || scored[place].esas != nil, esas.isNews(after: scored[place].esas) {
                scored[place].esas = esas
                told.append((scored[place].bed, esas))
            }
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

    /// The alarm that a bed's limit of a metric would be, if any: whose side, and the highest priority it may have.
    func priority(of off: AlarmSwitch) -> AlertPriority? {
        guard let preset = limits.beds.first(where: { $0.bed.id == off.bed })?.preset else { return nil }
        let priorities: [AlertPriority] =
            switch LimitAlert(rawValue: off.name) {
            case .high?: preset.limits.filter { $0.vital.metric == off.metric }.flatMap(\.high).map(\.priority)
            case .low?: preset.limits.filter { $0.vital.metric == off.metric }.flatMap(\.low).map(\.priority)
            case .missing?: preset.missing.filter { $0.vital.metric == off.metric }.map(\.priority)
            case .overdue?: preset.episodic.filter { $0.vital.metric == off.metric }.map(\.priority)
            case nil: []
            }
        return priorities.max { $0.rank < $1.rank }
    }
}
