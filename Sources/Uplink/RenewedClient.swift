import DeviceModel
package import FHIRMapping
import Synchronization

/// The records service by the files of the unit's identity as they are now: files that change are read again without a
/// restart, and what cannot be used yet is tried until it can.
package final class RenewedClient: RecordsService {
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
        var files: IdentityWatch
    }

    private let endpoint: UplinkEndpoint
    private let meter: WireMeter
    private let state: Mutex<State>
    /// `nil` where the service wants no tokens.
    private let tokens: TokenKeeper?
    /// `nil` where the certificate is not renewed by itself.
    private let renewing: CertificateRenewal?

    /// - Parameters:
    ///   - meter: counts what goes over its connections.
    ///   - renewing: changes the files.
    package init(
        _ endpoint: UplinkEndpoint, meter: WireMeter = WireMeter(), renewing: CertificateRenewal? = nil
    ) {
        (self.endpoint, self.meter, self.renewing) = (endpoint, meter, renewing)
        state = Mutex(State(files: IdentityWatch(endpoint)))
        tokens = endpoint.smart.map { TokenKeeper($0) }
    }

    package func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
        await put(resources, within: limit, compressed: compressed, isUrgent: false)
    }

    private func put(
        _ resources: [FHIRResource], within limit: Duration, compressed: Bool, isUrgent: Bool
    ) async -> Answer {
        await exchange(isUrgent: isUrgent) {
            await $0.put(resources, within: limit, compressed: compressed, token: $1)
        } otherwise: {
            .unreachable(reason: $0)
        }
    }

    /// The same connections, certificate and token for alarms.
    private struct Urgent: RecordsService {
        let client: RenewedClient

        func put(_ resources: [FHIRResource], within limit: Duration, compressed: Bool) async -> Answer {
            await client.put(resources, within: limit, compressed: compressed, isUrgent: true)
        }

        func read(_ url: String, within limit: Duration) async -> ReadAnswer {
            await client.read(url, within: limit)
        }
    }

    package var urgent: any RecordsService { Urgent(client: self) }

    package func read(_ url: String, within limit: Duration) async -> ReadAnswer {
        await exchange {
            await $0.read(url, within: limit, token: $1)
        } otherwise: { _ in
            .unknown
        }
    }

    /// What of the unit's identity cannot be used as it is in the files now, though what was read before may go on.
    package func concern() async -> String? {
        let replaced = state.withLock { look(&$0) }
        await replaced?.replace()
        if let problem = state.withLock({ $0.files.problem }) { return problem }
        return await tokens?.fault() ?? renewing?.concern
    }

    package func renewal() -> String? { renewing?.report.text }

    /// Why the token service gives this unit no token, in a sentence; `nil` when it gives one, or none is wanted.
    package func tokenProblem() async -> String? {
        guard let tokens, case .missing(let reason) = await tokens.token(asking) else { return nil }
        return reason
    }

    // MARK: Tokens

    private var asking: TokenKeeper.Asking {
        { [self] key, known in
            await withClient { client in
                guard let settings = endpoint.smart else { return (.failure(Self.nobody), known) }
                return await client.askForToken(settings, key, at: known)
            } otherwise: { problem in
                (.failure(problem.map { TokenFailure(reason: $0) } ?? Self.nobody), known)
            }
        }
    }

    private static let nobody = TokenFailure(reason: "the unit's identity cannot be used")

    /// An exchange with a token, where one is wanted. One that is not taken is asked for anew, once.
    private func exchange<Value: Sendable>(
        isUrgent: Bool = false, _ body: @Sendable (FHIRClient, String?) async -> FHIRClient.Answered<Value>,
        otherwise: @Sendable (String) -> Value
    ) async -> Value {
        func answer(_ token: String?) async -> FHIRClient.Answered<Value> {
            await withClient { client in
                await body(client, token)
            } otherwise: { problem in
                FHIRClient.Answered(value: otherwise(problem ?? Self.nobody.reason), token: .unknown)
            }
        }
        guard let tokens else { return await answer(nil).value }
        for isFirst in [true, false] {
            switch await tokens.token(isUrgent: isUrgent, asking) {
            case .missing(let reason): return otherwise(reason)
            case .token(let token):
                let answered = await answer(token)
                switch answered.token {
                case .unknown: return answered.value
                case .taken:
                    await tokens.prove(token)
                    return answered.value
                case .refused where isFirst: await tokens.drop(token)
                case .refused: await tokens.refuse(token)
                }
            }
        }
        return otherwise(TokenKeeper.isRefused.reason)
    }

    // MARK: The client

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
        await tokens?.stop()
        let lease = state.withLock { state in
            defer { state.lease = nil }
            return state.lease
        }
        await lease?.client.shutdown()
    }

    /// The client to use, one that it takes the place of, and why there is none.
    private func current() -> (Lease?, replaced: Lease?, problem: String?) {
        state.withLock { state in
            let replaced = look(&state)
            state.lease?.begin()
            return (state.lease, replaced, state.files.problem)
        }
    }

    /// Reads the files again where they have changed. Returns the client that is not to be used any more.
    private func look(_ state: inout State) -> Lease? {
        let before = state.lease
        switch state.files.look({ Lease(try FHIRClient(endpoint, meter: meter)) }) {
        case .none: return nil
        case .made(let lease): state.lease = lease
        case .lost: state.lease = nil
        }
        return before
    }
}
