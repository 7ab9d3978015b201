package import Consultations
import DeviceModel
package import RealTime
import SampleJournal
import Synchronization

/// Which far clinicians may look now, as the journal says. Where it cannot be read, or the host does not write any
/// more, nobody may: nobody on the unit could shut the door then.
package final class FarJournal: Sendable {
    /// How often it is looked, where nothing tells that something was committed.
    private static let every = Duration.milliseconds(250)
    /// The host writes at least every 5 s, and so three times in this. Unit: ns.
    private static let silent: Int64 = 15_000_000_000
    private static let batch = 1_000

    private struct Standing {
        var fold = ConsultationFold()
        /// The last event that was folded; 0 before the first.
        var last: Int64 = 0
        /// When the newest chunk was committed. Unit: ns of the monotonic clock.
        var committed: Int64 = .min
        /// The last chunk that was seen.
        var chunk: Int64 = 0
    }

    private let directory: String
    private let bootID: String
    private let clock: any MonotonicTime
    /// `nil` as long as the journal cannot be read.
    private let standing = Mutex<Standing?>(nil)

    /// - Parameter bootID: the machine's, as the host writes it: the clock of another boot says nothing now.
    package init(directory: String, bootID: String, clock: any MonotonicTime = MonotonicClock()) {
        (self.directory, self.bootID, self.clock) = (directory, bootID, clock)
    }

    /// The consultation by which whoever shows this certificate may look now.
    package func consultation(certificate: String) -> Consultation? {
        let now = clock.now()
        return open(at: now)?.open(certificate: certificate, at: now)
    }

    package func isOpen(_ number: Int64) -> Bool {
        let now = clock.now()
        return open(at: now)?.open(number: number, at: now) != nil
    }

    private func open(at now: Int64) -> ConsultationFold? {
        standing.withLock { standing in
            guard let standing, now &- standing.committed <= Self.silent else { return nil }
            return standing.fold
        }
    }

    /// Reads on until the task is cancelled.
    ///
    /// - Parameter looked: called after each look.
    package func run(looked: @escaping @Sendable () async -> Void) async {
        let watch = CommitWatch(directory: directory)
        var reader: JournalReader?
        while !Task.isCancelled {
            do {
                let open = try reader ?? JournalReader(directory: directory)
                reader = open
                try look(open)
            } catch {
                reader = nil
                standing.withLock { $0 = nil }
            }
            await looked()
            _ = await watch.next(within: Self.every)
        }
        standing.withLock { $0 = nil }
        await looked()
    }

    private func look(_ reader: JournalReader) throws {
        var next = standing.withLock { $0 } ?? Standing()
        // Another journal stands in its place: what was known is of one that is gone.
        if try reader.newestEvent() < next.last { next = Standing() }
        if next.last == 0 {
            // A session ends all that was open before it.
            var seen: Int64 = 0
            while let newest = try reader.events(of: [.hostStarted], after: seen, limit: Self.batch).last {
                seen = newest.id
            }
            next.last = seen - 1
        }
        while case let events = try reader.events(after: next.last, limit: Self.batch), !events.isEmpty {
            for event in events {
                let isMissing = next.last >= 0 && event.id != next.last + 1
                next.last = event.id
                // Whoever closed something may have said so in what is missing.
                next.fold.take(
                    kind: isMissing ? EventKind.journalGap.name : event.kind, body: isMissing ? "{}" : event.body,
                    at: ConsultationFold.Position(
                        sequence: event.id, session: event.session, nanoseconds: event.monotonicNanoseconds,
                        utc: event.utc))
            }
        }
        try lookAtCommits(reader, &next)
        standing.withLock { $0 = next }
    }

    /// When the host last wrote, in a session of this boot that it has not ended.
    private func lookAtCommits(_ reader: JournalReader, _ next: inout Standing) throws {
        let chunk = try reader.newestChunk()
        if chunk != next.chunk, chunk > 0 { (next.chunk, next.committed) = (chunk, clock.now()) }
        guard let session = try reader.sessions().last, session.bootID == bootID, session.key == next.fold.session
        else {
            next.committed = .min
            return
        }
    }
}
