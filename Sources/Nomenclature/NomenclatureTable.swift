import Foundation
import PlainFiles
package import StrictYAML

/// Tables of names: lines of columns separated by one tab; the first line that is no comment names the columns.
///
/// Tables and not YAML: they are read at each start of each command, and a spreadsheet edits them.
package struct NomenclatureTable {
    /// The largest table read, and the most names in one. The largest that is shipped has 901 names in 92 kB.
    package static let sizeLimit = 1 << 20
    static let rowLimit = 20_000
    /// The most tables of a folder.
    package static let mostTables = 64
    static let cellLimit = 400

    package let rows: [NameRow]

    /// Reads a table; what is not in order is reported at its place and left out.
    package init(path: String, text: String, _ diagnostics: Diagnostics) {
        var header: (kind: NameRow.Kind, columns: [String])?
        var rows: [NameRow] = []
        var number = 0
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let line = line.last == 0x0D ? line.dropLast() : line
            if line.isEmpty || line.first == 0x23 { continue }
            let cells = Self.cells(line, path: path, number: number)
            guard let known = header else {
                header = Self.header(cells, diagnostics)
                if header == nil { break }
                continue
            }
            guard rows.count < Self.rowLimit else {
                diagnostics.error(cells[0].location, "more than \(Self.rowLimit) names in one table")
                break
            }
            if let row = Self.row(cells, known.kind, known.columns, diagnostics) { rows.append(row) }
        }
        if header == nil, !diagnostics.hasErrors {
            diagnostics.error(
                SourceLocation(file: path, line: 1, column: 1), "the table is empty: its first line names the columns")
        }
        self.rows = rows
    }

    private static func cells(_ line: Substring.UTF8View, path: String, number: Int) -> [NameRow.Cell] {
        var column = 1
        return line.split(separator: 0x09, omittingEmptySubsequences: false).map { text in
            // Columns count characters: bytes that continue one are none.
            defer { column += text.count { $0 & 0xC0 != 0x80 } + 1 }
            return NameRow.Cell(
                text: String(decoding: text, as: UTF8.self),
                location: SourceLocation(file: path, line: number, column: column))
        }
    }

    private static func header(_ cells: [NameRow.Cell], _ diagnostics: Diagnostics) -> (
        kind: NameRow.Kind, columns: [String]
    )? {
        guard let kind = NameRow.Kind(rawValue: cells[0].text) else {
            let kinds = NameRow.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            diagnostics.error(
                cells[0].location,
                "the first line names the columns, and the first column says what the names are (\(kinds)), found "
                    + "“\(cells[0].text)”"
            )
            return nil
        }
        var seen: Set<String> = []
        for cell in cells.dropFirst() {
            if !kind.columns.contains(cell.text) {
                diagnostics.error(
                    cell.location, "unknown column “\(cell.text)”; expected \(kind.columns.joined(separator: ", "))",
                    suggestion: YAMLValue.suggest(cell.text, among: kind.columns))
            }
            if !seen.insert(cell.text).inserted {
                diagnostics.error(cell.location, "the column “\(cell.text)” stands twice")
            }
        }
        return (kind, cells.map(\.text))
    }

    private static func row(
        _ cells: [NameRow.Cell], _ kind: NameRow.Kind, _ columns: [String], _ diagnostics: Diagnostics
    ) -> NameRow? {
        guard cells.count <= columns.count else {
            diagnostics.error(
                cells[columns.count].location, "more columns than the first line names (\(columns.count))")
            return nil
        }
        if let long = cells.first(where: { $0.text.utf8.count > cellLimit }) {
            diagnostics.error(long.location, "a cell has at most \(cellLimit) bytes")
            return nil
        }
        guard !cells[0].text.isEmpty else {
            diagnostics.error(cells[0].location, "the name is missing")
            return nil
        }
        return NameRow(
            kind: kind, name: cells[0],
            cells: Dictionary(zip(columns, cells).dropFirst(), uniquingKeysWith: { first, _ in first }))
    }
}

extension Nomenclature {
    /// Reads every table (`*.tsv`) of a folder. Names that are not in order are reported as warnings and left out.
    package mutating func read(folder: String, by origin: NameOrigin, _ diagnostics: Diagnostics) {
        let found = Diagnostics()
        var rows: [NameRow] = []
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".tsv")
        }.sorted()
        if files.count > NomenclatureTable.mostTables {
            found.error(
                SourceLocation(file: folder, line: 1, column: 1),
                "there are \(files.count) tables: the first \(NomenclatureTable.mostTables) by name are read")
        }
        for file in files.prefix(NomenclatureTable.mostTables) {
            let path = "\(folder)/\(file)"
            let start = SourceLocation(file: path, line: 1, column: 1)
            guard let text = PlainFile.text(path, limit: NomenclatureTable.sizeLimit) else {
                found.error(
                    start,
                    "the table cannot be read: it is a file of UTF-8 text of at most \(NomenclatureTable.sizeLimit) "
                        + "bytes, with a right to read it"
                )
                continue
            }
            rows += NomenclatureTable(path: path, text: text, found).rows
        }
        for kind in NameRow.Kind.allCases { for row in rows where row.kind == kind { declare(row, by: origin, found) } }
        for fault in found.all {
            diagnostics.report(Diagnostic(.warning, fault.location, fault.message, suggestion: fault.suggestion))
        }
    }
}
