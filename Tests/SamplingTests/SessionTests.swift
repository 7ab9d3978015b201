import DeviceModel
import DevicePlans
import LineEngine
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// Devices of the library that want more than a question, in virtual time.
@Suite struct SessionTests {
    private func plan(_ profile: String) throws -> DevicePlan {
        try DeviceProfile.load(Repository.path("device-profiles/\(profile)")).compile(handle: "device")
    }

    private func count(_ needle: [UInt8], in bytes: [UInt8]) -> Int {
        guard bytes.count >= needle.count else { return 0 }
        return (0...(bytes.count - needle.count)).count { bytes[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    private let enable: [UInt8] = [0x85, 0x01, 0x01, 0x00]
    private let start: [UInt8] = [0x85, 0x01, 0x04, 0x05]

    /// Capnostream: enable, start, then the monitor streams; at the end stop and disable. Bytes of the facts' vectors.
    @Test func aSessionIsOpenedInOrderAndClosed() throws {
        let identity = Array("\u{4}V45.67 02/24/2008 B355987654  ".utf8)
        let body = [UInt8(identity.count)] + identity
        let run = run(inBytes: try plan("oridion/capnostream-20"), seconds: 2) { said, _ in
            said.starts(with: [0x85, 0x01, 0x01, 0x00]) ? [.init(20_000_000, [0x85] + body + [body.reduce(0, ^)])] : []
        }
        #expect(run.said.starts(with: enable + start))
        #expect(count(start, in: run.said) == 1)
        #expect(run.said.suffix(8) == [0x85, 0x01, 0x05, 0x04, 0x85, 0x01, 0x02, 0x03])
    }

    @Test func aSessionThatIsNotAnsweredIsTriedAgainAndNothingElseIsSaid() throws {
        let run = run(inBytes: try plan("oridion/capnostream-20"), seconds: 600) { _, _ in [PlayedText.Sending]() }
        #expect(count(enable, in: run.said) >= 2)
        #expect(count(start, in: run.said) == 0, "started before it was enabled")
        #expect(run.records.filter { $0.kind == .sample }.allSatisfy { !$0.validity.carriesValue })
    }

    /// Fresenius: ENQ is answered with DC4 also when it comes in the middle of a frame, a good frame with ACK, a bad
    /// one with NAK.
    @Test func theDeviceIsAnsweredAtOnce() throws {
        let body = Array("0C;b1F".utf8)
        let digits = String(0xFF - body.reduce(UInt8(0), &+), radix: 16, uppercase: true)
        let whole = [0x02] + body + Array((digits.count == 1 ? "0" : "").utf8) + Array(digits.utf8) + [0x03]
        var isFirst = true
        let run = run(inBytes: try plan("fresenius/base-a"), seconds: 2) { _, _ in
            defer { isFirst = false }
            return isFirst
                ? [
                    .init(
                        10_000_000,
                        Array(whole[..<4]) + [0x05] + Array(whole[4...]) + [0x02, 0x30, 0x43, 0x30, 0x30, 0x03])
                ] : []
        }
        for answer in [[0x14], [0x06], [0x15, 0x32]] as [[UInt8]] {
            let saying = run.line.said.first { count(answer, in: $0.bytes) > 0 }
            #expect(saying != nil && saying?.time == run.line.said[0].time + 10_000_000, "\(answer)")
        }
    }

    /// A reply is not repeated as a new result.
    @Test func aResultToldAgainIsTheSameResult() throws {
        let result: [UInt8] = [
            0x3E, 0x18, 0x73, 0x00, 0x4A, 0x00, 0x1E, 0x01, 0, 0, 0, 0, 0, 0, 0x31, 0x07, 0x55, 0x00, 0x58, 0, 0, 0, 0,
            0xE9,
        ]
        let run = run(inBytes: try plan("suntech/advantage"), seconds: 60) { said, _ in
            if said.starts(with: [0x3A, 0x79, 0x03]) { return [.init(20_000_000, result)] }
            return said.starts(with: [0x3A, 0x79, 0x05])
                ? [.init(20_000_000, [0x3E, 0x05, 0x0C, 0x00, 0xB1] as [UInt8])] : []
        }
        #expect(run.values("MDC_PRESS_BLD_NONINV_SYS").map(\.bits) == [115])
        #expect(count([0x3A, 0x79, 0x03, 0x00, 0x4A], in: run.said) >= 10)
    }

    /// A question that is never answered, with retries, keeps no other from being asked, and is told as what it is.
    @Test func aQuestionThatIsNeverAnsweredStarvesNoOther() throws {
        let text = """
            nabd: profile/1
            device: {manufacturer: test, model: text, kind: test}
            provenance: [{document: test, seen: here}]
            line: {serial: 9600, format: 8N1, slowest-reply: 100ms}
            frames:
              message: {start: "!", end: "\\r", longest: 64}
            fields:
              first: {type: decimal, places: 1}
              second: {type: decimal, places: 1}
              third: {type: decimal, places: 1}
            requests:
              first: {send: "A", reply: "A{first}", every: 300ms, class: read, retries: 2}
              second: {send: "B", reply: "B{second}", every: 300ms, class: read}
              third: {send: "C", reply: "C{third}", every: 300ms, class: read}
            metrics:
              - {metric: MDC_TEMP, from: first, unit: Cel}
              - {metric: NABD_RELATIVE_HUMIDITY, from: second, unit: "%"}
              - {metric: NABD_PUMP_PRESSURE, from: third, unit: "mm[Hg]"}
            """
        let plan = try DeviceProfile.load(try YAMLFile(path: "test/text/profile.yaml", text: text)).compile(
            handle: "device")
        let run = run(plan, seconds: 600) { said, _ in
            said.contains("B")
                ? [.init(20_000_000, "!B1.5\r")] : said.contains("C") ? [.init(20_000_000, "!C2.5\r")] : []
        }
        #expect(run.line.said.count { $0.text.contains("A") } >= 3)
        for (name, bits) in [("NABD_RELATIVE_HUMIDITY", 15), ("NABD_PUMP_PRESSURE", 25)] as [(String, Int64)] {
            let values = run.values(name)
            #expect(values.count >= 1500 && values.allSatisfy { $0.bits == bits }, "\(name): \(values.count)")
        }
        #expect(run.values("MDC_TEMP").isEmpty)
        #expect(run.samples("MDC_TEMP").contains { $0.reason == .timedOut })
        #expect(run.recorder.count(.timeouts, device: 0) >= 1)
    }
}
