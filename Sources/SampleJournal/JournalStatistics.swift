import DeviceModel
import GRDB

extension JournalReader {
    /// What the journal holds.
    package struct Statistics: Sendable {
        /// The devices with the samples of each, by handle: by their numbers, so that gaps within count too.
        package let devices: [(handle: String, samples: Int64)]
        package let sessions: Int
        package let streams: Int
        package let chunks: Int64
        package let samples: Int64
        package let events: Int64
        /// Bytes of coded samples, and of the files as a whole.
        package let payloadBytes: Int64
        package let fileBytes: Int64

        /// File bytes for each sample; `nil` without samples.
        package var bytesPerSample: Double? { samples > 0 ? Double(fileBytes) / Double(samples) : nil }
    }

    package func statistics() throws -> Statistics {
        var (chunks, samples, payload, events): (Int64, Int64, Int64, Int64) = (0, 0, 0, 0)
        var devices: [String: Int64] = [:]
        for file in try open(.samples) {
            try file.queue.read { db in
                let row = try Row.fetchOne(
                    db, sql: "SELECT COUNT(*) AS rows, SUM(samples) AS count, SUM(LENGTH(payload)) AS size FROM chunks")
                chunks += row?.integer("rows") ?? 0
                samples += row?.integer("count") ?? 0
                payload += row?.integer("size") ?? 0
                for stream in try JournalOpening.State(db).streams {
                    devices[stream.descriptor.device, default: 0] += stream.next - stream.first
                }
            }
        }
        for file in try open(.events) {
            events += try file.queue.read { try Int64.fetchOne($0, sql: "SELECT COUNT(*) FROM events") ?? 0 }
        }
        return Statistics(
            devices: devices.sorted { $0.key < $1.key }.map { (handle: $0.key, samples: $0.value) },
            sessions: try sessions().count,
            streams: try streamsByID().count, chunks: chunks, samples: samples, events: events, payloadBytes: payload,
            fileBytes: files.size)
    }
}
