import DeviceModel
import DevicePlans
import ProfileLanguage
import TestSupport
import Testing

@testable import DeviceSimulator

/// What devices at one played patient say, as the host reads it.
@Suite struct PlayedPatientTests {
    private static let pleth = "MDC_PULS_OXIM_PLETH"
    private static let pulse = "MDC_PULS_OXIM_PULS_RATE"
    private static let saturation = "MDC_PULS_OXIM_SAT_O2"

    private func recording(
        _ profile: String, seed: UInt64, episodes: [PlayedPatient.Episode] = [],
        incidents: [PlayedScene.Incident] = [], from start: Double = 0, for length: Double = 32
    ) throws -> PlayedRecording {
        try PlayedRecording(
            profile, PlayedScene(patient: PlayedPatient(seed: seed, episodes: episodes), incidents: incidents),
            from: start, for: length)
    }

    /// Whether what a curve's beats come to is what the number says, in the time of the recording.
    private func agree(_ curve: PlayedRecording, _ metric: String, period: Double, _ number: Double) -> Bool {
        curve.rate(of: metric, period: period).map { abs($0 - number) <= 1 } ?? false
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func beatsOfAPlethAreThoseOfThePulse(seed: UInt64) throws {
        let nonin = try recording("nonin/oem-iii-df2", seed: seed, from: Double(seed) * 100)
        #expect(nonin[Self.pleth].count > 2300)
        #expect(agree(nonin, Self.pleth, period: 1.0 / 75, nonin.mean(of: Self.pulse)))
        // Somebody else's number is not that of these beats.
        #expect(!agree(nonin, Self.pleth, period: 1.0 / 75, nonin.mean(of: Self.pulse) + 2.5))
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func devicesAtABedAgree(seed: UInt64) throws {
        let monitor = try recording("ivy/450c", seed: seed)
        let oximeter = try recording("nonin/oem-iii-df2", seed: seed)
        let capnograph = try recording("oridion/capnostream-20", seed: seed)
        let pulse = oximeter.mean(of: Self.pulse)
        #expect(agree(monitor, "MDC_ECG_ELEC_POTL", period: 0.005, pulse))
        #expect(agree(monitor, Self.pleth, period: 0.02, pulse))
        #expect(abs(monitor.mean(of: "MDC_ECG_HEART_RATE") - pulse) <= 1)
        #expect(abs(monitor.mean(of: Self.saturation) - oximeter.mean(of: Self.saturation)) <= 1)
        let breathing = monitor.mean(of: "MDC_RESP_RATE")
        #expect(agree(monitor, "NABD_RESPIRATION_WAVE", period: 0.02, breathing))
        #expect(agree(capnograph, "MDC_AWAY_CO2", period: 0.05, breathing))
        #expect(abs(capnograph.mean(of: "MDC_CO2_RESP_RATE") - breathing) <= 1)
        #expect(abs(capnograph.mean(of: "MDC_AWAY_CO2_ET") - monitor.mean(of: "MDC_AWAY_CO2_ET")) <= 1)
        let most = capnograph["MDC_AWAY_CO2"].map(\.value).max() ?? 0
        #expect(abs(most - capnograph.mean(of: "MDC_AWAY_CO2_ET")) <= 2)
        // The monitor says its last pressure in each block: when it was measured is not known of the first.
        #expect(monitor.ofBefore.contains("MDC_PRESS_BLD_NONINV_SYS"))
        // What the profile does not play is not connected.
        #expect(monitor["NABD_TEMP_2"].isEmpty)
    }

    @Test func theProfilesOwnPlayIsFoundToDisagree() throws {
        // Its pleth is by the rate of the moment, from the beginning on: it is no patient's.
        let curve = try PlayedRecording("ivy/450c", PlayedScene(), for: 32)
        let patient = try recording("ivy/450c", seed: 3)
        #expect(!agree(curve, Self.pleth, period: 0.02, patient.mean(of: Self.pulse)))
    }

    @Test func theSameSeedGivesTheSameBytes() throws {
        for profile in ["nonin/oem-iii-df2", "ivy/450c", "oridion/capnostream-20", "phasein/gas-bench"] {
            let one = try recording(profile, seed: 5, for: 10).bytes
            #expect(one == (try recording(profile, seed: 5, for: 10).bytes))
            #expect(one != (try recording(profile, seed: 6, for: 10).bytes))
        }
    }

    @Test func whenItIsAskedChangesNothing() {
        let (one, other) = (PlayedBody(PlayedPatient(seed: 9)), PlayedBody(PlayedPatient(seed: 9)))
        _ = other.electrocardiogram(500)
        for step in stride(from: 500.0, to: 510, by: 0.01) {
            #expect(one.electrocardiogram(step) == other.electrocardiogram(step))
            #expect(one.countedPulse(step) == other.countedPulse(step))
        }
    }

    @Test func aDesaturationComesAndGoes() throws {
        let fall = PlayedPatient.Episode(.desaturation(to: 83), PlayedTimes(from: 60, for: 60, every: 300))
        func lowest(_ range: ClosedRange<Double>, _ episodes: [PlayedPatient.Episode]) throws -> Double {
            let read = try recording(
                "nonin/oem-iii-df2", seed: 4, episodes: episodes, from: range.lowerBound,
                for: range.upperBound - range.lowerBound)
            return try #require(read[Self.saturation].map(\.value).min())
        }
        #expect(try lowest(0...60, [fall]) >= 94)
        // Below 88 for longer than the delay of any preset.
        #expect(try lowest(75...105, [fall]) <= 84)
        let during = try recording("nonin/oem-iii-df2", seed: 4, episodes: [fall], from: 75, for: 30)
        #expect(during[Self.saturation].allSatisfy { $0.value < 88 })
        #expect(try lowest(121...180, [fall]) >= 94)
        #expect(try lowest(375...405, [fall]) <= 84)
        #expect(try lowest(75...105, []) >= 94)
    }

    @Test func whatBefallsADeviceIsShownAsLongAsItLasts() {
        let times = PlayedTimes(from: 10, for: 5, every: 60)
        #expect(times.elapsed(at: 9.9) == nil && times.elapsed(at: 15) == nil)
        #expect(times.elapsed(at: 10) == 0 && times.elapsed(at: 72) == 2)
        let scene = PlayedScene(incidents: [.init(.unplugged, times), .init(.shows(["mode": .text("STOP")]), times)])
        #expect(scene.isUnplugged(at: 12) && !scene.isUnplugged(at: 16))
        #expect(scene.shown(["mode"], at: 12) != nil && scene.shown(["mode"], at: 16) == nil)
        #expect(scene.shown(["rate"], at: 12) == nil)
    }

    @Test func alarmsOfAPumpAreRead() throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh")).compile(handle: "pump")
        guard case .serial(let serial) = plan.protocolPlan else { return }
        let scene = PlayedScene(
            incidents: [.init(.shows(["alarm": .text("OCCLUSION")]), PlayedTimes(from: 20, for: 10))])
        let writer = MessageWriter(plan: plan, serial: serial, scene: scene)
        let status = try #require(serial.requests.first { $0.name == "status" }?.reply)
        func text(_ seconds: Double) -> String {
            String(decoding: writer.message(status, slot: nil, seconds: seconds), as: UTF8.self)
        }
        #expect(text(25).contains("OCCLUSION") && !text(31).contains("OCCLUSION") && text(31).contains("INFUSE"))
    }
}
