import DeviceModel
import Testing

@testable import Patients

/// A journal for tests: events follow each other, and each is a second after the one before it.
struct Story {
    static func subject(_ letter: Character) -> String { String(repeating: String(letter), count: 64) }

    var fold = BindingFold()
    var session = "s1"
    private(set) var sequence: Int64 = 0
    /// Unit: s of the monotonic clock.
    var time: Int64 = 100
    /// Unit: s since 1970-01-01T00:00:00Z, at time 0.
    var epoch: Int64 = 1_700_000_000

    static func moment(_ session: String, _ seconds: Int64) -> Moment {
        Moment(session: session, nanoseconds: seconds * 1_000_000_000)
    }

    var now: Moment { Self.moment(session, time) }
    var position: BindingFold.Position {
        BindingFold.Position(sequence: sequence, moment: now, utc: (epoch + time) * 1_000_000_000)
    }

    /// - Parameter seconds: how long after the one before.
    @discardableResult mutating func add(_ event: BedEvent, takes seconds: Int64 = 1) -> BindingFold.Outcome {
        advance(seconds)
        return fold.take(kind: event.kind.name, body: event.members.text, at: position)
    }

    @discardableResult mutating func add(_ kind: EventKind, _ body: String = "{}") -> BindingFold.Outcome {
        advance()
        return fold.take(kind: kind.name, body: body, at: position)
    }

    private mutating func advance(_ seconds: Int64 = 1) {
        sequence += 1
        time += seconds
    }

    /// A session with beds of one device each: `d-BED`.
    mutating func begin(_ session: String, at time: Int64, beds: [String] = ["a", "b"]) {
        (self.session, self.time) = (session, time)
        add(.hostStarted)
        for bed in beds {
            add(.configured(bed: bed, ConfiguredBed(name: bed, nameArabic: bed, devices: ["d-\(bed)"])), takes: 0)
        }
        self.time += Int64(beds.count)
    }

    @discardableResult mutating func bind(
        _ bed: String, _ subject: Character, since: Moment? = nil, replaces: Int64? = nil
    ) -> BindingFold.Outcome {
        let moment = since ?? Self.moment(session, time + 1)
        return add(
            .bound(
                bed: bed, Arrival(subject: Self.subject(subject), since: moment, replaces: replaces, by: ["amal"])))
    }

    func subject(_ device: String, _ session: String, _ seconds: Int64) -> Character? {
        fold.subject(ofDevice: device, at: Self.moment(session, seconds))?.first
    }
}

/// Each rule of who is at a bed.
@Suite struct BindingFoldTests {
    private static func begun() -> Story {
        var story = Story()
        story.begin("s1", at: 100)
        return story
    }

    @Test func valuesAreNobodysBeforeAndAfter() {
        var story = Self.begun()
        story.bind("a", "1")  // 4, at 104
        story.time = 110
        story.add(.unbound(bed: "a", binding: 4, by: ["amal"]))  // 111
        #expect(story.subject("d-a", "s1", 103) == nil)
        #expect(story.subject("d-a", "s1", 104) == "1" && story.subject("d-a", "s1", 110) == "1")
        #expect(story.subject("d-a", "s1", 111) == nil)
        #expect(story.subject("d-b", "s1", 105) == nil && story.subject("elsewhere", "s1", 105) == nil)
        #expect(story.subject("d-a", "s9", 105) == nil)
        #expect(story.fold.cuts(ofDevice: "d-a", in: "s1") == [104_000_000_000, 111_000_000_000])
        #expect(story.fold.cuts(ofDevice: "d-b", in: "s1").isEmpty)
    }

    @Test func aLateBindingReachesBack() throws {
        var story = Self.begun()
        story.time = 200
        guard case .bound(let binding) = story.bind("a", "1", since: Story.moment("s1", 150)) else {
            return #expect(Bool(false))
        }
        #expect(binding.since == Story.moment("s1", 150) && binding.number == 4)
        #expect(story.subject("d-a", "s1", 149) == nil && story.subject("d-a", "s1", 150) == "1")
    }

    @Test func aBindingGoesOnOverSessions() {
        var story = Self.begun()
        story.bind("a", "1")
        // Another boot: the clock began anew.
        story.begin("s2", at: 5)
        #expect(story.subject("d-a", "s1", 1_000) == "1" && story.subject("d-a", "s2", 0) == "1")
        let number = story.fold.openBinding(atBed: "a")?.number
        #expect(number == 4)
        story.add(.unbound(bed: "a", binding: 4, by: ["amal"]))
        #expect(story.subject("d-a", "s2", story.time) == nil && story.subject("d-a", "s2", story.time - 1) == "1")
        #expect(story.fold.binding(4).flatMap { story.fold.range(of: $0, in: "s1") } == 104_000_000_000..<Int64.max)
        #expect(story.fold.binding(4).flatMap { story.fold.range(of: $0, in: "s2") } == Int64.min..<9_000_000_000)
    }

