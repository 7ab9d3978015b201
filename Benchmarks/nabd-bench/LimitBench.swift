import Alarms
import DeviceModel
import Foundation
import Nomenclature
import Presets
import RealTime
import SampleJournal

/// The recorder's rounds with eight beds, with and without their vitals held against limits: twelve of each bed, low
/// and high, two levels a side.
enum LimitBench {
    /// What a bed has, and a limit that its values stay above and reach now and then.
    private static let numerics: [(metric: String, unit: String)] = [
        ("MDC_ECG_HEART_RATE", "/min"), ("MDC_PULS_OXIM_SAT_O2", "%"), ("MDC_PULS_OXIM_PULS_RATE", "/min"),
        ("MDC_PULS_OXIM_PERF_REL", "%"), ("MDC_RESP_RATE", "/min"), ("MDC_AWAY_CO2_ET", "mm[Hg]"),
        ("MDC_PRESS_BLD_ART_SYS", "mm[Hg]"), ("MDC_PRESS_BLD_ART_DIA", "mm[Hg]"),
        ("MDC_PRESS_BLD_ART_MEAN", "mm[Hg]"), ("MDC_PRESS_BLD_VEN_CENT", "mm[Hg]"), ("MDC_TEMP_CORE", "Cel"),
        ("MDC_TEMP_SKIN", "Cel"),
    ]

    private static func preset(_ names: Nomenclature) throws -> Preset {
        var text = """
            nabd: preset/1
            name: bench
            title: Bench
            title-arabic: قياس
            for: Nobody
            for-arabic: لا أحد
            reviewed:
            vitals:

            """
        for (metric, unit) in numerics {
            text += "  \(metric): {name: \(metric), name-arabic: قياس, unit: \"\(unit)\"}\n"
        }
        text += "limits:\n"
        let level = "delay: 10s, hysteresis: 2, proposed: true}\n"
        let (medium, high) = (
            "priority: medium, harm: reversible, onset: prompt", "priority: high, harm: death, onset: prompt"
        )
        for (metric, _) in numerics {
            text +=
                "  \(metric):\n    low:\n      - {below: 990, \(medium), \(level)      - {below: 970, \(high), \(level)"
            text += "    high:\n      - {above: 1010, \(medium), \(level)      - {above: 1030, \(high), \(level)"
        }
        text += "missing:\n"
        for (metric, _) in numerics {
            text +=
                "  \(metric): {of: bed, after: 30s, priority: medium, harm: death, onset: delayed, proposed: true}\n"
        }
        return try Preset.read(path: "bench.yaml", text: text, names: names)
    }

    static func run(directory: String, seconds: Int64, isWatched: Bool, profiles: String) throws {
        let writer = try JournalWriter(directory: directory, bootID: "bench", now: 0, utc: 0)
        var beds = try (0..<8).map { try Bed(number: $0, writer: writer, played: nil, numerics: numerics) }
        let names = NomenclatureShelf.names(besides: [profiles]).nomenclature
        let preset = try preset(names)
        var watches = LimitWatches(
            beds.enumerated().map { number, bed in
                LimitWatch(
                    bed: WatchedBed(id: "bed-\(number)", name: "Bed \(number)", arabicName: "سرير \(number)"),
                    preset: preset,
                    streams: bed.described.map { WatchedStream(index: $0.index, descriptor: $0.descriptor) },
                    names: names, now: 0)
            })
        guard watches.beds.allSatisfy({ $0.watchedStreams.count == numerics.count }) else {
            throw NSError(domain: "nabd-bench", code: 5)
        }
        let clock = MonotonicClock()
        var (taken, turned, all, changes) = (Int64(0), Int64(0), Int64(0), 0)
        // The recorder's round is 20 ms, its commit 250 ms.
        for round in 0..<(seconds * 50) {
            let (from, to) = (round * 20, (round + 1) * 20)
            let made = beds.indices.flatMap { beds[$0].samples(from: from, to: to) }
            let start = clock.now()
            var place = 0
            writer.append {
                guard place < made.count else { return nil }
                defer { place += 1 }
                if isWatched { watches.take(made[place].0, stream: made[place].1) }
                return (record: made[place].0, stream: made[place].1)
            }
            let filled = clock.now()
            if isWatched { changes += watches.turn(now: (to + 1000) * 1_000_000).count }
            let done = clock.now()
            if round % 12 == 11 {
                try writer.commit(now: to * 1_000_000, utc: to * 1_000_000, quality: .unknown)
                try writer.tidy(now: to * 1_000_000)
            }
            (taken, turned, all) = (taken + filled - start, turned + done - filled, all + clock.now() - start)
        }
        guard isWatched == (changes > 0) else { throw NSError(domain: "nabd-bench", code: 6) }
        try writer.finish(now: seconds * 1_000_000_000, utc: seconds * 1_000_000_000, quality: .unknown)
        print(
            "{\"samples\": \(writer.committedSamples), \"seconds\": \(seconds), \"changes\": \(changes), "
                + "\"fillingSeconds\": \(Double(taken) / 1e9), \"turningSeconds\": \(Double(turned) / 1e9), "
                + "\"allSeconds\": \(Double(all) / 1e9)}")
    }
}
