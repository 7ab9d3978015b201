import RealTime
import TestSupport
import Testing

@testable import Fieldbus

/// The discipline on RTU, in virtual time: no answer is ever taken for another's.
@Suite struct RTUClientTests {
    static let slowest: Int64 = 200_000_000
    private let clock = VirtualClock()

    private func client(_ behaviour: @escaping SimulatedBus.Behaviour) throws -> (RTUClient<SimulatedBus, VirtualClock>, SimulatedBus) {
        let bus = SimulatedBus(clock, behaviour)
        let settings = SerialSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
        let client = RTUClient(bus, settings: settings, clock: clock)
        try client.open()
        return (client, bus)
    }

    private func wanted(_ count: Int, unit: UInt8 = 1, address: Int = 0, function: UInt8 = 3, mayWiden: Bool = true) -> RegisterRequest {
        RegisterRequest(unit: unit, function: function, address: address, count: count, slowestReply: Self.slowest, mayWiden: mayWiden)
    }

    private func sightings(_ client: RTUClient<SimulatedBus, VirtualClock>) -> [LinkSighting.Kind] {
        var kinds: [LinkSighting.Kind] = []
        while let sighting = client.takeSighting() { kinds.append(sighting.kind) }
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
        try client.read(wanted(2, address: 1, function: 4), into: &registers)
        #expect(registers[0..<2] == [305, 546])
        try client.read(wanted(1, address: 0x0101), into: &registers)
        #expect(registers[0] == 1)
    }

