import SampleJournal
import Testing

@testable import NabdHost

@Suite struct ClockWatchTests {
    private static let millisecond: Int64 = 1_000_000

    @Test func aStepOfEitherSignIsToldOnceAndFollowed() {
        var watch = ClockWatch(monotonic: 100, wall: 5_100)
        #expect(watch.offset == 5_000)
        let forward = 501 * Self.millisecond
        let first = watch.look(before: 200, wall: 5_200 + forward, after: 200)
        #expect(first == forward)
        #expect(watch.offset == 5_000 + forward)
        let second = watch.look(before: 300, wall: 5_300 + forward, after: 300)
        #expect(second == nil)
        let third = watch.look(before: 400, wall: 5_400, after: 400)
        #expect(third == -forward)
        #expect(watch.offset == 5_000)
    }

    @Test func aSlowClockIsFollowedWithoutAWord() {
        var watch = ClockWatch(monotonic: 0, wall: 0)
        let first = watch.look(before: 0, wall: 499 * Self.millisecond, after: 0)
        #expect(first == nil)
        #expect(watch.offset == 499 * Self.millisecond)
    }

    /// Chunks are packed together only while the distance between the clocks is one and the same.
    @Test func lessThanAMillisecondIsNotFollowed() {
        var watch = ClockWatch(monotonic: 0, wall: 0)
        let first = watch.look(before: 0, wall: Self.millisecond, after: 0)
        #expect(first == nil)
        #expect(watch.offset == 0)
        let second = watch.look(before: 0, wall: Self.millisecond + 1, after: 0)
        #expect(second == nil)
        #expect(watch.offset == Self.millisecond + 1)
    }

    @Test func aThreadThatWasHeldUpSaysNothing() {
        var watch = ClockWatch(monotonic: 0, wall: 0)
        let first = watch.look(before: 0, wall: 900 * Self.millisecond, after: 100_000)
        #expect(first == nil)
        #expect(watch.offset == 0)
        let second = watch.look(before: 0, wall: 900 * Self.millisecond, after: 99_998)
        #expect(second == 900 * Self.millisecond - 49_999)
    }
}

@Suite struct LossWatchTests {
    @Test func eachLossIsToldOnce() {
        var losses = LossWatch(lines: 2)
        let first = losses.ring(0, total: 0)
        #expect(first == nil)
        let second = losses.ring(0, total: 5)
        #expect(second == 5)
        let third = losses.ring(0, total: 5)
        #expect(third == nil)
        let fourth = losses.ring(1, total: 2)
        #expect(fourth == 2, "each line by itself")
        let fifth = losses.ring(0, total: 8)
        #expect(fifth == 3)
        let sixth = losses.disk(total: 4)
        #expect(sixth == 4)
        let seventh = losses.disk(total: 4)
        #expect(seventh == nil)
    }
}

@Suite struct JournalConditionTests {
    private let full = JournalError.diskFull(directory: "d")

    @Test func aFailureIsSaidOnceWhateverItsWords() {
        var condition = JournalCondition()
        #expect(condition.problem == nil)
        let first = condition.fail(full)
        #expect(first)
        #expect(condition.problem == "\(full)")
        let other = JournalError.cannotCreate(path: "p", reason: "r")
        let second = condition.fail(other)
        #expect(!second)
        #expect(condition.problem == "\(other)", "the last words")
        let third = condition.recover(hasAllEvents: true)
        #expect(third)
        #expect(condition.problem == nil)
        let fourth = condition.fail(full)
        #expect(fourth, "anew")
    }

    @Test func whoseTheJournalIsIsSaidBehindAnotherFailure() {
        var condition = JournalCondition()
        let changed = JournalError.changedMeanwhile(directory: "d")
        let first = condition.fail(full)
        #expect(first)
        let second = condition.fail(changed)
        #expect(second)
        let third = condition.fail(changed)
        #expect(!third)
    }

    @Test func itIsWrittenAgainOnlyWhenNothingWaits() {
        var condition = JournalCondition()
        let first = condition.recover(hasAllEvents: true)
        #expect(!first, "it never failed")
        let second = condition.failToTidy(full)
        #expect(second)
        let third = condition.recover(hasAllEvents: true)
        #expect(!third, "its files cannot be looked after")
        condition.tidy()
        let fourth = condition.recover(hasAllEvents: false)
        #expect(!fourth, "events wait")
        let fifth = condition.recover(hasAllEvents: true)
        #expect(fifth)
        let sixth = condition.recover(hasAllEvents: true)
        #expect(!sixth)
    }
}
