import Testing

@testable import NabdHost

@Suite struct RoundsTests {
    private static let second: Int64 = 1_000_000_000
    private static let tick = second / 50

    /// Runs for a while, each round `late` behind its time; returns each with the time since the start.
    private func run(_ intervals: Rounds.Intervals, seconds: Int64, late: Int64 = 0, writes: Bool = false) -> [(
        time: Int64, round: Rounds.Round
    )] {
        let start = 7 * Self.second
        var rounds = Rounds(intervals, from: start)
        var done: [(time: Int64, round: Rounds.Round)] = []
        while rounds.next <= start + seconds * Self.second {
            let now = rounds.next + late
            let round = rounds.begin(at: now)
            if writes || round.commit == .heartbeat { rounds.wrote() }
            done.append((now - start, round))
        }
        return done
    }

    @Test func aRoundEachTick() {
        let times = run(Rounds.Intervals(commit: Self.second), seconds: 2).map(\.time)
        #expect(times == (1...100).map { $0 * Self.tick })
    }

    /// The next round is counted from when this one should have been, unless that has passed.
    @Test func aLateRoundIsNotMadeUpFor() {
        var rounds = Rounds(Rounds.Intervals(commit: Self.second), from: 0)
        _ = rounds.begin(at: Self.tick + 1_000)
        #expect(rounds.next == 2 * Self.tick)
        _ = rounds.begin(at: 10 * Self.tick)
        #expect(rounds.next == 10 * Self.tick)
    }

    @Test func samplesAreCommittedAtTheirInterval() {
        let commits = run(Rounds.Intervals(commit: Self.second / 4), seconds: 2, writes: true).filter {
            $0.round.commit != .none
        }
        // A quarter of a second is no multiple of the tick: each commit is in the round that follows it.
        #expect(commits.map(\.time) == (1...7).map { $0 * 13 * Self.tick })
        #expect(commits.allSatisfy { $0.round.commit == .samples })
    }

    @Test func filesAreLookedAfterInTheRoundBehindACommit() {
        let rounds = run(Rounds.Intervals(commit: Self.second / 4), seconds: 2).map(\.round)
        for (round, next) in zip(rounds, rounds.dropFirst()) { #expect(next.tidies == (round.commit != .none)) }
        #expect(!rounds[0].tidies)
    }

    @Test(arguments: [tick, tick / 2]) func whereEachRoundCommitsItAlsoLooksAfterTheFiles(interval: Int64) {
        for (_, round) in run(Rounds.Intervals(commit: interval), seconds: 1) {
            #expect(round.commit != .none && round.tidies)
        }
    }

    /// So late that the round for the files is also one for samples: both are done, and the files do not wait for ever.
    @Test func aRoundForTheFilesIsNotPutOffTwice() {
        var rounds = Rounds(Rounds.Intervals(commit: 3 * Self.tick), from: 0)
        let first = rounds.begin(at: 3 * Self.tick)
        let second = rounds.begin(at: 6 * Self.tick)
        let third = rounds.begin(at: 7 * Self.tick)
        #expect(first.commit != .none && !first.tidies)
        #expect(second.commit != .none && second.tidies)
        #expect(third.commit == .none && !third.tidies)
    }

    @Test func readersAreToldThatNothingCame() {
        let silent = run(Rounds.Intervals(commit: Self.second), seconds: 16).filter { $0.round.commit == .heartbeat }
        #expect(silent.map(\.time) == [5, 10, 15].map { $0 * Self.second })
        #expect(
            run(Rounds.Intervals(commit: Self.second), seconds: 16, writes: true).allSatisfy {
                $0.round.commit != .heartbeat
            })
    }

    @Test func whatWasNotWrittenIsTriedAtTheNextCommit() {
        var rounds = Rounds(Rounds.Intervals(commit: Self.second), from: 0)
        let first = rounds.begin(at: 5 * Self.second)
        #expect(first.commit == .heartbeat)
        let second = rounds.begin(at: 6 * Self.second)
        #expect(second.commit == .heartbeat)
        rounds.wrote()
        let third = rounds.begin(at: 7 * Self.second)
        #expect(third.commit == .samples)
    }

    @Test func accountsAndLimitsHaveTheirOwnIntervals() {
        let rounds = run(Rounds.Intervals(commit: Self.second), seconds: 601)
        #expect(rounds.filter(\.round.tellsStatistics).map(\.time) == [300, 600].map { $0 * Self.second })
        #expect(rounds.filter(\.round.maintains).map(\.time) == (1...60).map { $0 * 10 * Self.second })
    }
}
