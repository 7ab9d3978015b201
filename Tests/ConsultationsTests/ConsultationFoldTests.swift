import Consultations
import DeviceModel
import Testing

/// What is folded in a story of consultations, told in seconds.
struct ConsultationStory {
    var fold = ConsultationFold()
    var sequence: Int64 = 0
    var session = "s1"
    /// Unit: s.
    var time: Int64 = 100

    static let second: Int64 = 1_000_000_000
    static func certificate(_ number: Int) -> String { "0\(number)" + String(repeating: "ab", count: 31) }

    var now: Int64 { time * Self.second }
    var position: ConsultationFold.Position {
        ConsultationFold.Position(sequence: sequence, session: session, nanoseconds: now, utc: now + 7)
    }

    static func grant(_ number: Int, bed: String? = nil, until: Int64) -> ConsultationGrant {
        ConsultationGrant(
            clinician: "dr-\(number)", name: "Dr. \(number)", certificate: certificate(number), bed: bed,
            until: until * second, by: ["layla"])
    }

    @discardableResult
    mutating func add(_ event: ConsultationEvent) -> ConsultationFold.Outcome {
        sequence += 1
        return fold.take(kind: event.kind.name, body: event.members.text, at: position)
    }

    @discardableResult
    mutating func add(_ kind: String, _ body: String = "{}") -> ConsultationFold.Outcome {
        sequence += 1
        return fold.take(kind: kind, body: body, at: position)
    }

    /// Whose consultations are open now.
    var open: [String] { fold.open(at: now).map(\.grant.clinician) }
}

@Suite struct ConsultationFoldTests {
    @Test func itIsOpenForAsLongAsItSays() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, bed: "chair-1", until: 160)))
        #expect(story.open == ["dr-1"])
        let consultation = story.fold.open(certificate: ConsultationStory.certificate(1), at: story.now)
        #expect(consultation?.number == 1 && consultation?.untilUTC == 160 * ConsultationStory.second + 7)
        #expect(story.fold.open(at: 160 * ConsultationStory.second - 1).count == 1)
        #expect(story.fold.open(at: 160 * ConsultationStory.second).isEmpty)
        #expect(story.fold.expired(at: 160 * ConsultationStory.second).map(\.number) == [1])
    }

    /// A clock that is read late does not open again what was over.
    @Test func timeDoesNotGoBack() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 160)))
        story.time = 200
        story.add(.joined(consultation: 9, from: "::1"))
        #expect(story.fold.open(at: 101 * ConsultationStory.second).isEmpty)
    }

    @Test func somebodyClosesIt() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 400)))
        story.add(.opened(ConsultationStory.grant(2, until: 400)))
        #expect(story.add(.closed(consultation: 7, .expired)) == .contradiction)
        story.add(.closed(consultation: 1, .closed(by: ["omar"])))
        #expect(story.open == ["dr-2"])
        #expect(story.add(.closed(consultation: 1, .closed(by: ["omar"]))) == .contradiction)
    }

    @Test(arguments: [
        "hostStarted", "hostStopped", "journalGap", "journalSetAside", "journalFileFailed", "eventsLost",
    ])
    func whatMayHaveLostAWordEndsAll(kind: String) {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 400)))
        guard case .ended(let ended) = story.add(kind) else {
            Issue.record("\(kind) ends nothing")
            return
        }
        #expect(ended.map(\.number) == [1] && story.open.isEmpty)
        #expect(ConsultationRecord.kinds.map(\.name).contains(kind))
    }

    @Test func anotherSessionsClockOpensNothing() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 400)))
        (story.session, story.time) = ("s2", 5)
        story.add(.opened(ConsultationStory.grant(2, until: 90)))
        #expect(story.open == ["dr-2"])
    }

    @Test func otherEventsSayNothing() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 400)))
        for kind in ["bedEntered", "clockStepped", "ofAYoungerHost"] { #expect(story.add(kind, "{") == .nothing) }
        #expect(story.open == ["dr-1"])
    }

    @Test func fiveAreTooMany() {
        var story = ConsultationStory()
        for number in 1...4 { story.add(.opened(ConsultationStory.grant(number, until: 400))) }
        #expect(story.add(.opened(ConsultationStory.grant(5, until: 400))) == .contradiction)
        story.add(.closed(consultation: 2, .closed(by: ["omar"])))
        story.add(.opened(ConsultationStory.grant(5, until: 400)))
        #expect(story.open == ["dr-1", "dr-3", "dr-4", "dr-5"])
    }

    @Test func aCertificateHasOne() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, bed: "a", until: 400)))
        #expect(story.add(.opened(ConsultationStory.grant(1, bed: nil, until: 400))) == .contradiction)
        #expect(story.fold.open(at: story.now).map(\.grant.bed) == ["a"])
        // One that is over by its time is in nobody's way, whether or not somebody said so.
        story.time = 400
        story.add(.opened(ConsultationStory.grant(1, bed: nil, until: 700)))
        #expect(story.fold.open(at: story.now).map(\.grant.bed) == [nil])
    }

    @Test(arguments: [-1, 0, 59, 14_401, 1 << 33, .min / 1_000_000_000, .max / 1_000_000_000] as [Int64])
    func aLengthBeyondTheLimitsIsNone(seconds: Int64) {
        var story = ConsultationStory()
        let (until, overflows) = (100 as Int64).addingReportingOverflow(seconds)
        guard !overflows, (Int64.min / 1_000_000_000...Int64.max / 1_000_000_000).contains(until) else { return }
        #expect(story.add(.opened(ConsultationStory.grant(1, until: until))) == .contradiction)
        #expect(story.open.isEmpty)
    }

    @Test func extremesDoNotTrap() {
        for (time, until) in [(Int64.min, Int64.max), (.max, .min), (.min, .min), (.max, .max)] {
            var fold = ConsultationFold()
            let position = ConsultationFold.Position(sequence: 1, session: "s", nanoseconds: time, utc: .max)
            let grant = ConsultationGrant(
                clinician: "a", name: "A", certificate: "", bed: nil, until: until, by: ["b"])
            #expect(fold.take(.opened(grant), at: position) == .contradiction)
        }
    }

    @Test func visitsComeAndGo() {
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(1, until: 400)))
        story.add(.joined(consultation: 1, from: "10.0.0.1"))
        story.add(.joined(consultation: 1, from: "10.0.0.2"))
        #expect(story.fold.open(at: story.now).first?.visits.map(\.number) == [2, 3])
        story.add(.joined(consultation: 1, from: "10.0.0.1"))
        #expect(story.fold.open(at: story.now).first?.visits.map(\.number) == [3, 4], "the same machine again")
        story.add(.left(consultation: 1, visit: 3))
        #expect(story.add(.left(consultation: 1, visit: 3)) == .contradiction)
        #expect(story.fold.open(at: story.now).first?.visits.map(\.from) == ["10.0.0.1"])
        for number in 0..<20 { story.add(.joined(consultation: 1, from: "10.0.1.\(number)")) }
        #expect(story.fold.open(at: story.now).first?.visits.count == Consultation.mostVisits)
        story.time = 400
        #expect(story.add(.joined(consultation: 1, from: "10.0.0.9")) == .contradiction, "it is over")
    }

    @Test func anEventTwiceOrLateEndsAll() {
        for sequence in [1, 2] as [Int64] {
            var story = ConsultationStory()
            story.add(.opened(ConsultationStory.grant(1, until: 400)))
            story.add("clockStepped")
            story.sequence = sequence - 1
            story.add("clockStepped")
            #expect(story.open.isEmpty)
        }
    }
}

