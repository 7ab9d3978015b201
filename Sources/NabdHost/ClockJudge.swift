package import DeviceModel
import Foundation
import RealTime
import PlainFiles
import Synchronization

/// How sure the wall clock is: by the kernel, or, in a process that may not ask it, by what the clock's own process
/// wrote lately.
package final class ClockJudge: Sendable {
    /// Before this the wall clock is not set: there was no such host yet. 2026-01-01T00:00:00Z. Unit: ns.
    private static let dawn: Int64 = 1_767_225_600_000_000_000
    /// What a clock that was never set shows at the most when the machine starts: systemd puts it to the date of one of
    /// these files. Source: systemd(1), “/usr/lib/clock-epoch”. Unit: ns since 1970.
    private static let epoch: Int64 = {
        let files = ["/usr/lib/clock-epoch", "/usr/lib/systemd/systemd", "/lib/systemd/systemd"]
        let dates = files.compactMap {
            try? FileManager.default.attributesOfItem(atPath: $0)[.modificationDate] as? Date
        }
        return dates.map { Int64($0.timeIntervalSince1970 * 1e9) }.max() ?? dawn
    }()
    /// How much later than that it may be seen to be. Unit: ns.
    private static let play: Int64 = 60_000_000_000
    /// What was written longer ago says nothing of now. Unit: ns.
    static let validity: Int64 = 10_000_000_000
    /// How often the file is read. Unit: ns.
    private static let every: Int64 = 1_000_000_000

    private let file: String?
    /// What the file said, and when that was read. Unit: ns of the monotonic clock.
    private let read = Mutex<(quality: ClockQuality?, time: Int64)>((nil, .min / 2))

    /// - Parameter file: what the clock's process writes; `nil` where this process asks the kernel itself.
    package init(file: String? = nil) { self.file = file }

    /// A clock that was never set in this boot, or of which nobody tells, runs on its own unless its time is
    /// impossible.
    package func now() -> ClockQuality {
        if told() == .synchronised { return .synchronised }
        let isSet = Self.isSet(wall: WallClock.now(), sinceStart: MonotonicClock().now(), epoch: Self.epoch)
        return isSet ? .holdover : .unknown
    }

    /// Whether a clock was ever set: what it shows, less the time since the machine started, is more than what a clock
    /// shows that nobody set. Unit: ns.
    static func isSet(wall: Int64, sinceStart: Int64, epoch: Int64) -> Bool {
        wall >= dawn && wall - sinceStart > epoch + play
    }

    private func told() -> ClockQuality? {
        guard let file else { return Self.kernel }
        let time = MonotonicClock().now()
        return read.withLock { read in
            if time - read.time >= Self.every {
                let text = PlainFile.text(file, limit: 256) ?? ""
                read = (ClockNote(text).flatMap { $0.counts(at: time) ? $0.quality : nil }, time)
            }
            return read.quality
        }
    }

    /// What the kernel says; `nil` when it does not tell.
    static var kernel: ClockQuality? { WallClock.isSynchronised().map { $0 ? .synchronised : .holdover } }
}

/// What the clock's process writes: `synchronised 123456789 4821…`, the quality, when it was, and in which boot.
struct ClockNote {
    let quality: ClockQuality
    /// Unit: ns of the monotonic clock.
    let time: Int64
    let boot: Int64

    init(_ quality: ClockQuality, at time: Int64, boot: Int64 = BootMark.current) {
        (self.quality, self.time, self.boot) = (quality, time, boot)
    }

    init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, words[2].hasSuffix("\n"), let time = Int64(words[1]),
            let boot = Int64(words[2].dropLast()),
            let quality = [ClockQuality.holdover, .synchronised].first(where: { $0.word == words[0] })
        else { return nil }
        self.init(quality, at: time, boot: boot)
    }

    var text: String { "\(quality.word) \(time) \(boot)\n" }

    /// Whether it says something of this moment.
    func counts(at now: Int64) -> Bool {
        boot == BootMark.current && time <= now && now - time <= ClockJudge.validity
    }
}
