import DeviceModel
import DevicePlans
import Foundation
import NabdHost
import ProfileLanguage
import SampleJournal
import StrictYAML
import TestSupport
import Testing

@Suite struct UnitConfigurationTests {
    private static var good: String {
        """
        nabd: unit/1
        unit: mobile-7
        profiles: \(Repository.path("device-profiles"))
        journal: {directory: journal, commit-every: 250ms}
        devices:
          spo2-1: {profile: nonin/oem-iii-df2, line: /dev/ttyUSB0}
          fridge: {profile: xy/md02, line: /dev/ttyUSB1, unit: 3, override: {scale: {MDC_TEMP: 0.01}}}
          gx: {profile: victron/gx, line: "tcp://127.0.0.1:502"}
        """
    }

    private func load(_ text: String) throws -> UnitConfiguration {
        let folder = try TemporaryFolder()
        return try UnitConfiguration.load(try folder.write("unit.yaml", text))
    }

    @Test func aGoodConfigurationIsRead() throws {
        let unit = try load(Self.good)
        #expect(unit.devices.map(\.plan.handle) == ["spo2-1", "fridge", "gx"])
        #expect(unit.lines.count == 3)
        #expect(unit.commitEvery == 250_000_000)
        #expect(unit.devices[1].plan.line.unit == 3)
        #expect(unit.devices[1].plan.streams[0].form == .integer(.init(multiplier: 1, exponent: -2)))
    }

    @Test(arguments: [
        ("unit: mobile-7", "unit: Mobile 7", "2:7", "a unit's name is lower-case"),
        ("journal: {", "jurnal: {", "4:1", "unknown key “jurnal”"),
        ("250ms", "250", "4:45", "expected the commit interval as a time"),
        ("nonin/oem-iii-df2", "nonin/oem", "6:21", "there is no profile “nonin/oem”"),
        ("line: /dev/ttyUSB0", "line: ttyUSB0", "6:46", "expected a line such as /dev/ttyUSB0"),
        ("line: /dev/ttyUSB1", "line: /dev/ttyUSB0", "7:11", "a serial protocol needs a line for itself"),
        ("line: /dev/ttyUSB1", "line: \"tcp://127.0.0.1:1\"", "7:36", "this device speaks Modbus RTU"),
        ("unit: 3", "unit: 0", "7:56", "the Modbus unit is 0, expected 1 to 255"),
        ("MDC_TEMP: 0.01", "MDC_TEMPO: 0.01", "7:78", "the profile has no “MDC_TEMPO”"),
        ("  spo2-1:", "  fridge:", "7:3", "the key “fridge” stands twice"),
        ("nabd: unit/1", "nabd: profile/1", "1:7", "this file says it is “profile/1”"),
        (
            "line: /dev/ttyUSB0}", "line: /dev/ttyUSB0, serial: x}", "6:68",
            "this profile does not tell the device's serial number"
        ),
    ])
    func eachFaultIsToldAtItsPlace(replacing: String, with: String, place: String, message: String) throws {
        let text = Self.good.replacingOccurrences(of: replacing, with: with)
        #expect(text != Self.good)
        do {
            _ = try load(text)
            Issue.record("nothing was found")
        } catch let error as InvalidFile {
            let match = error.diagnostics.first { $0.message.contains(message) }
            #expect(match.map { "\($0.location.line):\($0.location.column)" } == place, "\(error)")
        }
    }

    /// What samples is not stopped by a part that is faulty.
    @Test(arguments: [
        ("nonin/oem-iii-df2", "nonin/oem", "device spo2-1", ["fridge", "gx"]),
        ("unit: 3", "unit: 0", "device fridge", ["spo2-1", "gx"]),
        ("  fridge: {profile: xy/md02", "  fridge: {profil: xy/md02", "device fridge", ["spo2-1", "gx"]),
        ("unit: mobile-7", "unit: Mobile 7", "unit", ["spo2-1", "fridge", "gx"]),
        ("journal: {", "jurnal: {", "the file as a whole", ["spo2-1", "fridge", "gx"]),
        ("250ms", "250", "journal", ["spo2-1", "fridge", "gx"]),
        // Which of the two is at that port nobody knows.
        ("line: /dev/ttyUSB1", "line: /dev/ttyUSB0", "device fridge, device spo2-1", ["gx"]),
    ])
    func aFaultCostsItsPart(replacing: String, with: String, parts: String, devices: [String]) throws {
        let text = Self.good.replacingOccurrences(of: replacing, with: with)
        let folder = try TemporaryFolder()
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        #expect(unit.refused.map { "\($0.part)" }.sorted().joined(separator: ", ") == parts)
        #expect(unit.refused.allSatisfy { $0.reason.contains("unit.yaml:") && $0.reason.contains("error") })
        #expect(unit.devices.map(\.plan.handle) == devices)
    }

