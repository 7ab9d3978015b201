#if Commands
import CommandFacts
import DeviceDrivers
import DevicePlans
import ModbusFrames
import ProfileLanguage

/// What is known and under way of commands to one device of a Modbus line.
struct ModbusDrive {
    let commands: [CommandPlan]
    let writes: [ModbusWritePlan]
    /// What commands read, by their looks and barriers.
    let reads: [ModbusBlock]
    /// By command: what a stop says, which is always the same.
    let stops: [ModbusRequest?]
    /// Room for unit and request of a write, so that nothing is allocated for them.
    var told: [UInt8] = []
    /// What is being done for a command.
    var run: CommandRun?
    /// How many of the stops that were asked for have begun.
    var stopsTaken: Int64 = 0
    /// Whether nothing of before can still come from the device: a question was answered and a rest followed in which
    /// nothing came, and nothing has gone wrong since.
    var isClean = false
    /// Whether nothing came since the last barrier that nobody awaited.
    var isCalm = true
    /// Until when a write of a connection that is no more may still be carried out: over a network one that this
    /// machine has let go of may lie in the device, and a look on another connection does not come behind it. Unit: ns.
    var doubtUntil: Int64 = .min

    init(_ plan: ModbusPlan, of device: DevicePlan) {
        (commands, writes, reads) = (plan.commands, plan.writes, plan.reads)
        stops = plan.commands.map { command in
            guard command.kind == .stop, let bytes = device.effect(of: command, arguments: [:]) else { return nil }
            return plan.writes[command.effect].request(bytes)
        }
        if !commands.isEmpty { told.reserveCapacity(CommandPlan.longestEffect) }
    }

    /// What comes first: a stop that was never said, then one that was, then everything else. `nil` where nothing is
    /// under way. Range: 0…2.
    var rank: Int? {
        switch run?.goal {
        case nil: nil
        case .stop(let stop)?: stop.isSaid ? 1 : 0
        case .look?, .effect?: 2
        }
    }

    var isStopping: Bool { run?.isStop == true }

    /// How long a device may take for what lies in it, as far as this can be reckoned: many times its slowest answer. A
    /// device that stands for longer is not covered. Unit: ns.
    static func longestHold(slowestReply: Int64) -> Int64 { max(3_000_000_000, min(12 * slowestReply, 8_000_000_000)) }
}

extension ModbusLineDevice {
    /// The data of a read for a command came, from `start` on. Returns whether they count.
    mutating func takeLook(_ bytes: [UInt8], from start: Int, of block: ModbusBlock, time: Int64) -> Bool {
        sink.count(.replies)
        let isBelieved = !sink.disbelieves(time: time)
        if isBelieved {
            decoder.civilClock = sink.recorder.civilClock
            decoder.take(bytes, from: start, of: block, time: time, sink: &sink)
        }
        health.hear(time: time, sink: &sink)
        return isBelieved
    }

    /// Whether the device shows what a command without arguments brings about, by what it told since a time. Unit: ns.
    func shows(_ plan: CommandPlan, since: Int64) -> Bool {
        guard !decoder.isStranger, !plan.shows.isEmpty else { return false }
        for shown in plan.shows {
            guard let test = shown.test, decoder.passes(plan.watched[shown.watched], test, since: since) == true else {
                return false
            }
        }
        return true
    }
}
#endif
