import CNats
import Dispatch
import Glibc
import Synchronization

/// A connection to a NATS server over mutual TLS 1.3. It is made once: one that ended is not made anew.
///
/// The library's calls may block; they are made on a queue of threads, none of which is a task's, and whoever waits for
/// one waits no longer than its time.
package final class StreamConnection: Sendable {
    /// For all before the first message. Unit: ms.
    private static let connecting: Int64 = 10_000
    /// What the socket may take nothing for. Unit: ms.
    private static let writing: Int64 = 30_000
    /// How often a connection that is quiet is asked whether it is there. Unit: ms.
    private static let pinging: Int64 = 60_000
    /// How often somebody who waits looks whether he is to wait on. Unit: ms.
    private static let slice: Int64 = 50
    /// Of TLS 1.2 only this, for which there is no key: nothing but TLS 1.3 comes about.
    private static let noneBeforeTLS13 = "PSK-AES256-GCM-SHA384"
    /// A message's line in the protocol and its part of TLS, about. Unit: bytes.
    private static let wrapping = 64
    /// Both greetings and what TLS takes with certificates of two links, about. Unit: bytes.
    private static let greeting = (sent: 2560, received: 3072)

    private static let queue = DispatchQueue(label: "nabd.nats", attributes: .concurrent)

    /// Counts what goes over the connection, and what comes. Unit: bytes.
    package typealias Counter = @Sendable (_ sent: Int, _ received: Int) -> Void

    private nonisolated(unsafe) let connection: OpaquePointer
    private let count: Counter

    /// Where replies are heard. The library frees a subscription under the feet of its own reader when a message for it
    /// comes at that moment: none ends before its connection, and each is used again.
    private struct Listening: @unchecked Sendable {
        let subscription: OpaquePointer
        let inbox: String
    }

    private let state = Mutex((idle: [Listening](), all: [Listening](), exchanges: UInt64(0)))

    private init(_ connection: OpaquePointer, _ count: @escaping Counter) {
        (self.connection, self.count) = (connection, count)
    }

    deinit {
        nonisolated(unsafe) let connection = connection
        let listening = state.withLock { $0.all }
        Self.queue.async {
            // Its reader is gone when it is closed.
            natsConnection_Close(connection)
            for one in listening { natsSubscription_Destroy(one.subscription) }
            natsConnection_Destroy(connection)
        }
    }

    /// Whether it was not ended yet.
    package var isOpen: Bool { natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED }

    // MARK: Connecting

    /// - Parameter host: the name or address that the server's certificate is for.
    package static func open(
        host: String, port: Int, _ identity: ClientIdentity, count: @escaping Counter
    ) async -> Result<StreamConnection, ConnectingFault> {
        guard MachineAuthorities.areLeftOut else { return .failure(.notPrepared) }
        let once = Once<Result<StreamConnection, ConnectingFault>>()
        return await withTaskCancellationHandler {
            queue.async { once.give(connect(host, port, identity, count)) }
            return await once.value()
        } onCancel: {
            once.give(.failure(.stopped))
        }
    }

    private static func connect(
        _ host: String, _ port: Int, _ identity: ClientIdentity, _ count: @escaping Counter
    ) -> Result<StreamConnection, ConnectingFault> {
        guard nabd_nats_is_there() else { return .failure(.noLibrary) }
        var options: OpaquePointer?
        guard natsOptions_Create(&options) == NATS_OK, let options else { return .failure(.other(0)) }
        defer { natsOptions_Destroy(options) }
        let steps: [() -> natsStatus] = [
            { natsOptions_SetURL(options, "nats://\(host.contains(":") ? "[\(host)]" : host):\(port)") },
            { natsOptions_SetSecure(options, true) },
            { natsOptions_SetCATrustedCertificates(options, identity.authority) },
            { natsOptions_SetCertificatesChain(options, identity.certificate, identity.key) },
            { natsOptions_SetExpectedHostname(options, host) },
            { natsOptions_SetCiphers(options, noneBeforeTLS13) },
            { natsOptions_SetAllowReconnect(options, false) },
            { natsOptions_SetTimeout(options, connecting) },
            { natsOptions_SetWriteDeadline(options, writing) },
            { natsOptions_SetPingInterval(options, pinging) },
            { natsOptions_SetMaxPingsOut(options, 2) },
            { natsOptions_SetName(options, "nabd") },
        ]
        guard steps.allSatisfy({ $0() == NATS_OK }) else { return .failure(.identity) }
        count(greeting.sent, greeting.received)
        var connection: OpaquePointer?
        let status = natsConnection_Connect(&connection, options)
        guard status == NATS_OK, let connection else { return .failure(fault(of: status)) }
        return .success(StreamConnection(connection, count))
    }

    private static func fault(of status: natsStatus) -> ConnectingFault {
        switch status {
        case NATS_SSL_ERROR: .handshake
        case NATS_SECURE_CONNECTION_WANTED: .plain
        case NATS_CONNECTION_AUTH_FAILED: .notLetIn
        case NATS_NO_SERVER, NATS_TIMEOUT: .noServer
        // In TLS 1.3 what the server says of a client's certificate comes after the handshake.
        case NATS_PROTOCOL_ERROR, NATS_IO_ERROR, NATS_CONNECTION_CLOSED: .ended
        default: .other(Int(status.rawValue))
        }
    }

    // MARK: Exchanges

    /// Publishes messages, in their order, and waits for a reply to each. One that is not over in time, or not
    /// permitted, ends the connection: nobody knows what still comes over it.
    package func exchange(_ messages: [StreamMessage], within limit: Duration) async -> StreamExchange {
        let none = [StreamReply](repeating: .nothing, count: messages.count)
        let end = ContinuousClock.now + limit
        let isStopped = Flag()
        let once = Once<StreamExchange>()
        let patience = Task {
            try? await Task.sleep(until: end + .milliseconds(2 * Self.slice))
            if !Task.isCancelled { once.give(StreamExchange(replies: none, end: .timeIsOver)) }
        }
        defer { patience.cancel() }
        return await withTaskCancellationHandler {
            Self.queue.async { once.give(self.exchange(messages, until: end, isStopped)) }
            return await once.value()
        } onCancel: {
            isStopped.raise()
            once.give(StreamExchange(replies: none, end: .stopped))
        }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)

        var isRaised: Bool { value.load(ordering: .relaxed) }

        func raise() { value.store(true, ordering: .relaxed) }
    }

    private func exchange(
        _ messages: [StreamMessage], until end: ContinuousClock.Instant, _ isStopped: Flag
    ) -> StreamExchange {
        var replies = [StreamReply](repeating: .nothing, count: messages.count)
        guard let (place, inbox) = listen() else { return ended(replies, .closed) }
        let listening = place.subscription
        var open = 0
        // What may still be heard of an exchange that was not over would be taken for the next one's.
        defer { if open == 0 { state.withLock { $0.idle.append(place) } } }
        var isNobodyThere = false
        for (number, message) in messages.enumerated() {
            if isStopped.isRaised { return StreamExchange(replies: replies, end: .stopped) }
            // Behind its time it would come after what was published since under the same names.
            if ContinuousClock.now >= end { return ended(replies, .timeIsOver) }
            switch publish(message, reply: "\(inbox).\(number)") {
            case NATS_OK: open += 1
            case NATS_MAX_PAYLOAD: replies[number] = .tooLarge
            default: return ended(replies, .closed)
            }
        }
        while open > 0 {
            var message: OpaquePointer?
            let status = natsSubscription_NextMsg(&message, listening, Self.slice)
            if status == NATS_OK, let message {
                open -= take(message, after: inbox, &replies) ? 1 : 0
                natsMsg_Destroy(message)
                continue
            }
            if status == NATS_NO_RESPONDERS {
                // Of which message that is said the library does not tell; it is said of each.
                (open, isNobodyThere) = (open - 1, true)
                continue
            }
            if isStopped.isRaised { return StreamExchange(replies: replies, end: .stopped) }
            // The text, which is the library's, is looked at by nobody.
            var text: UnsafePointer<CChar>?
            if natsConnection_GetLastError(connection, &text) == NATS_NOT_PERMITTED {
                return ended(replies, .notPermitted)
            }
            guard status == NATS_TIMEOUT else { return ended(replies, .closed) }
            if ContinuousClock.now >= end { return ended(replies, .timeIsOver) }
        }
        // They all go to one stream.
        if isNobodyThere { replies = replies.map { $0 == .nothing ? .nobody : $0 } }
        return StreamExchange(replies: replies, end: .answered)
    }

    /// - Returns: where replies to one exchange are heard, and what their subjects begin with: what still comes of
    ///   another is known by it.
    private func listen() -> (Listening, inbox: String)? {
        let (idle, number) = state.withLock { state in
            state.exchanges += 1
            return (state.idle.popLast(), state.exchanges)
        }
        if let idle { return (idle, "\(idle.inbox).\(number)") }
        let inbox = "_INBOX.\(String(UInt64.random(in: 0...(.max)), radix: 36))\(UInt32.random(in: 0...(.max)))"
        var made: OpaquePointer?
        guard natsConnection_SubscribeSync(&made, connection, "\(inbox).>") == NATS_OK, let made else { return nil }
        let place = Listening(subscription: made, inbox: inbox)
        state.withLock { $0.all.append(place) }
        return (place, "\(inbox).\(number)")
    }

    private func ended(_ replies: [StreamReply], _ end: StreamExchange.End) -> StreamExchange {
        natsConnection_Close(connection)
        return StreamExchange(replies: replies, end: end)
    }

    private func publish(_ message: StreamMessage, reply: String) -> natsStatus {
        // What the server finds too large ends the connection.
        guard Int64(message.size) <= natsConnection_GetMaxPayload(connection) else { return NATS_MAX_PAYLOAD }
        var made: OpaquePointer?
        let length = Int32(clamping: message.body.utf8.count)
        let status = natsMsg_Create(&made, message.subject, reply, message.body, length)
        guard status == NATS_OK, let made else { return status }
        defer { natsMsg_Destroy(made) }
        for header in message.headers {
            let status = natsMsgHeader_Set(made, header.name, header.value)
            guard status == NATS_OK else { return status }
        }
        count(message.size + message.subject.utf8.count + reply.utf8.count + Self.wrapping, 0)
        return natsConnection_PublishMsg(connection, made)
    }

    /// - Returns: whether it is the first reply to one of the messages.
    private func take(_ message: OpaquePointer, after inbox: String, _ replies: inout [StreamReply]) -> Bool {
        let length = Int(natsMsg_GetDataLength(message))
        count(0, length + inbox.utf8.count + Self.wrapping)
        guard let subject = natsMsg_GetSubject(message).map({ String(cString: $0) }), subject.hasPrefix("\(inbox)."),
            let number = Int(subject.dropFirst(inbox.count + 1)), replies.indices.contains(number),
            replies[number] == .nothing
        else { return false }
        replies[number] = .told(Array(UnsafeRawBufferPointer(start: natsMsg_GetData(message), count: length)))
        return true
    }
}
