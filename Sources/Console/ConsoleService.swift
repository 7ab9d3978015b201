package import Logging
package import RealTime
import Synchronization
import UnitPicture

/// What a unit's screens need to know of it.
package struct ConsoleSettings: Sendable {
    package var address: ConsoleAddress
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
        address: ConsoleAddress, hosts: [String], files: String, journal: String, people: String?,
        status: (socket: String, word: String), bootID: String, zone: String, commitEvery: Int64
    ) {
        (self.address, self.hosts, self.files, self.journal) = (address, hosts, files, journal)
        (self.people, self.status, self.bootID, self.zone) = (people, status, bootID, zone)
        self.commitEvery = commitEvery
    }
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
    private let logger: Logger
    private let reach = Mutex(Reach.beginning)

    package init(_ settings: ConsoleSettings, logger: Logger) {
        address = settings.address
        self.logger = logger
        let picture = PictureSettings(
            bootID: settings.bootID, zone: settings.zone, commitEvery: settings.commitEvery)
        let journal = settings.journal
        feed = LiveFeed(opening: { try OpenedJournal(directory: journal, settings: picture) }, logger: logger)
        let files = ScreenFiles(folder: settings.files)
        if let failure = files.failure {
            logger.error("there is no screen to show", metadata: ["reason": "\(failure)"])
        }
        responder = ConsoleResponder(
            gate: RequestGate(port: settings.address.port, hosts: settings.hosts), files: files, feed: feed,
            asks: AskDoor(socket: settings.people),
            status: StatusCache(socket: settings.status.socket, word: settings.status.word),
            past: JournalPast(directory: settings.journal))
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
            tasks.addTask { await self.serve() }
            await tasks.waitForAll()
        }
    }

    private func serve() async {
        let server = ConsoleServer(address, responder: responder, logger: logger)
        while !Task.isCancelled {
            do {
                try await server.run { [self] in
                    reach.withLock { $0 = .reached }
                    logger.info("screens are served", metadata: ["address": "\(address)"])
                }
            } catch {
                if Task.isCancelled { return }
                let words = "screens cannot be served at \(address): is it taken? (\(error))"
                let isNew = reach.withLock { reach in
                    defer { reach = .failing(words) }
                    if case .failing(words) = reach { return false }
                    return true
                }
                if isNew { logger.error("\(words)") }
            }
            try? await Task.sleep(for: .seconds(Self.again))
        }
    }
}
