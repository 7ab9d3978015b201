import DeviceModel
import DevicePlans
import Fieldbus
import Foundation
import LineEngine
import ProfileLanguage
import RealTime
import Sampling
import TestSupport
import Testing

/// A device of few words: gives a fixed answer to each request it knows, for a while.
private final class Answerer: @unchecked Sendable {
    let end: DeviceEnd
    private let stopFlag = StopFlag()
    private let answer: @Sendable ([UInt8]) -> [UInt8]?
    private var thread: RealTimeThread?

    init(_ address: LineAddress, answer: @escaping @Sendable ([UInt8]) -> [UInt8]?) throws {
        end = try DeviceEnd(address)
        self.answer = answer
        thread = try RealTimeThread(name: "answerer", priority: 0) { [self] in
            var buffer = [UInt8](repeating: 0, count: 512)
            while !stopFlag.isSet {
                guard let count = try? end.read(into: &buffer, deadline: MonotonicClock().now() + 20_000_000), count > 0
                else { continue }
                if let reply = self.answer(Array(buffer[..<count])) { end.write(reply, nanosecondsPerByte: 0) }
            }
        }
    }

    func stop() {
        stopFlag.set()
        thread?.join()
        thread = nil
    }
}

/// The whole way, on real ports and connections; what takes time is tested in virtual time.
@Suite(.serialized) struct LineTests {
    private func plan(_ name: String, _ overrides: DeviceOverrides = DeviceOverrides()) throws -> DevicePlan {
        try DeviceProfile.load(Repository.path("device-profiles/\(name)")).compile(
            handle: "device", overrides: overrides)
    }

    private func records(_ plan: DevicePlan, on name: String, milliseconds: Int64) throws -> [SampleRecord] {
        let worker = LineWorker(address: try #require(LineAddress(name)), plans: [plan])
        try worker.start(priority: 0)
        let clock = MonotonicClock()
        clock.sleep(until: clock.now() + milliseconds * 1_000_000)
        worker.stop()
        var records: [SampleRecord] = []
        while let record = worker.recorder.ring.pop() { records.append(record) }
        return records
    }

    /// The example of the profile's vectors, byte for byte: both registers in one read.
    @Test func registersAreReadOverAPseudoTerminal() throws {
        var overrides = DeviceOverrides()
        overrides.period = ["MDC_TEMP": 100_000_000, "NABD_RELATIVE_HUMIDITY": 100_000_000]
        let device = try Answerer(.newPseudoTerminal) { request in
            request == [1, 4, 0, 1, 0, 2, 0x20, 0x0B] ? [1, 4, 4, 1, 0x31, 2, 0x22, 0x2A, 0xCE] : nil
        }
        defer { device.stop() }
        let found = try records(try plan("xy/md02", overrides), on: device.end.name, milliseconds: 700)
        let temperatures = found.filter { $0.kind == .sample && $0.index == 0 }
        #expect(!temperatures.isEmpty)
        #expect(temperatures.allSatisfy { $0.validity == .valid && $0.bits == 305 })
        #expect(found.contains { $0.event == .deviceConnected })
    }

    @Test func aLineThatIsNotThereIsToldAndTriedAgain() throws {
        let found = try records(try plan("alaris/asena-gh"), on: "/dev/nabd-no-such-line", milliseconds: 300)
        #expect(found.count { $0.event == .deviceDisconnected } == 1)
        #expect(found.contains { $0.kind == .sample && $0.reason == .disconnected })
    }

    @Test func aTCPGatewayIsReadAndAnExceptionIsAnAnswer() throws {
        let device = try Answerer(.tcp(host: "127.0.0.1", port: 0)) { request in
            guard request.count == 12 else { return nil }
            // Illegal data address, for every read.
            return Array(request[0..<4]) + [0, 3, request[6], request[7] | 0x80, 2]
        }
        defer { device.stop() }
        let found = try records(try plan("victron/gx"), on: device.end.name, milliseconds: 600)
        let samples = found.filter { $0.kind == .sample }
        // Each merged read was searched until every value had been refused; then it is asked whole again, once a
        // period.
        #expect(Set(samples.map(\.index)).count == 17)
        #expect(!found.contains { $0.event == .registersRefused })
        #expect(samples.allSatisfy { $0.reason == .deviceException })
    }

    @Test func aPortThatThisProcessHasAlreadyIsToldAsSuch() throws {
        let device = try Answerer(.newPseudoTerminal) { _ in nil }
        defer { device.stop() }
        let settings = SerialSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
        let first = SerialLine(path: device.end.name, settings: settings)
        try first.open(deadline: MonotonicClock().now() + 1_000_000_000)
        let second = SerialLine(path: device.end.name, settings: settings)
        #expect(throws: FieldbusError.portShared(path: device.end.name)) {
            try second.open(deadline: MonotonicClock().now() + 1_000_000_000)
        }
        first.close()
        try second.open(deadline: MonotonicClock().now() + 1_000_000_000)
    }

    @Test func aPortHeldByAnotherIsToldAsSuch() throws {
        let device = try Answerer(.newPseudoTerminal) { _ in nil }
        defer { device.stop() }
        let other = Process()
        other.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        other.arguments = [device.end.name, "sh", "-c", "echo held; sleep 20"]
        let words = Pipe()
        other.standardOutput = words
        try other.run()
        defer { other.terminate() }
        #expect(words.fileHandleForReading.availableData == Data("held\n".utf8))
        let settings = SerialSettings(baud: 9600, dataBits: 8, parity: "N", stopBits: 1)
        let line = SerialLine(path: device.end.name, settings: settings)
        #expect(throws: FieldbusError.portHeld(path: device.end.name)) {
            try line.open(deadline: MonotonicClock().now() + 1_000_000_000)
        }
    }
}
