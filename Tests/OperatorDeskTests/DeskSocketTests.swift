import CommandFacts
import Foundation
import TestSupport
import Testing

@testable import OperatorDesk

@Suite(.serialized) struct DeskSocketTests {
    private func code(_ answer: DeskAnswer?) -> String? {
        if case .refused(let code, _, _) = answer { code } else { nil }
    }

    private static let asks: [(DeskLine.Ask, DeskRequest)] = [
        (.list, .list), (.show(3), .show(3)), (.history(most: 4), .history(most: 4)),
        (.preview(Door.entry), .preview(Door.entry)), (.draft(Door.entry), .draft(Door.entry, by: Operator("amal"))),
        (.verify(3, Door.entry), .verify(3, Door.entry, by: Operator("amal"))),
        (.withdraw(3), .withdraw(3, by: Operator("amal"))), (.start(3), .start(3, by: Operator("amal"))),
        (.resolve(3, seen: .inEffect), .resolve(3, seen: .inEffect, by: [Operator("amal")])),
        (.lookedAt(device: "p1"), .lookedAt(device: "p1", by: Operator("amal"))),
        (.unlock(device: "p1"), .unlock(device: "p1", by: Operator("amal"))),
    ]

    @Test func whoHasSignedInIsNamedToTheDesk() async throws {
        let door = try Door()
        for (ask, _) in Self.asks { #expect(try await door.ask(ask) == .done(words: "Done.")) }
        #expect(door.desk.asked == Self.asks.map(\.1))
        let both = try await door.ask(.resolve(3, seen: .notInEffect), by: Door.amal, second: Door.basma)
        #expect(both == .done(words: "Done."))
        #expect(
            door.desk.asked.last
                == .resolve(3, seen: .notInEffect, by: [Operator("amal"), Operator("basma")]))
        try await door.close()
    }

    @Test func whoHasNotSignedInReachesNothingButAStop() async throws {
        let door = try Door()
        for (ask, _) in Self.asks {
            #expect(code(try await door.ask(ask, by: nil)) == "signIn")
            #expect(code(try await door.ask(ask, by: Credential(id: "nobody", secret: "x"))) == "signIn")
        }
        let second = Credential(id: "basma", secret: "x")
        #expect(code(try await door.ask(.resolve(1, seen: .inEffect), second: second)) == "signIn")
        #expect(code(try await door.ask(.start(1), second: Door.basma)) == "request")
        #expect(door.desk.asked.isEmpty)
        try await door.close()
    }

    @Test func anEngineerCommandsNothing() async throws {
        let door = try Door()
        for (ask, _) in Self.asks {
            let isTold = try await door.ask(ask, by: Door.dina) == .done(words: "Done.")
            switch ask {
            case .draft, .verify, .withdraw, .start, .resolve: #expect(!isTold)
            case .list, .show, .history, .preview, .lookedAt, .unlock, .stop: #expect(isTold)
            case .alarm, .bed, .consultation: Issue.record("\(ask) is asked elsewhere")
            }
        }
        let alarm = DeskLine.Ask.alarm(.acknowledge(["s-1"]))
        #expect(code(try await door.ask(alarm, by: Door.dina)) == "role")
        #expect(code(try await door.ask(alarm, by: nil)) == "signIn")
        #expect(try await door.ask(alarm) == .done(words: "Done."))
        #expect(code(try await door.ask(.bed(.unbind(bed: "chair-1")), by: Door.dina)) == "role")
        #expect(code(try await door.ask(.bed(.list), by: nil)) == "signIn")
        #expect(try await door.ask(.bed(.list), by: Door.dina) == .done(words: "Done."))
        let open = DeskLine.Ask.consultation(.open(clinician: "dr-h", bed: nil, seconds: 60))
        #expect(code(try await door.ask(open, by: Door.dina)) == "role")
        #expect(code(try await door.ask(open, by: nil)) == "signIn")
        #expect(try await door.ask(open) == .done(words: "Done."))
        #expect(code(try await door.ask(.consultation(.list), by: nil)) == "signIn")
        #expect(code(try await door.ask(.consultation(.close(4)), by: nil)) == "signIn")
        #expect(try await door.ask(.consultation(.close(4)), by: Door.dina) == .done(words: "Done."))
        // The server of the screens signs nobody in.
        let join = ConsultationAsk.join(4, certificate: String(repeating: "0f", count: 32), from: "::1")
        for ask in [join, .leave(4, visit: 5)] {
            #expect(try await door.ask(.consultation(ask), by: nil) == .done(words: "Done."))
        }
        let both = try await door.ask(.resolve(3, seen: .notInEffect), by: Door.amal, second: Door.dina)
        #expect(code(both) == "role")
        #expect(door.desk.asked.count == 6)
        try await door.close()
    }

