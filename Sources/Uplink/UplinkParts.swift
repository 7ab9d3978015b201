import SampleJournal

/// What is done in turn beside the alarms.
enum DeliveryPart: CaseIterable {
    case configuration, parked, pumpEvents, pumpState, events, numerics, waveforms

    /// The lane that it moves; `nil` for what is of no lane.
    var lane: DeliveryLane? {
        switch self {
        case .configuration, .parked: nil
        case .pumpEvents: .pumpEvents
        case .pumpState: .pumpState
        case .events: .events
        case .numerics: .numerics
        case .waveforms: .waveforms
        }
    }

    /// Whether it is done when so much of the month's bytes has gone.
    func goes(at stage: LinkStage) -> Bool {
        switch self {
        // What alarms refer to is described in any case.
        case .configuration, .pumpEvents: true
        case .parked, .pumpState, .events, .numerics: stage != .alarmsAndPumpEvents
        case .waveforms: stage == .everything
        }
    }
}
