/// What a journal tells of commands: the ledger, and what those who ask are told of the last ones.
package struct CommandHistory: Sendable {
    /// More is not kept for those who ask.
    package static let mostTraces = 500

    package private(set) var ledger: CommandLedger
    /// By number: the last ones, also of those that have ended.
    package private(set) var traces: [Int64: CommandTrace] = [:]

    package init(_ rules: CommandRules = CommandRules()) { ledger = CommandLedger(rules) }

    /// Takes the next event.
    ///
    /// - Parameter time: unit: ns of the boot clock of its session.
    package mutating func take(_ event: CommandEvent, number: Int64, at time: Int64) {
        if case .snapshot(let snapshot) = event {
            for (open, command) in snapshot.open where traces[open] == nil {
                traces[open] = CommandTrace(
                    content: command.content, people: command.state.people ?? command.content.people, since: time,
                    isWaiting: command.state.isWaiting, atEntry: command.state.shown ?? [])
            }
        }
        if case .sessionBegan = event {
            for (number, command) in ledger.open where command.state.isWaiting {
                traces[number]?.end = .void(.restarted)
            }
        }
        let end = ledger.apply(event, number: number, at: time)
        Self.note(event, number: number, at: time, end: end, in: &traces)
    }

    /// Takes note of what an event that the ledger has taken says of the traces.
    package static func note(
        _ event: CommandEvent, number: Int64, at time: Int64, end: CommandEnd?, in traces: inout [Int64: CommandTrace]
    ) {
        switch event {
        case .drafted(let content, _, let shown):
            traces[number] = CommandTrace(
                content: content, people: 1, since: time, isWaiting: true, atEntry: shown ?? [])
            if traces.count > Self.mostTraces, let oldest = traces.filter({ $0.value.end != nil }).keys.min() {
                traces[oldest] = nil
            }
        case .verified(let command, _, _): traces[command]?.people += 1
        case .changed(let command, let shown): traces[command]?.readings = shown
        case .stopAsked(let key, _):
            for (command, trace) in traces where trace.content.pump == key && trace.end == nil && trace.isWaiting {
                traces[command]?.end = .void(.stopped)
            }
        case .readBack(let command, let shown): traces[command]?.readings = shown.readings
        case .intended(let command, let effect):
            traces[command]?.readings = effect.before
            traces[command]?.isWaiting = false
        default: break
        }
        guard let command = event.command else { return }
        traces[command]?.since = time
        if let end { traces[command]?.end = end }
    }
}

/// What is remembered of a command for those who ask: its content and what the pump showed last. What is true of it is
/// in the ledger.
package struct CommandTrace: Sendable {
    package let content: CommandContent
    /// How many have entered it.
    package fileprivate(set) var people: Int
    /// Unit: ns of the boot clock.
    package fileprivate(set) var since: Int64
    /// Whether nothing of it has been intended.
    package fileprivate(set) var isWaiting: Bool
    /// What the pump showed when it was entered; empty where an older host did not keep it.
    package let atEntry: [Reading]
    package fileprivate(set) var readings: [Reading] = []
    package fileprivate(set) var end: CommandEnd?
}

extension CommandTrace {
    /// The command as anybody may see it.
    ///
    /// - Parameters:
    ///   - state: what the ledger says of it; `nil` where it has ended.
    ///   - device: the pump's handle.
    ///   - unit: of an entry, as people read it.
    ///   - fieldUnit: of what the pump shows in a field, as people read it; `nil` for a word.
    package func view(
        number: Int64, state: CommandState?, device: String, waitsFor: String? = nil,
        unit: (CommandEntry) -> String = { $0.unit }, fieldUnit: (String) -> String? = { _ in nil }
    ) -> CommandView {
        func views(_ readings: [Reading]) -> [ReadingView] {
            readings.map { ReadingView($0.field, $0.value, unit: fieldUnit($0.field)) }
        }
        return CommandView(
            number: number, device: device, command: content.command, stage: CommandView.Stage(state),
            people: people, needed: content.people,
            entries: content.entries.map { EntryView($0.name, $0.quantity.text, unit: unit($0)) }, since: since,
            waitsFor: waitsFor, atEntry: views(atEntry), readings: views(readings), end: end?.word)
    }
}

extension CommandView.Stage {
    fileprivate init(_ state: CommandState?) {
        self =
            switch state {
            case nil: .ended
            case .draft: .draft
            case .verified: .verified
            case .intended: .intended
            case .sent: .sent
            case .acknowledged: .acknowledged
            case .uncertain: .uncertain
            }
    }
}

extension CommandEnd {
    /// In one word, as it is in a view.
    package var word: String {
        switch self {
        case .void(let reason): reason.rawValue
        case .notSent(let reason): "notSent: \(reason.rawValue)"
        case .rejected: "rejected"
        case .confirmed: "confirmed"
        case .notInEffect: "notInEffect"
        case .resolved(let seen): "resolved: \(seen.rawValue)"
        }
    }
}
