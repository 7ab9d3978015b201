import DeviceModel
import Logging
import RealTime
import SampleJournal
import Sampling
import Synchronization

/// The one way from the lines' rings to the journal: a thread that drains them, records events at once and commits
/// samples at an interval.
final class Recorder: Sendable {
    /// What has been recorded, for summaries.
    struct Totals: Sendable {
        var samples: Int64 = 0
        var events: Int64 = 0
        /// Times that something was not sampled: a device silent, lost or stale, records lost.
        var gaps: Int64 = 0
        /// Whether this host has the right to write the journal.
        var holdsJournal = false
        /// The journal could not be written; the last words about it.
        var problem: String?
        /// Whether the journal was committed once, or it is known that it cannot be.
        var isUnderWay = false
        /// What was recorded last.
        var picture = RecordedPicture()
    }

    private let thread: Mutex<RealTimeThread?> = Mutex(nil)
    private let stopFlag = StopFlag()
    private let notes = NoteQueue()
    private let changes = AskQueue<LineChange, Result<Void, NoteError>>(limit: 1)
    private let totalsState = Mutex(Totals())
    /// The signs of life of the recorder's thread.
    let beat = Beat()

    var totals: Totals { totalsState.withLock { $0 } }

    /// Starts recording. The writer belongs to the recorder's thread from now on.
    ///
    /// - Parameters:
    ///   - beginning: events that the journal has not taken yet.
    ///   - alerts: those that stand.
    ///   - standing: alerts that hold from the beginning, each about a device or the host.
    ///   - watches: alarms of the host whose condition is asked for at intervals.
    ///   - quality: how sure the wall clock is.
    ///   - desk: what answers people; `nil` where there is no way in for them.
    ///   - beds: those of the unit; `nil` where it never had any.
    ///   - consultations: who may look from afar; `nil` where there is no way in for people.
    ///   - commands: the command path, which belongs to the recorder's thread from now on; `nil` for none.
    func start(
        _ writer: JournalWriter, beginning: [UnitEvent], alerts: AlertRegister,
        standing: [(alert: AlertKind, device: String?)], watches: [AlarmWatch], desk: HostDesk?, beds: BedRounds?,
        consultations: ConsultationRounds?, commands: DeskRounds?,
        lines: [(worker: LineWorker, streams: [Int])], commitEvery: Int64,
        quality: @escaping @Sendable () -> ClockQuality,
        priority: Int32, logger: Logger
    ) throws {
        let loop = RecorderLoop(
            writer: writer, beginning: beginning, alerts: alerts, lines: lines, notes: notes,
            changes: changes,
            clock: MonotonicClock(), wall: WallClock.now, quality: quality, beat: beat, logger: logger)
        loop.hold(standing)
        loop.watches = watches
        loop.commands = commands
        loop.desk = desk
        loop.beds = beds
        loop.consultations = consultations
        loop.layStreams()
        let (asks, alarms, questions) = (commands?.asks, desk?.alarms, beds == nil ? nil : desk?.beds)
        let looks = consultations == nil ? nil : desk?.consultations
        // The loop is made here and used only on its own thread.
        nonisolated(unsafe) let owned = loop
        let started = try RealTimeThread(name: "journal", priority: priority) { [self] in
            owned.run(until: stopFlag, Rounds.Intervals(commit: commitEvery)) { totals in
                totalsState.withLock { $0 = totals }
            }
        }
        thread.withLock { $0 = started }
        // From here on the thread takes what is noted, however late it begins.
        notes.open()
        changes.open()
        asks?.open()
        alarms?.open()
        questions?.open()
        looks?.open()
    }

    /// Records an event from any task, and returns its number in the journal when it is durable. At most
    /// ``NoteQueue/limit`` wait at once; a disk that hangs lets them wait as long. When it throws, nothing was written
    /// and nothing will be; but where a disk failed while it wrote, and the host is killed before the disk takes
    /// anything again, the next start may find that it had kept the event.
    func note(_ event: UnitEvent) async throws(NoteError) -> Int64 { try await notes.note(event) }

    /// Has the recorder drain other lines, and returns when it does. When it throws, nothing has changed.
    func change(_ change: LineChange) async throws(NoteError) {
        let answer: Result<Void, NoteError>
        do { answer = try await changes.ask(change) } catch {
            switch error {
            case .notRunning: throw .notRunning
            case .full: throw .full(limit: 1)
            case .cancelled: throw .cancelled
            }
        }
        try answer.get()
    }

    /// Drains what is left, ends the journal's session, and returns when all of it is durable.
    func stop() {
        stopFlag.set()
        thread.withLock { $0?.join() }
    }
}
