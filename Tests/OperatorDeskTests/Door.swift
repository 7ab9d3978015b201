import CommandFacts
import Glibc
import RealTime
import StrictYAML
import Synchronization
import TestSupport

@testable import OperatorDesk

/// A desk that writes down what it is asked.
final class NotedDesk: CommandDesk {
    private let requests = Mutex<[DeskRequest]>([])
    private let stops = Mutex<[String]>([])
    private let reply: @Sendable (DeskRequest) async -> DeskAnswer

    init(_ reply: @escaping @Sendable (DeskRequest) async -> DeskAnswer = { _ in .done(words: "Done.") }) {
        self.reply = reply
    }

    var asked: [DeskRequest] { requests.withLock { $0 } }
    var stopped: [String] { stops.withLock { $0 } }

    func answer(_ question: DeskQuestion) async -> DeskAnswer {
        guard case .pump(let request) = question else { return .done(words: "Done.") }
        requests.withLock { $0.append(request) }
        return await reply(request)
    }

    func stopNow(device: String) -> Bool {
        stops.withLock { $0.append(device) }
        return device != "absent"
    }
}

/// The pumps' socket with two clinicians and an engineer, whose secrets cost little to check.
final class Door {
    static let cheap = SecretHash.Cost(rounds: 16, blockSize: 1, parallelism: 1)
    static let amal = Credential(id: "amal", secret: "olive tree")
    static let basma = Credential(id: "basma", secret: "زيتون وزعتر")
    static let dina = Credential(id: "dina", secret: "spanner 13")
    static let entry = DeskEntry(device: "p1", command: "set-rate", entries: ["rate": "4.17"])

    static func operators(cost: SecretHash.Cost = cheap) throws -> Operators {
        let people = [(amal, "clinician"), (basma, "clinician"), (dina, "engineer")].map { credential, role in
            let secret = (try? SecretHash(of: credential.secret, cost: cost))?.text ?? ""
            return "  \(credential.id): {name: \(credential.id), roles: [\(role)], secret: \(secret)}"
        }
        let text = "nabd: operators/1\noperators:\n" + people.joined(separator: "\n") + "\n"
        return try Operators(try YAMLFile(path: "operators.yaml", text: text), least: cost)
    }

    let folder: TemporaryFolder
    let desk: NotedDesk
    let path: String
    let notices = Notices()
    private let serving: Task<Void, any Error>

    init(
        _ desk: NotedDesk = NotedDesk(),
        patience: DeskSocket.Patience = DeskSocket.Patience(caller: .seconds(120), desk: .seconds(120)),
        isOurs: @escaping @Sendable (Int32) -> Bool = { _ in true }
    ) throws {
        self.desk = desk
        folder = try TemporaryFolder()
        path = "\(folder.path)/pumps.sock"
        let notices = notices
        let signIn = SignIn(try Self.operators(), failures: "\(folder.path)/failures") { notices.note($0) }
        let socket = try DeskSocket(
            path: path, signIn: signIn, desk: desk, patience: patience, isOurs: isOurs
        ) { notices.note($0) }
        serving = Task { try await socket.run() }
    }

    func close() async throws {
        serving.cancel()
        try await serving.value
    }

    /// What one caller is told.
    func ask(_ line: DeskLine, answers: Int = 1) async throws -> [DeskAnswer] {
        try await say(try line.line(), answers: answers)
    }

    func ask(_ ask: DeskLine.Ask, by: Credential? = Door.amal, second: Credential? = nil) async throws -> DeskAnswer? {
        try await self.ask(DeskLine(ask, by: by, second: second)).last
    }

    /// Fewer answers where the connection ends.
    func say(_ bytes: [UInt8], answers: Int = 1) async throws -> [DeskAnswer] {
        try await Self.say(bytes, to: path, answers: answers)
    }

    /// On a thread of its own: a client blocks.
    static func say(_ bytes: [UInt8], to path: String, answers: Int) async throws -> [DeskAnswer] {
        try await blocking {
            let client = try DeskClient(path: path)
            // Whoever is put out before it has said everything may have been told why.
            try? client.say(bytes)
            var all: [DeskAnswer] = []
            while all.count < answers, let line = try? client.answer(within: .seconds(120)) { all.append(line.answer) }
            return all
        }
    }
}

/// What was told to those who look after the host.
final class Notices: Sendable {
    private let all = Mutex<[DeskNotice]>([])

    func note(_ notice: DeskNotice) { all.withLock { $0.append(notice) } }
    var told: [DeskNotice] { all.withLock { $0 } }
}

/// Runs on a thread of its own what would hold up a task's.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        _ = try? RealTimeThread(name: "caller", priority: 0) { continuation.resume(with: Result { try body() }) }
    }
}

/// Something that is waited for, on whatever thread.
final class Flag: Sendable {
    private let state = Atomic(false)

    var isRaised: Bool { state.load(ordering: .acquiring) }
    func raise() { state.store(true, ordering: .releasing) }
    func wait() { while !isRaised { usleep(5_000) } }
}
