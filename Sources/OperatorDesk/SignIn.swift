package import CommandFacts
import Dispatch
package import RealTime
import Synchronization

/// What people who look after the host should know of its door. No secret, and nothing that was entered.
package enum DeskNotice: Sendable, Hashable {
    /// Somebody failed five times under this id.
    case lockedOut(Operator)
    /// The file of failures cannot be read: nobody is locked by it.
    case failuresLost
    /// The file of failures cannot be written: a restart forgets them.
    case failuresNotKept
    /// A user who may not came to the socket.
    case stranger
    /// The desk did not answer in time.
    case deskSilent

    package var words: String {
        switch self {
        case .lockedOut(let person):
            "\(person.id) is locked for 15 minutes after five failures to sign in: ask who it was"
        case .failuresLost: "the file of failures to sign in is damaged: nobody is locked by what stood there"
        case .failuresNotKept: "failures to sign in cannot be kept: look at the disk, a restart forgets them"
        case .stranger: "somebody who is not of the host's group came to the pumps' socket: look at its rights"
        case .deskSilent: "the command path did not answer in time: look at every pump that was spoken to"
        }
    }
}

/// Proves who somebody is, one at a time, on a thread of its own.
///
/// A wrong secret, an id that nobody has and a locked one get the same answer after the same work, the disk's included:
/// a guesser learns nothing.
package final class SignIn: Sendable {
    struct Person: Sendable, Hashable {
        let who: Operator
        let roles: Set<OperatorRole>
    }

    enum Outcome: Sendable, Hashable {
        case known(Person)
        case unknown
        /// So many wait that this one was not looked at.
        case busy
    }

    /// So many wait at most: about 2 s. Beyond that somebody guesses, or floods.
    static let mostWaiting = 20

    private let operators: Mutex<Operators>
    private let clock: any MonotonicTime
    private let notice: @Sendable (DeskNotice) -> Void
    private let queue = DispatchQueue(label: "sign-in")
    private let waiting = Places(mostWaiting)
    private let book: Mutex<FailureBook>

    /// - Parameters:
    ///   - failures: the file in which failures are kept. Its folder is there.
    ///   - notice: called on any thread; waits for nothing.
    package init(
        _ operators: Operators, failures path: String, clock: any MonotonicTime = MonotonicClock(),
        notice: @escaping @Sendable (DeskNotice) -> Void
    ) {
        (self.clock, self.notice) = (clock, notice)
        self.operators = Mutex(operators)
        let (book, isWhole) = FailureBook.opened(at: path, of: Set(operators.people.map(\.id)), now: clock.now())
        self.book = Mutex(book)
        if !isWhole { notice(.failuresLost) }
    }

    /// From now on these may sign in, and no others. What is known of failures stays.
    package func use(_ operators: Operators) { self.operators.withLock { $0 = operators } }

    /// Takes about 0.1 s for each who wait before it.
    func check(_ credential: Credential) async -> Outcome {
        guard waiting.take() else { return .busy }
        defer { waiting.give() }
        return await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: self.checkNow(credential)) }
        }
    }

    private func checkNow(_ credential: Credential) -> Outcome {
        let operators = operators.withLock { $0 }
        let person = operators.people.first { $0.id == credential.id }
        let isRight = (person?.secret ?? Self.decoy(credential.id, operators))?.isOf(credential.secret) ?? false
        let now = clock.now()
        // Whoever was taken out of the file while that was reckoned is not let in.
        let isStillThere = self.operators.withLock { $0.people.contains { $0 == person } }
        return book.withLock { book in
            if let person, isRight, isStillThere, !book.isLocked(person.id, at: now) {
                return .known(Person(who: Operator(person.id), roles: person.roles))
            }
            // Before the answer: whoever cuts the power to guess on finds it counted.
            if let person, book.fail(person.id, at: now) { notice(.lockedOut(Operator(person.id))) }
            if !book.keep(at: now) { notice(.failuresNotKept) }
            return .unknown
        }
    }

    /// A secret that costs as much to check, always the same for an id; `nil` where there is nobody at all.
    private static func decoy(_ id: String, _ operators: Operators) -> SecretHash? {
        let place = UInt(bitPattern: id.hashValue) % UInt(max(1, operators.people.count))
        return operators.people.dropFirst(Int(place)).first?.secret
    }
}
