import DeviceModel
import DeviceProfiles
import Fieldbus
import RealTime
import Sampling
import Synchronization
import TestSupport
import Testing

/// A device that keeps what the host said and answers by a rule.
private final class Scripted: @unchecked Sendable {
    let end: DeviceEnd
    private let stopFlag = StopFlag()
    private let heard = Mutex<[UInt8]>([])
    private var thread: RealTimeThread?

    /// - Parameter answer: gets all that was said so far and what was just said; gives what the device sends.
    init(_ answer: @escaping @Sendable ([UInt8], [UInt8]) -> [UInt8]) throws {
        end = try DeviceEnd(.newPseudoTerminal)
        thread = try RealTimeThread(name: "scripted", priority: 0) { [self] in
            var buffer = [UInt8](repeating: 0, count: 512)
            while !stopFlag.isSet {
                guard let count = try? end.read(into: &buffer, deadline: MonotonicClock().now() + 10_000_000) else { return }
                let said = Array(buffer[..<count])
                let all = heard.withLock { bytes in
                    bytes += said
                    return bytes
                }
                let reply = answer(all, said)
                if !reply.isEmpty { end.write(reply, nanosecondsPerByte: 0) }
            }
        }
    }

    var said: [UInt8] { heard.withLock { $0 } }

    func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }
}

