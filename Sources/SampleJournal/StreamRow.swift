import DeviceModel
import GRDB

/// Stream descriptors as rows.
enum StreamRow {
    static func insert(_ db: Database, _ stream: StreamDescriptor, id: Int64, next: Int64) throws {
        try db.execute(
            sql: """
                INSERT INTO streams(id, device, vmd, metric, code, unit, form, waveform, period_ns, profile, first_sequence, next_sequence)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, arguments: [id] + arguments(stream) + [next, next])
    }

    /// The streams of a file with the number each began with there and the one noted last.
    static func all(_ db: Database) throws -> [(id: Int64, descriptor: StreamDescriptor, first: Int64, next: Int64)] {
        try Row.fetchAll(db, sql: "SELECT * FROM streams ORDER BY id").map {
            (
                id: $0.integer("id") ?? 0, descriptor: try descriptor($0), first: $0.integer("first_sequence") ?? 0,
                next: $0.integer("next_sequence") ?? 0
            )
        }
    }

    private static func arguments(_ stream: StreamDescriptor) -> StatementArguments {
        [
            stream.device, stream.vmd, stream.metric, stream.code.map { Int64($0) }, stream.unit, text(stream.form), stream.isWaveform,
            stream.periodNanoseconds, stream.profile,
        ]
    }

    private static func descriptor(_ row: Row) throws -> StreamDescriptor {
        guard let form = row.text("form").flatMap(form), let period = row.integer("period_ns"), (1...3_600_000_000_000).contains(period),
            let device = row.text("device"), let metric = row.text("metric"), let waveform = row.integer("waveform")
        else { throw BlockDamage("a stream's description cannot be read") }
        return StreamDescriptor(
            device: device, vmd: row.text("vmd"), metric: metric, code: row.integer("code").flatMap { UInt32(exactly: $0) }, unit: row.text("unit"),
            form: form, isWaveform: waveform != 0, periodNanoseconds: period, profile: row.text("profile") ?? "")
    }

    private static func text(_ form: ValueForm) -> String {
        switch form {
        case .integer(let scale): "integer \(scale.multiplier) \(scale.exponent)"
        case .float32: "float32"
        case .text: "text"
        }
    }

    private static func form(_ text: String) -> ValueForm? {
        let parts = text.split(separator: " ")
        switch parts.first {
        case "float32": return .float32
        case "text": return .text
        case "integer":
            guard parts.count == 3, let multiplier = Int64(parts[1]), multiplier != 0, let exponent = Int(parts[2]), (-18...18).contains(exponent)
            else { return nil }
            return .integer(DecimalScale(multiplier: multiplier, exponent: exponent))
        default: return nil
        }
    }
}
