import DeviceDrivers
import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage

/// Decoding from memory, through the plans that the shipped profiles compile to.
enum DecodeBench {
    private struct Count: RecordSink {
        var samples = 0
        var last: Int64 = 0
        mutating func take(_ record: SampleRecord, frameOffset: Int) {
            guard record.kind == .sample, record.validity == .valid else { return }
            samples += 1
            last = record.bits
        }

        mutating func take(all records: Span<TakenRecord>) {
            for place in records.indices { take(records[place].record, frameOffset: records[place].frameOffset) }
        }
    }

    /// Decodes the bytes of standard input again and again, as the C floor does, and prints frames, samples, CPU
    /// seconds and allocations.
    static func run(kind: String, seconds: Double, profiles: String) throws {
        let input = Array(FileHandle.standardInput.readDataToEndOfFile())
        var sink = Count()
        var frames = 0
        // What is made once, on the first pass, is not counted.
        let decode: (inout Count) throws -> Int =
            switch kind {
            case "nonin": try serial("\(profiles)/nonin/oem-iii-df2", input)
            case "alaris": try serial("\(profiles)/alaris/asena-gh", input)
            default: try registers(input)
            }
        _ = try decode(&sink)
        sink.samples = 0
        let allocations = AllocationCount()
        let before = allocations.now
        let start = NabdBench.cpuSeconds()
        while NabdBench.cpuSeconds() < start + seconds { frames += try decode(&sink) }
        let taken = NabdBench.cpuSeconds() - start
        let made = allocations.now.flatMap { now in before.map { Double(now - $0) / Double(frames) } }
        print(
            "{\"frames\": \(frames), \"samples\": \(sink.samples), \"cpuSeconds\": \(taken), \"check\": \(sink.last), "
                + "\"allocationsPerFrame\": \(made.map { "\($0)" } ?? "null")}")
    }

    private static func serial(_ profile: String, _ input: [UInt8]) throws -> (inout Count) throws -> Int {
        let plan = try DeviceProfile.load(profile).compile(handle: "bench")
        guard case .serial(let serial) = plan.protocolPlan else { throw NSError(domain: "nabd-bench", code: 3) }
        var decoder = SerialDecoder(plan, serial)
        decoder.awaiting = .anything
        return { sink in
            let before = decoder.counters.frames
            decoder.feed(input, count: input.count, time: 0, sink: &sink)
            return decoder.counters.frames - before
        }
    }

    private static func registers(_ input: [UInt8]) throws -> (inout Count) throws -> Int {
        let plan = try NabdBench.registerProfile().compile(handle: "bench")
        guard case .modbus(let modbus) = plan.protocolPlan, let block = modbus.blocks.first else {
            throw NSError(domain: "nabd-bench", code: 4)
        }
        var decoder = ModbusDecoder(plan)
        let starts = Array(stride(from: 0, through: input.count - 250, by: 250))
        return { sink in
            for start in starts { decoder.take(input, from: start, of: block, time: 0, sink: &sink) }
            return starts.count
        }
    }
}

/// The number of allocations so far, when the program was started with the counting library; `nil` otherwise.
private struct AllocationCount {
    private let read: (@convention(c) () -> UInt64)?

    init() {
        let symbol = dlsym(nil, "nabd_allocations")
        read = symbol.map { unsafeBitCast($0, to: (@convention(c) () -> UInt64).self) }
    }

    var now: UInt64? { read?() }
}
