import TestSupport
import Testing

@testable import LineEngine

@Suite struct EchoFilterTests {
    private let request = Array("!INF|1234\r".utf8)
    private let reply = Array("!INF^8003|5678\r".utf8)

    /// What comes out when these bytes come in pieces of a size, with the deadline after them.
    private func through(_ filter: inout EchoFilter, _ bytes: [UInt8], pieces: Int) -> [UInt8] {
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024 + EchoFilter.room)
        filter.expect(request)
        var place = 0
        while place < bytes.count {
            let count = min(pieces, bytes.count - place)
            for offset in 0..<count { buffer[offset] = bytes[place + offset] }
            let left = filter.pass(&buffer, count: count)
            out += buffer[..<left]
            place += count
        }
        let rest = filter.passRest(&buffer)
        return out + buffer[..<rest]
    }

    @Test(arguments: [1, 2, 3, 7, 100]) func anEchoIsTakenOffAndTheReplyIsWhole(pieces: Int) {
        var filter = EchoFilter()
        #expect(through(&filter, request + reply, pieces: pieces) == reply)
        #expect(filter.takeSighting()?.kind == .echo)
        #expect(through(&filter, request + reply, pieces: pieces) == reply)
        #expect(filter.takeSighting() == nil)
        #expect(through(&filter, reply, pieces: pieces) == reply)
        #expect(filter.takeSighting()?.kind == .echoLost)
        // A device that is dead on a line that echoes has not answered.
        #expect(through(&filter, request, pieces: pieces) == [])
    }

    @Test(arguments: [1, 2, 3, 7, 100]) func aReplyThatBeginsLikeTheRequestIsNotTouched(pieces: Int) {
        var filter = EchoFilter()
        #expect(through(&filter, reply, pieces: pieces) == reply)
        // Some devices acknowledge by repeating the request.
        #expect(through(&filter, request, pieces: pieces) == request)
        #expect(filter.takeSighting() == nil)
    }

    @Test func noBytesAreLostOrMadeUpWhateverComes() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...30, using: &generator)).map { _ in
                Bool.random(using: &generator) ? request[0] : UInt8(ascii: "I")
            }
            var filter = EchoFilter()
            #expect(through(&filter, bytes, pieces: Int.random(in: 1...8, using: &generator)) == bytes)
        }
    }
}
