import JetStream

/// What a stream's answers come to, in the words of any destination.
struct NATSAnswers {
    let settings: NATSSettings

    /// - Parameters:
    ///   - limit: how long was waited. Unit: s.
    func answer(_ answers: [PublishAnswer], _ end: StreamExchange.End, after limit: Int64) -> Answer {
        switch end {
        case .closed: return .unreachable(reason: "the NATS server or the way ended the connection")
        case .stopped: return .unreachable(reason: "the host stops")
        case .notPermitted:
            return .notAllowed(
                reason: "the NATS server does not let this unit publish below “\(settings.subject)”, or hear the "
                    + "answers: check its rights there", retryAfter: nil)
        case .timeIsOver: return .timedOut(reason: "the stream did not answer all within \(limit) s")
        case .answered: break
        }
        // No message is to blame, though a full stream still says of a repetition that it has it: whether it takes
        // anything cannot be told by what it has taken before.
        if let reason = answers.lazy.compactMap(ofAll).first { return .unreachable(reason: reason) }
        let entries = answers.map(entry)
        // What holds for all is no matter of any.
        guard case .notNow(let reason) = entries.first, entries.allSatisfy({ $0 == entries[0] }) else {
            return .entries(entries)
        }
        return .notNow(reason: reason, retryAfter: nil)
    }

    /// Why the stream takes nothing, whatever it is; `nil` for an answer to one message.
    private func ofAll(_ answer: PublishAnswer) -> String? {
        switch answer {
        case .stored(let stream, _, _): stream == settings.stream ? nil : otherStream
        case .otherStream: otherStream
        case .full: "the stream \(settings.stream) is full: its operator must make room"
        case .nobody:
            "no stream listens to what begins with “\(settings.subject)”: its operator must make "
                + "\(settings.stream), or JetStream is not there now"
        case .tooLarge, .notNow, .strange, .nothing: nil
        }
    }

    private func entry(_ answer: PublishAnswer) -> EntryAnswer {
        switch answer {
        case .stored: .stored
        case .tooLarge: .tooLarge
        case .notNow(let number): .notNow(reason: "the stream did not take it now (JetStream \(number))")
        case .strange: .notNow(reason: "what answered below “\(settings.subject)” is no stream")
        case .nothing, .full, .nobody, .otherStream: .notNow(reason: "the stream did not answer")
        }
    }

    private var otherStream: String {
        "what begins with “\(settings.subject)” goes into another stream than \(settings.stream): correct “stream” or "
            + "“subject”"
    }

    /// What a message's looking up comes to.
    func read(_ last: LastMessage, _ state: StreamState?) -> ReadAnswer {
        switch last {
        case .found(_, _, let body): .found(body)
        case .notPermitted: .notAllowed
        // What has left the stream by its own rules is no contradiction.
        case .missing: state?.keepsAll == true ? .missing : .unknown
        case .unknown: .unknown
        }
    }
}

/// Whether what the stream took for a repetition is there as the last of its name: within the stream's window it knows
/// an id whose content another has followed, or that was removed since.
enum Repetition: Equatable {
    case isThere
    /// It is to be published once more, after this.
    case isGone(after: UInt64)
    /// The stream did not say, and may another time.
    case isUnknown

    init(_ id: String, of sequence: UInt64, _ last: LastMessage) {
        switch last {
        case .found(let found, let newest, _):
            self = NATSSettings.isSame(found, id) ? .isThere : .isGone(after: newest)
        case .missing: self = .isGone(after: sequence)
        // A unit that may not ask is told no more: the stream says that it has it.
        case .notPermitted: self = .isThere
        case .unknown: self = .isUnknown
        }
    }
}
