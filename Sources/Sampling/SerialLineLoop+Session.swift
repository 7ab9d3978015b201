import Fieldbus

/// The session: its steps, and what is said at its end.
extension SerialLineLoop {
    func advanceSession() {
        guard let step = opening else { return }
        opening = step + 1 < plan.open.count ? step + 1 : nil
        openingDue = 0
    }

    func restartSession(after pause: Int64, at now: Int64) {
        outstanding = nil
        opening = plan.open.isEmpty ? nil : 0
        openingDue = now + pause
    }

    /// Says what ends the session; what does not answer in time is left.
    func sayFarewell() {
        // What is still awaited may take its time before.
        let end = clock.now() + Self.longestFarewell + min(Self.longestFarewell, device.line.slowestReply)
        // What is still to be answered is waited for: one question at a time, to the last.
        while !plan.close.isEmpty, let waiting = outstanding, clock.now() < end {
            do { try awaitReply(waiting) } catch { return }
        }
        for index in plan.close {
            guard clock.now() < end, let bytes = intake.decoder.bytes(of: index) else { return }
            // The device must hear it: the line is not kept quiet as long as for a question.
            clock.sleep(until: min(end, quietUntil, clock.now() + 500_000_000))
            do throws(FieldbusError) {
                intake.decoder.expect(index)
                intake.said(bytes)
                try line.write(bytes, deadline: end)
                let limit = min(end, clock.now() + min(device.line.slowestReply, 500_000_000))
                while plan.requests[index].reply != nil, clock.now() < limit, intake.decoder.takeAnswered() == nil {
                    let count = try line.read(into: &buffer, deadline: limit)
                    intake.take(buffer, count: count, awaited: index, time: clock.now(), sink: &sink)
                    try sayBack()
                }
                quietUntil = clock.now() + device.line.turnaround
            } catch {
                return
            }
        }
    }
}
