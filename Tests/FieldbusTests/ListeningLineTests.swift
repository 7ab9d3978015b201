import Glibc
import RealTime
import Testing

@testable import Fieldbus

/// A port on which devices call, on the machine's own addresses.
@Suite(.serialized) struct ListeningLineTests {
    private let clock = MonotonicClock()
    private func soon(_ milliseconds: Int64 = 500) -> Int64 { clock.now() + milliseconds * 1_000_000 }

    private func open(caller: String? = nil) throws -> ListeningLine {
        let line = ListeningLine(host: "127.0.0.1", port: 0, caller: caller)
        try line.open(deadline: soon())
        #expect(line.boundPort > 0)
        return line
    }

    private func call(_ line: ListeningLine, _ text: String) throws -> TCPLine {
        let caller = TCPLine(host: "127.0.0.1", port: line.boundPort)
        try caller.open(deadline: soon())
        try caller.write(Array(text.utf8), deadline: soon())
        return caller
    }

    /// Reads until something has come.
    private func hear(_ line: ListeningLine) throws -> String {
        var buffer = [UInt8](repeating: 0, count: 64)
        for _ in 0..<20 {
            let count = try line.read(into: &buffer, deadline: soon(50))
            if count > 0 { return String(decoding: buffer[..<count], as: UTF8.self) }
        }
        return ""
    }

    @Test func aCallerIsHeardAndAnswered() throws {
        let line = try open()
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(try line.read(into: &buffer, deadline: soon(20)) == 0 && !line.takeRenewal())
        try line.write([1, 2, 3], deadline: soon())
        let caller = try call(line, "one")
        #expect(try hear(line) == "one" && line.takeRenewal() && !line.takeRenewal())
        try line.write(Array("yes".utf8), deadline: soon())
        #expect(try caller.read(into: &buffer, deadline: soon()) == 3)
    }

    @Test func theNextCallerIsTakenWhenOneHasLeft() throws {
        let line = try open()
        for turn in 1...3 {
            let caller = try call(line, "turn \(turn)")
            #expect(try hear(line) == "turn \(turn)" && line.takeRenewal())
            caller.close()
        }
    }

    /// A device that was switched off and on calls anew; its old connection is still there.
    @Test func aNewCallOfTheSameMachineTakesThePlaceOfTheOld() throws {
        let line = try open()
        let old = try call(line, "old")
        #expect(try hear(line) == "old")
        _ = line.takeRenewal()
        let new = try call(line, "new")
        #expect(try hear(line) == "new" && line.takeRenewal())
        withExtendedLifetime((old, new)) {}
    }

    @Test func whoMayNotCallIsTurnedAway() throws {
        let line = try open(caller: "10.1.2.3")
        _ = try call(line, "me")
        #expect(try hear(line) == "" && !line.takeRenewal())
    }

    @Test func aPortThatIsTakenAndAnAddressOfAnotherMachineAreToldAtOnce() throws {
        let line = try open()
        let second = ListeningLine(host: "127.0.0.1", port: line.boundPort, caller: nil)
        #expect(throws: FieldbusError.cannotListen(line: "listen:tcp://127.0.0.1:\(line.boundPort)", errno: EADDRINUSE))
        { try second.open(deadline: soon()) }
        #expect(throws: FieldbusError.self) {
            try ListeningLine(host: "203.0.113.7", port: 40_000, caller: nil).open(deadline: soon())
        }
        #expect(throws: FieldbusError.self) {
            try ListeningLine(host: "some-name", port: 40_000, caller: nil).open(deadline: soon())
        }
    }
}