@Suite struct ConsultationRecordTests {
    private static let events: [ConsultationEvent] = [
        .opened(ConsultationStory.grant(1, bed: "chair-1", until: 160)),
        .opened(ConsultationStory.grant(1, until: 160)),
        .closed(consultation: 4, .closed(by: ["layla", "omar"])), .closed(consultation: 4, .expired),
        .closed(consultation: 4, .removed), .joined(consultation: 4, from: "2001:db8::1"),
        .left(consultation: 4, visit: 9),
    ]

    @Test(arguments: events)
    func whatIsWrittenIsReadAgain(event: ConsultationEvent) throws {
        let text = event.members.text
        #expect(try ConsultationRecord.event(kind: event.kind.name, body: text) == event)
        #expect(UnitEvent.consultation(event, at: 1)?.kind == event.kind)
        guard case .object(let members) = event.members else { return }
        #expect(Set(event.kind.members.map(\.name)).isSuperset(of: members.map(\.name)))
        #expect(event.kind.isKeptByHost && event.kind.concern == .host)
    }

    /// Cut, with a byte more, or with a member in another place, it is damage and ends what is open.
    @Test(arguments: events)
    func everyOtherFormIsDamage(event: ConsultationEvent) {
        let text = event.members.text
        for count in 0..<text.count {
            #expect(throws: ConsultationRecord.Fault.self) {
                try ConsultationRecord.event(kind: event.kind.name, body: String(text.prefix(count)))
            }
        }
        #expect(throws: ConsultationRecord.Fault.self) {
            try ConsultationRecord.event(kind: event.kind.name, body: text + " ")
        }
        var story = ConsultationStory()
        story.add(.opened(ConsultationStory.grant(2, until: 400)))
        story.add(event.kind.name, text + " ")
        #expect(story.open.isEmpty)
    }

    @Test(arguments: [
        ("name", "Dr.\u{202E}1"), ("name", ""), ("name", " "), ("name", String(repeating: "x", count: 81)),
        ("clinician", "Dr 1"), ("certificate", "ab"), ("certificate", String(repeating: "AB", count: 32)),
        ("bed", "../a"), ("by", "Layla"),
    ])
    func whatCannotBeReadAgainIsNotWritten(member: String, text: String) {
        let right = ConsultationStory.grant(1, bed: "a", until: 160)
        let grant = ConsultationGrant(
            clinician: member == "clinician" ? text : right.clinician, name: member == "name" ? text : right.name,
            certificate: member == "certificate" ? text : right.certificate, bed: member == "bed" ? text : right.bed,
            until: right.until, by: member == "by" ? [text] : right.by)
        #expect(UnitEvent.consultation(.opened(grant), at: 1) == nil)
    }
}
