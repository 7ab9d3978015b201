import Foundation
import Testing
import TestSupport

@testable import Observability

@Suite(.serialized) struct StatusSocketTests {
    private func served<Value>(
        _ answers: [String: @Sendable () -> String] = ["health": { "ok\n" }], _ body: (String) throws -> Value
    ) throws -> Value {
        let folder = try TemporaryFolder()
        // A path longer than a socket's address.
        let deep = "\(folder.path)/\(String(repeating: "long", count: 40))"
        try FileManager.default.createDirectory(atPath: deep, withIntermediateDirectories: true)
        let path = "\(deep)/journal.status"
        let socket = try StatusSocket(path: path, answers: answers)
        try socket.start()
        defer { socket.stop() }
        return try body(path)
    }

    @Test func aWordIsAnswered() throws {
        let text = String(repeating: "nabd_samples_total 12\n", count: 50_000)
        try served(["metrics": { text }, "health": { "ok\n" }]) { path in
            let (health, metrics) = (
                try StatusSocket.ask("health", at: path), try StatusSocket.ask("metrics", at: path)
            )
            #expect(health == "ok\n")
            #expect(metrics == text)
        }
    }

    @Test func anotherWordAndALongOneGetNothing() throws {
        try served { path in
            for word in ["", "helth", "health ", String(repeating: "h", count: 5_000)] {
                #expect(throws: StatusSocketError.self) { _ = try StatusSocket.ask(word, at: path) }
            }
            let answer = try StatusSocket.ask("health", at: path)
            #expect(answer == "ok\n")
        }
    }

    @Test func onlyItsOwnGroupMayConnectAndNothingIsLeft() throws {
        let path = try served { path in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o660)
            return path
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func whereAnotherAnswersOrAFileLiesNothingIsTakenAway() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal.status"
        let left = try StatusSocket(path: path, answers: [:])
        #expect(throws: StatusSocketError.self) { _ = try StatusSocket(path: path, answers: [:]) }
        _ = left
        try FileManager.default.removeItem(atPath: path)
        try Data("a file".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: StatusSocketError.self) { _ = try StatusSocket(path: path, answers: [:]) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "a file")
    }

    @Test func callersThatSayNothingHoldUpNobody() throws {
        try served { path in
            var silent: [Int32] = []
            defer { for descriptor in silent { close(descriptor) } }
            for _ in 0..<100 { silent.append(try StatusSocket.connected(to: path)) }
            let answer = try StatusSocket.ask("health", at: path)
            #expect(answer == "ok\n")
        }
    }
}