    /// What may go is not guessed, and nothing leaves under a guessed label.
    @Test(arguments: [
        ("commit-every: 250ms", "limit: 1MiB", true), ("commit-every: 250ms", "shed: [waveform, numerics]", true),
        ("commit-every: 250ms", "keep: 1s, shed: [numerics]", true),
        ("commit-every: 250ms", "limit: 512MiB, shed: [numerics]", false),
    ])
    func aFaultInTheJournalsPartLetsNothingGo(replacing: String, with: String, isFaulty: Bool) throws {
        let folder = try TemporaryFolder()
        let text = Self.good.replacingOccurrences(of: replacing, with: with)
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        #expect(unit.refused.map(\.part) == (isFaulty ? [.setting("journal")] : []))
        #expect(unit.retention.shed == (isFaulty ? [] : [.numerics]))
        #expect(unit.retention.limit == (isFaulty ? 8 << 30 : 512 << 20))
        #expect(unit.retention.keep == nil)
    }

    @Test func aMisspeltUplinkAndAFaultyLabelSendNothingAndKeepEverything() throws {
        let uplink = "uplink: {server: \"https://x/fhir\", authority: a, client-certificate: b, client-key: c}"
        let folder = try TemporaryFolder()
        for tail in [uplink.replacingOccurrences(of: "uplink", with: "uplnk"), "\(uplink)\ntest-data: perhaps"] {
            let path = try folder.write("unit.yaml", "\(Self.good)\n\(tail)")
            let unit = try UnitConfiguration.load(path, faultsCost: .itsPart)
            #expect(unit.uplink == nil)
            #expect(unit.retention.hasUplink)
            #expect(!unit.refused.isEmpty)
        }
    }

    /// An unknown key may be any one that is missing, misspelt.
    @Test(arguments: ["uplnk", "testdata", "jurnal", "metrcs"], [true, false])
    func aMisspeltKeyIsHeldToBeTheMissingOne(key: String, saysLabel: Bool) throws {
        let uplink = "uplink: {server: \"https://x/fhir\", authority: a, client-certificate: b, client-key: c}"
        let label = saysLabel ? "\ntest-data: true" : ""
        let folder = try TemporaryFolder()
        let journal = "journal: {directory: journal, commit-every: 250ms}"
        let whole = "\(Self.good)\n\(uplink)\(label)\n\(key): {a: 1}"
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", whole), faultsCost: .itsPart)
        #expect((unit.uplink != nil) == saysLabel, "without a label nothing is sent")
        #expect(unit.retention.hasUplink)
        #expect(unit.retention.shed == [.waveforms])
        let path = try folder.write("unit.yaml", whole.replacingOccurrences(of: journal, with: ""))
        let without = try UnitConfiguration.load(path, faultsCost: .itsPart)
        #expect(without.retention.shed == [], "without the journal's part nothing goes")
        #expect(without.retention.hasUplink)
    }

    /// Each contradiction costs the two that it is between.
    @Test func whoContradictsNobodyIsRead() throws {
        let text = Self.good.replacingOccurrences(
            of: "  gx:",
            with: """
                  b: {profile: xy/md02, line: /dev/ttyUSB1, unit: 5}
                  c: {profile: xy/md02, line: /dev/ttyUSB1, unit: 5}
                  gx:
                """)
        let folder = try TemporaryFolder()
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        #expect(Set(unit.refused.map(\.part)) == [.device("b"), .device("c")])
        #expect(unit.devices.map(\.plan.handle) == ["spo2-1", "fridge", "gx"])
    }

