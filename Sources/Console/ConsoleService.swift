import Glibc
package import Logging
package import RealTime
import Synchronization
import UnitPicture

/// What a unit's screens need to know of it.
package struct ConsoleSettings: Sendable {
    package var address: ConsoleAddress
    /// By which doors this process lets screens in.
    package var doors: ConsoleDoors
    /// Further names by which screens reach this server, with or without a port.
    package var hosts: [String]
    /// The folder of the screen's files.
    package var files: String
    package var journal: String
    /// The people's socket; `nil` for a unit without one.
    package var people: String?
    /// The host's status socket, and the word that it answers with its document.
    package var status: (socket: String, word: String)
    /// The machine's boot, as the journal's sessions have it.
    package var bootID: String
    /// The unit's time zone, by its name in the tz database.
    package var zone: String
    /// Unit: ns.
    package var commitEvery: Int64

    package init(
        address: ConsoleAddress, doors: ConsoleDoors, hosts: [String], files: String, journal: String, people: String?,
        status: (socket: String, word: String), bootID: String, zone: String, commitEvery: Int64
    ) {
        (self.address, self.doors, self.hosts, self.files, self.journal) = (address, doors, hosts, files, journal)
        (self.people, self.status, self.bootID, self.zone) = (people, status, bootID, zone)
        self.commitEvery = commitEvery
    }
}

/// By which doors a process lets screens in.
package enum ConsoleDoors: Sendable {
    /// Those of this machine.
    case here
    /// Those of far clinicians.
    case far(FarPlace)
    case both(FarPlace)
}

/// The server of a unit's screens, whole: one reader of the journal, and who is told of it. Whatever becomes of the
/// journal, of the host or of the port, it goes on and tries again.
package final class ConsoleService: Sendable {
    /// How often a port or a socket's place that is taken is tried again. Unit: s.
    private static let again = 2

    private enum Reach {
        case beginning
        case reached
        /// Why nobody can reach it.
        case failing(String)
    }

    private let address: ConsoleAddress
    private let feed: LiveFeed
    private let responder: ConsoleResponder
    private let doors: ConsoleDoors
    private let makeFar: @Sendable (FarPlace) -> FarListener
    private let logger: Logger
    private let reach = Mutex(Reach.beginning)

    package init(_ settings: ConsoleSettings, logger: Logger) {
        (address, doors, self.logger) = (settings.address, settings.doors, logger)
        let picture = PictureSettings(
            bootID: settings.bootID, zone: settings.zone, commitEvery: settings.commitEvery)
        let journal = settings.journal
        feed = LiveFeed(opening: { try OpenedJournal(directory: journal, settings: picture) }, logger: logger)
        let files = ScreenFiles(folder: settings.files)
        if let failure = files.failure {
            logger.error("there is no screen to show", metadata: ["reason": "\(failure)"])
        }
        let past = JournalPast(directory: settings.journal)
        responder = ConsoleResponder(
            gate: RequestGate(port: settings.address.port, hosts: settings.hosts), files: files, feed: feed,
            asks: AskDoor(socket: settings.people),
            status: StatusCache(socket: settings.status.socket, word: settings.status.word),
            past: past)
        let feed = feed
        makeFar = { place in
            FarListener(
                place, files: files, feed: feed, past: past, directory: settings.journal, people: settings.people,
                bootID: settings.bootID, logger: logger)
        }
    }

    /// The reader's signs of life.
    package var beat: Beat { feed.beat }

    /// Whether screens can reach it.
    package var isReached: Bool { reach.withLock { if case .reached = $0 { true } else { false } } }

    /// How it is, in a sentence; it waits for nobody.
    package var sentence: String {
        switch reach.withLock({ $0 }) {
        case .beginning: "beginning"
        case .failing(let words): words
        case .reached: feed.trouble ?? "showing"
        }
    }

    /// Reads and serves until the task is cancelled.
    package func run() async {
        await withTaskGroup { tasks in
            tasks.addTask { await self.feed.run() }
            switch self.doors {
            case .here: tasks.addTask { await self.serve() }
            case .far(let place): tasks.addTask { await self.serveFar(place, isAlone: true) }
            case .both(let place):
                tasks.addTask { await self.serve() }
                tasks.addTask { await self.serveFar(place, isAlone: false) }
            }
            await tasks.waitForAll()
        }
    }

    private func serve() async {
        let server = ConsoleServer(address, responder: responder, logger: logger)
        while !Task.isCancelled {
            do {
                try await server.run { [self] in
                    // For its group as well: the proxy before it runs as another user.
                    if case .socket(let path) = address, chmod(path, 0o660) != 0 {
                        return fail("\(path) cannot be opened to its group: \(String(cString: strerror(errno)))")
                    }
                    reach.withLock { $0 = .reached }
                    logger.info("screens are served", metadata: ["address": "\(address)"])
                }
            } catch {
                if Task.isCancelled { return }
                fail("screens cannot be served at \(address): is it taken? (\(error))")
            }
            try? await Task.sleep(for: .seconds(Self.again))
        }
    }

    /// - Parameter isAlone: whether this process lets in nobody else.
    private func serveFar(_ place: FarPlace, isAlone: Bool) async {
        let listener = makeFar(place)
        var told: String?
        while !Task.isCancelled {
            do {
                try await listener.run { [self] in
                    if isAlone { reach.withLock { $0 = .reached } }
                    logger.info(
                        "far clinicians may come in while a consultation is open",
                        metadata: ["address": "\(place.address):\(place.port)"])
                }
            } catch {
                if Task.isCancelled { return }
                let words = "far clinicians cannot come in at \(place.address):\(place.port): \(error)"
                if isAlone { fail(words) } else if told != words { logger.error("\(words)") }
                told = words
            }
            try? await Task.sleep(for: .seconds(Self.again))
        }
    }

    private func fail(_ words: String) {
        let isNew = reach.withLock { reach in
            defer { reach = .failing(words) }
            if case .failing(words) = reach { return false }
            return true
        }
        if isNew { logger.error("\(words)") }
    }
}
