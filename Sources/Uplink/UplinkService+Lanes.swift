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

    /// How often it came to nothing in a row, with this time. Over a way that loses some answers what went through says
    /// that it is worth trying soon; a service that asked for patience has not changed its mind by that.
    static func failures(_ before: Int, hasMoved: Bool, _ wait: Wait) -> Int {
        hasMoved && wait.cause == .way ? 1 : before + 1
    }

    /// Full jitter: anything up to the step, which doubles from 1 s to 60 s. What the service asked for, and by chance
    /// up to a quarter more, 1 s at least: those who were told the same moment do not all come back at it. Unit: ms.
    static func pause(_ failures: Int, retryAfter: Int64?) -> Int {
        let step = min(60_000, 1000 << min(failures - 1, 6))
        let asked = Int(max(0, min(retryAfter ?? 0, 3600))) * 1000
        let own = Int.random(in: 100...step)
        return asked == 0 ? own : max(own, asked + .random(in: 0...max(1000, asked / 4)))
    }
}
