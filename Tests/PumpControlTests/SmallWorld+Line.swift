@testable import CommandFacts
@testable import PumpControl

/// The line's thread, the wire and the pump.
extension SmallWorld {
    func speak(_ fault: Fault?, _ move: Move) {
        if isStopWanted, stopMayGo(fault) { move { $0.sayStop() } }
        if mustRest {
            // The device has answered all that it was asked, or never will.
            if toPump.isEmpty, toHost.isEmpty {
                move { $0.mustRest = false }
            } else if mischief > 0 {
                // Or it is slower than its profile says.
                move { world in
                    world.mischief -= 1
                    world.mustRest = false
                }
            }
            // What was given up is heard, and taken for nothing.
            if !toHost.isEmpty, line == .idle { move { $0.toHost.removeFirst() } }
        }
        switch line {
        case .idle: begin(fault, move)
        case .awaiting(let command):
            hear(command, fault, move)
            move { $0.giveUp(command, fault) }
        case .barrier:
            if let answer = toHost.first {
                move { world in
                    world.toHost.removeFirst()
                    if answer == .pong { (world.line, world.isClean) = (.idle, true) }
                }
            }
            move { $0.leaveReading() }
        case .query(let command):
            if let answer = toHost.first {
                move { world in
                    world.toHost.removeFirst()
                    world.hear(answer, command)
                }
            }
            move { $0.leaveReading() }
        }
    }

    private mutating func hear(_ answer: Answer, _ command: Int) {
        guard case .shows(let value, let isRunning, let passed) = answer else { return }
        line = .idle
        let isTrue = command == 0 ? value == 1 : isRunning
        reports.append(
            .readBack(
                command, ReadBack(isAskedAfter: true, isClean: true, readings: readings(value, isRunning)),
                isTrue: isTrue && passed[command]))
    }

    private func stopMayGo(_ fault: Fault?) -> Bool {
        // The exchange in progress ends: two sayings in one frame help nobody.
        line == .idle && (fault != .stopWaits || mailbox.isEmpty)
    }

    private mutating func sayStop() {
        isStopWanted = false
        stopsWritten += 1
        let stop = ledger.pump(Self.pump).stop
        if stop?.phase != .asked { broken = "stopIsNeverLater" }
        toPump.append(.stop)
        record(.stopSent(Self.pump, of: stop?.number ?? 0), 0)
        (mustRest, isClean) = (true, false)
        // What was to be said is not said any more.
        for command in mailbox { reports.append(.notSent(command)) }
        mailbox = []
    }

    private func begin(_ fault: Fault?, _ move: Move) {
        guard !mustRest || fault == .forgetsOldConnection,
            fault == nil || toPump.count + toHost.count < 3
        else { return }
        if !isClean, !isStopWanted, toPump.isEmpty {
            move { world in
                world.toPump.append(.barrier)
                world.line = .barrier
            }
        }
        if let command = mailbox.first, !isStopWanted || fault == .stopWaits, isClean || fault == .forgetsOldConnection
        {
            move { world in
                world.mailbox.removeFirst()
                world.sayEffect(command, fault)
            }
        }
        guard isClean, mailbox.isEmpty, !isStopWanted, reports.isEmpty else { return }
        // A command that is acknowledged or uncertain is read back.
        for command in 0...1 where ends[command] == nil {
            switch ledger.open[numbers[command]]?.state {
            case .acknowledged:
                move { $0.ask(command) }
                move { $0.reports.append(.undecided(command)) }
            case .uncertain: move { $0.ask(command) }
            default: continue
            }
        }
    }

    private mutating func sayEffect(_ command: Int, _ fault: Fault?) {
        if isStopWanted { broken = "stopGoesFirst" }
        let number = numbers[command]
        switch ledger.open[number]?.state {
        case .intended(let effect):
            // The line looks last: what it was decided on must be so still. A forged one passes it by.
            let isLookedAt = fault != .doesNotLookLast && fault != .takesStateForATrigger
            if isLookedAt, effect.before != shown { return reports.append(.notSent(command)) }
            if entered[command] != shown, fault != .takesStateForATrigger { broken = "nothingOnTopOfAnotherValue" }
        case .uncertain where fault == .forgetsAtRestart, .sent where fault == .saysAgainAfterTimeout,
            .uncertain where fault == .saysAgainAfterTimeout:
            break
        default: broken = "intentBeforeByte"
        }
        for (other, open) in ledger.open where other != number && open.state.isUncertain {
            broken = "nothingBesidesUncertain"
        }
        written[command] += 1
        toPump.append(.effect(command))
        line = .awaiting(command)
        reports.append(.sent(command))
    }

