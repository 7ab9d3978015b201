import Crypto
import DeviceModel
import Foundation
import RealTime
import SampleJournal
import Synchronization
import Uplink

/// How the uplink is, as its book says it: the same whether it runs in this process or in another. What the book cannot
/// say any more, since nobody writes it, is known by that.
final class UplinkView: Sendable {
    struct State {
        /// Resources that are stored at the destination, and that were put aside.
        var stored = 0
        var parked = 0
        /// Why nothing is delivered now; `nil` when it is.
        var problem: String?
        var isContradicted = false
        var isShared = false
        /// Since when nothing could be stored, or nobody tried. Unit: ns of the monotonic clock.
        var failingSince: Int64?
        /// What went over the way in the month, as far as it counts now.
        var month = MonthCount()
        var stage = LinkStage.everything
        /// The windows of waveforms that are withheld, of all devices together. Unit: ns.
        var withheld: Int64 = 0
        /// As the uplink noted it, every quarter of a minute.
        var lanes: [(lane: DeliveryLane, note: LaneNote)] = []
        /// What of the unit's identity cannot be used as its files are; `nil` when all can.
        var concern: String?
        /// Since when that is so. Unit: ns of the monotonic clock.
        fileprivate var concernSince: Int64?
        /// From when on somebody is told that one of the certificates expires; `nil` while they cannot be read. Unit: s
        /// since 1970.
        var noticeTime: Int?
        /// How far the lanes are; `nil` before that was looked at, and while the book cannot be read.
        var report: DeliveryReport?
        /// When the certificates and the lanes were last looked at. Unit: ns of the monotonic clock.
        fileprivate var looked: Int64?
        /// When the uplink last showed itself in this boot. Unit: ns of the monotonic clock.
        fileprivate var seen: Int64?
    }

    /// How often the book is read. Unit: s.
    private static let every = 1
    /// An uplink that has not shown itself for so long is not there. Unit: ns.
    private static let silence: Int64 = 4 * UplinkService.heartbeat
    /// How often the certificates are read, and the lanes. Unit: ns.
    private static let lookEvery: Int64 = 10_000_000_000
    /// So long a renewal of several files may take before somebody is told. Unit: ns.
    private static let renewal: Int64 = 60_000_000_000

    private let endpoint: UplinkEndpoint
    private let journal: String
    private let books: DeliveryBooks
    private let began = MonotonicClock().now()
    private let state = Mutex(State())
    private let open = Mutex<DeliveryBook?>(nil)

    private let limits: LinkLimits
    private let clock: ClockJudge

    /// - Parameter limits: what the way may carry.
    init(_ endpoint: UplinkEndpoint, journal: String, limits: LinkLimits, clock: ClockJudge) {
        (self.endpoint, self.journal, books) = (endpoint, journal, DeliveryBooks(journal: journal))
        (self.limits, self.clock) = (limits, clock)
    }

    var now: State { state.withLock { $0 } }

    /// Whether nothing could be stored for so long. Unit: ns.
    func isFailing(for time: Int64) -> Bool {
        now.failingSince.map { MonotonicClock().now() - $0 >= time } ?? false
    }

    /// Whether one of the certificates expires soon, or has.
    var isExpiring: Bool {
        now.noticeTime.map { Int64($0) < WallClock.now() / 1_000_000_000 } ?? false
    }

    /// Whether a file of the unit's identity cannot be used, and not only while others are put in place.
    var isIdentityFaulty: Bool {
        now.concernSince.map { MonotonicClock().now() - $0 >= Self.renewal } ?? false
    }

    /// Reads until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            look()
            try? await Task.sleep(for: .seconds(Self.every))
        }
    }

    func look() {
        let clock = MonotonicClock().now()
        var found = State()
        do { found = try read() } catch { open.withLock { $0 = nil } }
        let before = now
        (found.noticeTime, found.report, found.looked) = (before.noticeTime, before.report, before.looked)
        if before.looked.map({ clock - $0 > Self.lookEvery }) ?? true {
            // What cannot be used now takes nothing's place: what was read before goes on.
            let fresh = try? endpoint.noticeTime()
            let isTaken =
                fresh != nil && (before.noticeTime == nil || fresh == before.noticeTime || endpoint.fault == nil)
            (found.noticeTime, found.looked) = (isTaken ? fresh : before.noticeTime, clock)
            found.report = report()
        }
        // A book that cannot be read, or that nobody writes: nothing is known to go since this process began.
        let seen = max(found.seen ?? began, began)
        if clock - seen > Self.silence {
            // Or it is another book by now: one that was set aside is open still, under its new name.
            open.withLock { $0 = nil }
            found.failingSince = found.failingSince ?? seen
        }
        state.withLock { $0 = found }
    }

    private func report() -> DeliveryReport? {
        let reader = try? JournalReader(directory: journal)
        return open.withLock { book in book.flatMap { try? DeliveryReport($0, reader) } }
    }

    private func read() throws -> State {
        let path = books.path(of: endpoint.destination)
        let book = try open.withLock { open in
            let book = try open ?? DeliveryBook(readingFrom: path)
            open = book
            return book
        }
        var state = State()
        state.stored = try book.storedCount()
        state.parked = try book.parkedCounts().refused
        state.problem = try book.problem()
        state.isContradicted = try book.counter("contradicted") == 1
        state.isShared = try book.counter("shared") == 1
        state.month = MonthCount(try book.monthCount()).turned(to: clock.now() == .unknown ? nil : WallClock.now())
        state.stage = limits.stage(at: state.month.bytes)
        state.withheld = try book.withheldTime(.waveforms)
        state.lanes = try book.lanes().map { ($0, try book.note(of: $0)) }
        guard try book.counter("boot") == BootMark.current else { return state }
        state.seen = try book.counter("seen")
        state.concern = try book.concern()
        state.concernSince = try book.counter("concernSince").flatMap { $0 > 0 ? $0 : nil }
        state.failingSince = try book.counter("failingSince").flatMap { $0 > 0 ? $0 : nil }
        return state
    }
}

/// This machine, by a digest that names it to nobody who does not know it. Source: machine-id(5), which is not to be
/// given away as it is.
enum MachineMark {
    /// - Parameter unit: the digest is of no use for another.
    static func current(unit: String) -> String? {
        guard let text = try? String(contentsOfFile: "/etc/machine-id", encoding: .utf8) else { return nil }
        let id = text.filter(\.isHexDigit)
        guard id.count == 32 else { return nil }
        let digest = SHA256.hash(data: Data("nabd \(unit) \(id)".utf8)).prefix(8)
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// This boot of the machine as a number: times of the monotonic clock are compared within one only.
enum BootMark {
    /// As the system has it, and the journal's sessions carry it.
    static let id: String = {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }()

    static let current: Int64 = {
        let digits = id.filter(\.isHexDigit).prefix(15)
        return Int64(digits, radix: 16) ?? 0
    }()
}
