import DeviceDrivers
import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage
import TestSupport

@testable import DeviceSimulator

/// What a played device says in a time of the play, read by the production decoder.
struct PlayedRecording {
    struct Reading {
        /// When it was said, in the time of the play. Unit: s.
        let time: Double
        let value: Double
    }

    private(set) var bytes: [UInt8] = []
    private var found: [String: [Reading]] = [:]

    /// Metrics of which a value was told that is not known to be of now.
    private(set) var ofBefore: Set<String> = []

    /// All valid values of a metric, in their order.
    subscript(metric: String) -> [Reading] { found[metric] ?? [] }

    private struct Collector: RecordSink {
        var records: [SampleRecord] = []
        mutating func take(_ record: SampleRecord, frameOffset: Int) { records.append(record) }
    }

    init(_ profile: String, _ scene: PlayedScene, from start: Double = 0, for length: Double) throws {
        let plan = try DeviceProfile.load(Repository.path("device-profiles/\(profile)")).compile(handle: "played")
        guard case .serial(let serial) = plan.protocolPlan else { throw NotSerial() }
        let writer = MessageWriter(plan: plan, serial: serial, scene: scene)
        var said: [(time: Double, bytes: [UInt8])] = []
        for unasked in plan.unasked {
            let period = Double(unasked.period) / 1e9
            for count in 0..<Int(length / period) {
                let time = start + Double(count) * period
                said.append((time, Self.bytes(unasked.what, count, time, writer, serial)))
            }
        }
        var decoder = SerialDecoder(plan, serial)
        var sink = Collector()
        for (time, message) in said.sorted(by: { $0.time < $1.time }) {
            bytes += message
            decoder.feed(message, count: message.count, time: Int64((time - start) * 1e9), sink: &sink)
        }
        for record in sink.records where record.kind == .sample && record.validity.carriesValue {
            let stream = plan.streams[Int(record.index)]
            if record.reason == .storedResult { ofBefore.insert(stream.metric) }
            guard record.validity == .valid else { continue }
            guard case .integer(let scale) = stream.form else { continue }
            found[stream.metric, default: []].append(
                Reading(
                    time: start + Double(record.monotonicNanoseconds) / 1e9,
                    value: scale.double(of: record.bits)))
        }
    }

    private struct NotSerial: Error {}

    private static func bytes(
        _ what: Unasked, _ count: Int, _ time: Double, _ writer: MessageWriter, _ serial: SerialPlan
    ) -> [UInt8] {
        switch what {
        case .frame(let index):
            let position = serial.packet.map { $0.frame == index ? count % $0.count : 0 } ?? 0
            return writer.frame(index, position: position, seconds: time)
        case .message(let index): return writer.message(index, slot: nil, seconds: time)
        }
    }

    /// The rate at which a curve goes up through its middle, between the first and the last such place.
    ///
    /// - Parameter period: between two samples. Unit: s.
    /// - Returns: 1/min.
    func rate(of metric: String, period: Double) -> Double? {
        let values = self[metric].map(\.value)
        guard let low = values.min(), let high = values.max(), high > low else { return nil }
        let level = low + 0.6 * (high - low)
        let crossings = zip(values.indices.dropFirst(), zip(values, values.dropFirst()))
            .compactMap { index, pair in pair.0 < level && pair.1 >= level ? Double(index) * period : nil }
        guard let first = crossings.first, let last = crossings.last, last > first else { return nil }
        return Double(crossings.count - 1) * 60 / (last - first)
    }

    func mean(of metric: String) -> Double {
        let values = self[metric].map(\.value)
        return values.reduce(0, +) / Double(max(1, values.count))
    }
}
