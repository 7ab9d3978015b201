import DeviceModel

/// Which far clinicians may look now: a fold over the journal's events.
///
/// The rules, which hold whatever is folded:
///
/// * A consultation is open from its event on, until the time that the event says, or until somebody closes it. Time is
///   the session's monotonic clock, which nobody can set; it never goes back here.
/// * It belongs to its session: one that begins or ends closes all. Nobody knows how long a machine was away, and
///   whoever opened may have left: what is not known to be open now is not open.
/// * Where events may have been lost, damaged or come in another order, all are closed: somebody opens anew.
/// * At most ``Consultation/most`` are open, one for each certificate, none for longer than
///   ``Consultation/durations`` says. An event that says otherwise is not taken.
package struct ConsultationFold: Sendable {
    /// Where an event stands in the journal.
    package struct Position: Sendable, Hashable {
        package let sequence: Int64
        /// The session's key.
        package let session: String
        /// Unit: ns of the monotonic clock.
        package let nanoseconds: Int64
        /// Unit: ns since 1970-01-01T00:00:00Z.
        package let utc: Int64

        package init(sequence: Int64, session: String, nanoseconds: Int64, utc: Int64) {
            (self.sequence, self.session, self.nanoseconds, self.utc) = (sequence, session, nanoseconds, utc)
        }
    }

    /// What an event came to.
    package enum Outcome: Sendable, Hashable {
        /// It says nothing of consultations.
        case nothing
        case opened(Consultation)
        case closed(Consultation)
        /// Somebody began to look, or ceased.
        case visited(Consultation)
        /// It contradicts what is known, and was not taken.
        case contradiction
        /// Nothing is open any more: a session began or ended, or events may be lost. Those that were open.
        case ended([Consultation])
    }

    /// Those that nobody has closed, in the order of their numbers; some of them may be over.
    private var unclosed: [Consultation] = []
    /// The number of the newest event.
    package private(set) var lastSequence: Int64 = 0
    /// The session of the newest event.
    package private(set) var session: String?
    /// How far time has come in it. Unit: ns of the monotonic clock.
    private var reached: Int64 = .min

    package init() {}

    // MARK: What is open

    /// Those that are open, in the order of their numbers.
    ///
    /// - Parameter now: unit ns of the monotonic clock.
    package func open(at now: Int64) -> [Consultation] {
        let now = max(now, reached)
        return unclosed.filter { now < $0.grant.until }
    }

    /// The one by which whoever shows this certificate may look.
    package func open(certificate: String, at now: Int64) -> Consultation? {
        open(at: now).first { $0.grant.certificate == certificate }
    }

    package func open(number: Int64, at now: Int64) -> Consultation? { open(at: now).first { $0.number == number } }

    /// Those that are over by their time, and of which no event says so yet.
    package func expired(at now: Int64) -> [Consultation] {
        let open = open(at: now).map(\.number)
        return unclosed.filter { !open.contains($0.number) }
    }

    // MARK: Folding

    /// Folds an event as the journal has it; those of ``ConsultationRecord/kinds`` at least, in the journal's order.
    @discardableResult
    package mutating func take(kind: String, body: String, at position: Position) -> Outcome {
        do throws(ConsultationRecord.Fault) {
            if let event = try ConsultationRecord.event(kind: kind, body: body) { return take(event, at: position) }
        } catch { return endAll(at: position) }
        switch EventKind(rawValue: kind) {
        // Whatever was lost or damaged, nobody looks by what may have been closed there.
        case .hostStarted?, .hostStopped?, .journalGap?, .journalSetAside?, .journalFileFailed?, .eventsLost?:
            return endAll(at: position)
        default:
            return see(position) == .outOfOrder ? .ended(clear()) : .nothing
        }
    }

    @discardableResult
    package mutating func take(_ event: ConsultationEvent, at position: Position) -> Outcome {
        guard see(position) == .inOrder else { return .ended(clear()) }
        switch event {
        case .opened(let grant): return open(grant, at: position)
        case .closed(let number, _):
            guard let index = index(of: number) else { return .contradiction }
            return .closed(unclosed.remove(at: index))
        case .joined(let number, let from):
            guard let index = index(of: number), open(number: number, at: position.nanoseconds) != nil else {
                return .contradiction
            }
            // Whoever comes again from where somebody is, is the same machine; beyond the most, the oldest has gone.
            unclosed[index].visits.removeAll { $0.from == from }
            unclosed[index].visits.append(Consultation.Visit(number: position.sequence, from: from))
            unclosed[index].visits = unclosed[index].visits.suffix(Consultation.mostVisits)
            return .visited(unclosed[index])
        case .left(let number, let visit):
            guard let index = index(of: number),
                let place = unclosed[index].visits.firstIndex(where: { $0.number == visit })
            else { return .contradiction }
            unclosed[index].visits.remove(at: place)
            return .visited(unclosed[index])
        }
    }

    private mutating func open(_ grant: ConsultationGrant, at position: Position) -> Outcome {
        let (length, overflows) = grant.until.subtractingReportingOverflow(position.nanoseconds)
        let open = open(at: position.nanoseconds)
        guard !overflows, Consultation.durations.contains(length), open.count < Consultation.most,
            !open.contains(where: { $0.grant.certificate == grant.certificate })
        else { return .contradiction }
        let consultation = Consultation(
            number: position.sequence, grant: grant, openedUTC: position.utc, untilUTC: position.utc &+ length)
        unclosed.append(consultation)
        return .opened(consultation)
    }

    private func index(of number: Int64) -> Int? { unclosed.firstIndex { $0.number == number } }

    // MARK: Order

    private enum Order {
        case inOrder
        /// An event before the newest one, or the same again: something is wrong with the record.
        case outOfOrder
    }

    /// Another session has another clock, and nothing of the one before.
    private mutating func see(_ position: Position) -> Order {
        guard position.sequence > lastSequence else { return .outOfOrder }
        if position.session != session { (unclosed, reached) = ([], position.nanoseconds) }
        (lastSequence, session) = (position.sequence, position.session)
        reached = max(reached, position.nanoseconds)
        return .inOrder
    }

    private mutating func endAll(at position: Position) -> Outcome {
        _ = see(position)
        return .ended(clear())
    }

    private mutating func clear() -> [Consultation] {
        defer { unclosed = [] }
        return unclosed
    }
}
