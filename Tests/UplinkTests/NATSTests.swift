import FHIRMapping
import Foundation
import JetStream
import Testing

@testable import Uplink

/// What things are called in NATS, and what a stream's answers come to.
@Suite struct NATSTests {
    private static let settings = NATSSettings(stream: "UNITS", subject: "nabd.mobile-7")
    private static let stored = PublishAnswer.stored(stream: "UNITS", sequence: 3, duplicate: false)
    private static let repeated = PublishAnswer.stored(stream: "UNITS", sequence: 2, duplicate: true)

    private static func answer(
        _ answers: [PublishAnswer], _ end: StreamExchange.End = .answered
    ) -> Answer {
        NATSAnswers(settings: settings).answer(answers, end, after: 30)
    }

    // MARK: Names

    @Test func aSubjectIsTheTypeAndTheTwoPartsOfTheId() {
        #expect(Self.settings.subject(of: "Observation/evt-0a1b") == "nabd.mobile-7.Observation.evt.0a1b")
        #expect(Self.settings.subject(of: "Device/gw-00") == "nabd.mobile-7.Device.gw.00")
    }

    /// What would listen, be elsewhere, or break the line is no subject.
    @Test(arguments: ["", "Observation", "Observation/a.b", "Observation/*", "a/b/c", "Observation/x y", "Device/é-1"])
    func whatIsNoAddressHasNoSubject(url: String) {
        #expect(Self.settings.subject(of: url) == nil)
    }

