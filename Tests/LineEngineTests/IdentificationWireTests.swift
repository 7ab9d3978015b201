import ModbusFrames
import RealTime
import TestSupport
import Testing

@testable import LineEngine

/// Objects of the device identification: answers whose length only they tell, late and damaged too.
@Suite struct IdentificationWireTests {
    private static let slowest: Int64 = 200_000_000
    private let clock = VirtualClock()

    private func question(_ object: UInt8) -> WireQuestion {
        WireQuestion(
            unit: 1, request: .identification(object: object), slowestReply: Self.slowest, isOnlyShape: true)
    }

    private func answer(_ object: UInt8) -> [UInt8] {
        ModbusAnswer.identification(
            object: object, Array("object \(object)".utf8) + [UInt8](repeating: 0x2E, count: Int(object)))
    }

    /// What the wire took for the answer, as text.
    private func text<Wire: ModbusWire>(_ wire: Wire) -> String? {
        guard case .object(_, let range)? = ModbusAnswer(wire.answer, at: Wire.answerStart, end: wire.answer.count)
        else {
            return nil
        }
        return String(decoding: wire.answer[range].filter { $0 != 0x2E }, as: UTF8.self)
    }

    private func play<Wire: ModbusWire>(_ client: WireDriver<Wire>) -> (right: Int, failed: Int) {
        var registers: [UInt16] = []
        var (right, failed) = (0, 0)
        for number in 0..<2000 {
            let object = UInt8([0, 5, 0x80][number % 3])
            do throws(ExchangeFailure) {
                while let expiry = client.wire.expiry(of: question(object), now: clock.now()) {
                    clock.sleep(until: expiry)
                }
                try client.read(question(object), into: &registers)
                #expect(text(client.wire) == "object \(object)")
                right += 1
            } catch { failed += 1 }
            clock.sleep(until: clock.now() + 20_000_000)
        }
        return (right, failed)
    }

    @Test func noObjectIsTakenForAnotherOnRTU() throws {
        var generator = SeededGenerator(seed: 6)
        let bus = SimulatedBus(clock) { request, _ in
            guard case .identification(let object)? = ModbusRequest(request, 1..<(request.count - 2)) else { return [] }
            var frame = RTUFrame.frame(unit: 1, self.answer(object))
            let chance = Int.random(in: 0..<10, using: &generator)
            if chance == 0 { frame[Int.random(in: 0..<frame.count, using: &generator)] ^= 0x20 }
            let isLate = chance == 1
            return [
                .init(isLate ? .random(in: Self.slowest / 2...Self.slowest * 4, using: &generator) : 20_000_000, frame)
            ]
        }
        let client = WireDriver(RTUWire(byteTime: 1_041_666, baud: 9600), bus)
        try client.open()
        let (right, failed) = play(client)
        #expect(right > 1500 && failed > 200, "\(right) \(failed)")
    }

    @Test func noObjectIsTakenForAnotherOnTCP() throws {
        var generator = SeededGenerator(seed: 7)
        let bus = SimulatedBus(clock) { request, _ in
            guard case .identification(let object)? = ModbusRequest(request, 7..<request.count) else { return [] }
            let chance = Int.random(in: 0..<10, using: &generator)
            // Another object than was asked for, under the transaction's own number.
            let told = chance == 0 ? object ^ 1 : object
            let frame = Array(request[0..<4]) + TCPFrame.frame(transaction: 0, unit: 1, self.answer(told))[4...]
            let isLate = chance == 1
            return [
                .init(isLate ? .random(in: Self.slowest / 2...Self.slowest * 4, using: &generator) : 5_000_000, frame)
            ]
        }
        bus.isConnection = true
        let client = WireDriver(TCPWire(), bus)
        try client.open()
        let (right, failed) = play(client)
        #expect(right > 1500 && failed > 200, "\(right) \(failed)")
    }
}
