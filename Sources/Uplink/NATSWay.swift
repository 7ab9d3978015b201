import Foundation
import JetStream
import PlainFiles
import Synchronization

/// The files of the unit's identity as a connection to NATS needs them.
final class NATSIdentity: Sendable {
    struct Read: Sendable {
        let identity: ClientIdentity
        /// How often they were read: connections of a former reading are not used any more.
        let number: Int
    }

    private let endpoint: UplinkEndpoint
    private let state: Mutex<(files: IdentityWatch, read: Read?, count: Int)>

    init(_ endpoint: UplinkEndpoint) {
        self.endpoint = endpoint
        state = Mutex((IdentityWatch(endpoint), nil, 0))
    }

    /// As they are now, or were when they could be used last; and why they cannot be used.
    func current() -> (read: Read?, problem: String?) {
        state.withLock { state in
            switch state.files.look(read) {
            case .none: break
            case .made(let identity):
                state.count += 1
                state.read = Read(identity: identity, number: state.count)
            case .lost: state.read = nil
            }
            return (state.read, state.files.problem)
        }
    }

    /// Throws ``EndpointError``.
    private func read() throws -> ClientIdentity {
        // By the rules for any destination.
        _ = try endpoint.tls()
        func text(_ path: String) throws(EndpointError) -> String {
            guard let text = PlainFile.text(path) else {
                throw EndpointError(description: "\(path) is not a readable PEM file")
            }
            return text
        }
        return ClientIdentity(
            authority: try text(endpoint.authority), certificate: try text(endpoint.clientCertificate),
            key: try text(endpoint.clientKey))
    }
}

/// One connection at a time, made when it is needed.
actor NATSWay {
    typealias Connected = Result<StreamConnection, NATSRefusal>

    private let endpoint: UplinkEndpoint
    private let identity: NATSIdentity
    private let meter: WireMeter
    private var connection: (StreamConnection, number: Int)?
    /// A connection that is being made, with the reading of the identity that it is for.
    private var opening: (read: Int, task: Task<Connected, Never>)?

    init(_ endpoint: UplinkEndpoint, _ identity: NATSIdentity, _ meter: WireMeter) {
        (self.endpoint, self.identity, self.meter) = (endpoint, identity, meter)
    }

    func connected() async -> Connected {
        let (read, problem) = identity.current()
        guard let read else {
            connection = nil
            return .failure(NATSRefusal(reason: problem ?? "the unit's identity cannot be used"))
        }
        if let (connection, number) = connection, number == read.number, connection.isOpen {
            return .success(connection)
        }
        connection = nil
        let task =
            if let opening, opening.read == read.number { opening.task } else { Task { await open(read.identity) } }
        opening = (read.number, task)
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
        if opening?.task == task { opening = nil }
        // Another that waited longer may be for files that are older.
        if case .success(let made) = result, (connection?.number ?? 0) <= read.number {
            connection = (made, read.number)
        }
        return result
    }

    func end() { connection = nil }

    private nonisolated func open(_ identity: ClientIdentity) async -> Connected {
        guard let place = endpoint.place else {
            return .failure(NATSRefusal(reason: "“server” names no host"))
        }
        let meter = meter
        let opened = await StreamConnection.open(host: place.host, port: place.port, identity) { sent, received in
            meter.sent(sent)
            meter.received(received)
        }
        switch opened {
        case .success(let made):
            // The library takes some certificates that are taken nowhere else.
            if let words = await endpoint.distrust() { return .failure(NATSRefusal(reason: words)) }
            return .success(made)
        case .failure(let fault): return .failure(await refusal(fault, place))
        }
    }

    private nonisolated func refusal(_ fault: ConnectingFault, _ place: (host: String, port: Int)) async -> NATSRefusal
    {
        switch fault {
        case .handshake:
            NATSRefusal(
                reason: await endpoint.distrust()
                    ?? "TLS: the server does not take this unit's certificate: is it expired, or not registered there?")
        case .noLibrary:
            NATSRefusal(reason: "this machine has no libnats3.4: apt install libnats3.4")
        case .notPrepared: NATSRefusal(reason: "this process trusts the machine's authorities: nothing is sent")
        case .identity: NATSRefusal(reason: "the unit's certificate, its key or the authority cannot be used for NATS")
        case .noServer:
            NATSRefusal(reason: "no connection to a NATS server at \(place.host):\(place.port)")
        case .plain: NATSRefusal(reason: "TLS: the NATS server speaks none")
        case .notLetIn:
            NATSRefusal(reason: "the NATS server does not let this unit in: is its certificate's name a user there?")
        case .ended:
            NATSRefusal(
                reason: "the NATS server ended the connection at its beginning: does it take this unit's certificate?")
        case .stopped: NATSRefusal(reason: "the host stops")
        case .other(let number): NATSRefusal(reason: "the NATS server did not take the connection (\(number))")
        }
    }
}

/// Why there is no connection, in a sentence.
struct NATSRefusal: Error, Equatable {
    let reason: String
}
