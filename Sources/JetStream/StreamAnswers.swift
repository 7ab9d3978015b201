import Foundation

/// What a stream says of a message that was published to it. Of its text nothing is taken over.
///
/// Source: docs.nats.io, “JetStream wire API”: `PubAck`, and the numbers in the server's `errors.json`.
package enum PublishAnswer: Sendable, Equatable {
    /// - duplicate: a message of that id is there, or was within the stream's window: the sequence is of that one.
    case stored(stream: String, sequence: UInt64, duplicate: Bool)
    /// It holds as much as it may.
    case full
    /// The message is larger than the stream takes.
    case tooLarge
    /// The subject belongs to another stream than was expected.
    case otherStream
    /// No stream listens to the subject.
    case nobody
    /// - number: the server's, of what is in its way.
    case notNow(number: Int)
    /// What answered is no stream.
    case strange
    /// There was no answer.
    case nothing

    private struct Told: Decodable {
        struct Fault: Decodable {
            let errCode: Int?
        }

        let stream: String?
        let seq: UInt64?
        let duplicate: Bool?
        let error: Fault?
    }

    /// A stream takes no more (10077 covers each of its limits), and a server or an account no more either.
    private static let limits: Set<Int> = [10002, 10023, 10047, 10077]
    private static let messageTooLarge = 10054
    private static let notThatStream = 10060

    package init(_ reply: StreamReply) {
        switch reply {
        case .nobody: self = .nobody
        case .nothing: self = .nothing
        case .tooLarge: self = .tooLarge
        case .told(let bytes): self = Self.read(bytes)
        }
    }

    private static func read(_ bytes: [UInt8]) -> PublishAnswer {
        guard let told = try? JSONDecoder.ofServer.decode(Told.self, from: Data(bytes)) else { return .strange }
        if let error = told.error {
            guard let number = error.errCode else { return .strange }
            switch number {
            case messageTooLarge: return .tooLarge
            case notThatStream: return .otherStream
            case _ where limits.contains(number): return .full
            default: return .notNow(number: number)
            }
        }
        guard let stream = told.stream, let sequence = told.seq, sequence > 0 else { return .strange }
        return .stored(stream: stream, sequence: sequence, duplicate: told.duplicate ?? false)
    }
}

/// What a stream says when it is asked for the last message of a subject.
package enum LastMessage: Sendable, Equatable {
    /// - id: its `Nats-Msg-Id`.
    case found(id: String, sequence: UInt64, body: [UInt8])
    case missing
    /// This client may not ask.
    case notPermitted
    case unknown

    private struct Told: Decodable {
        struct Message: Decodable {
            let seq: UInt64
            let hdrs: Data?
            let data: Data?
        }

        struct Fault: Decodable { let errCode: Int? }

        let message: Message?
        let error: Fault?
    }

    private static let noMessage = 10037

    /// - Parameter end: how the exchange ended in which it was asked.
    package init(_ reply: StreamReply, _ end: StreamExchange.End) {
        guard case .told(let bytes) = reply else {
            self = end == .notPermitted ? .notPermitted : .unknown
            return
        }
        self.init(bytes)
    }

    init(_ bytes: [UInt8]) {
        guard let told = try? JSONDecoder.ofServer.decode(Told.self, from: Data(bytes)) else {
            self = .unknown
            return
        }
        if let message = told.message {
            self = .found(
                id: Self.id(in: message.hdrs ?? Data()), sequence: message.seq, body: Array(message.data ?? Data()))
        } else {
            self = told.error?.errCode == Self.noMessage ? .missing : .unknown
        }
    }

    private static func id(in headers: Data) -> String {
        for line in String(decoding: headers, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "nats-msg-id" {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return ""
    }
}

/// What a stream says of itself.
package struct StreamState: Sendable, Equatable {
    /// Whether all that was ever put into it is there, as far as its own rules go: nothing has left at its front, by
    /// age, size or a person's word, nor by being read.
    package let keepsAll: Bool

    private struct Told: Decodable {
        struct Rules: Decodable { let retention: String }
        struct State: Decodable { let firstSeq: UInt64 }

        let config: Rules
        let state: State
    }

    /// `nil` where it does not tell.
    package init?(_ reply: StreamReply?) {
        guard case .told(let bytes) = reply, let told = try? JSONDecoder.ofServer.decode(Told.self, from: Data(bytes))
        else {
            return nil
        }
        keepsAll = told.config.retention == "limits" && told.state.firstSeq <= 1
    }
}

/// What a stream can be asked.
package enum StreamQuestion {
    package static func last(of subject: String, in stream: String) -> StreamMessage {
        StreamMessage(subject: "$JS.API.STREAM.MSG.GET.\(stream)", body: #"{"last_by_subj":"\#(subject)"}"#)
    }

    package static func state(of stream: String) -> StreamMessage {
        StreamMessage(subject: "$JS.API.STREAM.INFO.\(stream)", body: "")
    }
}

extension JSONDecoder {
    /// Names as the server writes them, `err_code`, are ours, `errCode`.
    fileprivate static var ofServer: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}
