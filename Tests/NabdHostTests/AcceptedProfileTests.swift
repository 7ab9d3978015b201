import Crypto
import DevicePlans
import Foundation
import ProfileLanguage
import SampleJournal
import StrictYAML
import TestSupport
import Testing

@testable import NabdHost

/// Which profiles a unit takes: those of its list, or as it read them last.
@Suite struct AcceptedProfileTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        for name in ["nonin/oem-iii-df2", "alaris/asena-gh", "xy/md02", "contec/cms50d-plus"] {
            _ = try folder.write("profiles/\(name)/profile.yaml", try Self.shipped(name))
        }
    }

    private static func shipped(_ name: String) throws -> String {
        try String(contentsOfFile: Repository.path("device-profiles/\(name)/profile.yaml"), encoding: .utf8)
    }

    private func unit(_ extra: String = "", devices: [String] = ["nonin/oem-iii-df2", "alaris/asena-gh"])
        throws -> UnitConfiguration
    {
        let lines = devices.enumerated().map { "  d\($0): {profile: \($1), line: /dev/ttyUSB\($0)}\n" }
        let text = "nabd: unit/1\nunit: u\nprofiles: profiles\n\(extra)devices:\n\(lines.joined())"
        return try UnitConfiguration.load(try folder.write("unit.yaml", text), faultsCost: .itsPart)
    }

    private func profile(_ name: String) throws -> DeviceProfile {
        try DeviceProfile.load("\(folder.path)/profiles/\(name)")
    }

    private func list(_ names: [String], version: Int64) throws -> String {
        AcceptedProfiles.text(try names.map(profile), version: version)
    }

    private func names(_ unit: UnitConfiguration) -> [String] { unit.devices.map(\.plan.profile.name) }

    /// A host that runs reads a device whose commands cannot be carried out; whoever checks the configuration is told.
    @Test func aFaultyCommandCostsNoSampling() throws {
        _ = try folder.write("profiles/alaris/asena-gh/profile.yaml", try DrivenLine.faultyText())
        let unit = try unit()
        #expect(names(unit) == ["nonin/oem-iii-df2", "alaris/asena-gh"] && unit.refused.isEmpty)
        let error = #expect(throws: InvalidFile.self) { try UnitConfiguration.load("\(folder.path)/unit.yaml") }
        let (line, column) = try DrivenLine.faultyPlace()
        #expect(
            "\(error.map { "\($0)" } ?? "")".contains(
                "profile.yaml:\(line):\(column): error: “rate” could not be carried out"))
    }

    @Test func theDigestIsThatOfSha256sum() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "sha256sum alaris/asena-gh/profile.yaml nomenclature/*.tsv | sha256sum"]
        process.currentDirectoryURL = URL(fileURLWithPath: Repository.path("device-profiles"))
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let digest = try DeviceProfile.load(Repository.path("device-profiles/alaris/asena-gh")).digest
        #expect(String(decoding: data, as: UTF8.self).hasPrefix(digest))
    }

    @Test func whatIsNotListedIsNotTaken() throws {
        _ = try folder.write("accepted.yaml", try list(["nonin/oem-iii-df2"], version: 1))
        let unit = try unit("accept: {list: accepted.yaml}\n")
        #expect(names(unit) == ["nonin/oem-iii-df2"])
        #expect(unit.refused.map(\.part) == [.device("d1")])
        #expect(unit.refused[0].reason.contains("is not in the list"))
        _ = try folder.write("profiles/nonin/oem-iii-df2/profile.yaml", "# more\n" + Self.shipped("nonin/oem-iii-df2"))
        #expect(throws: InvalidFile.self) { try self.unit("accept: {list: accepted.yaml}\n") }
    }

    @Test func aChangedProfileIsReadAsItWasTheLastTime() throws {
        _ = try folder.write("accepted.yaml", try list(["nonin/oem-iii-df2", "alaris/asena-gh"], version: 1))
        let accept = "accept: {list: accepted.yaml}\n"
        let kept = KeptProfiles(journal: "\(folder.path)/journal")
        for device in try unit(accept).devices { try kept.keep(device.plan.profile) }
        // Tampered with, broken, gone.
        let original = try Self.shipped("alaris/asena-gh")
        let tampered = original.replacingOccurrences(of: "[0, 1200]", with: "[0, 9999]")
        for text in [tampered, "nabd: profile/1\nnabd: x\n", nil] {
            if let text {
                _ = try folder.write("profiles/alaris/asena-gh/profile.yaml", text)
            } else {
                try FileManager.default.removeItem(atPath: "\(folder.path)/profiles/alaris")
            }
            let unit = try unit(accept)
            #expect(names(unit) == ["nonin/oem-iii-df2", "alaris/asena-gh"])
            #expect(unit.devices[1].plan.profile.metrics[0].absolute == 0...1200)
            #expect(unit.refused.map(\.part) == [.setting("profiles/alaris/asena-gh")])
            #expect(unit.refused[0].reason.contains("as it was the last time"))
        }
        // Whoever checks the configuration is told.
        #expect(throws: InvalidFile.self) { try UnitConfiguration.load("\(folder.path)/unit.yaml") }
        // What was kept is itself held against the list.
        _ = try folder.write("accepted.yaml", try list(["nonin/oem-iii-df2"], version: 2))
        #expect(try names(unit(accept)) == ["nonin/oem-iii-df2"])
    }

    @Test func withoutAListABrokenProfileIsReadAsItWasTheLastTime() throws {
        let kept = KeptProfiles(journal: "\(folder.path)/journal")
        for device in try unit().devices { try kept.keep(device.plan.profile) }
        _ = try folder.write("profiles/alaris/asena-gh/profile.yaml", "nabd: profile/1\nnabd: x\n")
        let unit = try unit()
        #expect(names(unit).contains("alaris/asena-gh"))
        #expect(unit.refused.map(\.part) == [.setting("profiles/alaris/asena-gh")])
    }

    @Test func aListsVersionOnlyGrows() throws {
        let accept = "accept: {list: accepted.yaml}\n"
        let kept = KeptProfiles(journal: "\(folder.path)/journal")
        _ = try folder.write("accepted.yaml", try list(["nonin/oem-iii-df2"], version: 5))
        try kept.keep(try #require(try unit(accept).accepted))
        for version in [4, 5] as [Int64] {
            _ = try folder.write("accepted.yaml", try list(["alaris/asena-gh", "nonin/oem-iii-df2"], version: version))
            let unit = try unit(accept)
            #expect(names(unit) == ["nonin/oem-iii-df2"], "the list taken before counts on")
            #expect(unit.refused.map(\.part) == [.setting("accept"), .device("d1")])
        }
        _ = try folder.write("accepted.yaml", try list(["alaris/asena-gh", "nonin/oem-iii-df2"], version: 6))
        #expect(try names(unit(accept)).count == 2)
    }

    @Test(arguments: [
        ("version: 1", "version: 0"), ("version: 1", "version: 1\nversion: 2"), ("says: reads", "says: all"),
        ("digest: ", "digest: X"), ("nabd: accepted/1", "nabd: accepted/2"), ("says: reads", "says: reads, more: 1"),
    ])
    func aFaultyListIsNotTaken(good: String, bad: String) throws {
        let text = try list(["nonin/oem-iii-df2", "alaris/asena-gh"], version: 1)
        _ = try folder.write("accepted.yaml", text.replacingOccurrences(of: good, with: bad))
        #expect(throws: InvalidFile.self) { try self.unit("accept: {list: accepted.yaml}\n") }
    }

    @Test func onlyWhatTheKeySignedIsTaken() throws {
        let key = Curve25519.Signing.PrivateKey()
        let number: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]
        func form(_ content: Data, _ number: [UInt8]) -> String {
            "untrusted comment: t\n\((Data("Ed".utf8) + Data(number) + content).base64EncodedString())\n"
        }
        let accept = "accept: {list: accepted.yaml, key: site.pub}\n"
        _ = try folder.write("site.pub", form(key.publicKey.rawRepresentation, number))
        let text = try list(["nonin/oem-iii-df2", "alaris/asena-gh"], version: 1)
        _ = try folder.write("accepted.yaml", text)
        #expect(throws: InvalidFile.self, "unsigned") { try self.unit(accept) }
        let signature = try key.signature(for: Data(text.utf8))
        _ = try folder.write("accepted.yaml.sig", form(signature, number))
        let unit = try unit(accept)
        #expect(names(unit).count == 2 && unit.refused.isEmpty)
        for bad in [
            form(signature, [9, 2, 3, 4, 5, 6, 7, 8]), form(Data(signature.reversed()), number), "", "RW",
            form(try Curve25519.Signing.PrivateKey().signature(for: Data(text.utf8)), number),
        ] {
            _ = try folder.write("accepted.yaml.sig", bad)
            #expect(throws: InvalidFile.self) { try self.unit(accept) }
        }
        _ = try folder.write("accepted.yaml.sig", form(signature, number))
        _ = try folder.write("accepted.yaml", text + " ")
        #expect(throws: InvalidFile.self, "one byte more") { try self.unit(accept) }
    }

    @Test func aMonitorOnlyUnitSaysNothingButReads() throws {
        let only = "monitor-only: true\n"
        let devices = ["nonin/oem-iii-df2", "xy/md02", "alaris/asena-gh", "contec/cms50d-plus"]
        // A listener and a Modbus device are what the host itself knows to be harmless.
        #expect(try names(unit(only, devices: devices)) == ["nonin/oem-iii-df2", "xy/md02"])
        let accept = only + "accept: {list: accepted.yaml}\n"
        let text = try list(devices, version: 1)
        #expect(text.contains("contec/cms50d-plus: {digest: ") && text.contains("says: instructions"))
        _ = try folder.write("accepted.yaml", text)
        #expect(try names(unit(accept, devices: devices)) == devices)
        _ = try folder.write("accepted.yaml", text.replacingOccurrences(of: "says: instructions", with: "says: reads"))
        #expect(try names(unit(accept, devices: devices)) == Array(devices.prefix(3)))
        // Misspelt, it holds all the same.
        #expect(try names(unit("monitor-onyl: true\n", devices: devices)) == ["nonin/oem-iii-df2", "xy/md02"])
        #expect(try names(unit("monitor-only: ja\n", devices: devices)) == ["nonin/oem-iii-df2", "xy/md02"])
    }

    /// A profile by mail, beside those that come with the host.
    @Test func aCommandsBytesAreRefusedHoweverTheyCome() throws {
        _ = try folder.write(
            "profiles/by/mail/profile.yaml",
            """
            extends: alaris/asena-gh
            requests:
              go: {send: INF_START, reply: INF_START, every: 1s, class: read}
            """)
        let unit = try unit(devices: ["nonin/oem-iii-df2", "by/mail"])
        #expect(names(unit) == ["nonin/oem-iii-df2"] && unit.refused.map(\.part) == [.device("d1")])
        #expect(unit.refused[0].reason.contains("never leaves as a request"))
    }
}
