import CommandFacts

/// A caller's line to an answer: who it is, whether they may, and what the desk says, in a bounded time.
final class DeskAnswering: Sendable {
    let desk: any CommandDesk
    private let signIn: SignIn
    private let limit: Duration
    private let notice: @Sendable (DeskNotice) -> Void
    /// What may be with the desk at once, should it hang; stops have places of their own.
    private let questions = Places(16)
    private let stops = Places(16)

    init(signIn: SignIn, desk: any CommandDesk, limit: Duration, notice: @escaping @Sendable (DeskNotice) -> Void) {
        (self.signIn, self.desk, self.limit, self.notice) = (signIn, desk, limit, notice)
    }

    /// What became of a stop that has been asked for already. Whoever is not proven to be somebody is nobody.
    func stop(device: String, isAsked: Bool, by credential: Credential?) async -> DeskAnswer {
        var who: Operator?
        if let credential, case .known(let person) = await signIn.check(credential) { who = person.who }
        if case .answer(let answer) = await asked(.pump(.stop(device: device, by: who)), stops) { return answer }
        return .stop(
            asked: isAsked,
            words: "It is not known whether the pump stands: look at it, and stop it by its own STOP key.")
    }

    func answer(_ line: DeskLine) async -> DeskAnswer {
        if case .consultation(let ask) = line.ask, let request = ask.unsigned {
            return await answer(.consultation(request), to: line.ask)
        }
        guard let by = line.by else {
            return .refused(code: "signIn", words: "Say who you are: sign in with your id and secret.", command: nil)
        }
        let person: SignIn.Person
        switch await signedIn(by) {
        case .success(let known): person = known
        case .failure(let refusal): return refusal.answer
        }
        var people = [person]
        if let second = line.second {
            guard case .resolve = line.ask else {
                return .refused(
                    code: "request", words: DeskLine.Fault.notTheForm.words, command: nil)
            }
            switch await signedIn(second) {
            case .success(let known): people.append(known)
            case .failure(let refusal): return refusal.answer
            }
        }
        if let needed = line.ask.role, let stranger = people.first(where: { !$0.roles.contains(needed) }) {
            return .refused(
                code: "role", words: "\(stranger.who.id) may not do this: ask somebody who is a \(needed.rawValue).",
                command: nil)
        }
        return await answer(line.ask.question(by: people.map(\.who), first: person), to: line.ask)
    }

    private func answer(_ question: DeskQuestion, to ask: DeskLine.Ask) async -> DeskAnswer {
        switch await asked(question, questions) {
        case .answer(let answer): return answer
        case .busy:
            return .refused(
                code: "busy", words: "The command path is busy: nothing was done, ask again.", command: nil)
        case .silent:
            let words =
                ask.isOfPump
                ? "The command path did not answer. It is not known what was done: look at the pump, then ask again "
                    + "what became of it."
                : "The host did not answer. It is not known what was done: ask again how it is."
            return .refused(code: "noAnswer", words: words, command: ask.number)
        }
    }

    private struct Refusal: Error {
        let answer: DeskAnswer
    }

    private func signedIn(_ credential: Credential) async -> Result<SignIn.Person, Refusal> {
        switch await signIn.check(credential) {
        case .known(let person): .success(person)
        case .unknown:
            .failure(
                Refusal(
                    answer: .refused(
                        code: "signIn",
                        words: "You are not signed in: the id or the secret is wrong, or the id is locked for 15 "
                            + "minutes after five failures.", command: nil)))
        case .busy:
            .failure(
                Refusal(
                    answer: .refused(
                        code: "busy", words: "Too many are signing in: nothing was done, ask again.", command: nil)))
        }
    }

    private enum Reply {
        case answer(DeskAnswer)
        case busy
        case silent
    }

    /// What the desk says, if it does in time. It is not broken off: what it began, it ends.
    private func asked(_ question: DeskQuestion, _ places: Places) async -> Reply {
        guard places.take() else { return .busy }
        let (answers, told) = AsyncStream.makeStream(of: DeskAnswer?.self)
        Task {
            told.yield(await desk.answer(question))
            places.give()
        }
        let limit = Task { [limit] in
            try await Task.sleep(for: limit)
            told.yield(nil)
        }
        defer { limit.cancel() }
        for await case let answer? in answers.prefix(1) { return .answer(answer) }
        // A host that ends does not wait for its desk, which says nothing about the desk.
        if !Task.isCancelled { notice(.deskSilent) }
        return .silent
    }
}

extension DeskLine.Ask {
    /// The command that it is about.
    package var number: Int64? {
        switch self {
        case .show(let number), .verify(let number, _), .withdraw(let number), .start(let number),
            .resolve(let number, _):
            number
        case .list, .history, .preview, .draft, .stop, .lookedAt, .unlock, .alarm, .bed,
            .consultation:
            nil
        }
    }

    fileprivate var isOfPump: Bool {
        switch self {
        case .alarm, .bed, .consultation: false
        case .list, .show, .history, .preview, .draft, .verify, .withdraw, .start, .stop, .resolve, .lookedAt, .unlock:
            true
        }
    }

    /// What who asks must be; `nil` where anybody who has signed in may.
    var role: OperatorRole? {
        switch self {
        case .draft, .verify, .withdraw, .start, .resolve, .alarm: .clinician
        case .bed(let ask): ask.isForClinicians ? .clinician : nil
        case .consultation(let ask): ask.isForClinicians ? .clinician : nil
        case .list, .show, .history, .preview, .stop, .lookedAt, .unlock: nil
        }
    }

    /// The same, asked by people who are known.
    fileprivate func question(by people: [Operator], first known: SignIn.Person) -> DeskQuestion {
        let person = known.who
        return switch self {
        case .bed(let ask): .bed(ask.request(by: person.id, isClinician: known.roles.contains(.clinician)))
        case .consultation(let ask): .consultation(ask.request(by: person.id))
        case .alarm(let request): .alarm(request, by: person)
        case .list: .pump(.list)
        case .show(let number): .pump(.show(number))
        case .history(let most): .pump(.history(most: most))
        case .preview(let entry): .pump(.preview(entry))
        case .draft(let entry): .pump(.draft(entry, by: person))
        case .verify(let number, let entry): .pump(.verify(number, entry, by: person))
        case .withdraw(let number): .pump(.withdraw(number, by: person))
        case .start(let number): .pump(.start(number, by: person))
        case .stop(let device): .pump(.stop(device: device, by: person))
        case .resolve(let number, let seen): .pump(.resolve(number, seen: seen, by: people))
        case .lookedAt(let device): .pump(.lookedAt(device: device, by: person))
        case .unlock(let device): .pump(.unlock(device: device, by: person))
        }
    }
}
