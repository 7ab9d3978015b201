import Consultations
import DeviceModel
import Testing

/// A desk whose journal is a list; it can be full.
private struct PlayedDesk {
    let desk: ConsultationDesk
    /// Unit: s.
    var time: Int64 = 100
    var isFull = false
    var written: [ConsultationEvent] = []
    private var number: Int64 = 10

    static func clinician(_ number: Int) -> FarClinician {
        FarClinician(
            id: "dr-\(number)", name: "Dr. \(number)", certificate: ConsultationStory.certificate(number))
    }

    static func door(_ clinicians: ClosedRange<Int> = 1...6, isListening: Bool = true) -> ConsultationDesk.Door {
        ConsultationDesk.Door(
            clinicians: clinicians.map(clinician), beds: ["chair-1", "chair-2"], isListening: isListening)
    }

    init(_ door: ConsultationDesk.Door = PlayedDesk.door()) { desk = ConsultationDesk(door) }

    private struct Full: Error {}

    var position: ConsultationFold.Position {
        ConsultationFold.Position(
            sequence: 0, session: "s", nanoseconds: time * ConsultationStory.second, utc: time)
    }

    mutating func ask(_ request: ConsultationRequest) -> ConsultationAnswer {
        desk.answer(request, now: position) { events in
            if isFull { throw Full() }
            written += events
            number += Int64(events.count)
            return number
        }
    }

    mutating func turn() {
        desk.turn(now: position) { events in
            if isFull { throw Full() }
            written += events
            number += Int64(events.count)
            return number
        }
    }

    mutating func open(_ clinician: Int, bed: String? = nil, minutes: Int64 = 10) -> ConsultationAnswer {
        ask(.open(clinician: "dr-\(clinician)", bed: bed, length: minutes * 60_000_000_000, by: "layla"))
    }

    var seen: [Consultation] { desk.fold.open(at: time * ConsultationStory.second) }
}

private func refusal(_ answer: ConsultationAnswer) -> ConsultationAnswer.Refusal? {
    if case .refused(let code, let words) = answer {
        #expect(!words.isEmpty)
        return code
    }
    return nil
}

