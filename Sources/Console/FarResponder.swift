import Consultations
import Hummingbird
import HummingbirdCore
import NIOCore
import RealTime
import Synchronization

/// What a far clinician's screen is answered: the same files, the live picture and the past, as far as a consultation
/// lets them be seen. Nothing can be asked for here, of the unit or of its people.
struct FarResponder: HTTPResponder {
    typealias Context = ConsoleContext

    let files: ScreenFiles
    let feed: LiveFeed
    let past: any PastSource
    let journal: FarJournal
    let visits: FarVisits
    let connections: FarConnections
    let clock: any MonotonicTime
    private let turns = Turns(most: 1, waiting: 3)

    private static let closed = Refusal(
        403, "closed",
        "No consultation is open for you: ask somebody on the unit to open one, then load this page again.")
    private static let readOnly = Refusal(405, "far", "From afar things are looked at, and nothing is done.")
    private static let notThis = Refusal(
        403, "far", "This is not shown from afar: somebody on the unit can look it up.")

    func respond(to request: Request, context: ConsoleContext) async throws -> Response {
        do throws(Refusal) {
            let head = ConsoleResponder.head(request)
            guard head.method == "GET" else { throw Self.readOnly }
            let consultation = try await admit(context.channel)
            // By whatever name: the certificate says to the browser which unit it is.
            let gate = RequestGate(port: nil, hosts: head.host.map { [$0] } ?? [])
            switch try gate.judge(head) {
            case .file(let name):
                return try ConsoleResponder.file(name, of: files, known: try head.single("if-none-match"))
            case .live(let waves): return try await live(waves, consultation, context.channel)
            case .past(let path, let parameters):
                let answer = try FarPast(consultation: consultation, unit: try await unit()).read(
                    path, parameters, from: past)
                return try await ConsoleResponder.read(answer, turns: turns, context.channel)
            case .technical: throw Self.notThis
            case .ask: throw Self.readOnly
            }
        } catch { return ConsoleResponder.refused(error) }
    }

    /// Whoever is at the other end may look now, and it is recorded that they do.
    private func admit(_ channel: any Channel) async throws(Refusal) -> Consultation {
        guard let certificate = await channel.peerDigest(),
            let consultation = journal.consultation(certificate: certificate)
        else { throw Self.closed }
        let from = channel.remoteAddress?.ipAddress ?? "unknown"
        if connections.enter(channel, consultation: consultation.number) {
            do throws(Refusal) { try await visits.enter(consultation, from: from, at: clock.now()) } catch {
                connections.leave(channel)
                throw error
            }
            let (visits, clock) = (visits, clock)
            channel.closeFuture.whenComplete { _ in
                Task { await visits.leave(consultation.number, from: from, at: clock.now()) }
            }
        }
        // It may have been closed while it was recorded.
        guard journal.isOpen(consultation.number) else { throw Self.closed }
        return consultation
    }

    private func live(
        _ waves: WavesWanted, _ consultation: Consultation, _ channel: any Channel
    ) async throws(Refusal) -> Response {
        let screen = try await feed.join(waves, isFar: true) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in screen.close() }
        let stream = FarStream(
            FarView(bed: consultation.grant.bed, consultation: consultation.number), waves: waves, screen: screen)
        let clock = clock
        let body = ResponseBody { writer in
            defer { stream.close() }
            try await writer.write(ByteBuffer(string: "retry: 1000\n\n"))
            try await stream.tell(&writer, clock: clock)
            try await writer.finish(nil)
        }
        return ConsoleResponder.data("text/event-stream", body)
    }

    /// Where the streams are now.
    private func unit() async throws(Refusal) -> FarUnit {
        let screen = try await feed.join(.none, isFar: true) {}
        defer { screen.close() }
        var view = FarView(bed: nil, consultation: 0)
        for frame in await screen.next() ?? [] {
            let bytes = ArraySlice(frame.readableBytesView)
            if let data = FarQueue.data(of: bytes, event: "picture"), view.picture(data) != nil { return view.unit }
        }
        throw Refusal(503, "journal", "The journal cannot be read now.")
    }
}

/// The connections by which somebody looks. When a consultation is over, each of its connections is cut at once,
/// whatever is under way on it.
final class FarConnections: Sendable {
    private let open = Mutex<[ObjectIdentifier: (channel: any Channel, consultation: Int64)]>([:])

    /// Returns whether it is new.
    func enter(_ channel: any Channel, consultation: Int64) -> Bool {
        let key = ObjectIdentifier(channel)
        let isNew = open.withLock { open in
            guard open[key]?.consultation != consultation else { return false }
            open[key] = (channel, consultation)
            return true
        }
        if isNew { channel.closeFuture.whenComplete { _ in self.leave(channel) } }
        return isNew
    }

    func leave(_ channel: any Channel) { open.withLock { $0[ObjectIdentifier(channel)] = nil } }

    /// Cuts those that may not look any more.
    func cut(_ isOpen: (Int64) -> Bool) {
        let over = open.withLock { open in open.values.filter { !isOpen($0.consultation) }.map(\.channel) }
        for channel in over { channel.close(mode: .all, promise: nil) }
    }
}
