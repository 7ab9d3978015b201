import Testing

@testable import SampleJournal
@testable import Uplink

/// How fast a lane goes, from looks at it.
@Suite struct LaneProgressTests {
    @Test func oneLookSaysNothing() {
        var lane = LaneProgress()
        #expect(lane.perMinute == 0 && lane.left == nil)
        lane.look(at: 100, backlog: 1000, stored: 50)
        #expect(lane.perMinute == 0 && lane.left == nil)
        lane.look(at: 100, backlog: 900, stored: 60)
        #expect(lane.left == nil, "no time has passed")
    }

    @Test func theLastMinuteCounts() {
        var lane = LaneProgress()
        for look in 0..<20 {
            // First nothing goes, then it catches up by ten a second and stores four a second.
            let seconds = Double(look * 15)
            lane.look(
                at: seconds, backlog: look < 10 ? 5000 : 5000 - Int64(look - 10) * 150,
                stored: look < 10 ? 0 : Int64(look - 10) * 60)
            if look == 9 { #expect(lane.perMinute == 0 && lane.left == nil) }
        }
        #expect(lane.perMinute == 240)
        #expect(lane.left == 365)
    }

    @Test func whatIsThroughHasNothingLeftAndWhatGrowsHasNoEnd() {
        var lane = LaneProgress()
        lane.look(at: 0, backlog: 10, stored: 0)
        lane.look(at: 15, backlog: 0, stored: 5)
        #expect(lane.left == 0)
        lane.look(at: 30, backlog: 40, stored: 5)
        #expect(lane.left == nil)
        // A book that was set aside begins to count anew.
        lane.look(at: 45, backlog: .max, stored: 0)
        #expect(lane.perMinute == 0 && lane.left == nil)
    }

    @Test(arguments: [
        ("MDC_FLOW_FLUID_PUMP", false, DeliveryLane.pumpState), ("MDC_PUMP_INFUSING_STATUS", false, .pumpState),
        ("NABD_PUMP_ALARM_TEXT", false, .pumpState), ("MDC_VOL_FLUID_DELIV_TOTAL", false, .pumpState),
        ("MDC_TEMP", false, .numerics), ("MDC_PULS_OXIM_SAT_O2", false, .numerics),
        ("MDC_PULS_OXIM_PLETH", true, .waveforms),
        ("NABD_PUMP_PRESSURE", true, .waveforms),
    ]) func aStreamHasOneLane(metric: String, isWaveform: Bool, lane: DeliveryLane) {
        #expect(DeliveryLane(of: BedStory.stream("d", metric, isWaveform: isWaveform)) == lane)
    }
}
