import CommandFacts
import Foundation
import RealTime
import Synchronization
import TestSupport
import Testing

@testable import OperatorDesk

/// Who may sign in changes with the file while the host runs.
@Suite struct OperatorsWatchTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Written and made readable for its owner only.
    private func write(_ people: [Credential], secrets: [Credential]? = nil) throws -> String {
        let lines = try zip(people, secrets ?? people).map { person, secret in
            let hash = try SecretHash(of: secret.secret, cost: Door.cheap).text
            return "  \(person.id): {name: \(person.id), roles: [clinician], secret: \(hash)}\n"
        }
        return try write("nabd: operators/1\noperators:\n" + lines.joined())
    }

    private func write(_ text: String) throws -> String {
        let path = try folder.write("operators.yaml", text)
        chmod(path, 0o600)
        return path
    }

    private func ids(_ found: OperatorsWatch.Found?) -> [String]? {
        if case .operators(let operators)? = found { operators.people.map(\.id) } else { nil }
    }

    private func fault(_ found: OperatorsWatch.Found?) -> String? {
        if case .fault(let fault)? = found { fault } else { nil }
    }

    @Test func whatTheFileSaysTwiceIsTakenOnce() throws {
        let path = try write([Door.amal, Door.basma])
        var watch = OperatorsWatch(path: path, least: Door.cheap)
        #expect(ids(watch.told) == ["amal", "basma"])
        #expect(watch.look() == nil && watch.look() == nil)
        _ = try write([Door.amal, Door.dina])
        #expect(watch.look() == nil, "it may just be being written")
        #expect(ids(watch.look()) == ["amal", "dina"] && ids(watch.told) == ["amal", "dina"])
        #expect(watch.look() == nil)
        // Another secret of the same person is another file.
        _ = try write([Door.amal, Door.dina], secrets: [Door.amal, Door.basma])
        #expect(watch.look() == nil && ids(watch.look()) == ["amal", "dina"])
    }

    /// An editor that writes slowly: a file with half of its people is in good form, and is not what anybody meant.
    @Test func aFileThatIsJustBeingWrittenCountsForNothing() throws {
        let path = try write([Door.amal])
        var watch = OperatorsWatch(path: path, least: Door.cheap)
        for people in [[Door.basma], [Door.basma, Door.dina], [Door.amal, Door.basma, Door.dina]] {
            _ = try write(people)
            #expect(watch.look() == nil)
        }
        #expect(ids(watch.look()) == ["amal", "basma", "dina"])
    }

    @Test func aFileThatCannotBeBelievedIsToldOnceAndChangesNothing() throws {
        let path = try write([Door.amal])
        var watch = OperatorsWatch(path: path, least: Door.cheap)
        _ = try write("nabd: operators/1\noperators:\n  amal: olive tree\n")
        #expect(watch.look() == nil)
        let told = try #require(fault(watch.look()))
        #expect(told.contains("operators.yaml:3:9: error") && !told.contains("olive"), "\(told)")
        #expect(watch.look() == nil && watch.look() == nil)
        // Another fault is told as well.
        chmod(path, 0o644)
        #expect(watch.look() == nil && fault(watch.look())?.contains("chmod 600") == true)
        try FileManager.default.removeItem(atPath: path)
        #expect(watch.look() == nil && fault(watch.look())?.contains("no such file") == true)
        // And that it can be read again, also where it says what it said before.
        _ = try write([Door.amal])
        #expect(watch.look() == nil && ids(watch.look()) == ["amal"])
    }

    @Test func aFileThatIsFaultyAtTheStartIsTakenWhenItIsMended() throws {
        let path = try write("nabd: operators/1\n")
        var watch = OperatorsWatch(path: path, least: Door.cheap)
        #expect(fault(watch.told) != nil && watch.look() == nil)
        _ = try write([Door.amal])
        #expect(watch.look() == nil && ids(watch.look()) == ["amal"])
    }

    // MARK: The door

    private func operators(_ people: [Credential]) throws -> Operators {
        try Operators(path: try write(people), least: Door.cheap)
    }

    @Test func whoIsTakenOutIsNotKnownAnyMoreAndWhoIsPutInIs() async throws {
        let signIn = SignIn(
            try operators([Door.amal, Door.basma]), failures: "\(folder.path)/failures", clock: VirtualClock()
        ) { _ in }
        func isKnown(_ person: Credential) async -> Bool {
            if case .known = await signIn.check(person) { true } else { false }
        }
        #expect(await isKnown(Door.basma))
        #expect(await isKnown(Door.dina) == false)
        signIn.use(try operators([Door.amal, Door.dina]))
        #expect(await isKnown(Door.amal))
        #expect(await isKnown(Door.basma) == false)
        #expect(await isKnown(Door.dina))
        signIn.use(.nobody)
        #expect(await isKnown(Door.amal) == false)
    }

    /// Nobody is unlocked by an edit of the file, and somebody new is locked as everybody is.
    @Test func failuresStayWhoeverIsPutIn() async throws {
        let signIn = SignIn(
            try operators([Door.amal]), failures: "\(folder.path)/failures", clock: VirtualClock()
        ) { _ in }
        for _ in 0..<5 { _ = await signIn.check(Credential(id: "amal", secret: "no")) }
        signIn.use(.nobody)
        signIn.use(try operators([Door.amal, Door.basma]))
        #expect(await signIn.check(Door.amal) == .unknown)
        for _ in 0..<5 { _ = await signIn.check(Credential(id: "basma", secret: "no")) }
        #expect(await signIn.check(Door.basma) == .unknown)
    }

    /// Taken out while the secret is being reckoned: the clock is read behind that.
    @Test func whoIsTakenOutMeanwhileIsNotLetIn() async throws {
        let clock = HookedClock()
        let signIn = SignIn(
            try operators([Door.amal]), failures: "\(folder.path)/failures", clock: clock
        ) { _ in }
        clock.hook.withLock { $0 = { signIn.use(.nobody) } }
        #expect(await signIn.check(Door.amal) == .unknown)
    }
}

/// A clock that stands still, and does something whenever it is read.
private final class HookedClock: MonotonicTime {
    let hook = Mutex<@Sendable () -> Void>({})

    func now() -> Int64 {
        hook.withLock { $0 }()
        return 1
    }

    func sleep(until deadline: Int64) {}
}
