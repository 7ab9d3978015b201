import DeviceModel
import Fieldbus
import Glibc
import Logging
import Sampling

/// What a person must do something about stands in the log as well.
struct LineLog {
    let logger: Logger

    /// - Parameter record: an event of one of the line's devices.
    func tell(_ record: SampleRecord, of worker: LineWorker) {
        let device: Logger.Metadata = ["device": "\(worker.devices[Int(record.index)])", "line": "\(worker.address)"]
        switch record.event {
        case .deviceConnected: logger.info("the device answers", metadata: device)
        case .deviceDisconnected:
            let code = Int32(truncatingIfNeeded: record.bits)
            let path = worker.address.description
            let error: FieldbusError =
                code == EBUSY
                ? .portHeld(path: path)
                : code == ENOENT || code == EACCES ? .cannotOpen(path: path, errno: code) : .disconnected(errno: code)
            logger.warning("\(error.description)", metadata: device)
        case .deviceSilent: logger.warning("the device does not answer: \(record.textValue)", metadata: device)
        case .wrongDevice:
            logger.error("this is not the device that is expected here: its values are withheld", metadata: device)
        case .conflictingReplies:
            logger.error(
                "two different answers came to one request: are two devices set to one address?", metadata: device)
        case .busContention: logger.warning("somebody else talks on this line, or it is disturbed", metadata: device)
        case .none, .deviceIdentified, .deadlinesMissed, .deviceStale, .vmdConnected, .vmdDisconnected, .lateReply,
            .duplicateReply, .unsolicitedFrame,
            .mismatchedReply, .lineEcho, .lineEchoLost, .registersRefused, .registersRestored, .heldInput:
            break
        }
    }
}

extension EventCode {
    /// Whether something was not sampled.
    var isGap: Bool {
        switch self {
        case .deviceStale, .deviceSilent, .deviceDisconnected: true
        case .none, .deviceConnected, .deviceIdentified, .wrongDevice, .deadlinesMissed, .vmdConnected,
            .vmdDisconnected, .lateReply, .duplicateReply,
            .unsolicitedFrame, .mismatchedReply, .conflictingReplies, .lineEcho, .lineEchoLost, .busContention,
            .registersRefused, .registersRestored,
            .heldInput:
            false
        }
    }
}