    /// Ten thousand reads, one in four answered late by half a time-out to five of them: whatever counts was asked for.
    @Test(arguments: [(10, UInt64(1)), (2, 2), (1, 3)])
    func tenThousandReadsWithLateRepliesGiveNoWrongValue(count: Int, seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let (client, bus) = try client { request, number in
            let isLate = Int.random(in: 0..<4, using: &generator) == 0
            let delay = isLate ? Int64.random(in: Self.slowest / 2...Self.slowest * 5, using: &generator) : 20_000_000
            return [.init(delay, SimulatedBus.answer(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        var right = 0
        for _ in 0..<10_000 {
            do throws(FieldbusError) {
                try client.read(wanted(count), into: &registers)
                #expect(registers[0] == UInt16(truncatingIfNeeded: bus.requests.count &* 128), "a late answer was taken for another's")
                right += 1
            } catch {
                // Given up, which is right.
                #expect([.timedOut, .mismatchedReply, .resting].contains(error))
            }
            // None of it is anybody else's talking.
            for kind in sightings(client) { #expect([.late, .barrier, .mismatched].contains(kind), "\(kind)") }
            clock.sleep(until: clock.now() + 100_000_000)
        }
        // The device itself is busy with late answers for most of the time.
        #expect(right > 1_500, "\(right) of 10,000")
    }

    /// The same line with a dumb client, as a measure that the bus does mislead: what an exchange without discipline takes.
    @Test func theSameBusMisleadsAClientWithoutDiscipline() throws {
        var generator = SeededGenerator(seed: 1)
        let bus = SimulatedBus(clock) { request, number in
            let isLate = Int.random(in: 0..<4, using: &generator) == 0
            return [.init(isLate ? Int64.random(in: Self.slowest / 2...Self.slowest * 5, using: &generator) : 20_000_000, SimulatedBus.answer(request, number))]
        }
        var wrong = 0
        var buffer = [UInt8](repeating: 0, count: 256)
        for _ in 0..<1000 {
            try bus.write([1, 3, 0, 0, 0, 10, 0xC5, 0xCD], deadline: clock.now())
            let count = try bus.read(into: &buffer, deadline: clock.now() + Self.slowest)
            if count == 25, RTUFrame.isWhole(buffer, 0..<25), Int(buffer[3]) << 8 | Int(buffer[4]) != bus.requests.count &* 128 & 0xFFFF { wrong += 1 }
            clock.sleep(until: clock.now() + 100_000_000)
        }
        #expect(wrong > 100)
    }

    @Test func afterATimeOutTheSameShapeWaitsForABarrier() throws {
        let (client, bus) = try client { request, number in number == 1 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))] }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: FieldbusError.timedOut) { try client.read(wanted(10), into: &registers) }
        try client.read(wanted(10), into: &registers)
        // The lost one, the barrier with another count, and the read itself.
        #expect(bus.requests.map { Int($0[5]) } == [10, 9, 10])
        try client.read(wanted(10), into: &registers)
        #expect(bus.requests.count == 4)
    }

    @Test func aNeighbourIsAskedWithoutABarrier() throws {
        let (client, bus) = try client { request, number in request[0] == 1 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))] }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: FieldbusError.timedOut) { try client.read(wanted(10), into: &registers) }
        try client.read(wanted(10, unit: 2), into: &registers)
        #expect(bus.requests.map { $0[0] } == [1, 2])
        // Silent for as long as the device may take: the wait for the answer was that silence.
        #expect(bus.sentAt[1] - bus.sentAt[0] < Self.slowest + 120_000_000)
    }

    /// One register, and the one behind it may not be read: the loopback is the barrier, and its refusal as good as its echo.
    @Test(arguments: [true, false]) func aSingleRegisterUsesTheLoopback(isSupported: Bool) throws {
        let (client, bus) = try client { request, number in
            if number == 2 { return [] }
            let answer = request[1] == 8 && !isSupported ? SimulatedBus.exception(request, 1) : SimulatedBus.answer(request, number)
            return [.init(20_000_000, answer)]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        // That there is no echo is known from the first answer.
        try client.read(wanted(1, mayWiden: false), into: &registers)
        #expect(throws: FieldbusError.timedOut) { try client.read(wanted(1, mayWiden: false), into: &registers) }
        try client.read(wanted(1, mayWiden: false), into: &registers)
        #expect(bus.requests.map { $0[1] } == [3, 3, 8, 3])
        #expect(registers[0] == 4 * 128)
    }

    /// A device that answers nothing but its register: the line rests until the lost answer can no longer come.
    @Test func withoutABarrierTheLineRests() throws {
        let (client, bus) = try client { request, number in number == 2 || request[1] == 8 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))] }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(1, mayWiden: false), into: &registers)
        var failures: [FieldbusError] = []
        let start = clock.now()
        while failures.count < 100 {
            do throws(FieldbusError) {
                try client.read(wanted(1, mayWiden: false), into: &registers)
                break
            } catch {
                failures.append(error)
            }
            clock.sleep(until: clock.now() + 100_000_000)
        }
        #expect(Array(failures.prefix(3)) == [.timedOut, .timedOut, .resting])
        #expect(clock.now() - start >= RTUClient<SimulatedBus, VirtualClock>.patience(Self.slowest))
        #expect(bus.requests.map { $0[1] } == [3, 3, 8, 3])
    }

    @Test func aWholeFrameHasOneDeadlineHoweverItDribbles() throws {
        let (client, bus) = try client { request, number in
            SimulatedBus.answer(request, number).enumerated().map { .init(Int64($0) * 100_000_000, [$1]) }
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: FieldbusError.incomplete) { try client.read(wanted(10), into: &registers) }
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

    /// The adapter is pulled with a request out, and put back: the answer to it finds a barrier.
    @Test func anAnswerThatOutlivesTheLineIsNotTaken() throws {
        let (client, bus) = try client { request, number in [.init(number == 2 ? 700_000_000 : 20_000_000, SimulatedBus.answer(request, number))] }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(10), into: &registers)
        bus.breaksOnRead = true
        #expect(throws: FieldbusError.disconnected(errno: 5)) { try client.read(wanted(10, address: 100), into: &registers) }
        bus.breaksOnRead = false
        client.close()
        clock.sleep(until: clock.now() + 400_000_000)
        try client.open()
        try client.read(wanted(10), into: &registers)
        #expect(registers[0] == UInt16(bus.requests.count * 128))
    }

    /// Another master polls without a pause as long as the quarantine: after a failure the line is still used between its frames.
    @Test func othersTalkDoesNotStopALineForEver() throws {
        let (client, bus) = try client { request, number in number == 2 ? [] : [.init(20_000_000, SimulatedBus.answer(request, number))] }
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
        #expect(throws: FieldbusError.neverSilent) { try client.read(wanted(2), into: &registers) }
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

    /// An echo is no answer, even where the question and its answer are the same bytes.
    @Test func anEchoOfTheLoopbackIsNotItsAnswer() throws {
        let (client, bus) = try client { request, number in
            number == 1 || request[1] == 8 ? [.init(1_000_000, request)] : [.init(1_000_000, request), .init(20_000_000, SimulatedBus.answer(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        for _ in 0..<2 { #expect(throws: FieldbusError.timedOut) { try client.read(wanted(1, mayWiden: false), into: &registers) } }
        #expect(bus.requests.map { $0[1] } == [3, 8])
    }

    @Test func otherUnitsAreWaitedOver() throws {
        let (client, _) = try client { request, number in
            var other = request
            other[0] = 9
            return [.init(10_000_000, SimulatedBus.answer(other, number)), .init(30_000_000, SimulatedBus.answer(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted(2), into: &registers)
        #expect(registers[0] == 128)
        #expect(sightings(client) == [.mismatched])
    }

    @Test func twoAnswersThatDifferCountForNothing() throws {
        let (client, _) = try client { request, number in
            [.init(20_000_000, SimulatedBus.answer(request, number)), .init(21_000_000, SimulatedBus.answer(request, number + 1))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: FieldbusError.conflictingReplies) { try client.read(wanted(2), into: &registers) }
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
        #expect(throws: FieldbusError.checksumMismatch) { try client.read(wanted(2), into: &registers) }
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
        for _ in 0..<20 {
            if (try? client.read(wanted(1), into: &registers)) != nil { #expect(registers[0] == UInt16(bus.requests.count * 128)) }
            clock.sleep(until: clock.now() + 50_000_000)
        }
    }
}
