import DeviceModel
import Foundation
import Patients
import RealTime
import SampleJournal
import UnitPicture

/// What a unit's picture costs: eight beds, each twelve numerics at 1 Hz, three waveforms at 250 Hz and one at 125 Hz.
enum PictureBench {
    /// Writes a journal as a host does, and takes the picture after each commit. Only the picture's time is counted.
    static func run(directory: String, seconds: Int64, commitMilliseconds: Int64) throws {
        let writer = try JournalWriter(directory: directory, bootID: "bench", now: 0, utc: utc)
        var beds = try (0..<8).map { try Bed(number: $0, writer: writer, played: nil) }
        try configure(writer, beds: beds.count)
        let picture = try reader(directory, commitMilliseconds)
        var (spent, waves, changes, most) = (0.0, 0, 0, 0.0)
        for step in 0..<(seconds * 1000 / commitMilliseconds) {
            let (from, to) = (step * commitMilliseconds, (step + 1) * commitMilliseconds)
            for bed in beds.indices {
                for (record, stream) in beds[bed].samples(from: from, to: to) { writer.append(record, stream: stream) }
            }
            let now = to * 1_000_000
            try writer.commit(now: now, utc: now + utc, quality: .synchronised)
            try writer.tidy(now: now)
            let start = threadSeconds()
            let beat = try picture.take(now: PictureTime(monotonic: now, utc: now + utc))
            let taken = threadSeconds() - start
            spent += taken
            most = max(most, step > 40 ? taken : 0)
            waves += beat.waves.values.reduce(0) { $0 + $1.count }
            changes += beat.changes.count
        }
        let now = PictureTime(monotonic: seconds * 1_000_000_000, utc: utc)
        let start = threadSeconds()
        let anew = try reader(directory, commitMilliseconds)
        let read = threadSeconds() - start
        let whole = anew.whole(now: now).count + anew.beds.reduce(0) { $0 + anew.waves(of: $1).count }
        let told = threadSeconds() - start - read
        try writer.finish(now: seconds * 1_000_000_000, utc: utc, quality: .synchronised)
        print(
            "{\"seconds\": \(seconds), \"cpuShare\": \(spent / Double(seconds)), \"mostMilliseconds\": \(most * 1000), "
                + "\"wavesBytesASecond\": \(waves / Int(seconds)), \"beatBytesASecond\": \(changes / Int(seconds)), "
                + "\"beginSeconds\": \(read), \"wholeSeconds\": \(told), \"wholeBytes\": \(whole)}")
    }

    /// Watches a journal that a host writes, as a screen's server does.
    static func watch(directory: String, seconds: Double) throws {
        let clock = MonotonicClock()
        let start = threadSeconds()
        let picture = try reader(
            directory, 250, boot: try JournalReader(directory: directory).sessions().last?.bootID ?? "")
        let begun = threadSeconds()
        let before = NabdBench.cpuSeconds()
        let watch = CommitWatch(directory: directory)
        let end = clock.now() + Int64(seconds * 1e9)
        var (beats, bytes) = (0, 0)
        while clock.now() < end {
            _ = watch.wait(within: .milliseconds(500))
            let beat = try picture.take(now: PictureTime(monotonic: clock.now(), utc: utc))
            beats += 1
            bytes += beat.changes.count + beat.waves.values.reduce(0) { $0 + $1.count }
        }
        let share = (NabdBench.cpuSeconds() - before) / seconds
        print(
            "{\"beats\": \(beats), \"cpuShare\": \(share), \"bytesASecond\": \(Double(bytes) / seconds), "
                + "\"beginSeconds\": \(begun - start), \"residentMegabytes\": \(resident())}")
    }

    private static let utc: Int64 = 1_790_000_000_000_000_000

    private static func reader(_ directory: String, _ commit: Int64, boot: String = "bench") throws -> PictureReader {
        try PictureReader(
            JournalReader(directory: directory),
            settings: PictureSettings(bootID: boot, zone: "Asia/Riyadh", commitEvery: commit * 1_000_000))
    }

    private static func configure(_ writer: JournalWriter, beds: Int) throws {
        var events: [UnitEvent] = [.hostStarted(unit: "bench", alertsEnded: 0, at: 0)]
        for bed in 0..<beds {
            events.append(
                .deviceConfigured(
                    "bed-\(bed)", profile: "bench", digest: "0", manufacturer: "bench", model: "bench",
                    function: "bench", line: "bench", hasUnverifiedFacts: false, at: 0))
            let configured = ConfiguredBed(name: "Chair \(bed)", nameArabic: "كرسي", devices: ["bed-\(bed)"])
            events += [UnitEvent.bed(.configured(bed: "chair-\(bed)", configured), at: 0)].compactMap(\.self)
        }
        try writer.record(events.map(JournalWriter.Event.init), now: 0, utcOffset: utc, quality: .synchronised)
    }

    private static func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// What the process holds in memory. Unit: MB.
    private static func resident() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) / 1024
    }
}