    private func hear(_ command: Int, _ fault: Fault?, _ move: Move) {
        guard let answer = toHost.first else { return }
        move { world in
            world.toHost.removeFirst()
            switch answer {
            case .taken:
                world.line = .idle
                world.reports.append(.taken(command))
                if fault == .takesAcknowledgementForProof {
                    let wanted = command == 0 ? world.readings(1, world.isRunning) : world.readings(world.value, true)
                    world.reports.append(
                        .readBack(
                            command, ReadBack(isAskedAfter: true, isClean: true, readings: wanted),
                            isTrue: command == 0 ? world.value == 1 : world.isRunning))
                }
            case .refused:
                world.line = .idle
                world.reports.append(.rejected(command))
            case .pong, .shows: break
            }
        }
    }

    private mutating func giveUp(_ command: Int, _ fault: Fault?) {
        line = .idle
        (mustRest, isClean) = (true, false)
        reports.append(.unanswered(command))
        if fault == .takesOlderReading, let effect = effectUnderWay(command) {
            let shown = ReadBack(isAskedAfter: true, isClean: true, readings: effect.before)
            reports.append(.readBack(command, shown, isTrue: false))
        }
        if fault == .saysAgainAfterTimeout, written[command] < 2 { mailbox.append(command) }
        // The line may have been opened anew meanwhile.
        if mischief > 0 { hangUp() }
    }

    private func effectUnderWay(_ command: Int) -> Effect? {
        switch ledger.open[numbers[command]]?.state {
        case .intended(let effect), .sent(let effect): effect
        default: nil
        }
    }

    private mutating func ask(_ command: Int) {
        toPump.append(.query)
        line = .query(command)
    }

    private mutating func leaveReading() {
        line = .idle
        (mustRest, isClean) = (true, false)
    }

    // MARK: The wire

    func carry(_ move: Move) {
        if mischief > 0, !toPump.isEmpty {
            move { world in
                world.mischief -= 1
                world.toPump.removeFirst()
            }
        }
        if mischief > 0, !toHost.isEmpty {
            move { world in
                world.mischief -= 1
                world.toHost.removeFirst()
            }
        }
        if mischief > 0 {
            move { world in
                world.mischief -= 1
                world.isRunning.toggle()
                world.isKeyPressed = true
            }
            move { world in
                world.mischief -= 1
                world.value = 2
                world.isKeyPressed = true
            }
        }
        // A delivery ends by itself.
        if isRunning { move { $0.isRunning = false } }
    }

    // MARK: The pump

    func pumpActs(_ fault: Fault?, _ move: Move) {
        guard let message = held.first ?? toPump.first else { return }
        func take(_ body: @escaping (inout SmallWorld) -> Void) {
            move { world in
                if world.held.isEmpty { world.toPump.removeFirst() } else { world.held.removeFirst() }
                body(&world)
            }
        }
        switch message {
        case .effect(let command):
            take { $0.obey(command, isAnswered: true) }
            if mischief > 0 {
                take { world in
                    world.mischief -= 1
                    world.toHost.append(.taken(command))
                }
                take { world in
                    world.mischief -= 1
                    world.obey(command, isAnswered: false)
                }
                take { world in
                    world.mischief -= 1
                    world.obeyed[command] += 1
                    if command == 0 { world.value = 2 }
                    world.toHost.append(.taken(command))
                }
            }
            if mischief > 0 {
                take { world in
                    world.mischief -= 1
                    world.toHost.append(.refused(command))
                    if fault == .believesAnyRefusal { world.obey(command, isAnswered: false) }
                }
            }
        case .stop:
            take { world in
                world.isRunning = false
                world.toHost.append(.pong)
            }
        case .barrier: take { $0.toHost.append(.pong) }
        case .query:
            take { world in
                world.toHost.append(
                    .shows(
                        value: world.value, isRunning: world.isRunning,
                        passed: (0...1).map { !world.isComing($0) }))
            }
        }
    }

    private mutating func obey(_ command: Int, isAnswered: Bool) {
        obeyed[command] += 1
        if command == 0 { value = 1 } else { isRunning = true }
        if isAnswered { toHost.append(.taken(command)) }
    }

    func isComing(_ command: Int) -> Bool {
        (held + toPump).contains(.effect(command))
    }

    // MARK: Properties

    mutating func close(_ command: Int, _ end: CommandEnd) { ends[command] = end }

    /// What must hold in every world.
    mutating func check() {
        if broken != nil { return }
        for command in 0...1 {
            if written[command] > 1 { broken = "oneTransmission" }
            switch ends[command] {
            case .notSent, .void:
                if written[command] > 0 || obeyed[command] > 0 { broken = "notSentMeansNoByte" }
            case .rejected: if obeyed[command] > 0 { broken = "rejectedIsTrue" }
            case .notInEffect where command == 1: broken = "aTriggerIsNeverNotInEffect"
            default: break
            }
            // What was said and has no end is open.
            if written[command] > 0, ends[command] == nil, ledger.open[numbers[command]]?.state.isOpen != true {
                broken = "nothingIsForgotten"
            }
        }
        if ledger.isRecordDamaged || !ledger.pump(Self.pump).isLookedAt { broken = "everyEventFits" }
    }
}
