import Dispatch
import Foundation
import GRDB
import Synchronization

/// Tells when something was committed to a journal, beside its writer, for one who waits.
///
/// The system tells when a log is written to (inotify on the folder). That is before a commit can be read: it is synced
/// first, and of what makes it visible the system tells nothing. So from a write on it is looked, after a millisecond
/// and then ever more seldom, up to every 25 ms, whether SQLite sees a commit. Where the system gives no watch, it is
/// looked every 25 ms.
package final class CommitWatch: Sendable {
    private let look: Mutex<CommitLook>
    private let queue = DispatchQueue(label: "nabd.commits")

    package convenience init(directory: String) { self.init(directory: directory, isTold: true) }

    /// - Parameter isTold: whether the system is asked to tell; otherwise it is looked again and again.
    init(directory: String, isTold: Bool) {
        look = Mutex(CommitLook(JournalFiles(directory: directory), isTold: isTold))
    }

    /// Waits until something was committed since the last call, or since this was made. Returns whether that is so;
    /// `false` when the time is over, or the task was cancelled. One waits at a time.
    package func next(within limit: Duration) async -> Bool {
        let deadline = ContinuousClock.now + limit
        let end = End()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async {
                    continuation.resume(
                        returning: self.look.withLock {
                            $0.wait(until: deadline) { end.isReached.load(ordering: .relaxed) }
                        })
                }
            }
        } onCancel: {
            end.isReached.store(true, ordering: .relaxed)
        }
    }

    /// The same for a thread that may stand still.
    package func wait(within limit: Duration) -> Bool { look.withLock { $0.wait(until: .now + limit) { false } } }

    /// Whether nobody waits any more.
    private final class End: Sendable { let isReached = Atomic(false) }
}

/// The newest file of each kind, and what of it has been seen.
private struct CommitLook: ~Copyable {
    private static let slowest = Duration.milliseconds(25)
    private static let quickest = Duration.milliseconds(1)
    /// So long after the last write to a log it is looked often. What a longer sync makes visible is seen when the wait
    /// ends.
    private static let longestSync = Duration.seconds(10)
    /// Behind a commit that was seen it is looked ever more seldom, up to this.
    private static let lastPace = Duration.milliseconds(200)
    /// A wait that nobody is interested in any more ends after this.
    private static let slice = Duration.milliseconds(100)

    /// Whether a log has been written to, so that a commit may become visible.
    private enum Writing {
        case still
        /// It is looked again at `next`, and after that in `pace`.
        case underWay(since: ContinuousClock.Instant, next: ContinuousClock.Instant, pace: Duration)
        /// A commit was seen. Another may have been written just before that, of which nothing more will be told.
        case seen(next: ContinuousClock.Instant, pace: Duration)

        var next: ContinuousClock.Instant? {
            switch self {
            case .still: nil
            case .underWay(_, let next, _), .seen(let next, _): next
            }
        }

        /// What it is when nothing new was seen at its time.
        func afterLook(_ now: ContinuousClock.Instant) -> Writing {
            switch self {
            case .still: return .still
            case .underWay(let since, _, let pace):
                let later = min(pace * 2, CommitLook.slowest)
                return now - since > CommitLook.longestSync
                    ? .still : .underWay(since: since, next: now + later, pace: later)
            case .seen(_, let pace):
                return pace * 2 > CommitLook.lastPace ? .still : .seen(next: now + pace * 2, pace: pace * 2)
            }
        }
    }

    /// The newest file of a kind.
    private struct Newest {
        let segment: JournalFiles.Segment
        /// `nil` while it cannot be opened.
        var queue: DatabaseQueue?
        /// SQLite's number of what this connection sees of the others' commits.
        var version: Int64?
        var writing: Writing = .still
    }

    private let files: JournalFiles
    private let isTold: Bool
    private var notices: CommitNotices?
    private var newest: [JournalFiles.Kind: Newest] = [:]

    init(_ files: JournalFiles, isTold: Bool) {
        (self.files, self.isTold) = (files, isTold)
        // The watch stands before the first look: what is committed between them is told.
        notices = isTold ? CommitNotices(directory: files.directory) : nil
        _ = findNewest(.now)
        for kind in JournalFiles.Kind.allCases { _ = isCommitted(kind) }
    }

    mutating func wait(until deadline: ContinuousClock.Instant, isCancelled: () -> Bool) -> Bool {
        var isFirst = true
        while true {
            let now = ContinuousClock.now
            if see(now, everything: isFirst || now >= deadline) { return true }
            if now >= deadline || isCancelled() { return false }
            isFirst = false
            rest(until: min(deadline, nextLook(now), now + Self.slice))
        }
    }

    /// When it is looked next without being told.
    private func nextLook(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard notices != nil else { return now + Self.slowest }
        return newest.values.compactMap(\.writing.next).min() ?? now + Self.slice
    }

    /// However often a log is written to, between two looks is a millisecond at least.
    private func rest(until next: ContinuousClock.Instant) {
        usleep(1000)
        let left = next - .now
        guard left > .zero else { return }
        guard let notices else {
            usleep(UInt32(min(left, Self.slowest) / .microseconds(1)))
            return
        }
        notices.wait(left)
    }

    /// Whether there is a commit that was not seen.
    private mutating func see(_ now: ContinuousClock.Instant, everything: Bool) -> Bool {
        var found = notices?.take() ?? CommitNotices.Found(isFolderChanged: true)
        if found.isOver { notices = nil }
        if notices == nil, isTold, let made = CommitNotices(directory: files.directory) {
            notices = made
            found.isFolderChanged = true
        }
        var isSeen = found.isFolderChanged && findNewest(now)
        for kind in JournalFiles.Kind.allCases {
            guard var writing = newest[kind]?.writing else { continue }
            if found.written.contains(kind) {
                writing = .underWay(since: now, next: now + Self.quickest, pace: Self.quickest)
            }
            let isDue = writing.next.map { $0 <= now } ?? false
            if everything || notices == nil || isDue {
                if isCommitted(kind) {
                    isSeen = true
                    writing = .seen(next: now + Self.slowest, pace: Self.slowest)
                } else if isDue {
                    writing = writing.afterLook(now)
                }
            }
            newest[kind]?.writing = writing
        }
        return isSeen
    }

    /// Looks which files are the newest. Returns whether another one is, which is a commit.
    private mutating func findNewest(_ now: ContinuousClock.Instant) -> Bool {
        var isChanged = false
        for kind in JournalFiles.Kind.allCases {
            let last = files.segments(kind).last
            guard last != newest[kind]?.segment else { continue }
            newest[kind] = last.map {
                Newest(segment: $0, writing: .underWay(since: now, next: now, pace: Self.quickest))
            }
            isChanged = true
        }
        return isChanged
    }

    /// Whether SQLite sees a commit that this connection had not seen. A file that cannot be read tells nothing yet.
    private mutating func isCommitted(_ kind: JournalFiles.Kind) -> Bool {
        guard var file = newest[kind] else { return false }
        defer { newest[kind] = file }
        do {
            let queue = try file.queue ?? files.openForReading(file.segment.path)
            file.queue = queue
            // No transaction around it: within one it would see nothing new.
            let version = try queue.unsafeRead { try Int64.fetchOne($0, sql: "PRAGMA data_version") }
            defer { file.version = version }
            return file.version != version
        } catch {
            (file.queue, file.version) = (nil, nil)
            return false
        }
    }
}
