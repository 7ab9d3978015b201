import CommandFacts
import DevicePlans
import LineEngine
import ModbusFrames
import RealTime
import TestSupport
import Testing

/// Commands over Modbus in virtual time: what goes before, the one write, what stands against it, and stops.
@Suite struct DrivenModbusTests {
    static let mediums = [false, true]
    /// 2.5 as a float32 in two registers.
    static let rate = ModbusRequest.write(.registers(address: 1211, [0x4020, 0x0000]))

    private func ordered(_ line: DrivenModbusLine, _ command: String = "rate", _ quantity: String? = "2.500") throws
        -> LineOrder.Content
    {
        let look = try #require(line.look(command))
        #expect(look.kind == .looked(isClean: true))
        let order = try #require(
            line.order(command, quantity.map { ["new-rate": $0] } ?? [:], before: look.told))
        return .command(order)
    }

    @Test(arguments: mediums) func aLookTellsWhatThePumpShowsNow(isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        line.go(for: 3_000_000_000)
        let outcome = try #require(line.look("rate"))
        #expect(outcome.kind == .looked(isClean: true))
        #expect(
            line.values(outcome, "rate") == [
                "pattern": "2864434397", "mode-now": "1", "start-stop": "0", "capacity": "1.5",
            ])
        #expect(line.pumps[0].writes.isEmpty)
    }

    @Test(arguments: mediums) func aWriteIsSaidOnceAndReadBack(isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        let content = try ordered(line)
        let first = line.line.said.count
        _ = line.hand(content)
        let outcome = try #require(line.outcome())
        #expect(outcome.kind == .sent(.taken))
        #expect(line.pumps[0].writes.map(\.request) == [Self.rate])
        // Every field, and who it is, was read behind what was there before; the write comes last.
        let said = line.line.said[first...].map(\.bytes)
        #expect(said.count >= 6)
        if !isTCP { #expect(said.contains(RTUFrame.frame(unit: 20, [16, 4, 0xBB, 0, 2, 4, 0x40, 0x20, 0, 0]))) }
        let after = try #require(line.look("rate"))
        #expect(after.kind == .looked(isClean: true) && line.values(after, "rate")["capacity"] == "2.5")
        line.go(for: 30_000_000_000)
        #expect(line.pumps[0].writes.count == 1)
    }

    /// What stands against it is found on the line, last; nothing is written then.
    @Test(
        arguments: [
            "anotherRate", "running", "mode", "order of words", "stopped", "expired", "otherDevice", "leaving",
            "unplugged",
        ], mediums)
    func whatHasChangedIsNotSent(_ how: String, isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        line.go(for: 2_000_000_000)
        let content = try ordered(line)
        let pump = line.pumps[0]
        var wanted = NotSentReason.changed
        switch how {
        case "anotherRate": pump.rate = 7
        case "running": pump.startStop = 1
        case "mode": pump.mode = 3
        case "order of words": pump.pattern = 0xCCDD_AABB
        case "stopped":
            _ = line.recorder.askStop(device: 0)
            wanted = .stopped
        case "otherDevice":
            pump.serial = "2023000108"
            wanted = .otherDevice
        case "leaving":
            _ = line.hand(content)
            line.leave()
            #expect(line.recorder.outcomes.pop()?.kind == .notSent(.hostStopping))
            return #expect(pump.writes.isEmpty)
        case "unplugged":
            line.line.breaksAt = line.clock.now() + 20_000_000
            line.line.isGoneUntil = line.clock.now() + 30_000_000_000
            wanted = .lineLost
        default: wanted = .expired
        }
        _ = line.hand(content, within: how == "expired" ? 1_000_000 : 30_000_000_000)
        #expect(line.outcome()?.kind == .notSent(wanted))
        #expect(pump.writes.filter { $0.request == Self.rate }.isEmpty)
    }

    /// The pump shows what it showed when it was decided, and that is nothing in which anything may be written.
    @Test func whatACommandRequiresIsAskedOnTheLine() throws {
        let line = try DrivenModbusLine()
        line.pumps[0].pattern = 0xCCDD_AABB
        _ = line.hand(try ordered(line))
        #expect(line.outcome()?.kind == .notSent(.changed) && line.pumps[0].writes.isEmpty)
    }

    @Test(
        arguments: [
            (PlayedModbusPump.Mischief.obeysSilently, Doubt.silent), (.deaf, .silent), (.answersLate, .silent),
            (.damaged, .damaged), (.saysAnother, .damaged), (.loses, .lineLost),
        ], mediums)
    func whatIsNotAnsweredIsInDoubtAndNeverSaidAgain(_ one: (PlayedModbusPump.Mischief, Doubt), isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        let content = try ordered(line)
        let (mischief, doubt) = one
        line.pumps[0].mischief = mischief
        _ = line.hand(content)
        let kind = try #require(line.outcome()?.kind)
        // Over TCP nothing damages a frame: it says something else, which proves nothing.
        #expect(kind == .sent(.doubt(doubt)) || isTCP && doubt == .damaged && kind == .sent(.doubt(.unproven)))
        line.go(for: 30_000_000_000)
        let after = try #require(line.look("rate"))
        #expect(after.kind == .looked(isClean: true))
        let isObeyed = mischief != .deaf && mischief != .loses
        #expect(line.values(after, "rate")["capacity"] == (isObeyed ? "2.5" : "1.5"))
        #expect(line.pumps[0].writes.count == 1)
    }

    /// What says that a write was taken says all of it back: whose it is, what was done, where, and what or how much.
    /// Anything else proves nothing; what the pump shows decides.
    @Test(
        arguments: [
            PlayedModbusPump.Mischief.saysAnotherPlace, .saysAnotherCount, .saysAnotherFunction, .saysAnotherUnit,
        ], mediums)
    func anAnswerWithAnythingElseInItIsNotTaken(_ mischief: PlayedModbusPump.Mischief, isTCP: Bool) throws {
        for command in ["rate", "start"] {
            let line = try DrivenModbusLine(isTCP: isTCP)
            let content = try ordered(line, command, command == "rate" ? "2.500" : nil)
            line.pumps[0].mischief = mischief
            _ = line.hand(content)
            let kind = try #require(line.outcome()?.kind)
            if case .sent(.doubt) = kind {} else { Issue.record("\(command): \(kind)") }
            line.go(for: 30_000_000_000)
            let after = try #require(line.look(command))
            #expect(after.kind == .looked(isClean: true))
            let field = command == "rate" ? "capacity" : "start-stop"
            #expect(line.values(after, command)[field] == (command == "rate" ? "2.5" : "3"))
            #expect(line.pumps[0].writes.count == 1)
        }
    }

    /// Of the exceptions the first three prove that nothing was done; the others are no word of that.
    @Test(arguments: [1, 2, 3, 4, 5, 6, 8, 10, 11] as [UInt8], mediums)
    func anExceptionIsARefusalOrProvesNothing(_ code: UInt8, isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        let content = try ordered(line)
        line.pumps[0].mischief = .refuses(code)
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .sent(code <= 3 ? .rejected : .doubt(.unproven)))
        line.go(for: 10_000_000_000)
        #expect(line.pumps[0].writes.count == 1)
    }

    @Test(arguments: mediums) func anAnswerThatComesTwiceIsTakenOnce(isTCP: Bool) throws {
        let line = try DrivenModbusLine(isTCP: isTCP)
        let content = try ordered(line)
        line.pumps[0].mischief = .answersTwice
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .sent(.taken))
        #expect(line.look("rate")?.kind == .looked(isClean: true))
        #expect(line.pumps[0].writes.count == 1)
    }

    /// The answer to a single write is the write once more: an adapter that brings back what is said says nothing of
    /// the pump.
    @Test(arguments: [false, true]) func anEchoIsNoAnswer(_ isDeaf: Bool) throws {
        let line = try DrivenModbusLine(echoes: true)
        let content = try ordered(line, "start", nil)
        if isDeaf { line.pumps[0].mischief = .deaf }
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .sent(isDeaf ? .doubt(.silent) : .taken))
        #expect(line.pumps[0].writes.map(\.request) == [.write(.register(address: 1200, value: 3))])
        #expect(line.pumps[0].startStop == (isDeaf ? 0 : 3))
        // A write of several registers echoes as well.
        line.pumps[0].startStop = 0
        let rate = try ordered(line)
        if isDeaf { line.pumps[0].mischief = .deaf }
        _ = line.hand(rate)
        #expect(line.outcome()?.kind == .sent(isDeaf ? .doubt(.silent) : .taken))
    }

    /// A late answer to a write is known as such, and nobody is taken for another master.
    @Test func aLateAnswerToAWriteIsNoOtherMaster() throws {
        let line = try DrivenModbusLine()
        let content = try ordered(line, "start", nil)
        line.pumps[0].mischief = .answersLate
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .sent(.doubt(.silent)))
        line.go(for: 5_000_000_000)
        #expect(line.recorder.total(.late) == 1)
        #expect(line.recorder.total(.unsolicited) == 0)
    }

    /// Over TCP the kernel would go on delivering what was not answered: the connection is given up with it.
    @Test func anUnansweredWriteEndsTheConnection() throws {
        let line = try DrivenModbusLine(isTCP: true)
        let content = try ordered(line)
        line.pumps[0].mischief = .deaf
        let opened = line.line.opened.count
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .sent(.doubt(.silent)))
        line.go(for: 1_000_000_000)
        #expect(line.line.opened.count == opened + 1)
    }

    /// The old connection's handler may carry out what it has while another one answers: until that cannot be any more
    /// no look says what came of it. A process that begins does not know what was said before it.
    @Test func whatMayLieInADeviceIsNotJudgedByAnotherConnection() throws {
        let line = try DrivenModbusLine(isTCP: true)
        let began = line.clock.now()
        let content = try ordered(line)
        #expect(line.clock.now() - began >= 3_000_000_000)
        line.pumps[0].mischief = .deaf
        _ = line.hand(content)
        let unanswered = try #require(line.outcome())
        #expect(unanswered.kind == .sent(.doubt(.silent)))
        line.pumps[0].mischief = .none
        let look = try #require(line.look("rate"))
        #expect(look.kind == .looked(isClean: true) && look.time - unanswered.time >= 3_000_000_000)
    }

    @Test(arguments: mediums) func aPumpThatIsOnlyReadIsWrittenNothing(isTCP: Bool) throws {
        let content = try ordered(try DrivenModbusLine(isTCP: isTCP))
        let line = try DrivenModbusLine(isTCP: isTCP, isDriven: false)
        _ = line.hand(content)
        #expect(line.outcome()?.kind == .notSent(.lineNotClean))
        _ = line.recorder.askStop(device: 0)
        line.go(for: 20_000_000_000)
        #expect(line.pumps[0].writes.isEmpty && line.plans[0].commands.isEmpty)
    }
}
