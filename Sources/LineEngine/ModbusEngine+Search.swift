import DeviceModel
import DevicePlans
import ProfileLanguage

/// Registers that a device does not have, reads that are too long for it, and what becomes of them.
extension ModbusEngine {
    /// Nothing was heard of a read: after a few times shorter ones are tried, since a device may be silent where it
    /// should refuse.
    mutating func beSilent(_ index: Int, at now: Int64) {
        if case .searching = roster.questions[index].body.mode { return goOn(index, isLegal: false, at: now) }
        roster.questions[index].body.silences += 1
        guard roster.questions[index].body.silences >= Self.silencesBeforeSearch else { return }
        roster.questions[index].body.silences = 0
        _ = search(index, .silence, at: now)
    }

    /// An answer came late: the device is slow, and not silent about what it was asked.
    mutating func forgetSilences(_ device: Int, at now: Int64) {
        for index in roster.questions.indices where roster.questions[index].device == device {
            roster.questions[index].body.silences = 0
            guard case .searching(let search) = roster.questions[index].body.mode, search.cause == .silence else {
                continue
            }
            roster.questions[index].body.mode = .whole
            roster.questions[index].body.searchAfter = now + Self.searchAgain
        }
    }

    /// Begins or continues the search for what a device refused; `false` when there is nothing to search.
    mutating func search(_ index: Int, _ cause: RegisterSearch.Cause, at now: Int64) -> Bool {
        switch roster.questions[index].body.mode {
        case .searching:
            goOn(index, isLegal: false, at: now)
            return true
        case .refused(_, let after):
            let next = min(Self.askRefusedAtMost, after * 2)
            roster.questions[index].body.mode = .refused(askAgain: now + next, after: next)
            return false
        case .whole:
            guard now >= roster.questions[index].body.searchAfter,
                let search = RegisterSearch(roster.questions[index].body.block, cause: cause)
            else {
                return false
            }
            roster.questions[index].body.mode = .searching(search)
            roster.questions[index].due = now
            return true
        }
    }

    /// One part of a search has been answered or refused. When it is over, the reads that the device takes stand for
    /// the one it refused.
    mutating func goOn(_ index: Int, isLegal: Bool, at now: Int64) {
        guard case .searching(var search) = roster.questions[index].body.mode else { return }
        let isOver = search.take(isLegal: isLegal)
        guard isOver else {
            roster.questions[index].body.mode = .searching(search)
            roster.questions[index].due = now
            return
        }
        let device = roster.questions[index].device
        let block = roster.questions[index].body.block
        let next = (now / block.period + 1) * block.period
        roster.questions[index].body.mode = .whole
        roster.questions[index].body.searchAfter = now + Self.searchAgain
        roster.questions[index].due = next
        for block in search.refused { devices[device].miss(block, .notAvailable, .deviceException, time: now) }
        // A device that refuses everything, while it starts perhaps, is asked for everything again.
        guard !search.refusedAll else { return }
        if let length = search.longest { devices[device].keep(longestRead: length, isSure: search.cause != .silence) }
        for block in search.refused {
            devices[device].sink.event(.registersRefused, words: "\(block.space.rawValue) \(block.address)", time: now)
        }
        let part = roster.questions[index].part
        let plan = devices[device].plan
        roster.questions.remove(at: index)
        for (blocks, isRefused) in [(search.remaining, false), (search.refused, true)] {
            for block in blocks {
                var read = ModbusRead(block, of: plan, widest: devices[device].widest[part ?? 0])
                if isRefused { read.mode = .refused(askAgain: now + Self.askRefusedAgain, after: Self.askRefusedAgain) }
                roster.questions.append(
                    Roster.Question(device: device, part: part, period: block.period, due: next, body: read))
            }
        }
        tellRefused(device, at: now)
    }

    /// Registers that were refused are answered after all.
    mutating func takeBack(_ index: Int, at now: Int64) {
        let device = roster.questions[index].device
        let block = roster.questions[index].body.block
        devices[device].sink.event(.registersRestored, words: "\(block.space.rawValue) \(block.address)", time: now)
        roster.questions[index].body.mode = .whole
        tellRefused(device, at: now)
    }

    /// The alert holds for as long as anything that the profile wants is refused.
    mutating func tellRefused(_ device: Int, at now: Int64) {
        let isAny = roster.questions.contains { question in
            if question.device == device, case .refused = question.body.mode { true } else { false }
        }
        devices[device].sink.alert(.registersRefused, holds: isAny, time: now)
    }

    /// A device that was silent may have been replaced, or may have been starting when it refused: it is asked for
    /// everything again.
    mutating func restore(_ device: Int, at now: Int64) {
        let isRefusing = roster.questions.contains { question in
            if question.device == device, case .refused = question.body.mode { true } else { false }
        }
        if isRefusing { replace(device, by: planned(device, due: now), at: now) }
    }
}
