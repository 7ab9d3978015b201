package import PumpControl

/// What a journal tells of commands: the ledger, and what those who ask are told of the last ones.
package struct CommandHistory: Sendable {
    package private(set) var ledger: CommandLedger
    var traces: [Int64: DeskTrace] = [:]

    package init(_ rules: CommandRules = CommandRules()) { ledger = CommandLedger(rules) }

    /// Takes the next event.
    ///
    /// - Parameter time: unit: ns of the boot clock of its session.
    package mutating func take(_ event: CommandEvent, number: Int64, at time: Int64) {
        if case .snapshot(let snapshot) = event {
            for (open, command) in snapshot.open where traces[open] == nil {
                traces[open] = DeskTrace(
                    content: command.content, people: command.state.people ?? command.content.people, since: time,
                    isWaiting: command.state.isWaiting)
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

    static func note(
        _ event: CommandEvent, number: Int64, at time: Int64, end: CommandEnd?, in traces: inout [Int64: DeskTrace]
    ) {
        switch event {
        case .drafted(let content, _):
            traces[number] = DeskTrace(content: content, people: 1, since: time, isWaiting: true)
            if traces.count > PumpDesk.mostTraces, let oldest = traces.filter({ $0.value.end != nil }).keys.min() {
                traces[oldest] = nil
            }
        case .verified(let command, _): traces[command]?.people += 1
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