@Suite struct ConsultationDeskTests {
    @Test func somebodyOpensLooksAndCloses() throws {
        var played = PlayedDesk()
        guard case .book(let book, let words?) = played.open(1, bed: "chair-1") else {
            Issue.record("it is not opened")
            return
        }
        #expect(words == "Dr. 1 may look at chair-1 for 10 minutes.")
        let consultation = try #require(book.open.first)
        #expect(consultation.grant.certificate == ConsultationStory.certificate(1) && consultation.number == 11)
        #expect(consultation.grant.until == 700 * ConsultationStory.second && consultation.grant.by == ["layla"])
        let join = ConsultationRequest.join(
            number: 11, certificate: ConsultationStory.certificate(1), from: "10.0.0.1")
        #expect(played.ask(join) == .visit(12))
        #expect(played.seen.first?.visits.map(\.from) == ["10.0.0.1"])
        #expect(played.ask(.leave(number: 11, visit: 12)) == .visit(12))
        #expect(refusal(played.ask(.leave(number: 11, visit: 12))) == .unknownConsultation)
        guard case .book(let left, _) = played.ask(.close(number: 11, by: "omar")) else {
            Issue.record("it is not closed")
            return
        }
        #expect(left.open.isEmpty && left.clinicians.count == 6)
        #expect(refusal(played.ask(join)) == .unknownConsultation)
        #expect(
            played.written.map(\.kind.name) == [
                "consultationOpened", "consultationJoined", "consultationLeft", "consultationClosed",
            ])
    }

    @Test func whatIsNotRecordedIsNotDone() {
        var played = PlayedDesk()
        played.isFull = true
        #expect(refusal(played.open(1)) == .journal && played.seen.isEmpty)
        played.isFull = false
        _ = played.open(1)
        played.isFull = true
        let join = ConsultationRequest.join(
            number: 11, certificate: ConsultationStory.certificate(1), from: "10.0.0.1")
        #expect(refusal(played.ask(join)) == .journal && played.seen.first?.visits.isEmpty == true)
        #expect(refusal(played.ask(.close(number: 11, by: "omar"))) == .journal)
    }

    @Test(
        arguments: [
            ("dr-9", nil, 10, .unknownClinician), ("dr-1", "chair-9", 10, .unknownBed), ("dr-1", nil, 0, .seconds),
            ("dr-1", nil, 241, .seconds), ("dr-1", nil, -5, .seconds),
        ] as [(String, String?, Int64, ConsultationAnswer.Refusal)])
    func whatIsNotRightIsRefused(
        clinician: String, bed: String?, minutes: Int64, code: ConsultationAnswer.Refusal
    ) {
        var played = PlayedDesk()
        let answer = played.ask(
            .open(clinician: clinician, bed: bed, length: minutes * 60_000_000_000, by: "layla"))
        #expect(refusal(answer) == code && played.written.isEmpty)
    }

    @Test func limitsAreKept() {
        var played = PlayedDesk()
        for clinician in 1...4 { #expect(refusal(played.open(clinician)) == nil) }
        #expect(refusal(played.open(2)) == .alreadyOpen)
        #expect(refusal(played.open(5)) == .tooMany)
        played.time = 700
        #expect(refusal(played.open(5)) == nil, "the others are over")
        #expect(played.seen.map(\.grant.clinician) == ["dr-5"])
    }

    @Test func anotherCertificateDoesNotCount() {
        var played = PlayedDesk()
        _ = played.open(1)
        let join = ConsultationRequest.join(
            number: 11, certificate: ConsultationStory.certificate(2), from: "10.0.0.1")
        #expect(refusal(played.ask(join)) == .otherCertificate && played.written.count == 1)
    }

    @Test func whatIsOverIsSaid() {
        var played = PlayedDesk()
        _ = played.open(1, minutes: 1)
        played.time = 159
        played.turn()
        #expect(played.written.count == 1)
        played.time = 160
        played.isFull = true
        played.turn()
        #expect(played.seen.isEmpty, "over, whether or not it can be said")
        played.isFull = false
        played.turn()
        played.turn()
        #expect(played.written.dropFirst() == [.closed(consultation: 11, .expired)])
    }

    @Test(arguments: [
        PlayedDesk.door(2...3), PlayedDesk.door(isListening: false),
        ConsultationDesk.Door(clinicians: PlayedDesk.door().clinicians, beds: [], isListening: true),
    ])
    func whatIsConfiguredNoLongerIsClosed(door: ConsultationDesk.Door) {
        var played = PlayedDesk()
        _ = played.open(1, bed: "chair-1")
        played.turn()
        #expect(played.seen.count == 1)
        played.desk.change(door)
        played.turn()
        #expect(played.seen.isEmpty && played.written.last == .closed(consultation: 11, .removed))
    }

    @Test func withoutAPortNobodyIsLetIn() {
        var played = PlayedDesk(PlayedDesk.door(isListening: false))
        #expect(refusal(played.open(1)) == .farOff)
        guard case .book(let book, nil) = played.ask(.list) else {
            Issue.record("no list")
            return
        }
        #expect(!book.isListening)
    }

    @Test func whoComesAndGoesWithoutEndIsShutOut() {
        var played = PlayedDesk()
        _ = played.open(1, minutes: 240)
        let join = ConsultationRequest.join(
            number: 11, certificate: ConsultationStory.certificate(1), from: "10.0.0.1")
        for _ in 0..<500 { #expect(refusal(played.ask(join)) == nil) }
        #expect(refusal(played.ask(join)) == .visits)
    }

    @Test func whatTheJournalSaysOfItselfEndsAll() {
        var played = PlayedDesk()
        _ = played.open(1)
        played.desk.took(
            kind: "journalGap", body: "{}",
            at: ConsultationFold.Position(sequence: 12, session: "s", nanoseconds: 0, utc: 0))
        #expect(played.seen.isEmpty)
    }
}
