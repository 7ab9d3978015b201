import NIOPosix
import Observability

/// What the host tells of itself at its status socket, asked once a second at most, whoever asks.
package actor StatusCache {
    /// How long an answer holds. Unit: s.
    private static let holds = Duration.seconds(1)

    private let socket: String
    private let word: String
    private var asked: (at: ContinuousClock.Instant, answer: Task<Result<String, Refusal>, Never>)?

    /// - Parameter word: that the host answers with its document.
    package init(socket: String, word: String) { (self.socket, self.word) = (socket, word) }

    /// The document: one JSON object.
    package func document() async throws(Refusal) -> String {
        let now = ContinuousClock.now
        if let asked, now - asked.at < Self.holds { return try await asked.answer.value.get() }
        let (socket, word) = (socket, word)
        let answer = Task { () -> Result<String, Refusal> in
            do {
                let text = try await NIOThreadPool.singleton.runIfActive { try StatusSocket.ask(word, at: socket) }
                return .success(text)
            } catch {
                return .failure(Refusal(503, "status", "The host does not tell how it is: \(error)"))
            }
        }
        asked = (now, answer)
        return try await answer.value.get()
    }
}