@Suite(.serialized) struct SessionTests {
    private func run(_ profile: String, on device: Scripted, milliseconds: Int64) throws -> (plan: DevicePlan, records: [SampleRecord]) {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/\(profile)")).compile(handle: "device")
        let worker = LineWorker(address: try #require(LineAddress(device.end.name)), plans: [plan])
        try worker.start(priority: 0)
        let clock = MonotonicClock()
        clock.sleep(until: clock.now() + milliseconds * 1_000_000)
        worker.stop()
        var records: [SampleRecord] = []
        while let record = worker.recorder.ring.pop() { records.append(record) }
        return (plan, records)
    }

    private func count(_ needle: [UInt8], in bytes: [UInt8]) -> Int {
        guard bytes.count >= needle.count else { return 0 }
        return (0...(bytes.count - needle.count)).count { bytes[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    /// Capnostream: enable, start, then the monitor streams; at the end stop and disable. Bytes of the facts' vectors.
    @Test func aSessionIsOpenedInOrderAndClosed() throws {
        let identity = Array("\u{4}V45.67 02/24/2008 B355987654  ".utf8)
        let device = try Scripted { all, said in
            guard said.starts(with: [0x85, 0x01, 0x01, 0x00]) else { return [] }
            let body = [UInt8(identity.count)] + identity
            return [0x85] + body + [body.reduce(0, ^)]
        }
        defer { device.stop() }
        _ = try run("oridion/capnostream-20", on: device, milliseconds: 1500)
        // The device hears the end of the session a moment after it was said.
        let clock = MonotonicClock()
        let limit = clock.now() + 5_000_000_000
        while count([0x85, 0x01, 0x02, 0x03], in: device.said) == 0, clock.now() < limit { clock.sleep(until: clock.now() + 10_000_000) }
        let said = device.said
        let enable = [0x85, 0x01, 0x01, 0x00] as [UInt8]
        let start = [0x85, 0x01, 0x04, 0x05] as [UInt8]
        #expect(said.starts(with: enable + start))
        #expect(count(start, in: said) == 1)
        #expect(said.suffix(8) == [0x85, 0x01, 0x05, 0x04, 0x85, 0x01, 0x02, 0x03])
    }

    @Test func aSessionThatIsNotAnsweredIsTriedAgainAndNothingElseIsSaid() throws {
        let device = try Scripted { _, _ in [] }
        defer { device.stop() }
        let records = try run("oridion/capnostream-20", on: device, milliseconds: 12_000).records
        let said = device.said
        #expect(count([0x85, 0x01, 0x01, 0x00], in: said) >= 2)
        #expect(count([0x85, 0x01, 0x04, 0x05], in: said) == 0, "started before it was enabled")
        #expect(records.filter { $0.kind == .sample }.allSatisfy { !$0.validity.carriesValue })
    }

    /// Fresenius: ENQ is answered with DC4 also when it comes in the middle of a frame, a good frame with ACK, a bad one with NAK.
    @Test func theDeviceIsAnsweredAtOnce() throws {
        let device = try Scripted { all, said in
            guard !said.isEmpty, all.count == said.count else { return [] }
            let body = Array("0C;b1F".utf8)
            let sum = 0xFF - body.reduce(UInt8(0), &+)
            let digits = String(sum, radix: 16, uppercase: true)
            let whole = [0x02] + body + Array((digits.count == 1 ? "0" : "").utf8) + Array(digits.utf8) + [0x03]
            return Array(whole[..<4]) + [0x05] + Array(whole[4...]) + [0x02, 0x30, 0x43, 0x30, 0x30, 0x03]
        }
        defer { device.stop() }
        _ = try run("fresenius/base-a", on: device, milliseconds: 700)
        let said = device.said
        #expect(count([0x14], in: said) >= 1)
        #expect(count([0x06], in: said) >= 1)
        #expect(count([0x15, 0x32], in: said) >= 1)
    }

    /// A reply is not repeated as a new result.
    @Test func aResultToldAgainIsTheSameResult() throws {
        let result: [UInt8] = [
            0x3E, 0x18, 0x73, 0x00, 0x4A, 0x00, 0x1E, 0x01, 0, 0, 0, 0, 0, 0, 0x31, 0x07, 0x55, 0x00, 0x58, 0, 0, 0, 0, 0xE9,
        ]
        let device = try Scripted { _, said in
            said.starts(with: [0x3A, 0x79, 0x03]) ? result : said.starts(with: [0x3A, 0x79, 0x05]) ? [0x3E, 0x05, 0x0C, 0x00, 0xB1] : []
        }
        defer { device.stop() }
        let (plan, records) = try run("suntech/advantage", on: device, milliseconds: 11_500)
        let systolic = try #require(plan.streams.firstIndex { $0.metric == "MDC_PRESS_BLD_NONINV_SYS" })
        let values = records.filter { $0.kind == .sample && Int($0.index) == systolic && $0.validity.carriesValue }
        #expect(values.map(\.bits) == [115])
        #expect(count([0x3A, 0x79, 0x03, 0x00, 0x4A], in: device.said) >= 2)
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
        let plan = try DeviceProfile.load(try YAMLFile(path: "test/text/profile.yaml", text: text)).compile(handle: "device")
        let device = try Scripted { _, said in
            switch said.dropFirst().first {
            case UInt8(ascii: "B"): Array("!B1.5\r".utf8)
            case UInt8(ascii: "C"): Array("!C2.5\r".utf8)
            default: []
            }
        }
        defer { device.stop() }
        let worker = LineWorker(address: try #require(LineAddress(device.end.name)), plans: [plan])
        try worker.start(priority: 0)
        let clock = MonotonicClock()
        // Each reply that did not come is waited for two seconds more.
        clock.sleep(until: clock.now() + 7_000_000_000)
        worker.stop()
        var records: [SampleRecord] = []
        while let record = worker.recorder.ring.pop() { records.append(record) }
        #expect(count(Array("!A".utf8), in: device.said) >= 3)
        for (name, bits) in [("NABD_RELATIVE_HUMIDITY", 15), ("NABD_PUMP_PRESSURE", 25)] as [(String, Int64)] {
            let index = try #require(plan.streams.firstIndex { $0.metric == name })
            let values = records.filter { $0.kind == .sample && Int($0.index) == index && $0.validity.carriesValue }
            #expect(values.count >= 5 && values.allSatisfy { $0.bits == bits }, "\(name): \(values.count)")
        }
        let first = try #require(plan.streams.firstIndex { $0.metric == "MDC_TEMP" })
        #expect(records.contains { $0.kind == .sample && Int($0.index) == first && $0.reason == .timedOut })
        #expect(worker.recorder.count(.timeouts, device: 0) >= 1)
    }
}
