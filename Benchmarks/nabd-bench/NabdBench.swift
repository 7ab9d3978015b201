import DeviceDrivers
import DeviceModel
import DevicePlans
import Fieldbus
import Foundation
import LineEngine
import ProfileLanguage
import RealTime
import SampleJournal
import Sampling
import StrictYAML

/// Our side of the benchmarks, one measurement a call; Benchmarks/run pairs each with its floor. Each prints one JSON
/// line.
@main
enum NabdBench {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.dropFirst().first {
        case "poll" where arguments.count == 5:
            try poll(host: arguments[2], port: Int(arguments[3]) ?? 0, seconds: Double(arguments[4]) ?? 1)
        case "wakeup" where arguments.count == 6:
            try wakeup(
                period: Int64(arguments[2]) ?? 1000, seconds: Double(arguments[3]) ?? 1,
                priority: Int32(arguments[4]) ?? 0, to: arguments[5])
        case "decode" where arguments.count == 5:
            try DecodeBench.run(kind: arguments[2], seconds: Double(arguments[3]) ?? 1, profiles: arguments[4])
        case "journal" where arguments.count == 6 || arguments.count == 7:
            try JournalBench.run(
                directory: arguments[2], sizes: arguments[3], seconds: Int64(arguments[4]) ?? 1,
                commitMilliseconds: Int64(arguments[5]) ?? 1000,
                recording: arguments.count == 7 ? arguments[6] : nil)
        case "history" where arguments.count == 5:
            try HistoryBench.run(
                directory: arguments[2], hours: Int64(arguments[3]) ?? 1, beds: Int(arguments[4]) ?? 1)
        case "limits" where arguments.count == 6:
            try LimitBench.run(
                directory: arguments[2], seconds: Int64(arguments[3]) ?? 1, isWatched: arguments[4] == "watched",
                profiles: arguments[5])
        case "picture" where arguments.count == 5:
            try PictureBench.run(
                directory: arguments[2], seconds: Int64(arguments[3]) ?? 1,
                commitMilliseconds: Int64(arguments[4]) ?? 250)
        case "screen" where arguments.count == 4:
            try PictureBench.watch(directory: arguments[2], seconds: Double(arguments[3]) ?? 1)
        default:
            FileHandle.standardError.write(
                Data(
                    ("nabd-bench poll HOST PORT S | decode nonin|alaris|registers S PROFILES | wakeup US S PRIORITY "
                        + "FILE | "
                        + "journal DIR SIZES S COMMIT-MS [RECORDING] | limits DIR S watched|bare PROFILES | "
                        + "picture DIR S COMMIT-MS | screen DIR S | history DIR HOURS BEDS\n").utf8))
        }
    }

    // MARK: Polling

    /// Reads 125 registers in a closed loop and turns each into a judged sample, through the plan that a profile
    /// compiles to.
    private static func poll(host: String, port: Int, seconds: Double) throws {
        // As fast as it is answered.
        var overrides = DeviceOverrides()
        overrides.period = ["MDC_TEMP": 1]
        let plan = try registerProfile().compile(handle: "bench", overrides: overrides)
        guard case .modbus(let modbus) = plan.protocolPlan, let block = modbus.blocks.first, block.count == 125 else {
            throw NSError(domain: "nabd-bench", code: 1)
        }
        let clock = MonotonicClock()
        let recorder = LineRecorder(devices: 1)
        let loop = LineLoop(
            TCPEngine(devices: [plan], recorder: recorder, now: clock.now()),
            line: ModbusPort(.tcp(host: host, port: port)), clock: clock,
            recorder: recorder, orders: Ring(minimumCapacity: 1, blank: .none))
        let end = clock.now() + Int64(seconds * 1e9)
        var samples = 0
        while clock.now() < end, loop.step() {
            while let record = recorder.ring.pop() {
                if record.kind == .sample, record.validity == .valid { samples += 1 }
            }
        }
        let read = Int(recorder.total(.replies)) * block.count
        while let record = recorder.ring.pop() { if record.kind == .sample, record.validity == .valid { samples += 1 } }
        guard samples == read, read > 0 else { throw NSError(domain: "nabd-bench", code: 2) }
        print("{\"registers\": \(read), \"cpuSeconds\": \(cpuSeconds())}")
    }

    /// A profile of 125 neighbouring registers. Its metrics share one code each per virtual device, as a rack's
    /// channels would.
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
                "  - {metric: MDC_TEMP, vmd: c\(index), from: {holding: \(index), type: int16}, scale: 0.1, unit: "
                + "Cel, every: 1s, absolute: [-400, 400]}\n"
        }
        return try DeviceProfile.load(try YAMLFile(path: "bench/registers/profile.yaml", text: text))
    }

    static func cpuSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    // MARK: Keeping time

    /// Writes to `file` how late each wake-up was, in ns, a line each: rounds are put together before anything is said
    /// of their quantiles.
    private static func wakeup(period: Int64, seconds: Double, priority: Int32, to file: String) throws {
        let isLocked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0
        let count = Int(Int64(seconds * 1e6) / period)
        // Only the thread writes to it, and it is read when the thread has ended.
        nonisolated(unsafe) let late = UnsafeMutablePointer<Int64>.allocate(capacity: count)
        defer { late.deallocate() }
        late.initialize(repeating: 0, count: count)
        let thread = try RealTimeThread(name: "wakeup", priority: priority) {
            let clock = MonotonicClock()
            var next = clock.now()
            // The first tenth of a second is not counted, here and on the other side: a program's first steps fetch its
            // code.
            for index in -(100_000 / Int(period))..<count {
                next += period * 1000
                clock.sleep(until: next)
                let lateness = clock.now() - next
                if index >= 0 { late[index] = lateness }
            }
        }
        thread.join()
        guard priority == 0 || (isLocked && thread.scheduling == .realTime) else {
            throw NSError(domain: "nabd-bench", code: 3)
        }
        try (0..<count).map { "\(late[$0])\n" }.joined().write(toFile: file, atomically: true, encoding: .utf8)
        print("{\"wakeups\": \(count)}")
    }
}