    @Test func aBedThatIsNoLongerThereIsUnbound() {
        var story = Self.begun()
        story.bind("a", "1")
        story.bind("b", "2")
        story.begin("s2", at: 5, beds: ["b"])
        #expect(story.fold.departures(stays: { $0 == "b" }) == [.unbound(bed: "a", binding: 4, by: [])])
        #expect(story.subject("d-a", "s2", 6) == nil, "its device is at no bed of this session")
        for event in story.fold.departures(stays: { $0 == "b" }) { story.add(event) }
        #expect(story.fold.openBinding(atBed: "a") == nil && story.fold.departures(stays: { $0 == "b" }).isEmpty)
        #expect(story.subject("d-b", "s2", 6) == "2")
    }

    @Test func oneAtABedAndOneBedForEach() {
        var story = Self.begun()
        story.bind("a", "1")
        #expect(story.bind("a", "2") == .contradiction)
        #expect(story.bind("b", "1") == .contradiction)
        #expect(story.bind("a", "1") == .contradiction)
        #expect(story.fold.bindings.map(\.number) == [4] && story.fold.bindings[0].isOpen)
        story.add(.unbound(bed: "a", binding: 4, by: []))
        // Into the time before: of the bed, and of the patient.
        #expect(story.bind("a", "2", since: Story.moment("s1", 105)) == .contradiction)
        #expect(story.bind("b", "1", since: Story.moment("s1", 105)) == .contradiction)
        let end = story.fold.bindings[0].until
        #expect(story.bind("b", "1", since: end) != .contradiction)
        // Not from the future.
        #expect(story.bind("a", "2", since: Story.moment("s1", story.time + 2)) == .contradiction)
    }

    @Test func whatDoesNotFitIsNotTaken() {
        var story = Self.begun()
        story.bind("a", "1")
        #expect(story.add(.unbound(bed: "b", binding: 4, by: [])) == .contradiction)
        #expect(story.add(.unbound(bed: "a", binding: 3, by: [])) == .contradiction)
        #expect(story.add(.withdrawn(bed: "b", binding: 4, by: [])) == .contradiction)
        #expect(story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4) == .contradiction)
        story.add(.withdrawn(bed: "a", binding: 4, by: []))
        #expect(story.add(.withdrawn(bed: "a", binding: 4, by: [])) == .contradiction)
        #expect(story.add(.unbound(bed: "a", binding: 4, by: [])) == .contradiction)
        #expect(story.bind("b", "2", since: Story.moment("s1", 104), replaces: 4) == .contradiction)
        #expect(story.bind("a", "2", since: Story.moment("s1", 105), replaces: 4) == .contradiction)
        #expect(story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4) != .contradiction)
        #expect(story.bind("a", "3", since: Story.moment("s1", 104), replaces: 4) == .contradiction)
    }

    @Test func aWrongPatientIsReplaced() {
        var story = Self.begun()
        story.bind("a", "1")  // 4 at 104
        story.time = 150
        story.add(.withdrawn(bed: "a", binding: 4, by: ["huda"]))  // 5 at 151
        #expect(story.subject("d-a", "s1", 120) == nil, "nobody's until somebody says whose")
        story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4)  // 6
        #expect(story.subject("d-a", "s1", 120) == "2" && story.subject("d-a", "s1", 160) == "2")
        guard case .withdrawn(let withdrawal)? = story.fold.binding(4)?.state else { return #expect(Bool(false)) }
        #expect(withdrawal.replacement == 6 && withdrawal.ending == nil && withdrawal.by == ["huda"])
        #expect(story.fold.binding(4)?.until == Story.moment("s1", 151), "until when values were filed under it")
    }