    @Test func aUnitWithoutAnyDeviceThatCanBeReadIsNone() throws {
        let text = Self.good.replacingOccurrences(of: "profile: ", with: "profil: ")
        let folder = try TemporaryFolder()
        #expect(throws: InvalidFile.self) {
            _ = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        }
    }

    /// The same fault of one profile is found for each device that names it.
    @Test func twoDevicesOfOneFaultyProfileAreBothRefused() throws {
        let text = Self.good.replacingOccurrences(
            of: "  gx:",
            with: "  a: {profile: none/such, line: /dev/ttyUSB4}\n  b: {profile: none/such, line: /dev/ttyUSB5}\n  gx:")
        let folder = try TemporaryFolder()
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        #expect(Set(unit.refused.map(\.part)) == [.device("a"), .device("b")])
    }

    @Test func aFaultyUplinkCostsTheUplinkAndNothingRecorded() throws {
        let text =
            Self.good
            + "\nuplink: {server: \"http://x/fhir\", authority: a.pem, client-certificate: b.pem, client-key: c.key}"
        let folder = try TemporaryFolder()
        let unit = try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        #expect(unit.uplink == nil)
        #expect(unit.retention.hasUplink, "what is recorded still waits for it")
        #expect(unit.refused.map(\.part) == [.setting("uplink")])
        #expect(unit.devices.count == 3)
        // Files that are not there yet are waited for.
        let waiting = try UnitConfiguration.load(
            try folder.write("unit.yaml", text.replacingOccurrences(of: "http:", with: "https:")), faultsCost: .itsPart)
        #expect(waiting.uplink != nil && waiting.refused.isEmpty)
    }

    @Test func thereIsALimitOfLinesAndDevices() throws {
        func unit(_ count: Int, _ device: (Int) -> String) throws -> UnitConfiguration {
            let head = "nabd: unit/1\nunit: many\nprofiles: \(Repository.path("device-profiles"))\ndevices:\n"
            let text = head + (0..<count).map { "  d\($0): \(device($0))\n" }.joined()
            let folder = try TemporaryFolder()
            return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
        }
        let lines = try unit(70) { "{profile: nonin/oem-iii-df2, line: /dev/ttyUSB\($0)}" }
        #expect(lines.lines.count == UnitConfiguration.mostLines)
        #expect(lines.refused.count == 6)
        let devices = try unit(260) {
            "{profile: xy/md02, line: /dev/ttyUSB\($0 / 10), unit: \($0 % 10 + 1), "
                + "override: {every: {MDC_TEMP: 60s, NABD_RELATIVE_HUMIDITY: 60s}}}"
        }
        #expect(devices.devices.count == UnitConfiguration.mostDevices)
        #expect(devices.refused.count == 4)
    }

    @Test func twoUnitsOfOneNumberCannotShareALine() throws {
        let text = Self.good.replacingOccurrences(
            of: "  gx:", with: "  room: {profile: xy/md02, line: /dev/ttyUSB1, unit: 3}\n  gx:")
        #expect(throws: InvalidFile.self) { _ = try load(text) }
        #expect(try load(text.replacingOccurrences(of: "unit: 3}\n", with: "unit: 4}\n")).lines.count == 3)
    }

    /// Whoever opens the port first would have it, and the other device would never be heard.
    @Test(arguments: [
        ("tcp://10.0.0.1:4000", ", from: 10.0.0.9", false), ("tcp://0.0.0.0:4000", "", false),
        ("tcp://10.0.0.1:4000", "", false),
        ("tcp://10.0.0.1:4001", "", true), ("tcp://10.0.0.2:4000", "", true),
    ])
    func twoDevicesThatCallNeedTwoPorts(listen: String, from: String, isGood: Bool) throws {
        let text = Self.good.replacingOccurrences(
            of: "  gx:",
            with: """
                  lab: {profile: astm/lis2-a2, listen: "tcp://10.0.0.1:4000"}
                  lab-2: {profile: astm/lis2-a2, listen: "\(listen)"\(from)}
                  gx:
                """)
        if isGood {
            #expect(try load(text).lines.count == 5)
        } else {
            #expect(throws: InvalidFile.self) { _ = try load(text) }
        }
    }

    @Test func anUplinkNeedsItsFilesAndHTTPS() throws {
        let text =
            Self.good
            + "\nuplink: {server: \"http://x/fhir\", authority: a.pem, client-certificate: b.pem, client-key: c.key}"
        do {
            _ = try load(text)
            Issue.record("nothing was found")
        } catch let error as InvalidFile {
            #expect(error.diagnostics.count == 4, "\(error)")
        }
    }

    @Test func theJournalsLimitsAreRead() throws {
        let text = Self.good.replacingOccurrences(
            of: "commit-every: 250ms", with: "limit: 512MiB, keep: 48h, shed: [waveforms, numerics]")
        let retention = try load(text).retention
        #expect(retention.limit == 512 << 20)
        #expect(retention.keep == 172_800_000_000_000)
        #expect(retention.shed == [.waveforms, .numerics])
        #expect(!retention.hasUplink)
    }

    @Test(arguments: [
        "limit: 3MiB", "limit: 8", "limit: 8GB", "limit: -1GiB", "limit: 99999TiB", "keep: 1s", "keep: 5",
        "shed: [alarms]", "shed: waveforms",
    ])
    func aWrongLimitIsToldWithItsPlace(setting: String) {
        let error = #expect(throws: InvalidFile.self) {
            _ = try load(Self.good.replacingOccurrences(of: "commit-every: 250ms", with: setting))
        }
        #expect(error?.description.contains("unit.yaml:4:") == true)
    }
}