    @Test func theSameContentIsTheSameMessageAndAnotherIsAnother() {
        let one = FHIRResource(url: "Device/gw-1", text: #"{"a":1}"#)
        let other = FHIRResource(url: "Device/gw-1", text: #"{"a":2}"#)
        #expect(NATSSettings.messageID(one) == NATSSettings.messageID(one))
        #expect(NATSSettings.messageID(one) != NATSSettings.messageID(other))
        #expect(NATSSettings.messageID(one).hasPrefix("Device/gw-1#"))
    }

    @Test(arguments: [
        ("nats://records.example", true), ("nats://records.example:4223", true), ("nats://127.0.0.1:1", true),
        ("nats://[::1]:4222", true), ("nats://", false), ("nats://me:secret@records.example", false),
        ("nats://records.example/UNITS", false), ("nats://records.example?x=1", false),
        ("https://records.example", false), ("nats://records.example:70000", false),
    ])
    func anAddressHasNothingButWhereItIs(text: String, isServer: Bool) {
        #expect(NATSSettings.isServer(text) == isServer)
    }

    @Test(arguments: [
        ("nabd", true), ("nabd.mobile-7", true), ("", false), ("nabd.", false), (".nabd", false), ("nabd..a", false),
        ("nabd.>", false), ("nabd.*", false), ("$JS.API", false), ("_INBOX.a", false), ("a b", false),
        (String(repeating: "a", count: 129), false),
    ])
    func aSubjectIsOfWords(text: String, isSubject: Bool) {
        #expect(NATSSettings.isSubject(text) == isSubject)
    }

    @Test(arguments: [("UNITS", true), ("a-b_1", true), ("a.b", false), ("", false), ("a>", false), ("a/b", false)])
    func aStreamIsAWord(text: String, isStream: Bool) {
        #expect(NATSSettings.isStream(text) == isStream)
    }

    /// Another stream, or another unit's subjects, are another destination with a book of its own.
    @Test func aDestinationIsTheServerTheStreamAndTheSubject() {
        func destination(_ server: String, _ nats: NATSSettings?) -> String {
            UplinkEndpoint(server: server, authority: "", clientCertificate: "", clientKey: "", nats: nats).destination
        }
        #expect(destination("nats://a:4222/", Self.settings) == "nats://a:4222/UNITS/nabd.mobile-7")
        #expect(destination("https://a/fhir", nil) == "https://a/fhir")
    }

    // MARK: Answers

    @Test func eachMessageIsStoredForItself() {
        #expect(Self.answer([Self.stored, Self.repeated]) == .entries([.stored, .stored]))
    }

    /// The moment is to blame, and no message.
    @Test(arguments: [PublishAnswer.notNow(number: 10008), .strange])
    func whatPassesIsTheMoment(answer: PublishAnswer) {
        guard case .notNow = Self.answer([answer, answer]) else {
            Issue.record("\(Self.answer([answer, answer]))")
            return
        }
        #expect(Self.answer([answer, answer]).wait.cause == .moment)
        guard case .entries(let entries) = Self.answer([Self.stored, answer]), case .notNow = entries[1] else {
            Issue.record("what was stored before counts")
            return
        }
        #expect(entries[0] == .stored)
    }

    /// Also where some of the same bundle are there: a full stream says so of what it has.
    @Test(arguments: [
        PublishAnswer.full, .nobody, .otherStream, .stored(stream: "OTHERS", sequence: 9, duplicate: false),
    ])
    func whatHoldsForTheStreamBlamesNoMessage(answer: PublishAnswer) {
        #expect(Self.answer([answer]).wait.cause == .way)
        #expect(Self.answer([Self.repeated, answer]).wait.cause == .way)
        #expect(Self.answer([Self.stored, .tooLarge, answer]).wait.cause == .way)
    }

    @Test func whatIsTooLargeIsOfTheMessage() {
        #expect(Self.answer([Self.stored, .tooLarge]) == .entries([.stored, .tooLarge]))
        #expect(Self.answer([.tooLarge]) == .entries([.tooLarge]))
    }

    /// What another stream has acknowledged is not stored.
    @Test func anotherStreamIsNotThisOne() {
        let other = Self.answer([.stored(stream: "OTHERS", sequence: 9, duplicate: false)])
        guard case .unreachable(let reason) = other else {
            Issue.record("\(other)")
            return
        }
        #expect(reason.contains("another stream than UNITS"))
    }

    /// Where the exchange did not end as it should, nothing of it is known: it goes again under the same ids.
    @Test func whatWasBrokenOffSaysNothingOfAnyMessage() {
        #expect(Self.answer([Self.stored, .nothing], .closed).wait.cause == .way)
        #expect(Self.answer([Self.stored, .nothing], .stopped).wait.cause == .way)
        #expect(Self.answer([Self.stored, .nothing], .notPermitted).wait.cause == .moment)
        guard case .timedOut = Self.answer([Self.stored, .nothing], .timeIsOver) else {
            Issue.record("it is late")
            return
        }
    }

    // MARK: Repetitions

    @Test(arguments: [
        (LastMessage.found(id: "a#1", sequence: 5, body: []), Repetition.isThere),
        (.found(id: "a#1@4", sequence: 5, body: []), .isThere),
        // Another content came after it.
        (.found(id: "a#2", sequence: 5, body: []), .isGone(after: 5)),
        (.found(id: "a#12", sequence: 5, body: []), .isGone(after: 5)),
        // The stream was emptied.
        (.missing, .isGone(after: 2)),
        (.notPermitted, .isThere), (.unknown, .isUnknown),
    ])
    func aRepetitionIsThereOnlyAsTheLastOfItsName(last: LastMessage, repetition: Repetition) {
        #expect(Repetition("a#1", of: 2, last) == repetition)
    }

    @Test func whatAStreamLetGoByItsRulesIsNoContradiction() {
        func state(_ first: Int) -> StreamState? {
            StreamState(.told(Array(#"{"config":{"retention":"limits"},"state":{"first_seq":\#(first)}}"#.utf8)))
        }
        let answers = NATSAnswers(settings: Self.settings)
        #expect(answers.read(.missing, state(1)) == .missing)
        #expect(answers.read(.missing, state(900)) == .unknown)
        #expect(answers.read(.missing, nil) == .unknown)
        #expect(answers.read(.notPermitted, nil) == .notAllowed)
        #expect(answers.read(.found(id: "a#1", sequence: 1, body: [0x7B]), nil) == .found([0x7B]))
    }
}
