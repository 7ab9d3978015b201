/// A message to be published, and answered.
package struct StreamMessage: Sendable {
    package let subject: String
    package let headers: [(name: String, value: String)]
    package let body: String

    package init(subject: String, headers: [(name: String, value: String)] = [], body: String) {
        (self.subject, self.headers, self.body) = (subject, headers, body)
    }

    /// What it takes of the largest message that a server takes: its headers and its body. Unit: bytes.
    var size: Int {
        // The version's line and the empty one; a colon, a space and a line's end for each.
        let lines = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        return (headers.isEmpty ? 0 : lines + 12) + body.utf8.count
    }
}

/// What came back to a message.
package enum StreamReply: Sendable, Equatable {
    case told([UInt8])
    /// Nobody listens to its subject.
    case nobody
    /// It is larger than the server takes; it was not sent.
    case tooLarge
    /// Nothing, so far.
    case nothing
}

/// What an exchange came to: a reply to each message, in their order, and why there are no more.
package struct StreamExchange: Sendable, Equatable {
    package enum End: Sendable, Equatable {
        case answered
        case timeIsOver
        /// The server or the way ended the connection.
        case closed
        /// The server does not let this client publish or listen to a subject.
        case notPermitted
        /// The task was cancelled.
        case stopped
    }

    package var replies: [StreamReply]
    package let end: End

    package init(replies: [StreamReply], end: End) { (self.replies, self.end) = (replies, end) }
}

/// Why there is no connection. The library's own text is not passed on.
package enum ConnectingFault: Error, Equatable {
    /// The process trusts the machine's authorities.
    case notPrepared
    /// This machine has not the library.
    case noLibrary
    /// The certificate, its key or the authority cannot be used.
    case identity
    case noServer
    /// The server's certificate is not right, or it does not take this client's.
    case handshake
    /// The server speaks no TLS.
    case plain
    case notLetIn
    /// The server ended the connection before it was made.
    case ended
    case stopped
    /// - number: as the library numbers it.
    case other(Int)
}

/// Who a client is, and whom it trusts; each as PEM.
package struct ClientIdentity: Sendable {
    let authority: String
    let certificate: String
    let key: String

    package init(authority: String, certificate: String, key: String) {
        (self.authority, self.certificate, self.key) = (authority, certificate, key)
    }
}
