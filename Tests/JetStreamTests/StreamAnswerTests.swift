import Foundation
import Testing

@testable import JetStream

/// What a stream says, as servers 2.9.10 and 2.15.1 wrote it.
@Suite struct StreamAnswerTests {
    private static func told(_ text: String) -> StreamReply { .told(Array(text.utf8)) }

    @Test(arguments: [
        (#"{"stream":"UNITS", "seq":12}"#, PublishAnswer.stored(stream: "UNITS", sequence: 12, duplicate: false)),
        (
            #"{"stream":"UNITS", "seq":7,"duplicate": true}"#,
            .stored(stream: "UNITS", sequence: 7, duplicate: true)
        ),
        (
            #"{"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"UNITS","seq":0}"#,
            .full
        ),
        (#"{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"}}"#, .tooLarge),
        (#"{"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}"#, .otherStream),
        (#"{"error":{"code":503,"err_code":10008,"description":"…"}}"#, .notNow(number: 10008)),
    ])
    func whatAStreamSaysOfAMessage(text: String, answer: PublishAnswer) {
        #expect(PublishAnswer(Self.told(text)) == answer)
    }

    /// Nothing is stored but what a stream says it has stored, with a number.
    @Test(arguments: [
        "", "+OK", "{}", "[]", "null", #"{"stream":"UNITS"}"#, #"{"seq":4}"#, #"{"stream":"UNITS","seq":0}"#,
        #"{"stream":"UNITS","seq":-1}"#, #"{"stream":"UNITS","seq":"4"}"#, #"{"stream":"UNITS","seq":4.5}"#,
        #"{"stream":"UNITS","seq":99999999999999999999}"#, #"{"stream":"UNITS","seq":4,"error":{}}"#,
        #"{"stream":"UNITS","seq":4"#,
    ])
    func whatIsNoAcknowledgementIsStrange(text: String) {
        #expect(PublishAnswer(Self.told(text)) == .strange)
    }

    @Test func whatDidNotComeIsNoAnswer() {
        #expect(PublishAnswer(.nothing) == .nothing)
        #expect(PublishAnswer(.nobody) == .nobody)
        #expect(PublishAnswer(.tooLarge) == .tooLarge)
    }

    private static let headers =
        "NATS/1.0\r\nNats-Msg-Id: Observation/obs-1#ab\r\nContent-Type: application/fhir+json\r\n\r\n"

    @Test func theLastMessageHasItsIdSequenceAndBody() {
        let headers = Data(Self.headers.utf8).base64EncodedString()
        let body = Data("{}".utf8).base64EncodedString()
        let text = #"{"message":{"subject":"a.b","seq":4,"hdrs":"\#(headers)","data":"\#(body)","time":"…"}}"#
        #expect(
            LastMessage(Self.told(text), .answered)
                == .found(id: "Observation/obs-1#ab", sequence: 4, body: Array("{}".utf8)))
    }

    @Test(arguments: [
        (#"{"error":{"code":404,"err_code":10037,"description":"no message found"}}"#, LastMessage.missing),
        (#"{"error":{"code":404,"err_code":10059,"description":"stream not found"}}"#, .unknown),
        ("no JSON", .unknown),
        (#"{"message":{"subject":"a","seq":3}}"#, .found(id: "", sequence: 3, body: [])),
    ])
    func whatIsNotToldIsNotMissing(text: String, last: LastMessage) {
        #expect(LastMessage(Self.told(text), .answered) == last)
    }

    @Test func whoMayNotAskIsToldSo() {
        #expect(LastMessage(.nothing, .notPermitted) == .notPermitted)
        #expect(LastMessage(.nothing, .timeIsOver) == .unknown)
        #expect(LastMessage(.nobody, .answered) == .unknown)
    }

    @Test(arguments: [
        ("limits", 0, true), ("limits", 1, true), ("limits", 2, false), ("workqueue", 1, false),
        ("interest", 1, false),
    ])
    func aStreamThatHasLetNothingGoKeepsAll(retention: String, first: Int, keepsAll: Bool) {
        let text = #"{"config":{"retention":"\#(retention)"},"state":{"first_seq":\#(first)}}"#
        #expect(StreamState(Self.told(text))?.keepsAll == keepsAll)
        #expect(StreamState(.nobody) == nil)
    }

    /// Headers count: the version's line, each with a colon, a space and a line's end, and an empty line.
    @Test func aMessageIsAsLargeAsItsHeadersAndItsBody() {
        let bare = StreamMessage(subject: "a", body: "{}")
        let full = StreamMessage(subject: "a", headers: [("A", "1")], body: "{}")
        #expect(bare.size == 2)
        #expect(full.size == "NATS/1.0\r\nA: 1\r\n\r\n{}".utf8.count)
    }

    /// The machine's authorities are trusted by the library: without their being left out nothing is connected to.
    @Test func aProcessThatTrustsTheMachinesAuthoritiesConnectsToNobody() async {
        let identity = ClientIdentity(authority: "", certificate: "", key: "")
        let opened = await StreamConnection.open(host: "127.0.0.1", port: 9, identity) { _, _ in }
        guard case .failure(.notPrepared) = opened else {
            Issue.record("it is connected")
            return
        }
    }

    @Test func whatIsGivenFirstCounts() async {
        let once = Once<Int>()
        once.give(1)
        once.give(2)
        #expect(await once.value() == 1)
        let later = Once<Int>()
        async let value = later.value()
        later.give(3)
        later.give(4)
        #expect(await value == 3)
    }
}
