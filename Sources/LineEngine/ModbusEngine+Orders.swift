import CommandFacts
import DevicePlans
import ModbusFrames
import ProfileLanguage
import RealTime

/// Orders: said once, each with one outcome.
extension ModbusEngine {
    /// Begins an order, or ends it; `false` when it must wait.
    mutating func begin(_ order: LineOrder, at now: Int64) -> Bool {
        let device = Int(order.device)
        guard devices.indices.contains(device),
            case .read(let function, let unit, let address, let count) = order.content, function.isRead,
            (1...(function.isOfBits ? 2000 : ModbusFunction.longestRead)).contains(Int(count)), now < order.deadline
        else {
            self.order = nil
            tell(order, order.unsaid(because: .lineNotClean), said: nil, at: now)
            return true
        }
        let question = WireQuestion(
            unit: unit, request: .read(function, address: Int(address), count: Int(count)),
            slowestReply: devices[device].plan.line.slowestReply,
            isOnlyShape: true)
        guard wire.expiry(of: question, now: now) == nil else { return false }
        self.order = nil
        wire.ask(question, at: now)
        phase = .exchanging(Exchange(purpose: .order(order), device: device, started: now))
        return true
    }

    mutating func take(_ order: LineOrder, at now: Int64) {
        if mayTakeOrder {
            self.order = order
        } else {
            tell(order, order.unsaid(because: .hostStopping), said: nil, at: now)
        }
    }

    /// An order whose time has passed is not said.
    mutating func dropOrder(at now: Int64) {
        guard let order, now >= order.deadline else { return }
        self.order = nil
        tell(order, order.unsaid(because: .expired), said: nil, at: now)
    }

    mutating func finish(_ order: LineOrder, _ result: WireResult, said: Int64?, at now: Int64) {
        switch result {
        case .answered: tell(order, .answered(length: Int(wire.answer[Wire.answerStart + 1])), said: said, at: now)
        case .refused(let code, isAmbiguous: false): tell(order, .refused(code: code), said: said, at: now)
        case .refused, .failed: tell(order, said == nil ? .notSaid : .unknown, said: said, at: now)
        }
    }

    func tell(_ order: LineOrder, _ kind: OrderOutcome.Kind, said: Int64?, at now: Int64) {
        var outcome = OrderOutcome(order, kind, said: said ?? 0, time: now)
        if case .answered(let length) = kind {
            for place in 0..<min(length, outcome.bytes.count) {
                outcome.bytes[place] = wire.answer[Wire.answerStart + 2 + place]
            }
        }
        // There is room: no more orders are under way than the ring holds.
        _ = recorder.outcomes.push(outcome)
    }
}