    @Test func aStopNeedsNobodysNameAndTakesARightOne() async throws {
        let door = try Door(NotedDesk { _ in .stop(asked: true, isProven: true, words: "It stands.") })
        let wrong = Credential(id: "amal", secret: "x")
        for (by, name) in [(nil, nil), (Door.amal, Operator("amal")), (wrong, nil)] {
            let answers = try await door.ask(DeskLine(.stop(device: "p1"), by: by), answers: 2)
            #expect(
                answers == [DeskLineHandler.stopAnswer(true), .stop(asked: true, isProven: true, words: "It stands.")])
            #expect(door.desk.asked.last == .stop(device: "p1", by: name))
        }
        #expect(door.desk.stopped == ["p1", "p1", "p1"])
        let absent = try await door.ask(DeskLine(.stop(device: "absent")), answers: 1)
        #expect(absent == [DeskLineHandler.stopAnswer(false)])
        try await door.close()
    }

    /// Every thread for tasks is held up by a desk that hangs, and no sign-in gets on: the stop is asked for, and told.
    @Test func c18_aStopWaitsForNothingThatHangs() async throws {
        let isOver = Flag()
        let door = try Door(
            NotedDesk { _ in
                isOver.wait()
                return .done(words: "late")
            })
        let (path, desk) = (door.path, door.desk)
        let (answer, stopped, time) = try await blocking {
            defer { isOver.raise() }
            let held = try (0..<Callers.most - 1).map { _ in
                let client = try DeskClient(path: path)
                try client.say(try DeskLine(.list, by: Door.amal).line())
                return client
            }
            usleep(300_000)
            let start = ContinuousClock.now
            let client = try DeskClient(path: path)
            try client.say(try DeskLine(.stop(device: "p1"), by: Door.amal).line())
            let answer = try client.answer(within: .seconds(5))?.answer
            let time = ContinuousClock.now - start
            return withExtendedLifetime(held) { (answer, desk.stopped, time) }
        }
        #expect(answer == DeskLineHandler.stopAnswer(true))
        #expect(stopped == ["p1"])
        #expect(time < .seconds(1), "\(time)")
        try await door.close()
    }

    @Test func aDeskThatDoesNotAnswerIsTold() async throws {
        let door = try Door(
            NotedDesk { _ in
                try? await Task.sleep(for: .seconds(3))
                return .done(words: "late")
            }, patience: DeskSocket.Patience(desk: .milliseconds(200)))
        #expect(code(try await door.ask(.start(5))) == "noAnswer")
        let answers = try await door.ask(DeskLine(.stop(device: "p1")), answers: 2)
        guard case .stop(true, nil, _) = answers.last else {
            Issue.record("\(answers)")
            return
        }
        #expect(door.notices.told == [.deskSilent, .deskSilent])
        try await door.close()
    }

    @Test func aHostThatEndsDoesNotWaitForItsDesk() async throws {
        let isOver = Flag()
        let door = try Door(
            NotedDesk { _ in
                while !isOver.isRaised { try? await Task.sleep(for: .milliseconds(10)) }
                return .done(words: "late")
            })
        let path = door.path
        let hangs = Task {
            try await blocking {
                let client = try DeskClient(path: path)
                try client.say(try DeskLine(.start(1), by: Door.amal).line())
                return (try? client.answer(within: .seconds(10)))?.answer
            }
        }
        while door.desk.asked.isEmpty { try await Task.sleep(for: .milliseconds(10)) }
        let start = ContinuousClock.now
        try await door.close()
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(door.desk.asked.count == 1 && door.notices.told.isEmpty)
        isOver.raise()
        #expect(try await hangs.value == nil)
    }

    /// What hangs takes its places and no more: the next is told that nothing was done. A stop has places of its own.
    @Test func aDeskThatHangsHoldsABoundedNumber() async throws {
        let (isOver, notices) = (Flag(), Notices())
        let folder = try TemporaryFolder()
        let desk = NotedDesk { request in
            if case .stop = request { return .done(words: "It stands.") }
            while !isOver.isRaised { try? await Task.sleep(for: .milliseconds(10)) }
            return .done(words: "late")
        }
        let answering = DeskAnswering(
            signIn: SignIn(try Door.operators(), failures: "\(folder.path)/failures") { _ in }, desk: desk,
            limit: .milliseconds(50)
        ) { notices.note($0) }
        var codes: [String?] = []
        for _ in 0..<18 { codes.append(code(await answering.answer(DeskLine(.list, by: Door.amal)))) }
        #expect(codes == Array(repeating: "noAnswer", count: 16) + ["busy", "busy"])
        #expect(notices.told.count == 16)
        #expect(await answering.stop(device: "p1", isAsked: true, by: nil) == .done(words: "It stands."))
        isOver.raise()
        var answer = DeskAnswer.done(words: "")
        for _ in 0..<200 where answer != .done(words: "late") {
            try await Task.sleep(for: .milliseconds(10))
            answer = await answering.answer(DeskLine(.list, by: Door.amal))
        }
        #expect(answer == .done(words: "late"))
    }

    @Test(arguments: [
        ("\n", 1), ("stop p1\n", 1), ("GET / HTTP/1.1\r\n\r\n", 1), ("{}\n", 1), ("\u{0}\u{1}\n", 1),
        (#"{"ask":"delete","desk":1}"# + "\n", 1), ("[", 20_000), ("a", 200_000),
    ])
    func whoSaysGarbageIsToldOnceAndPutOut(text: String, times: Int) async throws {
        let door = try Door()
        let answers = try await door.say(Array(String(repeating: text, count: 2 * times).utf8), answers: 3)
        #expect(answers.count == 1 && code(answers.first) == "request")
        #expect(try await door.ask(.list) == .done(words: "Done."))
        #expect(door.desk.asked == [.list] && door.desk.stopped.isEmpty)
        try await door.close()
    }

    @Test func anyBytesCostOnlyWhoSaidThem() async throws {
        let door = try Door(patience: DeskSocket.Patience(caller: .milliseconds(300)))
        let path = door.path
        try await blocking {
            var random = SeededGenerator(seed: 14)
            let whole = try DeskLine(.start(1), by: Credential(id: "amal", secret: "x")).line()
            for _ in 0..<400 {
                var bytes = whole
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let client = try DeskClient(path: path)
                try? client.say(Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))))
            }
        }
        #expect(try await door.ask(.list, by: Door.basma) == .done(words: "Done."))
        #expect(door.desk.asked == [.list])
        try await door.close()
    }

    /// A line comes in pieces; one that does not come whole in time ends, byte by byte or not.
    @Test func aHalfWrittenLineIsWaitedForAndNotForLong() async throws {
        let door = try Door(patience: DeskSocket.Patience(caller: .milliseconds(500)))
        let path = door.path
        let (answer, slow, silent) = try await blocking {
            let line = try DeskLine(.list, by: Door.amal).line()
            let client = try DeskClient(path: path)
            for piece in [line[..<10], line[10..<20], line[20...]] {
                try client.say(Array(piece))
                usleep(50_000)
            }
            let answer = try client.answer(within: .seconds(5))?.answer
            func isPutOut(_ bytes: [UInt8]) throws -> Bool {
                let client = try DeskClient(path: path)
                for byte in bytes {
                    guard (try? client.say([byte])) != nil else { return true }
                    usleep(100_000)
                }
                do { return try client.answer(within: .seconds(3)) != nil } catch { return true }
            }
            return (answer, try isPutOut(Array(line.prefix(20))), try isPutOut([]))
        }
        #expect(answer == .done(words: "Done."))
        #expect(slow && silent)
        #expect(door.desk.asked == [.list])
        try await door.close()
    }

    /// One process opens a hundred connections and says nothing: a person who asks is answered, and one who is being
    /// answered stays.
    @Test func aHundredConnectionsShutOutThemselves() async throws {
        let door = try Door()
        let path = door.path
        let (open, answer) = try await blocking {
            var clients: [DeskClient] = []
            for _ in 0..<100 { clients.append(try DeskClient(path: path)) }
            let person = try DeskClient(path: path)
            try person.say(try DeskLine(.list, by: Door.amal).line())
            let answer = try person.answer(within: .seconds(5))?.answer
            let open = clients.count { client in
                do { return try client.answer(within: .milliseconds(20)) == nil } catch { return false }
            }
            return (open, answer)
        }
        #expect(answer == .done(words: "Done."))
        #expect(open == Callers.most - 1)
        try await door.close()
    }

    @Test(arguments: [
        ([1, 1, 1, 1, 1, 1, 1, 1, 2], 0), ([2, 1, 1, 1, 1, 1, 1, 1, 1], 1), ([1, 2, 3, 4, 5, 6, 7, 8, 9], 0),
        ([3, 2, 2, 1, 1, 1, 4, 5, 6], 3),
    ])
    func theOldestOfWhoHasMostGivesWay(processes: [Int32], place: Int) {
        let callers = processes.enumerated().map { Callers.Caller(number: $0, process: $1, connection: ()) }
        #expect(Callers.leaving(callers) == place)
    }

    @Test func aStrangerIsNotHeard() async throws {
        let door = try Door(isOurs: { _ in false })
        let answers = try await door.ask(DeskLine(.stop(device: "p1")), answers: 1)
        #expect(answers.isEmpty && door.desk.stopped.isEmpty)
        #expect(door.notices.told == [.stranger])
        try await door.close()
    }

    @Test func onlyItsOwnGroupMayConnectAndNothingIsLeft() async throws {
        let door = try Door()
        let path = door.path
        #expect(try await door.ask(.list) == .done(words: "Done."))
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o660)
        #expect(throws: DeskSocketError.self) {
            _ = try DeskSocket(path: path, signIn: try signIn(door), desk: door.desk) { _ in }
        }
        try await door.close()
        #expect(!FileManager.default.fileExists(atPath: path))
        await #expect(throws: DeskClientError.self) { _ = try await door.ask(.list) }
        _ = try door.folder.write("pumps.sock", "a file")
        #expect(throws: DeskSocketError.self) {
            _ = try DeskSocket(path: path, signIn: try signIn(door), desk: door.desk) { _ in }
        }
        #expect(throws: DeskSocketError.self) {
            _ = try DeskSocket(path: "relative", signIn: try signIn(door), desk: door.desk) { _ in }
        }
    }

    private func signIn(_ door: Door) throws -> SignIn {
        SignIn(try Door.operators(), failures: "\(door.folder.path)/failures") { _ in }
    }

    /// No secret is in what the desk is given, in a notice, in an answer or in the file that is kept.
    @Test func noSecretLeavesTheDoor() async throws {
        let door = try Door()
        let secret = "canary-secret"
        var shown = ""
        for id in ["amal", "nobody"] {
            for _ in 0..<6 {
                for (ask, answers) in [(DeskLine.Ask.list, 1), (.stop(device: "p1"), 2)] {
                    let line = DeskLine(ask, by: Credential(id: id, secret: secret))
                    shown += "\(try await door.ask(line, answers: answers))"
                }
            }
        }
        let garbage = Array(#"{"ask":"list","by":{"id":"amal","secret":"canary-secret"},"desk":1,"x":1}"#.utf8)
        shown += "\(try await door.say(garbage + [0x0A]))"
        shown += "\(door.desk.asked) \(door.notices.told.map(\.words))"
        shown += try String(contentsOfFile: "\(door.folder.path)/failures", encoding: .utf8)
        #expect(shown.contains("amal locked") && !shown.contains("canary"))
        try await door.close()
    }
}
