import DeviceDrivers
import DeviceModel
import DeviceProfiles
import Fieldbus
import Foundation
import RealTime
import SampleJournal

/// Our side of the benchmarks, one measurement a call; Benchmarks/run pairs each with its floor. Each prints one JSON line.
@main
enum NabdBench {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "poll" where arguments.count == 5: try poll(host: arguments[2], port: Int(arguments[3]) ?? 0, seconds: Double(arguments[4]) ?? 1)
        case "wakeup" where arguments.count == 5:
            try wakeup(period: Int64(arguments[2]) ?? 1000, seconds: Double(arguments[3]) ?? 1, priority: Int32(arguments[4]) ?? 0)
        case "decode" where arguments.count == 5: try DecodeBench.run(kind: arguments[2], seconds: Double(arguments[3]) ?? 1, profiles: arguments[4])
        case "journal" where arguments.count == 6:
            try journal(directory: arguments[2], sizes: arguments[3], seconds: Int64(arguments[4]) ?? 1, commitMilliseconds: Int64(arguments[5]) ?? 1000)
        default:
            FileHandle.standardError.write(
                Data("nabd-bench poll HOST PORT S | decode nonin|alaris|registers S PROFILES | wakeup US S PRIORITY | journal DIR SIZES S COMMIT-MS\n".utf8))
        }
    }

    // MARK: Polling

    private struct Count: RecordSink {
        var samples = 0
        mutating func take(_ record: SampleRecord, frameOffset: Int) { if record.validity == .valid { samples += 1 } }
    }

    /// Reads 125 registers in a closed loop and turns each into a judged sample, through the plan that a profile compiles to.
    private static func poll(host: String, port: Int, seconds: Double) throws {
        let plan = try registerProfile().compile(handle: "bench")
        guard case .modbus(let modbus) = plan.protocolPlan, let block = modbus.blocks.first, block.count == 125 else {
            throw NSError(domain: "nabd-bench", code: 1)
        }
        let line = TCPClient(ModbusPort(.tcp(host: host, port: port)), clock: MonotonicClock())
        try line.open()
        var decoder = ModbusDecoder(plan)
        var registers = [UInt16](repeating: 0, count: 125)
        var sink = Count()
        let clock = MonotonicClock()
        let end = clock.now() + Int64(seconds * 1e9)
        let wanted = RegisterRequest(unit: 1, function: 3, address: 0, count: 125, slowestReply: 1_000_000_000, mayWiden: false)
        var read = 0
        while clock.now() < end {
            try line.read(wanted, into: &registers)
            decoder.take(registers, of: block, time: clock.now(), sink: &sink)
            read += 125
        }
        guard sink.samples == read else { throw NSError(domain: "nabd-bench", code: 2) }
        print("{\"registers\": \(read), \"cpuSeconds\": \(cpuSeconds())}")
    }

    /// A profile of 125 neighbouring registers. Its metrics share one code each per virtual device, as a rack's channels would.
    static func registerProfile() throws -> DeviceProfile {
        var text = """
            nabd: profile/1
            device: {manufacturer: bench, model: registers, kind: bench}
            provenance: [{document: benchmark, seen: here}]
            line: {modbus: tcp, unit: 1}
            vmds:

            """
        for index in 0..<125 { text += "  c\(index): {label: channel}\n" }
        text += "metrics:\n"
        for index in 0..<125 {
            text +=
                "  - {metric: MDC_TEMP, vmd: c\(index), from: {holding: \(index), type: int16}, scale: 0.1, unit: Cel, every: 1s, absolute: [-400, 400]}\n"
        }
        return try DeviceProfile.load(try YAMLFile(path: "bench/registers/profile.yaml", text: text))
    }

    static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    // MARK: Keeping time

    private static func wakeup(period: Int64, seconds: Double, priority: Int32) throws {
        let histogram = LatenessHistogram()
        let thread = try RealTimeThread(name: "wakeup", priority: priority) {
            let clock = MonotonicClock()
            var next = clock.now()
            for _ in 0..<Int64(seconds * 1e6) / period {
                next += period * 1000
                clock.sleep(until: next)
                histogram.record(clock.now() - next)
            }
        }
        thread.join()
        func microseconds(_ share: Double) -> Double { Double(LatenessHistogram.quantile(share, of: [histogram]) ?? 0) / 1000 }
        print("{\"p50\": \(microseconds(0.5)), \"p99\": \(microseconds(0.99)), \"p999\": \(microseconds(0.999))}")
    }

    // MARK: The journal

    /// Eight beds, each twelve numerics at 1 Hz, three waveforms at 250 Hz and one at 125 Hz, written as fast as the journal takes them.
    /// Writes the sizes of every commit's payloads to `sizes`, so that the floor appends the same.
    private static func journal(directory: String, sizes: String, seconds: Int64, commitMilliseconds: Int64) throws {
        let writer = try JournalWriter(directory: directory, bootID: "bench", now: 0, utc: 0)
        var beds = try (0..<8).map { try Bed(number: $0, writer: writer) }
        let clock = MonotonicClock()
        var latencies: [Double] = []
        var busy: Int64 = 0
        var lines = ""
        for step in 0..<(seconds * 1000 / commitMilliseconds) {
            let before = writer.committedBytes
            let start = clock.now()
            let (from, to) = (step * commitMilliseconds, (step + 1) * commitMilliseconds)
            for index in beds.indices { beds[index].sample(from: from, to: to, writer: writer) }
            let ready = clock.now()
            try writer.commit(now: to * 1_000_000, utc: to * 1_000_000, quality: .unknown)
            let done = clock.now()
            latencies.append(Double(done - ready) / 1e6)
            busy += done - start
            lines += "\(writer.committedBytes - before)\n"
        }
        let samples = writer.committedSamples
        let payload = writer.committedBytes
        try writer.finish(now: seconds * 1_000_000_000, utc: 0, quality: .unknown)
        try lines.write(toFile: sizes, atomically: true, encoding: .utf8)
        latencies.sort()
        print(
            "{\"samples\": \(samples), \"payloadBytes\": \(payload), \"fileBytes\": \(writer.files.size), \"seconds\": \(Double(busy) / 1e9), "
                + "\"p50Milliseconds\": \(latencies[latencies.count / 2]), \"p99Milliseconds\": \(latencies[latencies.count * 99 / 100])}")
    }
}

