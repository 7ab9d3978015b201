package import Hummingbird
import HummingbirdCore
package import NIOCore
import UnitPicture

/// A request's connection.
package struct ConsoleContext: InitializableFromSource {
    package let channel: any Channel

    package init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// What a screen is answered: its files, the live picture, the past, and what people ask. It holds nothing of its own.
package struct ConsoleResponder: HTTPResponder {
    package typealias Context = ConsoleContext

    private let gate: RequestGate
    private let files: ScreenFiles
    private let feed: LiveFeed
    private let asks: AskDoor
    private let status: StatusCache
    private let past: any PastSource
    private let turns = Turns(most: ConsoleLimits.histories, waiting: ConsoleLimits.historiesWaiting)

    package init(
        gate: RequestGate, files: ScreenFiles, feed: LiveFeed, asks: AskDoor, status: StatusCache,
        past: any PastSource
    ) {
        (self.gate, self.files, self.feed) = (gate, files, feed)
        (self.asks, self.status, self.past) = (asks, status, past)
    }

    package func respond(to request: Request, context: ConsoleContext) async throws -> Response {
        do throws(Refusal) {
            let head = Self.head(request)
            switch try gate.judge(head) {
            case .file(let name): return try Self.file(name, of: files, known: try head.single("if-none-match"))
            case .live(let waves): return try await live(waves, context.channel)
            case .technical: return Self.json(Array(try await status.document().utf8))
            case .ask: return try await ask(request, press: try head.single("x-nabd-once"))
            case .past(let path, let parameters): return try await read(path, parameters, context.channel)
            }
        } catch { return Self.refused(error) }
    }

    static func head(_ request: Request) -> AskedHead {
        AskedHead(
            method: request.method.rawValue, target: request.head.path ?? "", host: request.head.authority,
            fields: request.headers.map { (name: $0.name.canonicalName, value: $0.value) })
    }

    // MARK: The screen itself

    static func file(_ name: String, of files: ScreenFiles, known: String?) throws(Refusal) -> Response {
        guard let file = files[name] else {
            if let failure = files.failure, name == "index.html" { throw Refusal(503, "files", failure) }
            throw .unknown
        }
        let fields = [("Cache-Control", SecurityFields.askedAgain), ("ETag", file.tag), ("Content-Type", file.type)]
        if ScreenFiles.has(file.tag, known) { return answer(304, fields) }
        return answer(200, fields, ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes)))
    }

    // MARK: The live picture

    private func live(_ waves: WavesWanted, _ channel: any Channel) async throws(Refusal) -> Response {
        let screen = try await feed.join(waves) { channel.close(promise: nil) }
        channel.closeFuture.whenComplete { _ in screen.close() }
        let body = ResponseBody { writer in
            defer { screen.close() }
            // How soon a browser comes back by itself. Unit: ms.
            try await writer.write(ByteBuffer(string: "retry: 500\n\n"))
            while let frames = await screen.next() { try await writer.write(contentsOf: frames) }
            try await writer.finish(nil)
        }
        return Self.data("text/event-stream", body)
    }

    // MARK: What people ask

    private func ask(_ request: Request, press: String?) async throws(Refusal) -> Response {
        let bytes: [UInt8]
        do { bytes = Array(buffer: try await request.body.collect(upTo: ConsoleLimits.body)) } catch {
            throw error is NIOTooManyBytesError ? .tooLarge : .malformed
        }
        let events = try asks.ask(bytes, press: press)
        // Where nothing can be asked, the answer's status says it.
        guard let first = await Self.next(of: events) else { throw .malformed }
        if case .failure(let refusal) = first { throw refusal }
        let body = ResponseBody { writer in
            var event: AskDoor.Event? = first
            while let next = event {
                guard case .line(let line) = next else { throw Cut() }
                try await writer.write(ByteBuffer(bytes: line))
                event = await Self.next(of: events)
            }
            try await writer.finish(nil)
        }
        return Self.data("application/x-ndjson", body)
    }

    private static func next<Element>(of stream: AsyncStream<Element>) async -> Element? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }

    // MARK: The past

    private func read(
        _ path: String, _ parameters: [String: String], _ channel: any Channel
    ) async throws(Refusal) -> Response {
        try await Self.read(past.read(path: path, parameters: parameters, scope: .unit), turns: turns, channel)
    }

    /// Reads it in its turn, and tells it piece by piece.
    static func read(_ answer: PastAnswer, turns: Turns, _ channel: any Channel) async throws(Refusal) -> Response {
        try await turns.begin(orElse: .tooManyHistories)
        let (reading, turn) = (PastReading(answer), HeldTurn(turns))
        // Whoever goes before the head is written has no body that would end the turn.
        channel.closeFuture.whenComplete { _ in
            reading.cancel()
            Task { await turn.end() }
        }
        let first = await Self.next(of: reading.all)
        if case .failure(let refusal)? = first {
            await turn.end()
            throw refusal
        }
        let body = ResponseBody { writer in
            do {
                try await write(first, of: reading, to: &writer)
                await turn.end()
            } catch {
                reading.cancel()
                await turn.end()
                throw error
            }
            try await writer.finish(nil)
        }
        var response = data(answer.type, body)
        if let name = answer.attachment {
            set(&response.headers, "Content-Disposition", "attachment; filename=\"\(name)\"")
        }
        return response
    }

    static func write(
        _ first: PastReading.Piece?, of reading: PastReading, to writer: inout any ResponseBodyWriter
    ) async throws {
        var piece = first
        while let next = piece {
            switch next {
            case .bytes(let bytes):
                try await writer.write(ByteBuffer(bytes: bytes))
                reading.goOn()
            case .end: return
            // Half an answer must not be taken for a whole one.
            case .failure: throw Cut()
            }
            piece = await Self.next(of: reading.all)
        }
        throw Cut()
    }

    /// An answer breaks off.
    private struct Cut: Error {}

    // MARK: Answers

    static func refused(_ refusal: Refusal) -> Response {
        var fields = [("Content-Type", "application/json"), ("Cache-Control", SecurityFields.neverKept)]
        if refusal.status == 405 { fields.append(("Allow", "GET, POST")) }
        if refusal.status == 503 { fields.append(("Retry-After", "1")) }
        return answer(refusal.status, fields, ResponseBody(byteBuffer: ByteBuffer(bytes: refusal.document)))
    }

    static func json(_ bytes: [UInt8]) -> Response {
        data("application/json", ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func data(_ type: String, _ body: ResponseBody) -> Response {
        answer(200, [("Content-Type", type), ("Cache-Control", SecurityFields.neverKept)], body)
    }

    static func answer(
        _ status: Int, _ fields: [(String, String)], _ body: ResponseBody = ResponseBody()
    ) -> Response {
        var response = Response(status: HTTPResponse.Status(code: status), body: body)
        for (name, value) in SecurityFields.all + fields { set(&response.headers, name, value) }
        return response
    }

    static func set(_ fields: inout HTTPFields, _ name: String, _ value: String) {
        if let name = HTTPFields.Element.Name(name) { fields[name] = value }
    }
}
