import CommandFacts
import DeviceDrivers
import DeviceModel
import DevicePlans
import ProfileLanguage
import RealTime

/// Orders, and the end of a session.
extension TextEngine {
    /// Begins an order, or ends it; `false` when it must wait.
    mutating func begin(_ order: LineOrder, at now: Int64) -> Bool {
        guard case .request(let number) = order.content, plan.requests.indices.contains(Int(number)),
            plan.requests[Int(number)].isRepeatable
        else {
            self.order = nil
            drop(order, because: .lineNotClean, at: now)
            return true
        }
        if intake.expiry(of: Int(number), now: now) != nil { return false }
        self.order = nil
        say(Int(number), .order(order), at: now)
        return true
    }

    /// When the order that waits is looked at again: when its answer can no longer be mistaken, or its time is over.
    /// Unit: ns; `.max` where none waits.
    mutating func orderDue(at now: Int64) -> Int64 {
        guard let order else { return .max }
        guard case .request(let number) = order.content, plan.requests.indices.contains(Int(number)),
            let expiry = intake.expiry(of: Int(number), now: now)
        else { return max(intake.discipline.quietUntil, now) }
        return min(max(expiry, intake.discipline.quietUntil), order.deadline)
    }

    package mutating func take(_ order: LineOrder, at now: Int64) {
        if mayTakeOrder { self.order = order } else { drop(order, because: .hostStopping, at: now) }
    }

    /// An order whose time has passed is not said.
    mutating func dropOrder(at now: Int64) {
        guard let order, now >= order.deadline else { return }
        self.order = nil
        drop(order, because: .expired, at: now)
    }

    func tell(_ order: LineOrder, _ kind: OrderOutcome.Kind, said: Int64, at now: Int64) {
        // There is room: no more orders are under way than the ring holds.
        _ = recorder.outcomes.push(OrderOutcome(order, kind, said: said, time: now))
    }

    /// An order that is not said.
    func drop(_ order: LineOrder, because reason: NotSentReason, at now: Int64) {
        tell(order, order.unsaid(because: reason), said: 0, at: now)
    }

    // MARK: The end

    package mutating func leave(at now: Int64) {
        sink.tell(isLast: true, time: now)
        // What is still awaited may take its time before.
        farewellEnd = now + Self.longestFarewell + min(Self.longestFarewell, device.line.slowestReply)
        if let order { drop(order, because: .hostStopping, at: now) }
        order = nil
        leaveCommand(at: now)
    }

    /// Until when an exchange is waited for when the host stops: what is still to be answered comes before the
    /// session's end. Unit: ns.
    func farewellLimit(_ exchange: Exchange) -> Int64 {
        guard let end = farewellEnd else { return .max }
        switch exchange.purpose {
        case .farewell: return min(end, exchange.sent + min(device.line.slowestReply, Self.longestFarewellStep))
        case .order, .command: return end
        case .question, .step: return plan.close.isEmpty ? 0 : end
        }
    }

    mutating func beginFarewell(at now: Int64) -> LineAction? {
        // The device must hear it: the line is not kept quiet as long as for a question.
        phase = .leaving(step: 0, at: min(intake.discipline.quietUntil, now + Self.longestFarewellStep))
        return nil
    }

    /// Says what ends the session; what does not answer in time is left.
    mutating func leave(step: Int, at: Int64, now: Int64) -> LineAction? {
        guard step < plan.close.count, let end = farewellEnd, now < end else { return .end }
        guard now >= at else { return .listen(until: min(at, end)) }
        say(plan.close[step], .farewell(step), at: now)
        return nil
    }
}
