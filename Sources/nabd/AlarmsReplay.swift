import Alarms
import ArgumentParser
import DeviceModel
import DevicePlans
import Foundation
import Nomenclature
import Presets
import ProfileLanguage
import SampleJournal
import StrictYAML

/// `nabd alarms replay`: what a preset would have done over a journal.
struct AlarmsReplayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "How many alarms a bed-hour a preset would have given over a journal.",
        discussion:
            "Judges the stored samples as the running host judges them. Each --devices is one bed; without it all "
            + "devices of patients that have a vital of the preset are taken for one. Nobody is bound to a bed: what "
            + "is missing or overdue counts from its first value on, until ten minutes without any. A stretch of more "
            + "than 10 s without a sample is a gap and is not counted as watched."
    ).examples(
        "nabd alarms replay --preset oncology-chair --devices oximeter,cuff",
        "nabd alarms replay --journal ./journal --preset ./chair.yaml --json")
    @OptionGroup var place: JournalCommand.Place
    @OptionGroup var presets: PresetCommand.Place
    @Option(help: "The preset: its name, or the path of its file.") var preset: String?
    @Option(help: "The devices of one bed, separated by commas; again for another bed.") var devices: [String] = []
    @Option(help: "From this time on, such as 2026-11-22T06:15:00Z.") var from: String?
    @Option(help: "Before this time.") var to: String?
    @Flag(help: "One JSON line.") var json = false

    func run() throws {
        let reader = try place.open()
        guard let preset else {
            throw Failure(.usage, "give --preset NAME: “nabd preset list” tells them")
        }
        let rules = try presets.load(preset)
        let names = presets.names()
        let replay = AlarmsReplay(
            preset: rules, names: names, beds: try beds(reader, rules, names),
            from: try JournalCommand.Export.time(from, "--from") ?? .min,
            to: try JournalCommand.Export.time(to, "--to") ?? .max)
        let result = try replay.run(reader)
        guard result.samples > 0 else {
            throw Failure(.bad, "the journal has no sample of these devices that the preset speaks of")
        }
        print(json ? result.json(rules).text : result.words(rules), terminator: json ? "\n" : "")
    }

    /// The devices of each bed.
    private func beds(_ reader: JournalReader, _ preset: Preset, _ names: Nomenclature) throws -> [[String]] {
        let streams = try reader.streams().map(\.descriptor)
        let known = Set(streams.map(\.device)).sorted()
        guard !devices.isEmpty else {
            let metrics = Set(preset.vitals.map(\.metric))
            let found = streams.filter { stream in
                let current = names.metric(stream.metric)?.referenceID ?? stream.metric
                return metrics.contains(current) && isOfPatients(stream)
            }
            guard !found.isEmpty else {
                throw Failure(.bad, "no device of the journal has a vital of the preset “\(preset.name)”")
            }
            return [Set(found.map(\.device)).sorted()]
        }
        var taken: Set<String> = []
        return try devices.map { list in
            let bed = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            for device in bed {
                guard known.contains(device) else {
                    let near = YAMLValue.suggest(device, among: known).map { " — \($0)" } ?? ""
                    throw Failure(.bad, "the journal has no device “\(device)”\(near)")
                }
                guard taken.insert(device).inserted else {
                    throw Failure(.usage, "the device “\(device)” is named twice: it is at one bed")
                }
            }
            return bed
        }
    }

    /// Whether a device is known to be about something else: a fridge has a temperature too.
    private func isOfPatients(_ stream: StreamDescriptor) -> Bool {
        guard let folder = try? ProfileCommand.defaultFolder(),
            let profile = try? DeviceProfile.load("\(folder)/\(stream.profile)"), let about = profile.device.class
        else { return true }
        return about == .patient
    }
}

/// A journal judged again by one preset.
struct AlarmsReplay {
    let preset: Preset
    let names: Nomenclature
    /// The devices of each bed.
    let beds: [[String]]
    /// Unit: ns since 1970.
    let from: Int64
    let to: Int64

    /// What came of it.
    struct Result {
        let beds: [(devices: [String], tally: LimitWatchTally, unwatched: [UnwatchedRule])]
        let sessions: Int
        let damaged: Int

        var samples: Int { beds.reduce(0) { $0 + $1.tally.samples } }
    }

    func run(_ reader: JournalReader) throws -> Result {
        var tallies = beds.map { _ in LimitWatchTally() }
        var watches: LimitWatches?
        var bedOf: [Int64: Int] = [:]
        var (sessions, damaged) = (0, 0)
        var last: Int64 = 0
        let unwatched = try make(reader, now: 0).beds.map(\.unwatched)
        func turn(_ now: Int64) {
            for change in watches?.turn(now: now) ?? [] {
                if let bed = Int(change.condition.key.bed) { tallies[bed].count(change) }
            }
        }
        let wanted = Set(beds.flatMap { $0 })
        try JournalSamples(reader).replay(from: from, to: to, { wanted.contains($0.device) }, damaged: { damaged += 1 })
        {
            switch $0 {
            case .session:
                turn(last &+ LimitWatch.settling)
                watches = nil
                sessions += 1
                for bed in tallies.indices { tallies[bed].beginSession() }
            case .until(let time): turn(time)
            case .sample(let stream, let record):
                if watches == nil {
                    watches = try make(reader, now: record.monotonicNanoseconds)
                    bedOf = [:]
                    for (bed, watch) in (watches?.beds ?? []).enumerated() {
                        for index in watch.watchedStreams { bedOf[Int64(index)] = bed }
                    }
                }
                last = record.monotonicNanoseconds
                guard let bed = bedOf[stream], let index = Int(exactly: stream) else { return }
                tallies[bed].sample(at: record.monotonicNanoseconds)
                watches?.take(record, stream: index)
            }
        }
        turn(last &+ LimitWatch.settling)
        return Result(
            beds: zip(zip(beds, tallies), unwatched).map { ($0.0, $0.1, $1) }, sessions: sessions, damaged: damaged)
    }

    /// The watches of all beds; a bed's handle is its place.
    private func make(_ reader: JournalReader, now: Int64) throws -> LimitWatches {
        let streams = try reader.streams().compactMap { stream in
            Int(exactly: stream.id).map { WatchedStream(index: $0, descriptor: stream.descriptor) }
        }
        return LimitWatches(
            beds.enumerated().map { number, devices in
                LimitWatch(
                    bed: WatchedBed(id: "\(number)", name: "Bed \(number + 1)", arabicName: "سرير \(number + 1)"),
                    preset: preset, streams: streams.filter { devices.contains($0.descriptor.device) }, names: names,
                    now: now)
            })
    }
}
