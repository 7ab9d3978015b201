import CommandFacts
import Foundation
import RealTime
import TestSupport
import Testing

@testable import OperatorDesk

@Suite struct SignInTests {
    private let folder: TemporaryFolder
    private let clock = VirtualClock()
    private let notices = Notices()
    private var path: String { "\(folder.path)/failures" }

    init() throws { folder = try TemporaryFolder() }

    private func signIn(_ clock: VirtualClock? = nil) throws -> SignIn {
        let notices = notices
        return SignIn(try Door.operators(), failures: path, clock: clock ?? self.clock) { notices.note($0) }
    }

    private func wait(_ seconds: Int64) { clock.sleep(until: clock.now() + seconds * 1_000_000_000) }

    private let wrong = Credential(id: "amal", secret: "olive trees")

    private func isKnown(_ outcome: SignIn.Outcome) -> Bool { if case .known = outcome { true } else { false } }

    @Test func whoKnowsTheSecretIsKnown() async throws {
        let signIn = try signIn()
        #expect(
            await signIn.check(Door.basma) == .known(SignIn.Person(who: Operator("basma"), roles: [.clinician])))
        #expect(await signIn.check(wrong) == .unknown)
        #expect(await signIn.check(Credential(id: "nobody", secret: "olive tree")) == .unknown)
        #expect(await signIn.check(Credential(id: "basma", secret: Door.amal.secret)) == .unknown)
    }

    @Test func whereNobodyMaySignInNobodyDoes() async throws {
        let signIn = SignIn(.nobody, failures: path, clock: clock) { _ in }
        #expect(await signIn.check(Door.amal) == .unknown)
    }

    @Test func aCredentialPrintsNoSecret() {
        var dumped = ""
        dump(DeskLine(.list, by: Door.amal, second: Door.basma), to: &dumped)
        let printed = "\(DeskLine(.list, by: Door.amal)) \(String(reflecting: Door.amal)) \([Door.amal])"
        #expect(printed.contains("amal") && dumped.contains("amal"))
        #expect(!(printed + dumped).contains(Door.amal.secret) && !dumped.contains(Door.basma.secret))
    }

    @Test func fiveFailuresLockAnIdForAQuarterOfAnHour() async throws {
        let signIn = try signIn()
        for _ in 0..<4 { #expect(await signIn.check(wrong) == .unknown) }
        #expect(isKnown(await signIn.check(Door.amal)))
        #expect(await signIn.check(wrong) == .unknown)
        #expect(notices.told == [.lockedOut(Operator("amal"))])
        #expect(await signIn.check(Door.amal) == .unknown)
        #expect(isKnown(await signIn.check(Door.basma)))
        wait(899)
        #expect(await signIn.check(Door.amal) == .unknown)
        wait(2)
        #expect(isKnown(await signIn.check(Door.amal)))
    }

    @Test func failuresOlderThanAQuarterOfAnHourDoNotCount() async throws {
        let signIn = try signIn()
        for _ in 0..<4 { _ = await signIn.check(wrong) }
        wait(901)
        _ = await signIn.check(wrong)
        #expect(isKnown(await signIn.check(Door.amal)))
    }

    /// What is told has been kept: the file is read by another host at once, whose clock began anew.
    @Test func aLockAndACountOutliveTheHost() async throws {
        var first = try signIn()
        for _ in 0..<5 { _ = await first.check(wrong) }
        for _ in 0..<4 { _ = await first.check(Credential(id: "basma", secret: "no")) }
        let later = VirtualClock()
        let second = try signIn(later)
        #expect(await second.check(Door.amal) == .unknown)
        #expect(isKnown(await second.check(Door.basma)))
        _ = await second.check(Credential(id: "basma", secret: "no"))
        #expect(await second.check(Door.basma) == .unknown)
        later.sleep(until: later.now() + 901_000_000_000)
        #expect(isKnown(await second.check(Door.amal)))
        #expect(!notices.told.contains(.failuresLost))
        first = second
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }

    /// The host starts while the file of operators cannot be read; later it can again.
    @Test func aLockOutlivesAStartAtWhichNobodyIsKnown() async throws {
        let first = try signIn()
        for _ in 0..<5 { _ = await first.check(wrong) }
        let second = SignIn(.nobody, failures: path, clock: clock) { _ in }
        _ = await second.check(Credential(id: "stranger", secret: "no"))
        second.use(try Door.operators())
        #expect(await second.check(Door.amal) == .unknown)
        #expect(isKnown(await second.check(Door.basma)))
    }

    @Test(arguments: [
        "", "nabd sign-in failures 1\namal locked\n", "nabd sign-in failures 1\namal locked\nend", "\u{0}",
        "nabd sign-in failures 2\namal locked\nend\n", "nabd sign-in failures 1\namal 5\nend\n",
        "nabd sign-in failures 1\namal 0\nend\n", "nabd sign-in failures 1\namal 1\namal locked\nend\n",
        "nabd sign-in failures 1\nAmal 1\nend\n", "nabd sign-in failures 1\namal  1\nend\n",
    ])
    func aDamagedFileLocksNobodyAndIsTold(text: String) async throws {
        _ = try folder.write("failures", text)
        let signIn = try signIn()
        #expect(notices.told == [.failuresLost])
        #expect(isKnown(await signIn.check(Door.amal)))
    }

    @Test func whatCannotBeKeptIsToldAndStillCounts() async throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let signIn = try signIn()
        #expect(notices.told == [.failuresLost])
        for _ in 0..<5 { _ = await signIn.check(wrong) }
        #expect(notices.told.contains(.failuresNotKept))
        #expect(await signIn.check(Door.amal) == .unknown)
    }

    @Test func anyFileIsReadOrRefused() {
        var random = SeededGenerator(seed: 12)
        let lines = ["nabd sign-in failures 1", "amal locked", "basma 4", "end", "", "amal 9", "x", "b 1 2", "\u{0}"]
        var read = 0
        for round in 0..<20_000 {
            var text = round.isMultiple(of: 2) ? "nabd sign-in failures 1\n" : ""
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                text += lines[Int.random(in: 0..<lines.count, using: &random)] + "\n"
            }
            guard let standings = FailureBook.standings(text, now: 5) else { continue }
            read += 1
            #expect(standings.count <= 2 && text.hasSuffix("\nend\n"))
        }
        #expect((10..<15_000).contains(read))
    }

    /// An id that nobody has is checked against a secret that costs as much.
    @Test func anUnknownIdTakesAsLongAsAWrongSecret() async throws {
        let cost = SecretHash.Cost(rounds: 1 << 12, blockSize: 8, parallelism: 1)
        let notices = notices
        let signIn = SignIn(try Door.operators(cost: cost), failures: path, clock: clock) { notices.note($0) }
        // In turns, so that whatever else the machine does costs all of them; the sixth one on, “amal” is locked.
        var best: [String: Duration] = [:]
        for round in 0..<12 {
            for id in ["amal", "nobody"] {
                let start = ContinuousClock.now
                _ = await signIn.check(Credential(id: id, secret: "no"))
                let name = id == "amal" && round >= 5 ? "locked" : id
                best[name] = min(best[name] ?? .seconds(100), ContinuousClock.now - start)
            }
        }
        let (least, most) = (best.values.min() ?? .zero, best.values.max() ?? .zero)
        #expect(best.count == 3 && most < least * 4, "\(best)")
    }

    @Test func aFloodOfSignInsIsTurnedAway() async throws {
        let cost = SecretHash.Cost(rounds: 1 << 12, blockSize: 8, parallelism: 1)
        let notices = notices
        let signIn = SignIn(try Door.operators(cost: cost), failures: path, clock: clock) { notices.note($0) }
        let outcomes = await withTaskGroup { tasks in
            for _ in 0..<100 { tasks.addTask { await signIn.check(Door.amal) } }
            return await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.count { $0 == .busy } >= 30)
        #expect(outcomes.count { isKnown($0) } >= SignIn.mostWaiting)
        #expect(isKnown(await signIn.check(Door.amal)))
    }
}
