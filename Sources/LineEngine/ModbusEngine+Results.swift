import DeviceModel
import DeviceProfiles

/// What came of a question.
extension ModbusEngine {
    mutating func finish(_ exchange: Exchange, _ result: WireResult, at now: Int64) {
        recorder.countBusy(now - exchange.started)
        devices[exchange.device].sink.count(.requests)
        isSecondTry = false
        look(asked: exchange.device, at: now)
        if result == .answered {
            reconnection.succeeded()
            answers += 1
            readyAt = max(readyAt, now + devices[exchange.device].plan.line.turnaround)
        }
        switch exchange.purpose {
        case .order(let order): finish(order, result, said: exchange.said, at: now)
        case .question(let index, let wider):
            // The silence before it was not the device's.
            let took = now - (exchange.said ?? exchange.started)
            switch result {
            case .answered: answered(index, wider: wider, at: now)
            case .refused(let code, let isAmbiguous): refused(index, wider: wider, code, isAmbiguous: isAmbiguous, took: took, at: now)
            case .failed(let failure): failed(index, wider: wider, failure, took: took, at: now)
            }
        }
    }

    mutating func answered(_ index: Int, wider: Int, at now: Int64) {
        let device = roster.questions[index].device
        let wasSilent = devices[device].isSilent
        roster.questions[index].body.silences = 0
        if wider > 0 { devices[device].sawWide(answered: true) }
        devices[device].take(
            wire.answer, from: Wire.answerStart + 2, of: roster.questions[index].body.part, part: roster.questions[index].part ?? 0, time: now)
        switch roster.questions[index].body.mode {
        case .whole: break
        case .searching: goOn(index, isLegal: true, at: now)
        case .refused: takeBack(index, at: now)
        }
        if wasSilent { restore(device, at: now) }
    }

    mutating func refused(_ index: Int, wider: Int, _ code: UInt8, isAmbiguous: Bool, took: Int64, at now: Int64) {
        let device = roster.questions[index].device
        devices[device].sink.count(.exceptions)
        guard ModbusLineDevice.isOwnWord(code, isQuick: took <= Self.quickRefusal) else {
            return failed(index, wider: wider, .refused(code: code), took: took, at: now)
        }
        devices[device].hearRefusal(time: now)
        reconnection.succeeded()
        answers += 1
        if took > Self.quickRefusal {
            let pause = devices[device].pay(took, failing: failing(with: device), period: roster.questions[index].period, time: now)
            if pause > 0 { roster.postpone(device, until: now + pause) }
        }
        if wider > 0 {
            // The registers behind are not there, or it is too long: what was planned is asked when it can be told from what is owed.
            if ModbusLineDevice.mayBeARegister(code), !isAmbiguous {
                roster.questions[index].body.widest = wider - 1
                devices[device].widest[roster.questions[index].part ?? 0] = wider - 1
            }
            return devices[device].miss(roster.questions[index].body.part, .notAvailable, .timedOut, time: now)
        }
        if ModbusLineDevice.mayBeARegister(code), !isAmbiguous, search(index, code == 2 ? .address : .length, at: now) { return }
        devices[device].miss(roster.questions[index].body.part, .notAvailable, .deviceException, time: now)
    }

    mutating func failed(_ index: Int, wider: Int, _ failure: ExchangeFailure, took: Int64, at now: Int64) {
        let device = roster.questions[index].device
        let part = roster.questions[index].body.part
        let period = roster.questions[index].period
        let (validity, reason) = ModbusLineDevice.judgement(failure)
        devices[device].miss(part, validity, reason, time: now)
        if failure == .timedOut {
            if isHeldUp(besides: device, at: now), devices[device].health.excuse() { return }
            if wider > 0 { devices[device].sawWide(answered: false) } else { beSilent(index, at: now) }
        }
        let pause = devices[device].fail(failure, took: took, failing: failing(with: device), period: period, time: now)
        if pause > 0 { roster.postpone(device, until: now + pause) }
    }

    /// Whether a device that does not answer is perhaps still waited for by a gateway, which answers nobody meanwhile.
    func isHeldUp(besides device: Int?, at now: Int64) -> Bool {
        let devices = devices
        return wire.isHeldUp(
            by: { unit in
                for index in devices.indices where index != device && !devices[index].health.isWell && devices[index].units.contains(unit) { return true }
                return false
            }, since: now - Self.longestHoldUp)
    }

    /// Devices of the line that fail, this one among them.
    func failing(with device: Int) -> Int {
        var count = 0
        for index in devices.indices where index == device || !devices[index].health.isWell { count += 1 }
        return count
    }
}
