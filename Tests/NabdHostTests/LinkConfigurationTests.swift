import NabdHost
import SampleJournal
import TestSupport
import Testing
import Uplink

/// What the unit's file says of the way to the records service.
@Suite struct LinkConfigurationTests {
    private func load(_ keys: String) throws -> UnitConfiguration {
        let folder = try TemporaryFolder()
        let text = """
            nabd: unit/1
            unit: mobile-7
            profiles: \(Repository.path("device-profiles"))
            journal: {directory: journal}
            test-data: true
            devices:
              spo2-1: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
            uplink:
              {server: "https://x/fhir", authority: a, client-certificate: b, client-key: c\(keys)}
            """
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
    }

    @Test func withoutAnyThereIsNoLimit() throws {
        let unit = try load("")
        #expect(unit.uplink != nil && unit.uplinkLimits == LinkLimits() && unit.uplinkWaveforms == .always)
    }

    @Test(arguments: [
        (", waveforms: around-alarms", WaveformPolicy.aroundAlarms, Int64?.none, Int64?.none),
        (", waveforms: never, at-most: 64 kbit/s", .never, 64_000, nil),
        (", at-most: 8 kbit/s, each-month: 2 GB", .always, 8000, 2_000_000_000),
        (", at-most: 10 Gbit/s, each-month: 100 TB", .always, 10_000_000_000, 100_000_000_000_000),
        (", at-most: \"2  Mbit/s\", each-month: 10 MB", .always, 2_000_000, 10_000_000),
    ]) func limitsAreRead(keys: String, policy: WaveformPolicy, rate: Int64?, month: Int64?) throws {
        let unit = try load(keys)
        #expect(unit.uplink != nil && unit.refused.isEmpty, "\(unit.refused)")
        #expect(unit.uplinkWaveforms == policy)
        #expect(unit.uplinkLimits.bitsPerSecond == rate && unit.uplinkLimits.bytesPerMonth == month)
    }

    /// What cannot be read is told at its place, and nothing is sent by a guess.
    @Test(arguments: [
        (", waveforms: sometimes", "expected which waveforms are sent"), (", at-most: 64", "expected the rate"),
        (", at-most: 7 kbit/s", "expected the rate"), (", at-most: 64kbit/s", "expected the rate"),
        (", at-most: 11 Gbit/s", "expected the rate"), (", at-most: -64 kbit/s", "expected the rate"),
        (", at-most: 9223372036854775807 kbit/s", "expected the rate"), (", at-most: 64 kB/s", "expected the rate"),
        (", each-month: 2 GiB", "expected a month's bytes"), (", each-month: 9 MB", "expected a month's bytes"),
        (", each-month: 101 TB", "expected a month's bytes"), (", each-month: 0.5 GB", "expected a month's bytes"),
        (", each-month: [2 GB]", "expected a month's bytes"), (", every-month: 2 GB", "every-month"),
    ]) func aFaultIsToldAndNothingIsSent(keys: String, message: String) throws {
        let unit = try load(keys)
        #expect(unit.uplink == nil && unit.retention.hasUplink)
        #expect(unit.refused.contains { $0.reason.contains(message) && $0.reason.contains("unit.yaml:9:") })
    }
}
