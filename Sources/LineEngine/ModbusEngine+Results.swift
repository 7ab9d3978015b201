import DeviceModel
import DevicePlans
import ProfileLanguage

/// What came of a question.
extension ModbusEngine {
    /// A question that is over.
    struct Asked {
        /// Its place in the roster.
        let index: Int
        let device: Int
        /// What was read.
        let part: ModbusBlock
        let wider: Int
        /// From when it went out: the silence before was not the device's. Unit: ns.
        let took: Int64
    }

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
        if result != .answered { devices[exchange.device].drive.isClean = false }
        switch exchange.purpose {
        case .command(let block): finishRead(exchange, block, result, at: now)
        case .effect(let request): finishEffect(exchange, request, result, at: now)
        case .order(let order): finish(order, result, said: exchange.said, at: now)
        case .question(let index, let wider):
            guard let part = exchange.part else { return }
            let asked = Asked(
                index: index, device: exchange.device, part: part, wider: wider,
                took: now - (exchange.said ?? exchange.started))
            switch result {
            case .answered: answered(asked, at: now)
            case .refused(let code, let isAmbiguous): refused(asked, code, isAmbiguous: isAmbiguous, at: now)
            case .failed(let failure): failed(asked, failure, at: now)
            }
        }
    }

    private mutating func answered(_ asked: Asked, at now: Int64) {
        let device = asked.device
        let wasSilent = devices[device].isSilent
        roster.questions[asked.index].body.silences = 0
        if asked.wider > 0 { devices[device].sawWide(answered: true) }
        let part = roster.questions[asked.index].part ?? 0
        devices[device].take(wire.answer, from: Wire.answerStart + 2, of: asked.part, part: part, time: now)
        switch roster.questions[asked.index].body.mode {
        case .whole: break
        case .searching: goOn(asked.index, isLegal: true, at: now)
        case .refused: takeBack(asked.index, at: now)
        }
        if wasSilent { restore(device, at: now) }
    }

    private mutating func refused(_ asked: Asked, _ code: UInt8, isAmbiguous: Bool, at now: Int64) {
        let device = asked.device
        devices[device].sink.count(.exceptions)
        guard ModbusLineDevice.isOwnWord(code, isQuick: asked.took <= Self.quickRefusal) else {
            return failed(asked, .refused(code: code), at: now)
        }
        devices[device].hearRefusal(time: now)
        reconnection.succeeded()
        answers += 1
        if asked.took > Self.quickRefusal { pay(asked, at: now) }
        if asked.wider > 0 {
            // The registers behind are not there, or it is too long: what was planned is asked when it can be told from
            // what is owed.
            if ModbusLineDevice.mayBeARegister(code) { refuseWider(asked, isCertain: !isAmbiguous) }
            return devices[device].miss(asked.part, .notAvailable, .timedOut, time: now)
        }
        if ModbusLineDevice.mayBeARegister(code), !isAmbiguous,
            search(asked.index, code == 2 ? .address : .length, at: now)
        {
            return
        }
        devices[device].miss(asked.part, .notAvailable, .deviceException, time: now)
    }

    private mutating func refuseWider(_ asked: Asked, isCertain: Bool) {
        let part = roster.questions[asked.index].part ?? 0
        guard devices[asked.device].refuseWider(part, than: asked.wider, isCertain: isCertain) else { return }
        roster.questions[asked.index].body.widest = asked.wider - 1
    }

    private mutating func failed(_ asked: Asked, _ failure: ExchangeFailure, at now: Int64) {
        let device = asked.device
        let period = asked.part.period
        let (validity, reason) = ModbusLineDevice.judgement(failure)
        devices[device].miss(asked.part, validity, reason, time: now)
        if failure == .timedOut {
            if isHeldUp(besides: device, at: now), devices[device].health.excuse() { return }
            if asked.wider > 0 { devices[device].sawWide(answered: false) } else { beSilent(asked.index, at: now) }
        }
        let pause = devices[device].fail(
            failure, took: asked.took, failing: failing(with: device), period: period, time: now)
        if pause > 0 { roster.postpone(device, until: now + pause) }
    }

    /// What took the line's time and brought nothing is paid for.
    private mutating func pay(_ asked: Asked, at now: Int64) {
        let pause = devices[asked.device].pay(
            asked.took, failing: failing(with: asked.device), period: asked.part.period, time: now)
        if pause > 0 { roster.postpone(asked.device, until: now + pause) }
    }

    /// Whether a device that does not answer is perhaps still waited for by a gateway, which answers nobody meanwhile.
    func isHeldUp(besides device: Int?, at now: Int64) -> Bool {
        let devices = devices
        return wire.isHeldUp(
            by: { unit in
                for index in devices.indices
                where index != device && !devices[index].health.isWell && devices[index].units.contains(unit) {
                    return true
                }
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
