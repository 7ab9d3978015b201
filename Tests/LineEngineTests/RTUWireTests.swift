import ModbusFrames
import RealTime
import TestSupport
import Testing

@testable import LineEngine

/// The discipline on RTU, in virtual time: no answer is ever taken for another's.
@Suite struct RTUWireTests {
    /// A write of several whose first bytes are its own whole answer: an adapter that brings it back would say that it
    /// was taken.
    @Test func aWriteThatLooksAnsweredByItsEcho() {
        let wire = RTUWire(byteTime: 572_917, baud: 19_200)
        func said(_ request: ModbusRequest) -> [UInt8] {
            var bytes: [UInt8] = []
            request.append(to: &bytes)
            return bytes
        }
        let odd = said(.write(.registers(address: 16, [0xC900])))
        // So its echo begins with the answer.
        #expect(RTUFrame.frame(unit: 20, Array(odd[..<5])) == [20] + odd[..<7])
        #expect(wire.looksAnswered(by: [20] + odd))
        #expect(!wire.looksAnswered(by: [21] + odd))
        #expect(!wire.looksAnswered(by: [20] + said(.write(.registers(address: 16, [0xC800])))))
        #expect(!wire.looksAnswered(by: [20] + said(.write(.register(address: 16, value: 0xC900)))))
    }

    static let slowest: Int64 = 200_000_000
    private let clock = VirtualClock()

    private func client(_ behaviour: @escaping SimulatedBus.Behaviour) throws -> (WireDriver<RTUWire>, SimulatedBus) {
        let bus = SimulatedBus(clock, behaviour)
        let client = WireDriver(RTUWire(byteTime: 1_041_666, baud: 9600), bus)
        try client.open()
        return (client, bus)
    }

    private func wanted(
        _ count: Int, unit: UInt8 = 1, address: Int = 0, function: ModbusFunction = .readHoldingRegisters
    ) -> WireQuestion {
        WireQuestion(unit: unit, request: .read(function, address: address, count: count), slowestReply: Self.slowest)
    }

    private func sightings(_ client: WireDriver<RTUWire>) -> [LinkSighting.Kind] {
        var kinds: [LinkSighting.Kind] = []
        while let sighting = client.wire.takeSighting() { kinds.append(sighting.kind) }
        return kinds
    }

