import DeviceModel
import Foundation

/// The tables that a record is written as.
enum ExportTable: String, CaseIterable {
    case trends
    case gaps
    case alarms
    case infusions
    case scores

    /// The columns. Times: `time` is UTC, empty where the wall clock was never known; `monotonicNanoseconds` counts
    /// from the start of the machine, or of the record where dates are taken out.
    var columns: [String] {
        let when = ["time", "monotonicNanoseconds", "clock"]
        switch self {
        case .trends:
            return when + ["device", "vmd", "metric", "sequence", "value", "unit", "validity", "reason"]
        case .gaps:
            return [
                "from", "to", "fromMonotonicNanoseconds", "toMonotonicNanoseconds", "device", "vmd", "metric", "why",
                "validity", "reason", "samples",
            ]
        case .alarms:
            return when + [
                "number", "event", "device", "vmd", "metric", "alert", "priority", "presence", "activation", "change",
                "instance",
                "text", "textArabic", "reason", "by",
            ]
        case .infusions:
            return when + [
                "device", "vmd", "what", "metric", "value", "unit", "validity", "reason", "event",
            ]
        case .scores:
            return when + ["number", "event", "name", "part", "value", "points", "band", "missing", "by"]
        }
    }
}

/// A folder of tables in CSV, written row by row. Nothing that is there is written over.
final class TableFolder {
    /// Bytes that wait before they are written.
    private static let most = 64 << 10

    private let path: String
    private var files: [ExportTable: FileHandle] = [:]
    private var waiting: [ExportTable: [UInt8]] = [:]
    /// The names of what this export has put there.
    private var written: [String] = []
    private(set) var rows: [ExportTable: Int] = [:]

    /// Makes the folder; throws where it is there and is not empty.
    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard try FileManager.default.contentsOfDirectory(atPath: path).isEmpty else {
            throw ExportError.notEmpty(path: path)
        }
        for table in ExportTable.allCases {
            let file = "\(path)/\(table.rawValue).csv"
            guard FileManager.default.createFile(atPath: file, contents: nil, attributes: [.posixPermissions: 0o640]),
                let handle = FileHandle(forWritingAtPath: file)
            else { throw ExportError.cannotWrite(path: file) }
            files[table] = handle
            written.append("\(table.rawValue).csv")
            waiting[table] = Array("\(table.columns.joined(separator: ","))\n".utf8)
        }
    }

    /// - Parameter cells: as many as there are columns.
    func row(_ table: ExportTable, _ cells: [String]) throws {
        waiting[table, default: []] += cells.map { Printable.cell($0) }.joined(separator: ",").utf8
        waiting[table, default: []].append(UInt8(ascii: "\n"))
        rows[table, default: 0] += 1
        if waiting[table, default: []].count > Self.most { try flush(table) }
    }

    /// Writes a document beside the tables.
    func write(_ name: String, _ text: String) throws {
        try ExportFile.write(text, to: "\(path)/\(name)")
        written.append(name)
    }

    func finish() throws {
        for table in ExportTable.allCases {
            try flush(table)
            try files[table]?.synchronize()
            try files[table]?.close()
        }
        files = [:]
    }

    /// Takes away what was begun: half a record looks like a whole one.
    func discard() {
        for file in files.values { try? file.close() }
        files = [:]
        for name in written { try? FileManager.default.removeItem(atPath: "\(path)/\(name)") }
        // Only where nothing else is in it.
        if (try? FileManager.default.contentsOfDirectory(atPath: path).isEmpty) ?? false {
            try? FileManager.default.removeItem(atPath: path)
        }
    }

    private func flush(_ table: ExportTable) throws {
        try files[table]?.write(contentsOf: Data(waiting[table, default: []]))
        waiting[table] = []
    }
}

/// A file that is written once: whole, or not at all.
enum ExportFile {
    static func write(_ text: String, to path: String) throws {
        guard !FileManager.default.fileExists(atPath: path) else { throw ExportError.isThere(path: path) }
        let draft = "\(path).part"
        try? FileManager.default.removeItem(atPath: draft)
        guard
            FileManager.default.createFile(
                atPath: draft, contents: Data(text.utf8), attributes: [.posixPermissions: 0o640])
        else { throw ExportError.cannotWrite(path: path) }
        do { try FileManager.default.moveItem(atPath: draft, toPath: path) } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw ExportError.cannotWrite(path: path)
        }
    }
}
