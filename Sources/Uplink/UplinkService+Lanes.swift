import Logging
import SampleJournal
import Synchronization

/// What is told of single lanes, and of what goes at all.
extension UplinkService {
    /// Notes why a lane waits, once for each reason until something of it is stored.
    func tell(_ lane: DeliveryLane?, _ progress: LaneRunner.Progress, _ book: DeliveryBook) throws {
        guard let lane else { return }
        switch progress {
        case .idle, .passed: break
        case .moved: laneErrors.withLock { $0[lane] = nil }
        case .waits(let wait):
            let isNew = laneErrors.withLock { errors in
                defer { errors[lane] = wait.reason }
                return errors[lane] != wait.reason
            }
            if isNew, !Task.isCancelled { try book.note(lane, error: wait.reason, utc: BundleSender.utc()) }
        }
    }

    /// Says once what of everything goes now.
    func tellStage() -> LinkStage {
        let stage = link.stage
        let isNew = state.withLock { state in
            defer { state.stage = stage }
            return state.stage != stage
        }
        if isNew { logger.notice("what the month's bytes leave to be sent", metadata: ["sent": "\(stage.rawValue)"]) }
        return stage
    }
}