    /// Bytes of the facts' vectors: XY-MD02, both registers, and the id of the device.
    @Test func vectorsOfARealDeviceAreRead() throws {
        let replies: [[UInt8]: [UInt8]] = [
            [1, 4, 0, 1, 0, 2, 0x20, 0x0B]: [1, 4, 4, 1, 0x31, 2, 0x22, 0x2A, 0xCE],
            [1, 3, 1, 1, 0, 1, 0xD4, 0x36]: [1, 3, 2, 0, 1, 0x79, 0x84],
        ]
        let (client, _) = try client { request, _ in replies[request].map { [.init(20_000_000, $0)] } ?? [] }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2, address: 1, function: .readInputRegisters), into: &registers)
        #expect(registers[0..<2] == [305, 546])
        try client.read(wanted(1, address: 0x0101), into: &registers)
        #expect(registers[0] == 1)
    }

    /// The same line with a dumb client, as a measure that the bus does mislead: what an exchange without discipline
    /// takes.
    @Test func theSameBusMisleadsAClientWithoutDiscipline() throws {
        var generator = SeededGenerator(seed: 1)
        let bus = SimulatedBus(clock) { request, number in
            let isLate = Int.random(in: 0..<4, using: &generator) == 0
            return [
                .init(
                    isLate ? Int64.random(in: Self.slowest / 2...Self.slowest * 5, using: &generator) : 20_000_000,
                    SimulatedBus.answer(request, number))
            ]
        }
        var wrong = 0
        var buffer = [UInt8](repeating: 0, count: 256)
        for _ in 0..<1000 {
            try bus.write([1, 3, 0, 0, 0, 10, 0xC5, 0xCD], deadline: clock.now())
            let count = try bus.read(into: &buffer, deadline: clock.now() + Self.slowest)
            if count == 25, RTUFrame.isWhole(buffer, 0..<25),
                Int(buffer[3]) << 8 | Int(buffer[4]) != bus.requests.count &* 128 & 0xFFFF
            {
                wrong += 1
            }
            clock.sleep(until: clock.now() + 100_000_000)
        }
        #expect(wrong > 100)
    }

    @Test func aNeighbourIsAskedAtOnce() throws {
        let (client, bus) = try client { request, number in
            request[0] == 1 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.timedOut) { try client.read(wanted(10), into: &registers) }
        try client.read(wanted(10, unit: 2), into: &registers)
        #expect(bus.requests.map { $0[0] } == [1, 2])
        // Silent for as long as the device may take: the wait for the answer was that silence.
        #expect(bus.sentAt[1] - bus.sentAt[0] < Self.slowest + 120_000_000)
    }

    @Test func aWholeFrameHasOneDeadlineHoweverItDribbles() throws {
        let (client, bus) = try client { request, number in
            SimulatedBus.answer(request, number).enumerated().map { .init(Int64($0) * 100_000_000, [$1]) }
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.incomplete) { try client.read(wanted(10), into: &registers) }
        #expect(clock.now() - bus.sentAt[0] < Self.slowest + 150_000_000)
        #expect(bus.requests.count == 1)
    }

    @Test func nothingIsSentOntoALineWithUnreadBytes() throws {
        let (client, bus) = try client { request, number in [.init(20_000_000, SimulatedBus.answer(request, number))] }
        for index in 0..<20 { bus.put([0x55, 0xAA], at: clock.now() + Int64(index) * 3_000_000) }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2), into: &registers)
        let noise = 1_000_000_000 + 19 * 3_000_000
        // Three and a half characters at 9600 baud after the last of them.
        #expect(bus.sentAt[0] >= Int64(noise) + 3_645_000)
        #expect(sightings(client).contains(.resync))
    }

    /// The adapter is pulled with a request out, and put back: what may still come is not asked for until it has.
    @Test func anAnswerThatOutlivesTheLineIsNotTaken() throws {
        let (client, bus) = try client { request, number in
            [.init(number == 2 ? 700_000_000 : 20_000_000, SimulatedBus.answer(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(10), into: &registers)
        bus.breaksOnRead = true
        #expect(throws: ExchangeFailure.lost) { try client.read(wanted(10, address: 100), into: &registers) }
        bus.breaksOnRead = false
        client.close()
        clock.sleep(until: clock.now() + 400_000_000)
        try client.open()
        #expect(client.wire.expiry(of: wanted(10), now: clock.now()) != nil)
        #expect(client.wire.expiry(of: wanted(11), now: clock.now()) == nil)
        try client.read(wanted(11), into: &registers)
        #expect(registers[0] == UInt16(bus.requests.count * 128))
        // It has come: its shape is free again.
        clock.sleep(until: clock.now() + 700_000_000)
        try client.read(wanted(12), into: &registers)
        #expect(client.wire.expiry(of: wanted(10), now: clock.now()) == nil)
    }

    /// Another master polls without a pause as long as the quarantine: after a failure the line is still used between
    /// its frames.
    @Test func othersTalkDoesNotStopALineForEver() throws {
        let (client, bus) = try client { request, number in
            number == 2 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))]
        }
        for index in 0..<200 { bus.put([7, 3, 0, 0, 0, 1, 0x84, 0x6C], at: clock.now() + Int64(index) * 150_000_000) }
        var registers = [UInt16](repeating: 0, count: 125)
        var right = 0
        for _ in 0..<10 { if (try? client.read(wanted(10), into: &registers)) != nil { right += 1 } }
        #expect(right >= 8)
    }

    @Test func aLineThatIsNeverSilentIsGivenUp() throws {
        let (client, bus) = try client { _, _ in [] }
        for index in 0..<2000 { bus.put([0x55], at: clock.now() + Int64(index) * 1_000_000) }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.neverSilent) { try client.read(wanted(2), into: &registers) }
        #expect(bus.requests.isEmpty)
    }

    @Test func anEchoIsTakenOffAndItsLossTold() throws {
        let (client, _) = try client { request, number in
            let answer = SimulatedBus.Coming(20_000_000, SimulatedBus.answer(request, number))
            return number == 3 ? [answer] : [.init(1_000_000, request), answer]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        for number in 1...4 {
            try client.read(wanted(2), into: &registers)
            #expect(registers[0] == UInt16(number * 128))
        }
        #expect(Set(sightings(client)) == [.echo, .echoLost])
    }

    @Test func otherUnitsAreWaitedOver() throws {
        let (client, _) = try client { request, number in
            var other = request
            other[0] = 9
            return [
                .init(10_000_000, SimulatedBus.answer(other, number)),
                .init(30_000_000, SimulatedBus.answer(request, number)),
            ]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2), into: &registers)
        #expect(registers[0] == 128)
        #expect(sightings(client) == [.mismatched])
    }

    @Test func twoAnswersThatDifferCountForNothing() throws {
        let (client, _) = try client { request, number in
            [
                .init(20_000_000, SimulatedBus.answer(request, number)),
                .init(21_000_000, SimulatedBus.answer(request, number + 1)),
            ]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.conflictingReplies) { try client.read(wanted(2), into: &registers) }
        #expect(sightings(client) == [.conflicting])
    }

    @Test func aCopyIsNotTakenForTheNextAnswer() throws {
        // The copy of the first answer comes long after it, when the same has been asked again.
        let (client, bus) = try client { request, number in
            let answer = SimulatedBus.answer(request, number)
            return number == 1 ? [.init(20_000_000, answer), .init(60_000_000, answer)] : [.init(20_000_000, answer)]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2), into: &registers)
        clock.sleep(until: clock.now() + 100_000_000)
        try client.read(wanted(2), into: &registers)
        #expect(registers[0] == UInt16(bus.requests.count * 128))
        #expect(sightings(client).contains(.duplicate))
    }

    @Test func damageIsToldAndNotUsed() throws {
        let (client, _) = try client { request, number in
            var answer = SimulatedBus.answer(request, number)
            answer[4] ^= 1
            return [.init(20_000_000, answer)]
        }
        var registers: [UInt16] = [7, 7]
        #expect(throws: ExchangeFailure.checksumMismatch) { try client.read(wanted(2), into: &registers) }
        #expect(registers == [7, 7])
        #expect(sightings(client).contains(.damaged))
    }

    @Test func aRequestOfAnotherMasterIsSeenAsSuch() throws {
        let (client, bus) = try client { request, number in [.init(20_000_000, SimulatedBus.answer(request, number))] }
        bus.put([1, 4, 0, 1, 0, 2, 0x20, 0x0B], at: clock.now())
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2), into: &registers)
        #expect(sightings(client) == [.foreignRequest])
    }

    /// An exception names no shape: with an answer outstanding it may be that one's.
    @Test func aLateExceptionDoesNotOpenTheWayForALateAnswer() throws {
        let (client, bus) = try client { request, number in
            switch number {
            case 1: [.init(600_000_000, SimulatedBus.answer(request, number))]
            case 2: [.init(20_000_000, SimulatedBus.exception(request, 6))]
            default: [.init(20_000_000, SimulatedBus.answer(request, number))]
            }
        }
        var registers = [UInt16](repeating: 0, count: 125)
        var right = 0
        for _ in 0..<20 {
            // As a line does: a shape that is not owed.
            let count = try #require((1...9).first { client.wire.expiry(of: wanted($0), now: clock.now()) == nil })
            if (try? client.read(wanted(count), into: &registers)) != nil {
                #expect(registers[0] == UInt16(bus.requests.count * 128))
                right += 1
            }
            clock.sleep(until: clock.now() + 50_000_000)
        }
        #expect(right >= 15, "\(right) of 20")
        // The exception named its function only: what it may have been of is still owed.
        #expect(Set(bus.requests.prefix(4).map { $0[5] }).count >= 3)
    }
}
