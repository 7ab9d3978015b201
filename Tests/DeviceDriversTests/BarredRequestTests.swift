import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

@testable import DeviceDrivers

/// What a declared command sends never leaves as a request, whatever a profile calls it.
@Suite struct BarredRequestTests {
    private static let pump = "alaris/asena-gh"

    /// A variant of a pump's profile with further lines, in a folder of its own beside a copy of the pump's.
    private func findings(_ requests: String, extra: String = "", of pump: String = pump) throws -> [Diagnostic] {
        let folder = try TemporaryFolder()
        for name in ["profile.yaml"] {
            let text = try String(contentsOfFile: Repository.path("device-profiles/\(pump)/\(name)"), encoding: .utf8)
            _ = try folder.write("\(pump)/\(name)", text)
        }
        let text = "extends: \(pump)\nrequests:\n\(requests)\n\(extra)"
        let path = try folder.write("by/mail/profile.yaml", text)
        let diagnostics = Diagnostics()
        do throws(InvalidFile) {
            _ = try DeviceProfile.load(path, diagnostics: diagnostics)
            return []
        } catch {
            return error.diagnostics.filter { $0.severity == .error }
        }
    }

    private static let start = hex("!INF_START|", crc: "INF_START")

    private static func hex(_ text: String, crc: String) -> String {
        let sum = ChecksumAlgorithm.crc16CCITTFalse.compute(Array(crc.utf8))
        let digits = String(sum, radix: 16, uppercase: true)
        let frame = text + String(repeating: "0", count: 4 - digits.count) + digits + "\r"
        return VectorFile.hexText(Array(frame.utf8))
    }

    @Test(arguments: [
        // As a command's step says it.
        "  go: {send: INF_START, reply: INF_START, every: 1s, class: read}",
        "  go: {send: \"INF_BOLUS^ENABLED\", reply: \"INF_BOLUS^ENABLED^...\", every: 1s, class: read}",
        // With the right checksum, as bytes.
        "  go: {send: {hex: \"\(start)\"}, frame: none, reply: none, every: 1s, class: read}",
        // Behind bytes that a device skips.
        "  go: {send: {hex: \"0D 00 1B \(start)\"}, frame: none, reply: none, every: 1s, class: idempotent}",
        // With a value of its own.
        "  go: {send: \"INF_RATE^99.9^ml/h\", reply: \"INF_RATE^{_}^ml/h\", every: 1s, class: read}",
        // Without an answer.
        "  go: {send: \"INF_VTBI^DEACT\", reply: none, every: 1s, class: read}",
    ])
    func aCommandIsNoRequest(request: String) throws {
        let found = try findings(request)
        #expect(found.count == 1 && found[0].message.contains("never leaves as a request"), "\(found)")
        #expect(found.first?.location.line == 3, "\(found)")
    }

    @Test func whatIsTakenOutOfAVariantStillHolds() throws {
        let found = try findings(
            "  go: {send: INF_START, reply: INF_START, every: 1s, class: read}",
            extra: "commands: {start: ~, rate: ~}\n")
        #expect(found.count == 1 && found[0].message.contains("alaris/asena-gh: start"), "\(found)")
    }

    /// What a command's steps only read may be asked.
    @Test func aStepThatReadsIsARequestToo() throws {
        let found = try findings(
            """
              limit: {send: INF_VTBI, reply: "INF_VTBI^ACTIV^{vtbi}^ml^...", every: 5s, class: read}
            """,
            extra: """
                fields:
                  vtbi: {type: decimal, places: 3}
                metrics:
                  - {metric: MDC_VOL_FLUID_TBI, from: vtbi, unit: mL}

                """)
        #expect(!found.contains { $0.message.contains("never leaves") }, "\(found)")
    }

    /// In two pieces with a pause between them, it is the same on the line.
    @Test func piecesAreReadTogether() throws {
        let bytes = Self.start.split(separator: " ").map(String.init)
        let (first, second) = (bytes.prefix(6).joined(separator: " "), bytes.dropFirst(6).joined(separator: " "))
        let found = try findings(
            """
              go: {send: [{hex: "\(first)"}, {pause: 10ms}, {hex: "\(second)"}], \
            frame: none, reply: none, every: 1s, class: read}
            """)
        #expect(found.contains { $0.message.contains("never leaves as a request") }, "\(found)")
    }

    @Test(arguments: ["01 06 00 01 00 17 98 04", "01 10 00 01 00 01 02 00 17 67 BF", "3A 30 31 30 36 30 30 30 31"])
    func aModbusWriteIsNoRequest(frame: String) throws {
        var bytes = try #require(VectorFile.hex(frame).bytes)
        if bytes[0] == UInt8(ascii: ":") {
            bytes += Array("0017E1\r\n".utf8)
        } else {
            let sum = ChecksumAlgorithm.crc16Modbus.compute(Array(bytes.dropLast(2)))
            bytes[bytes.count - 2] = UInt8(sum & 0xFF)
            bytes[bytes.count - 1] = UInt8(sum >> 8)
        }
        #expect(ModbusWrite.isWhole(bytes))
        let found = try findings(
            "  go: {send: {hex: \"\(VectorFile.hexText(bytes))\"}, frame: none, reply: none, every: 1s, class: read}")
        #expect(found.contains { $0.message.contains("Modbus write") }, "\(found)")
        bytes[bytes.count - 3] ^= 1
        #expect(!ModbusWrite.isWhole(bytes))
    }

    /// What the device itself told may not complete a command either.
    @Test func whatIsToldLaterIsHeldBackWhenItIsSaid() throws {
        let profile = try DeviceProfile.load(Repository.path("device-profiles/\(Self.pump)"))
        guard case .serial(let plan) = profile.compile(handle: "p").protocolPlan else { return }
        var speech = SpeechGuard(plan)
        let frame = profile.frames[0]
        func bytes(_ text: String) -> [UInt8] { frame.encode(payload: Array(text.utf8)) }
        func say(_ bytes: [UInt8]) -> Bool { speech.mayBeSaid(bytes) }
        #expect(say(bytes("INF")))
        #expect(!say(bytes("INF_START")))
        #expect(!say(bytes("INF_RATE^12.5^ml/h")))
        #expect(!say(bytes("REMOTE_CTRL^ENABLED^1234")))
        #expect(say(bytes("INF_VTBI")) && say(bytes("SYRINGE_STATUS")))
        // Byte by byte, with anything said before.
        let start = bytes("INF_START")
        for byte in start.dropLast() { #expect(say([byte])) }
        #expect(!say([start[start.count - 1]]))
        // Told once, and nothing that follows pays for it.
        for _ in 0..<10_000 { #expect(say(bytes("INF"))) }
    }

    /// No profile of ours would be held back.
    @Test func profilesOfOursSayNoCommand() throws {
        let folder = Repository.path("device-profiles")
        let patterns = CommandShelf.patterns(of: [folder])
        #expect(patterns.count > 20)
        for vendor in try FileManager.default.contentsOfDirectory(atPath: folder) {
            for model in (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(vendor)")) ?? []
            where FileManager.default.fileExists(atPath: "\(folder)/\(vendor)/\(model)/profile.yaml") {
                let profile = try DeviceProfile.load("\(folder)/\(vendor)/\(model)")
                let diagnostics = Diagnostics()
                profile.refuseCommands(patterns, diagnostics)
                #expect(!diagnostics.hasErrors, "\(diagnostics.all)")
            }
        }
    }
}