/// One bed's synthetic signals.
private struct Bed {
    private let streams: [(index: Int, period: Int64, isWaveform: Bool)]
    private var state: UInt64
    private var level: [Int64]

    init(number: Int, writer: JournalWriter) throws {
        let periods: [(Int64, Bool)] = Array(repeating: (1000, false), count: 12) + [(4, true), (4, true), (4, true), (8, true)]
        let descriptors = periods.enumerated().map { index, period in
            StreamDescriptor(
                device: "bed-\(number)", vmd: nil, metric: "bench-\(index)", code: nil, unit: "1", form: .integer(.one), isWaveform: period.1,
                periodNanoseconds: period.0 * 1_000_000, profile: "bench")
        }
        let indices = try writer.register(descriptors)
        streams = zip(indices, periods).map { (index: $0, period: $1.0, isWaveform: $1.1) }
        level = [Int64](repeating: 1000, count: streams.count)
        state = UInt64(number) + 1
    }

    private mutating func noise(_ width: Int64) -> Int64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int64(state % UInt64(2 * width + 1)) - width
    }

    /// Unit of the times: ms.
    mutating func sample(from: Int64, to: Int64, writer: JournalWriter) {
        for (position, stream) in streams.enumerated() {
            var time = (from + stream.period - 1) / stream.period * stream.period
            while time < to {
                level[position] += stream.isWaveform ? noise(12) : noise(1)
                writer.append(
                    SampleRecord(kind: .sample, index: 0, monotonicNanoseconds: (time + 1000) * 1_000_000, bits: level[position]), stream: stream.index)
                time += stream.period
            }
        }
    }
}
