import DeviceModel
package import FHIRMapping
import JetStream
import Synchronization

/// A stream of NATS JetStream: each resource is a message, and what the stream acknowledges is stored.
///
/// Alarms have a connection of their own, and so has what is asked: a right that is missing there ends no other.
package final class NATSService: RecordsService {
    /// So many names are remembered with what was published last under them.
    private static let mostKnown = 4096

    /// At the beginning of a process that may deliver to NATS, before it does anything else.
    package static func prepareProcess() { MachineAuthorities.leaveOut() }

    private let settings: NATSSettings
    private let identity: NATSIdentity
    private let usual: NATSWay
    private let urgently: NATSWay
    private let asking: NATSWay
    /// What was published last under a name, by this process.
    private let known = Mutex<[String: String]>([:])
    private let newest = Mutex<UInt64>(0)

    init(_ endpoint: UplinkEndpoint, _ settings: NATSSettings, meter: WireMeter) {
        self.settings = settings
        let identity = NATSIdentity(endpoint)
        self.identity = identity
        func way() -> NATSWay { NATSWay(endpoint, identity, meter) }
        (usual, urgently, asking) = (way(), way(), way())
    }

    /// Alarms do not wait behind what is under way.
    private struct Urgent: RecordsService {
        let service: NATSService

        func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
            await service.put(resources, within: limit, over: service.urgently)
        }

        func read(_ url: String, within limit: Duration) async -> ReadAnswer {
            await service.read(url, within: limit)
        }
    }

    package var urgent: any RecordsService { Urgent(service: self) }

    package func concern() async -> String? { identity.current().problem }

    package func reach() -> String? {
        let sequence = newest.withLock { $0 }
        guard sequence > 0 else { return nil }
        return JSON.members([
            "stream": .string(settings.stream), "sequence": .integer(Int64(clamping: sequence)),
        ]).text
    }

    package func shutdown() async { for way in [usual, urgently, asking] { await way.end() } }

    // MARK: Publishing

    /// Messages go as they are: none is compressed.
    package func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
        await put(resources, within: limit, over: usual)
    }

    private func put(_ resources: [FHIRResource], within limit: Duration, over way: NATSWay) async -> Answer {
        let end = ContinuousClock.now + limit
        let connection: StreamConnection
        switch await way.connected() {
        case .success(let made): connection = made
        case .failure(let refusal): return .unreachable(reason: refusal.reason)
        }
        let ids = resources.map(NATSSettings.messageID)
        let isRemembered = zip(resources, ids).map { isKnown($0.url, $1) }
        let messages = zip(resources, ids).compactMap { message($0, $1) }
        guard messages.count == resources.count else {
            return .refused(reason: "a resource's id is none that a subject can have")
        }
        let exchange = await connection.exchange(messages, within: end - .now)
        var answers = exchange.replies.map(PublishAnswer.init)
        var ended = exchange.end
        if ended == .answered {
            let doubtful = answers.indices.filter { !isRemembered[$0] && isRepetition(answers[$0]) }
            let (lost, unknown) = await gone(doubtful.map { (resources[$0], ids[$0], answers[$0]) }, within: end - .now)
            for place in unknown { answers[doubtful[place]] = .nothing }
            if !lost.isEmpty {
                let again = await connection.exchange(lost.map(\.message), within: end - .now)
                for (place, reply) in zip(lost.map { doubtful[$0.place] }, again.replies) {
                    answers[place] = PublishAnswer(reply)
                }
                ended = again.end
            }
            if ended == .answered { remember(zip(resources, ids), answers) }
        }
        note(answers)
        return NATSAnswers(settings: settings).answer(answers, ended, after: limit.components.seconds)
    }

    private func message(_ resource: FHIRResource, _ id: String) -> StreamMessage? {
        settings.subject(of: resource.url).map { subject in
            StreamMessage(
                subject: subject,
                headers: [
                    ("Nats-Msg-Id", id), ("Nats-Expected-Stream", settings.stream),
                    ("Content-Type", "application/fhir+json"),
                ], body: resource.json.text)
        }
    }

    /// Whether it is the last under its name, as this process has seen. Anything else is not known from here on: it may
    /// be published without an answer.
    private func isKnown(_ url: String, _ id: String) -> Bool {
        known.withLock { known in
            if known[url] == id { return true }
            known[url] = nil
            return false
        }
    }

    /// What the stream has now as the last under its name.
    private func remember(_ published: Zip2Sequence<[FHIRResource], [String]>, _ answers: [PublishAnswer]) {
        known.withLock { known in
            if known.count >= Self.mostKnown { known = [:] }
            for ((resource, id), answer) in zip(published, answers) {
                if case .stored(settings.stream, _, _) = answer { known[resource.url] = id }
            }
        }
    }

    private func note(_ answers: [PublishAnswer]) {
        let reached = answers.compactMap { answer -> UInt64? in
            if case .stored(settings.stream, let sequence, _) = answer { sequence } else { nil }
        }
        guard let last = reached.max() else { return }
        newest.withLock { $0 = max($0, last) }
    }

    // MARK: Asking

    private func isRepetition(_ answer: PublishAnswer) -> Bool {
        if case .stored(settings.stream, _, duplicate: true) = answer { true } else { false }
    }

    /// Of what the stream took for a repetition, what is not there as the last of its name, with the message that puts
    /// it there; and the places of those of which that is not known.
    private func gone(
        _ repeated: [(FHIRResource, id: String, PublishAnswer)], within limit: Duration
    ) async -> (gone: [(place: Int, message: StreamMessage)], unknown: [Int]) {
        let lasts = await last(repeated.map(\.0.url), within: limit)
        var (gone, unknown): ([(place: Int, message: StreamMessage)], [Int]) = ([], [])
        for (place, ((resource, id, answer), last)) in zip(repeated, lasts).enumerated() {
            guard case .stored(_, let sequence, _) = answer else { continue }
            switch Repetition(id, of: sequence, last) {
            case .isThere: continue
            case .isUnknown: unknown.append(place)
            case .isGone(let after):
                guard let message = message(resource, NATSSettings.messageID(id, after: after)) else { continue }
                gone.append((place, message))
            }
        }
        return (gone, unknown)
    }

    /// The last messages of names, in their order.
    private func last(_ urls: [String], within limit: Duration) async -> [LastMessage] {
        let subjects = urls.compactMap(settings.subject)
        let unknown = [LastMessage](repeating: .unknown, count: urls.count)
        guard !urls.isEmpty, subjects.count == urls.count, case .success(let connection) = await asking.connected()
        else { return unknown }
        let told = await connection.exchange(
            subjects.map { StreamQuestion.last(of: $0, in: settings.stream) }, within: limit)
        return told.replies.map { LastMessage($0, told.end) }
    }

    package func read(_ url: String, within limit: Duration) async -> ReadAnswer {
        let last = await last([url], within: limit)[0]
        var state: StreamState?
        if last == .missing, case .success(let connection) = await asking.connected() {
            let told = await connection.exchange([StreamQuestion.state(of: settings.stream)], within: limit)
            state = StreamState(told.replies.first)
        }
        let answer = NATSAnswers(settings: settings).read(last, state)
        // What goes again is no repetition that was known to be there.
        if answer == .missing { known.withLock { $0 = [:] } }
        return answer
    }
}
