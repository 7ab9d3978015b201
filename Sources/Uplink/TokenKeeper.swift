import Foundation
import SampleJournal

/// Keeps this unit's token, in memory only, and has it renewed before it is over; one request is under way at a time.
actor TokenKeeper {
    /// What to send an exchange with.
    enum Found: Sendable {
        case token(String)
        case missing(reason: String)
    }

    /// Asks the token service, with this key, at the address that was found before.
    typealias Asking = @Sendable (SigningKey, String?) async -> (answer: TokenAnswer, endpoint: String?)

    static let isRefused = TokenFailure(
        reason: "the records service does not take the token that its token service gave a moment ago (HTTP 401): is "
            + "“server” the service that the token is for?")

    private let settings: SMARTSettings
    private var state = TokenState()
    private var underWay: Task<Void, Never>?
    private var isOver = false
    /// Where tokens are given, as the records service said when the last was.
    private var endpoint: String?
    /// The key as it was last read well, and the file as it was then.
    private var key: SigningKey?
    private var stamp: FileFacts?
    private var keyFault: EndpointError?

    init(_ settings: SMARTSettings) { self.settings = settings }

    /// A token that is good now, asked for where there is none.
    ///
    /// - Parameter isUrgent: for an alarm, which waits for no pause but one that the token service asked for,
    ///   or one after a token that was not taken.
    func token(isUrgent: Bool = false, _ asking: @escaping Asking) async -> Found {
        look()
        switch state.step(at: .now, isUrgent: isUrgent) {
        case .use(let token): return .token(token)
        case .renew(let token):
            // What is sent meanwhile does not wait for it.
            begin(asking)
            return .token(token)
        case .wait(let reason): return .missing(reason: reason)
        case .ask:
            guard let task = begin(asking) else { return .missing(reason: "given up") }
            await withTaskCancellationHandler {
                await task.value
            } onCancel: {
                task.cancel()
            }
            return found
        }
    }

    private var found: Found {
        switch state.step(at: .now) {
        case .use(let token), .renew(let token): .token(token)
        case .wait(let reason): .missing(reason: reason)
        case .ask: .missing(reason: "given up")
        }
    }

    @discardableResult
    private func begin(_ asking: @escaping Asking) -> Task<Void, Never>? {
        guard !isOver else { return nil }
        if let underWay { return underWay }
        let task = Task { await ask(asking) }
        underWay = task
        return task
    }

    private func ask(_ asking: Asking) async {
        defer { underWay = nil }
        guard let key else {
            return state.fail(TokenFailure(reason: keyFault?.description ?? "the key cannot be read"), at: .now)
        }
        let (answer, found) = await asking(key, endpoint)
        // A stop is nobody's failure.
        guard !Task.isCancelled else { return }
        // The key was exposed meanwhile: what was given for it is not used.
        guard self.key != nil else { return }
        switch answer {
        case .token(let token):
            state.take(token, at: .now)
            endpoint = found
        case .failure(let failure):
            state.fail(failure, at: .now)
            // It may be elsewhere by now.
            endpoint = nil
        }
    }

    /// The records service took a token.
    func prove(_ token: String) { state.prove(token) }

    /// It does not take a token any more.
    func drop(_ token: String) { state.drop(token) }

    /// It does not take one that was asked for because it did not take another.
    func refuse(_ token: String) { state.refuse(token, Self.isRefused, at: .now) }

    /// Why the key's file cannot be used as it is now; `nil` when it can.
    func fault() -> String? {
        look()
        return keyFault?.description
    }

    /// Reads the key again where its file has changed. What cannot be read does not take the place of what was read; a
    /// key that others may read is not used any more, nor is what was given for it.
    private func look() {
        let now = FileFacts(path: settings.key)
        guard now != stamp || key == nil || keyFault != nil else { return }
        do throws(EndpointError) {
            key = try SigningKey(file: settings.key)
            (stamp, keyFault) = (now, nil)
        } catch {
            keyFault = error
            guard error.isOfRights, key != nil else { return }
            key = nil
            state = TokenState()
        }
    }

    /// Ends what is under way.
    func stop() {
        isOver = true
        underWay?.cancel()
    }
}
