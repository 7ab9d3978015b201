import Fieldbus
import ModbusFrames
import TestSupport

@testable import LineEngine

/// Asks one question after another over a wire, as a line's engine does, in virtual time.
final class WireDriver<Wire: ModbusWire> {
    var wire: Wire
    private let bus: SimulatedBus
    private var buffer = [UInt8](repeating: 0, count: 512)

    init(_ wire: Wire, _ bus: SimulatedBus) {
        self.wire = wire
        self.bus = bus
    }

    func open() throws {
        try bus.open(deadline: 0)
        wire.opened(at: bus.clock.now())
    }

    func close() { bus.close() }

    /// What is there is heard, as it is between two questions.
    private func drain() {
        while let count = try? bus.read(into: &buffer, deadline: 0), count > 0 {
            wire.heard(buffer, count: count, at: bus.clock.now())
        }
        if let due = wire.restDue, due <= bus.clock.now(), wire.lookAtRest(at: bus.clock.now()) { try? open() }
    }

    func read(_ question: WireQuestion, into registers: inout [UInt16]) throws(ExchangeFailure) {
        drain()
        wire.ask(question, at: bus.clock.now())
        while true {
            switch wire.next(at: bus.clock.now()) {
            case .say:
                try? bus.write(wire.outgoing, deadline: 0)
                wire.said(at: bus.clock.now())
            case .listen(let until):
                do {
                    let count = try bus.read(into: &buffer, deadline: until)
                    wire.heard(buffer, count: count, at: bus.clock.now())
                } catch {
                    wire.lost(at: bus.clock.now())
                    throw .lost
                }
            case .done(let result): return try take(result, question, into: &registers)
            case .reopen(let result):
                try? open()
                return try take(result, question, into: &registers)
            }
        }
    }

    private func take(_ result: WireResult, _ question: WireQuestion, into registers: inout [UInt16])
        throws(ExchangeFailure)
    {
        switch result {
        case .answered:
            guard case .read(_, _, let count) = question.request else { return }
            for index in 0..<count {
                let place = Wire.answerStart + 2 + index * 2
                registers[index] = UInt16(wire.answer[place]) << 8 | UInt16(wire.answer[place + 1])
            }
        case .refused(let code, _): throw .refused(code: code)
        case .failed(let failure): throw failure
        }
    }
}
