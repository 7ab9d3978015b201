import ModbusFrames
import RealTime
import TestSupport
import Testing

@testable import LineEngine

/// The discipline on Modbus TCP, in virtual time.
@Suite struct TCPWireTests {
    private static let slowest: Int64 = 200_000_000
    private let clock = VirtualClock()
    private let wanted = WireQuestion(
        unit: 1, request: .read(.readHoldingRegisters, address: 0, count: 10), slowestReply: TCPWireTests.slowest)

    private func client(_ behaviour: @escaping SimulatedBus.Behaviour) throws -> (WireDriver<TCPWire>, SimulatedBus) {
        let bus = SimulatedBus(clock, behaviour)
        bus.isConnection = true
        let client = WireDriver(TCPWire(), bus)
        try client.open()
        return (client, bus)
    }

    /// Bytes of the facts' vectors: a Victron GX tells its position.
    @Test func vectorsOfARealDeviceAreRead() throws {
        let (client, _) = try client { request, _ in
            #expect(request == [0, 1, 0, 0, 0, 6, 0x64, 3, 0x0A, 0xF0, 0, 9])
            return [
                .init(
                    5_000_000,
                    [
                        0, 1, 0, 0, 0, 0x15, 0x64, 3, 0x12, 0x1F, 0x4D, 0xEA, 0xC2, 7, 0xFD, 0x6F, 4, 0x23, 0x5A, 5,
                        0x6D, 0, 1, 0, 9, 0, 0,
                    ]
                )
            ]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        let position = WireQuestion(
            unit: 100, request: .read(.readHoldingRegisters, address: 2800, count: 9), slowestReply: Self.slowest)
        try client.read(position, into: &registers)
        #expect(registers[0..<9] == [0x1F4D, 0xEAC2, 0x07FD, 0x6F04, 0x235A, 0x056D, 1, 9, 0])
    }

    @Test func tenThousandReadsWithLateRepliesGiveNoWrongValueAndKeepTheConnection() throws {
        var generator = SeededGenerator(seed: 4)
        let (client, bus) = try client { request, number in
            let isLate = Int.random(in: 0..<10, using: &generator) == 0
            let delay = isLate ? Int64.random(in: Self.slowest / 2...Self.slowest * 2, using: &generator) : 5_000_000
            return [.init(delay, SimulatedBus.answerTCP(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        var (right, late) = (0, 0)
        for _ in 0..<10_000 {
            do throws(ExchangeFailure) {
                try client.read(wanted, into: &registers)
                #expect(registers[0] == UInt16(truncatingIfNeeded: bus.requests.count &* 128))
                right += 1
            } catch {
                #expect(error == .timedOut)
                late += 1
            }
            clock.sleep(until: clock.now() + 50_000_000)
        }
        #expect(right > 7_000 && late > 100)
        #expect(bus.opened == 1, "a late answer costs its own request only")
    }

    @Test func aLateAnswerIsToldAndTheNextIsTaken() throws {
        let (client, _) = try client { request, number in
            [.init(number == 1 ? Self.slowest + 60_000_000 : 5_000_000, SimulatedBus.answerTCP(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.timedOut) { try client.read(wanted, into: &registers) }
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 256)
        #expect(client.wire.takeSighting() == LinkSighting(.late, unit: 1))
    }

    /// What came in one piece with an answer is looked at then, and is not taken for half an answer to the next.
    @Test func aLateAnswerBehindAnotherCostsNothing() throws {
        let (client, bus) = try client { request, number in
            switch number {
            case 2:
                let first = SimulatedBus.answerTCP(Array([0, 1]) + request[2...], 1)
                return [.init(5_000_000, SimulatedBus.answerTCP(request, number) + first)]
            case 1, 3: return []
            default: return [.init(5_000_000, SimulatedBus.answerTCP(request, number))]
            }
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.timedOut) { try client.read(wanted, into: &registers) }
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 256)
        #expect(client.wire.takeSighting() == LinkSighting(.late, unit: 1))
        #expect(throws: ExchangeFailure.timedOut) { try client.read(wanted, into: &registers) }
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 512 && bus.opened == 1)
    }

    @Test(arguments: [0, 1, 6, 7]) func anotherTransactionUnitOrFunctionIsWaitedOver(place: Int) throws {
        let (client, _) = try client { request, number in
            var other = SimulatedBus.answerTCP(request, number + 7)
            other[place] ^= 0x10
            return [.init(1_000_000, other), .init(5_000_000, SimulatedBus.answerTCP(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 128)
        #expect(client.wire.takeSighting()?.kind == .mismatched)
    }

    @Test(arguments: [[UInt8]([0, 1, 0, 7, 0, 6]), [0, 1, 0, 0, 0xFF, 0xFF], [0, 1, 0, 0, 0, 0]])
    func whatIsNoModbusEndsTheConnection(start: [UInt8]) throws {
        let (client, bus) = try client { request, number in
            number == 1
                ? [.init(1_000_000, start + [1, 3, 20])] : [.init(1_000_000, SimulatedBus.answerTCP(request, number))]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.mismatchedReply(unit: 0)) { try client.read(wanted, into: &registers) }
        #expect(bus.opened == 2)
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 256)
    }

    @Test func halfAnAnswerIsNotJoinedWithTheNext() throws {
        let (client, bus) = try client { request, number in
            [
                .init(
                    1_000_000,
                    number == 1
                        ? Array(SimulatedBus.answerTCP(request, number).prefix(14))
                        : SimulatedBus.answerTCP(request, number))
            ]
        }
        var registers = [UInt16](repeating: 0, count: 125)
        #expect(throws: ExchangeFailure.incomplete) { try client.read(wanted, into: &registers) }
        #expect(bus.opened == 2)
        try client.read(wanted, into: &registers)
        #expect(registers[0] == 256)
    }

    @Test func aConnectionThatDiedWithoutAWordIsMadeAnew() throws {
        let (client, bus) = try client { _, _ in [] }
        var registers = [UInt16](repeating: 0, count: 125)
        for _ in 0..<5 { #expect(throws: ExchangeFailure.timedOut) { try client.read(wanted, into: &registers) } }
        #expect(bus.opened == 2)
    }
}
