import DeviceModel
import FHIRMapping
import Synchronization

@testable import Uplink

/// A records service that keeps what it is given and answers as it is told.
final class ScriptedService: RecordsService {
    struct State {
        var resources: [String: String] = [:]
        var bundles: [Int] = []
        var unavailableFor = 0
        var refusedURL: String?
        var loseAnswers = 0
        var entryLimit = 1000
        /// Of an observation of samples.
        var byteLimit = Int.max
        var poison: Poison?
        /// What happens while a bundle is under way.
        var whileUnderWay: (@Sendable () throws -> Void)?
        var checksReferences = false
        var refusesAll = false
        /// Bundles that pass before the service asks for patience; `nil` without a limit.
        var burst: Int?
        /// Bodies in gzip are not understood.
        var readsPlainOnly = false
        var compressed = 0
        /// It says that it has stored, and does not.
        var lies = false
        var forbidsReading = false
        var reads = 0
        /// In which order they were stored, if that is asked for.
        var keepsOrder = false
        var order: [String] = []
        /// Counts what it is sent.
        var meter: WireMeter?
        /// How often each resource was put.
        var puts: [String: Int] = [:]
    }

    let state = Mutex(State())

    func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
        try? state.withLock { $0.whileUnderWay }?()
        state.withLock { $0.meter }?.sent(resources.reduce(0) { $0 + $1.size })
        let isReadable = state.withLock { state in
            state.compressed += compressed ? 1 : 0
            return !(compressed && state.readsPlainOnly)
        }
        return isReadable ? take(resources) : .encodingRefused(.notNow(reason: "HTTP 500", retryAfter: nil))
    }

    func read(_ url: String, within limit: Duration) async -> ReadAnswer {
        state.withLock { state in
            state.reads += 1
            if state.forbidsReading { return .notAllowed }
            return state.resources[url].map { .found(Array($0.utf8)) } ?? .missing
        }
    }

    private func take(_ resources: [FHIRResource]) -> Answer {
        state.withLock { state in
            state.bundles.append(resources.count)
            if state.unavailableFor > 0 {
                state.unavailableFor -= 1
                return .unreachable(reason: "down")
            }
            if resources.count > state.entryLimit
                || resources.contains(where: {
                    $0.json.text.contains("valueSampledData") && $0.json.text.utf8.count > state.byteLimit
                })
            {
                return .tooLarge
            }
            if state.refusesAll { return .refused(reason: "HTTP 422") }
            if let left = state.burst {
                if left == 0 { return .tooMany(reason: "HTTP 429", retryAfter: nil) }
                state.burst = left - 1
            }
            for resource in resources { state.puts[resource.url, default: 0] += 1 }
            if let refused = state.refusedURL, resources.contains(where: { $0.url.hasPrefix(refused) }) {
                return .refused(reason: "HTTP 422")
            }
            if let poison = state.poison, resources.contains(where: { poison.matches($0) }) { return poison.answer }
            if state.checksReferences, let answer = Self.dangling(resources, state) { return answer }
            if !state.lies { for resource in resources { state.resources[resource.url] = resource.json.text } }
            if state.keepsOrder { state.order += resources.map(\.url) }
            if state.loseAnswers > 0 {
                state.loseAnswers -= 1
                return .timedOut(reason: "the answer was lost")
            }
            return .entries(resources.map { _ in .stored })
        }
    }

    /// A server that checks references refuses what refers to something that neither it nor the bundle has.
    private static func dangling(_ resources: [FHIRResource], _ state: State) -> Answer? {
        let known = Set(state.resources.keys).union(resources.map(\.url))
        let referred = resources.flatMap { resource in
            resource.json.text.matches(of: /"reference":"([^"]*)"/).map { String($0.1) }
        }
        return referred.allSatisfy(known.contains) ? nil : .refused(reason: "HTTP 409: not-found")
    }
}

/// A resource that is not taken, for no reason that is told.
struct Poison {
    let answer: Answer
    let matches: @Sendable (FHIRResource) -> Bool
}
