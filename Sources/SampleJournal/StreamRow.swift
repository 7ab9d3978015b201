import DeviceModel
import GRDB
import JournalCoding

/// Stream descriptors as rows.
enum StreamRow {
    static func insert(_ db: Database, _ stream: StreamDescriptor, id: Int64, next: Int64) throws {
        try db.execute(
            sql: """
                INSERT INTO streams(
                    id, device, vmd, metric, code, unit, form, waveform, period_ns, profile, system, category, \
                display, display_ar, loinc,
                    first_sequence, checksum, next_sequence)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """, arguments: [id] + arguments(stream) + [next, checksum(stream, id: id, first: next), next])
    }

    /// A description as it was written: what it says is not in the samples, so it has a checksum of its own.
    private static func checksum(_ stream: StreamDescriptor, id: Int64, first: Int64) -> Int64 {
        let name =
            stream.name.map { [$0.system, $0.category.rawValue, $0.display, $0.arabicDisplay ?? "–", $0.loinc ?? "–"] }
            ?? []
        return RowChecksum.compute(
            [
                "\(id)", stream.device, stream.vmd ?? "–", stream.metric, stream.code.map { "\($0)" } ?? "–",
                stream.unit ?? "–", text(stream.form),
                "\(stream.isWaveform)", "\(stream.periodNanoseconds)", stream.profile, "\(first)",
            ] + name)
    }

    /// The streams of a file with the number each began with there and the one noted last. One that is not as it was
    /// written is left out.
    static func all(_ db: Database, damaged: (String) -> Void = { _ in }) throws -> [(
        id: Int64, descriptor: StreamDescriptor, first: Int64, next: Int64
    )] {
        try Row.fetchAll(db, sql: "SELECT * FROM streams ORDER BY id").compactMap { row in
            guard let id = row.integer("id"), let descriptor = descriptor(row),
                let first = row.integer("first_sequence"),
                row.integer("checksum") == checksum(descriptor, id: id, first: first)
            else {
                damaged("the description of stream \(row.integer("id") ?? 0) is not as it was written")
                return nil
            }
            return (id: id, descriptor: descriptor, first: first, next: max(first, row.integer("next_sequence") ?? 0))
        }
    }

    private static func arguments(_ stream: StreamDescriptor) -> StatementArguments {
        [
            stream.device, stream.vmd, stream.metric, stream.code.map { Int64($0) }, stream.unit, text(stream.form),
            stream.isWaveform,
            stream.periodNanoseconds, stream.profile, stream.name?.system, stream.name?.category.rawValue,
            stream.name?.display,
            stream.name?.arabicDisplay, stream.name?.loinc,
        ]
    }

    private static func descriptor(_ row: Row) -> StreamDescriptor? {
        guard let form = row.text("form").flatMap(form), let period = row.integer("period_ns"),
            (1...3_600_000_000_000).contains(period),
            let device = row.text("device"), let metric = row.text("metric"), let waveform = row.integer("waveform")
        else { return nil }
        return StreamDescriptor(
            device: device, vmd: row.text("vmd"), metric: metric,
            code: row.integer("code").flatMap { UInt32(exactly: $0) }, unit: row.text("unit"),
            form: form, isWaveform: waveform != 0, periodNanoseconds: period, profile: row.text("profile") ?? "",
            name: name(row))
    }

    /// What the metric was called; `nil` in rows that were written before version 4.
    private static func name(_ row: Row) -> StreamName? {
        guard row.hasColumn("system"), let system = row.text("system"),
            let category = row.text("category").flatMap(MetricCategory.init(rawValue:)),
            let display = row.text("display")
        else { return nil }
        return StreamName(
            system: system, category: category, display: display, arabicDisplay: row.text("display_ar"),
            loinc: row.text("loinc"))
    }

    private static func text(_ form: ValueForm) -> String {
        switch form {
        case .integer(let scale): "integer \(scale.multiplier) \(scale.exponent)"
        case .float32: "float32"
        case .float64: "float64"
        case .text: "text"
        }
    }

    private static func form(_ text: String) -> ValueForm? {
        let parts = text.split(separator: " ")
        switch parts.first {
        case "float32": return .float32
        case "float64": return .float64
        case "text": return .text
        case "integer":
            guard parts.count == 3, let multiplier = Int64(parts[1]), multiplier != 0, let exponent = Int(parts[2]),
                (-18...18).contains(exponent)
            else { return nil }
            return .integer(DecimalScale(multiplier: multiplier, exponent: exponent))
        default: return nil
        }
    }
}

/// Runs of the host as rows.
enum SessionRow {
    static func insert(_ db: Database, _ session: JournalSession, startedUTC: Int64) throws {
        try db.execute(
            sql:
                "INSERT OR IGNORE INTO sessions(id, key, boot, started_ns, started_utc, checksum, unit, window_ns, "
                + "form) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                session.id, session.key, session.bootID, session.started, startedUTC,
                checksum(session, startedUTC: startedUTC), session.unit, session.window, session.form?.rawValue,
            ])
    }

    /// The sessions of a file. One that is not as it was written is left out.
    static func all(_ db: Database, damaged: (String) -> Void = { _ in }) throws -> [JournalSession] {
        try Row.fetchAll(db, sql: "SELECT * FROM sessions ORDER BY id").compactMap { row in
            let session = JournalSession(
                id: row.integer("id") ?? 0, key: row.text("key") ?? "", bootID: row.text("boot") ?? "",
                started: row.integer("started_ns") ?? 0,
                isEnded: row.integer("ended_ns") != nil, unit: row.text("unit"),
                window: row.integer("window_ns").flatMap { $0 > 0 ? $0 : nil },
                form: row.integer("form").flatMap(DeliveryForm.init(rawValue:)))
            if row.integer("checksum") == checksum(session, startedUTC: row.integer("started_utc") ?? 0) {
                return session
            }
            damaged("the description of session \(session.id) is not as it was written")
            return nil
        }
    }

    private static func checksum(_ session: JournalSession, startedUTC: Int64) -> Int64 {
        let delivery = [session.unit, session.window.map { "\($0)" }, session.form.map { "\($0.rawValue)" }]
            .compactMap { $0 }
        return RowChecksum.compute(
            ["\(session.id)", session.key, session.bootID, "\(session.started)", "\(startedUTC)"] + delivery)
    }
}

/// CRC-32C over the columns of a row that never change.
enum RowChecksum {
    static func compute(_ columns: [String]) -> Int64 {
        // Lengths before texts: no two different rows can give the same bytes.
        var sum = UInt32.max
        for column in columns { sum = CRC32C.update(sum, Array("\(column.utf8.count):\(column)".utf8)[...]) }
        return Int64(~sum)
    }
}