    @Test func whoReplacesOneWhoHadGoneIsGoneToo() {
        var story = Self.begun()
        story.bind("a", "1")  // 4 at 104
        story.time = 120
        story.add(.unbound(bed: "a", binding: 4, by: ["amal"]))  // 5 at 121
        story.bind("a", "3")  // 6 at 122
        story.add(.withdrawn(bed: "a", binding: 4, by: ["huda"]))
        story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4)
        #expect(story.subject("d-a", "s1", 120) == "2" && story.subject("d-a", "s1", 121) == nil)
        #expect(story.subject("d-a", "s1", 122) == "3" && story.subject("d-a", "s1", 500) == "3")
        #expect(story.fold.openBinding(atBed: "a")?.number == 6)
    }

    @Test func whoReplacesLaterEndsWhereTheNextCame() {
        var story = Self.begun()
        story.bind("a", "1")  // 4 at 104
        story.add(.withdrawn(bed: "a", binding: 4, by: ["huda"]))  // 5
        story.time = 130
        story.bind("a", "3")  // 6 at 131
        story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4)
        #expect(story.subject("d-a", "s1", 130) == "2" && story.subject("d-a", "s1", 131) == "3")
    }

    @Test func twoThatWereMixedUpAreSetRight() {
        var story = Self.begun()
        story.bind("a", "1")  // 4 at 104
        story.bind("b", "2")  // 5 at 105
        story.time = 150
        story.add(.withdrawn(bed: "a", binding: 4, by: []))
        #expect(story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4) == .contradiction, "still at b")
        story.add(.withdrawn(bed: "b", binding: 5, by: []))
        story.bind("a", "2", since: Story.moment("s1", 104), replaces: 4)
        story.bind("b", "1", since: Story.moment("s1", 105), replaces: 5)
        #expect(story.subject("d-a", "s1", 140) == "2" && story.subject("d-b", "s1", 140) == "1")
    }

    @Test func devicesMoveWithinASession() {
        var story = Self.begun()
        story.bind("a", "1")  // 104
        story.bind("b", "2")  // 105
        story.time = 119
        let none = ConfiguredBed(name: "a", nameArabic: "a", devices: [])
        let both = ConfiguredBed(name: "b", nameArabic: "b", devices: ["d-a", "d-b"])
        #expect(story.add(.configured(bed: "a", none)) == .configured(bed: "a"))  // 120
        story.add(.configured(bed: "b", both))  // 121
        #expect(story.subject("d-a", "s1", 119) == "1" && story.subject("d-a", "s1", 120) == nil)
        #expect(story.subject("d-a", "s1", 121) == "2" && story.subject("d-b", "s1", 121) == "2")
        // Two beds claim it: nobody's.
        story.add(.configured(bed: "a", ConfiguredBed(name: "a", nameArabic: "a", devices: ["d-b"])))
        #expect(story.subject("d-b", "s1", 122) == nil && story.subject("d-a", "s1", 122) == "2")
        #expect(story.fold.cuts(ofDevice: "d-a", in: "s1") == [104, 120, 121].map { $0 * 1_000_000_000 })
    }

    /// What was filed under a patient before stays so, when a bed that was not there gets the device.
    @Test func aBedThatIsNewTakesNothingOfTheTimeBefore() {
        var story = Self.begun()
        story.session = "s2"
        story.time = 99
        story.add(.configured(bed: "a", ConfiguredBed(name: "a", nameArabic: "a", devices: ["d-a"])))  // 100
        story.bind("a", "1")  // 101
        story.time = 119
        story.add(.configured(bed: "a", ConfiguredBed(name: "a", nameArabic: "a", devices: [])))  // 120
        story.add(.configured(bed: "new", ConfiguredBed(name: "n", nameArabic: "n", devices: ["d-a"])))  // 121
        #expect(story.subject("d-a", "s2", 119) == "1" && story.subject("d-a", "s2", 121) == nil)
        story.bind("new", "2")
        #expect(story.subject("d-a", "s2", 119) == "1" && story.subject("d-a", "s2", 125) == "2")
        // Whoever begins at a snapshot knows since when, and no more.
        var late = Story()
        late.session = "s2"
        late.fold.take(
            .snapshot(story.fold.snapshot),
            at: BindingFold.Position(sequence: 100, moment: Story.moment("s2", 130), utc: 0))
        #expect(late.subject("d-a", "s2", 125) == "2" && late.subject("d-a", "s2", 119) == nil)
    }

    @Test(arguments: [
        (EventKind.journalGap, #"{"part":"events","known":7,"found":5}"#, true),
        (.journalGap, #"{"part":"samples","known":7,"found":5}"#, false),
        (.journalSetAside, #"{"file":"events-3.damaged","reason":"-"}"#, true),
        (.journalSetAside, #"{"file":"samples-3.damaged","reason":"-"}"#, false),
        (.journalFileFailed, "{}", true), (.hostStopped, "{}", false), (.eventsLost, "{}", false),
    ]) func lostEventsUnbindAll(kind: EventKind, body: String, isLost: Bool) {
        var story = Self.begun()
        story.bind("a", "1")
        story.bind("b", "2")
        let outcome = story.add(kind, body)
        #expect(story.fold.bindings.allSatisfy { $0.isOpen != isLost })
        #expect(isLost ? outcome == .lost(story.fold.bindings) : outcome == .nothing)
        #expect(story.subject("d-a", "s1", 105) == "1", "what was known before stays known")
    }

    @Test func damageUnbindsAll() {
        var story = Self.begun()
        story.bind("a", "1")
        guard case .damaged(let fault, let ended) = story.add(.patientUnbound, #"{"bed":"a"#) else {
            return #expect(Bool(false))
        }
        #expect(fault.kind == .patientUnbound && ended.map(\.number) == [4])
        #expect(story.fold.openBinding(atBed: "a") == nil && story.fold.lostBinding(atBed: "a")?.number == 4)
        // Somebody says that the patient is gone: until when it counts stays as it is.
        let until = story.fold.binding(4)?.until
        #expect(story.add(.unbound(bed: "a", binding: 4, by: ["amal"])) != .contradiction)
        #expect(story.fold.lostBinding(atBed: "a") == nil && story.fold.binding(4)?.until == until)
        #expect(story.add(.unbound(bed: "a", binding: 4, by: ["amal"])) == .contradiction)
        story.bind("a", "1")
        #expect(story.fold.takeGap(at: story.position) == .lost([story.fold.bindings[1]]))
    }

    @Test func aReaderMayBeginAtASnapshot() throws {
        var story = Self.begun()
        story.add(
            .presetChosen(
                bed: "a", PresetChoice(preset: "icu", digest: Story.subject("0"), isReviewed: false, by: [])))
        story.bind("a", "1")
        story.add(.withdrawn(bed: "a", binding: 5, by: ["amal"]))
        story.bind("a", "2", since: Story.moment("s1", 105), replaces: 5)
        story.bind("b", "3")
        story.begin("s2", at: 7)
        let snapshot = BedEvent.snapshot(story.fold.snapshot)
        var late = Story()
        (late.session, late.time) = (story.session, story.time)
        let whole = try #require(UnitEvent.bed(snapshot, at: 0))
        var position = story.position
        position = BindingFold.Position(
            sequence: position.sequence + 1, moment: position.moment, utc: position.utc)
        let outcome = late.fold.take(kind: whole.kind.name, body: whole.members.text, at: position)
        #expect(outcome == .nothing)
        #expect(late.fold.bindings == story.fold.bindings && late.fold.presets == story.fold.presets)
        #expect(late.fold.beds == story.fold.beds)
        for device in ["d-a", "d-b"] {
            #expect(late.subject(device, "s2", 8) == story.subject(device, "s2", 8))
            #expect(late.subject(device, "s2", 8) != nil)
        }
        // Who folded all learns nothing by it.
        let before = story.fold.bindings
        #expect(story.add(snapshot) == .nothing && story.fold.bindings == before)
        // What it does not name is at no bed.
        guard case .lost(let lost) = story.add(.snapshot(BedSnapshot(beds: [], bindings: [], sessions: []))) else {
            return #expect(Bool(false))
        }
        #expect(lost.count == 2 && story.fold.bindings.allSatisfy { !$0.isOpen })
    }

    @Test func theOldestThatAreOverAreForgotten() {
        var story = Story()
        story.fold = BindingFold(mostBindings: 3)
        story.begin("s1", at: 100)
        story.bind("b", "9")
        for subject in "1234" {
            story.bind("a", subject)
            story.add(.unbound(bed: "a", binding: story.sequence, by: []))
        }
        #expect(story.fold.bindings.compactMap(\.subject.first) == ["9", "3", "4"], "the one who is there stays")
        #expect(story.fold.openBinding(atBed: "b") != nil)
    }

    @Test func momentsReachBackOverSessions() {
        var story = Story()
        story.begin("s1", at: 1_000)
        story.time = 1_500
        story.add(.hostStopped)
        // Another boot, 1 000 s after the first session's beginning.
        story.epoch += 2_000 - 10
        story.begin("s2", at: 10)
        story.time = 100
        func back(_ seconds: Int64) -> Moment { story.fold.moment(seconds * 1_000_000_000, before: story.position) }
        #expect(back(0) == Story.moment("s2", 100) && back(89) == Story.moment("s2", 11))
        #expect(back(-5) == Story.moment("s2", 100))
        // Between them: a moment of the earlier that reaches over no value of it.
        #expect(back(90).session == "s1" && back(90).nanoseconds > 1_501_000_000_000)
        #expect(back(600) == Story.moment("s1", 1_490))
        // Before all: of the first session, before what is known of it.
        #expect(back(1_089) == Story.moment("s1", 1_001) && back(1_090) == Story.moment("s1", 1_000))
        #expect(story.fold.moment(.max, before: story.position).session == "s1")
    }
}
