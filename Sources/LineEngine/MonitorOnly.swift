#if !Commands
import DeviceModel
import DevicePlans
import ModbusFrames

// A build without the command path: a line reads, and nothing stands between its reads.

/// No effect can be ordered, for there is no value of this.
package enum NoOrder: Sendable, BitwiseCopyable {}
package typealias CommandOrder = NoOrder
typealias CommandRun = Never

/// Nobody asks for a stop, and nobody hears of one.
struct StopBox: Sendable { init(devices: Int) {} }

/// What is known of a device's answers; nothing here depends on it.
struct ModbusDrive {
    var isClean = false
    var isCalm = true

    init(_ plan: ModbusPlan, of device: DevicePlan) {}
}

extension ModbusEngine {
    var isDriven: Bool { false }
    func doubtWhatWasSaidBefore(at now: Int64) {}
    func goOnWithCommands(at now: Int64) -> Turn { .free }
    func takeStopsUnheard(at now: Int64) -> Bool { false }
    func nextBetweenStops(until: Int64, at now: Int64) -> Int? { nil }
    func openingDue(_ until: Int64, at now: Int64) -> Int64 { until }
    func owesStop(at now: Int64) -> Bool { false }
    /// What is asked is a read.
    func maySay(_ exchange: Exchange, at now: Int64) -> Bool { true }
    func finishRead(_ exchange: Exchange, _ block: ModbusBlock, _ result: WireResult, at now: Int64) {}
    func finishEffect(_ exchange: Exchange, _ request: ModbusRequest, _ result: WireResult, at now: Int64) {}
    func loseCommands(_ exchange: Exchange?, at now: Int64) {}
    func leaveCommands(at now: Int64) {}
    func endCommands(at now: Int64) {}
}

extension TextEngine {
    var isStopping: Bool { false }
    var owesStop: Bool { false }
    func forgetBarrier() {}
    func giveUpLate(at now: Int64) {}
    func goOnWithCommands(at now: Int64) -> Turn { .free }
    func takeStopUnheard(at now: Int64) {}
    func openingDue(_ until: Int64, at now: Int64) -> Int64 { until }
    func loseCommand(_ exchange: Exchange?, at now: Int64) {}
    func leaveCommand(at now: Int64) {}
    func endStops(at now: Int64) {}
    mutating func finishCommand(_ exchange: Exchange, isRefused: Bool, at now: Int64) { phase = .idle }
    mutating func expireCommand(_ exchange: Exchange, at now: Int64) { phase = .idle }
}
#endif
