package import Logging
package import RealTime
import Synchronization
package import UnitPicture

/// Where the picture comes from: the journal, read by one for all screens.
package protocol PictureSource: AnyObject {
    /// What was committed since the last call. Throws where it cannot be read any more: it is then opened anew.
    func take() throws -> PictureBeat
    /// The JSON object `picture`, one line.
    func whole() -> [UInt8]
    /// The JSON object `waves` of the last seconds at a bed.
    func waves(of bed: String) -> [UInt8]
    /// The beds; "" is what is at no bed.
    var beds: [String] { get }
}

/// A journal that is open: what is in it, and how to wait for more.
package struct OpenedJournal {
    package let picture: any PictureSource
    /// Returns after a commit, or when so much time is over.
    package let wait: @Sendable (Duration) async -> Void

    package init(_ picture: any PictureSource, wait: @escaping @Sendable (Duration) async -> Void) {
        (self.picture, self.wait) = (picture, wait)
    }
}

/// The one reader of the journal for all screens: woken by a commit, it reads what is new, has it encoded once, and
/// gives the same bytes to every screen. What cannot be read is told to the screens and tried again, for ever.
package actor LiveFeed {
    private enum Standing {
        case failing(Refusal)
        case reading(OpenedJournal)
    }

    private let opening: @Sendable () throws -> OpenedJournal
    private let clock: any MonotonicTime
    private let logger: Logger
    /// The reader's signs of life.
    package nonisolated let beat = Beat()
    private var standing = Standing.failing(LiveFeed.beginning)
    /// The failure that lasts, for those who must not wait.
    private nonisolated let told = Mutex<Refusal?>(nil)
    private var screens: [Int: Screen] = [:]
    private var next = 0
    private var isEnding = false

    private static let beginning = Refusal(503, "journal", "The journal is being read for the first time.")

    /// - Parameter opening: opens the journal and catches up; it is called again after a failure.
    package init(
        opening: @escaping @Sendable () throws -> OpenedJournal, clock: any MonotonicTime = MonotonicClock(),
        logger: Logger
    ) {
        (self.opening, self.clock, self.logger) = (opening, clock, logger)
    }

    /// Reads and tells until the task is cancelled; then every screen is closed.
    package func run() async {
        while !Task.isCancelled {
            round()
            switch standing {
            case .reading(let journal): await journal.wait(.milliseconds(ConsoleLimits.beatEvery))
            case .failing: try? await Task.sleep(for: .milliseconds(ConsoleLimits.beatEvery))
            }
        }
        isEnding = true
        for screen in screens.values { screen.close() }
        screens = [:]
    }

    /// A screen more, with all that there is to see now.
    ///
    /// - Parameters:
    ///   - isFar: whether it is a far clinician's.
    ///   - closing: ends the way to the screen; it may be called more than once, and waits for nothing.
    /// - Throws: ``Refusal``, where there are too many.
    package func join(_ waves: WavesWanted, isFar: Bool = false, closing: @escaping @Sendable () -> Void)
        throws(Refusal) -> Screen
    {
        if isEnding { throw .ending }
        screens = screens.filter { !$0.value.isClosed }
        let most = isFar ? ConsoleLimits.farScreens : ConsoleLimits.screens
        guard screens.values.count(where: { $0.isFar == isFar }) < most else { throw .tooManyScreens }
        let screen = Screen(waves: waves, isFar: isFar, closing: closing)
        _ = screen.open(everything(), at: clock.now())
        screens[next] = screen
        next += 1
        return screen
    }

    /// How many look.
    package var count: Int { screens.values.filter { !$0.isClosed }.count }

    /// What keeps everything from being shown; `nil` where nothing does.
    package nonisolated var trouble: String? { told.withLock { $0?.words } }

    private func round() {
        let now = clock.now()
        beat.give(at: max(1, now), into: .system)
        defer { beat.give(at: max(1, clock.now())) }
        switch standing {
        case .reading(let journal):
            do { tell(try journal.picture.take(), at: now) } catch { fail(error, at: now) }
        case .failing:
            do {
                standing = .reading(try opening())
                told.withLock { $0 = nil }
                logger.info("the journal is read for the screens")
                let frames = everything()
                keep { $0.open(frames, at: now) }
            } catch { fail(error, at: now) }
        }
    }

    private func tell(_ beat: PictureBeat, at now: Int64) {
        if beat.isWhole {
            let frames = everything()
            return keep { $0.open(frames, at: now) }
        }
        var frames = [Frame.beat(beat.changes)]
        for (bed, waves) in beat.waves.sorted(by: { $0.key < $1.key }) { frames.append(.waves(waves, of: bed)) }
        keep { screen in frames.allSatisfy { screen.push($0, at: now) } }
    }

    private func fail(_ error: any Error, at now: Int64) {
        let refusal = error as? Refusal ?? Refusal(503, "journal", "The journal cannot be read: \(error)")
        let known = told.withLock { told in
            defer { told = refusal }
            return told
        }
        standing = .failing(refusal)
        if known != refusal {
            logger.warning("nothing can be shown on the screens now", metadata: ["reason": "\(refusal.words)"])
        }
        // As long as it lasts, in place of the beat.
        let frame = Frame.failure(refusal)
        keep { $0.push(frame, at: now) }
    }

    private func keep(_ isKept: (Screen) -> Bool) {
        for (number, screen) in screens where !isKept(screen) {
            screen.close()
            screens[number] = nil
        }
    }

    /// What a screen begins with.
    private func everything() -> [Frame] {
        switch standing {
        case .failing(let refusal): return [.failure(refusal)]
        case .reading(let journal):
            let picture = journal.picture
            return [.picture(picture.whole())] + picture.beds.map { .waves(picture.waves(of: $0), of: $0) }
        }
    }
}
