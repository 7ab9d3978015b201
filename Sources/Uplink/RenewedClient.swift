package import FHIRMapping
import SampleJournal
import Synchronization

/// The records service by the files of the unit's identity as they are now: files that change are read again without a
/// restart, and what cannot be used yet is tried until it can.
package final class RenewedClient: RecordsService {
    /// How often the files are looked at. Unit: s.
    private static let lookEvery = Duration.seconds(10)

    /// A client with the exchanges that are under way through it: one that was replaced ends with the last of them.
    private final class Lease: Sendable {
        let client: FHIRClient
        private let state = Mutex((underWay: 0, isReplaced: false))

        init(_ client: FHIRClient) { self.client = client }

        func begin() { state.withLock { $0.underWay += 1 } }

        func end() async {
            let isOver = state.withLock { state in
                state.underWay -= 1
                return state.isReplaced && state.underWay == 0
            }
            if isOver { await client.shutdown() }
        }

        func replace() async {
            let isOver = state.withLock { state in
                state.isReplaced = true
                return state.underWay == 0
            }
            if isOver { await client.shutdown() }
        }
    }

    private struct State {
        var lease: Lease?
        /// The files as they were when they were read.
        var stamp: [FileFacts?]?
        var looked: ContinuousClock.Instant?
        var problem: String?
    }

    private let endpoint: UplinkEndpoint
    private let meter: WireMeter
    private let state = Mutex(State())

    /// - Parameter meter: counts what goes over its connections.
    package init(_ endpoint: UplinkEndpoint, meter: WireMeter = WireMeter()) {
        (self.endpoint, self.meter) = (endpoint, meter)
    }

    package func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
        await withClient {
            await $0.put(resources, within: limit, compressed: compressed)
        } otherwise: { problem in
            .unreachable(reason: problem ?? "the unit's identity cannot be used")
        }
    }

    package func read(_ url: String, within limit: Duration) async -> ReadAnswer {
        await withClient {
            await $0.read(url, within: limit)
        } otherwise: { _ in
            .unknown
        }
    }

    private func withClient<Result>(
        _ body: (FHIRClient) async -> Result, otherwise: (String?) -> Result
    ) async -> Result {
        let (lease, replaced, problem) = current()
        await replaced?.replace()
        guard let lease else { return otherwise(problem) }
        let result = await body(lease.client)
        await lease.end()
        return result
    }

    package func shutdown() async {
        let lease = state.withLock { state in
            defer { state.lease = nil }
            return state.lease
        }
        await lease?.client.shutdown()
    }

    /// The client to use, one that it takes the place of, and why there is none.
    private func current() -> (Lease?, replaced: Lease?, problem: String?) {
        state.withLock { state in
            defer { state.lease?.begin() }
            let now = ContinuousClock.now
            guard state.looked.map({ now - $0 >= Self.lookEvery }) ?? true else {
                return (state.lease, nil, state.problem)
            }
            state.looked = now
            let stamp = [endpoint.authority, endpoint.clientCertificate, endpoint.clientKey].map(FileFacts.init)
            guard stamp != state.stamp else { return (state.lease, nil, state.problem) }
            do {
                let before = state.lease
                state.lease = Lease(try FHIRClient(endpoint, meter: meter))
                (state.stamp, state.problem) = (stamp, nil)
                return (state.lease, before, nil)
            } catch {
                // Files that are being written are tried again; what was read before goes on meanwhile.
                state.problem = "\(error)"
                guard (error as? EndpointError)?.isOfRights == true else { return (state.lease, nil, state.problem) }
                let before = state.lease
                state.lease = nil
                return (nil, before, state.problem)
            }
        }
    }
}
