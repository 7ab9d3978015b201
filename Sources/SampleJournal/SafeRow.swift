import Foundation
import GRDB

/// Columns as they are, whatever a damaged file makes of them: GRDB's plain subscripts trap on a NULL, a wrong type or
/// a column that is not there.
extension Row {
    func integer(_ column: String) -> Int64? { value(column).flatMap(Int64.fromDatabaseValue) }

    func text(_ column: String) -> String? { value(column).flatMap(String.fromDatabaseValue) }

    func bytes(_ column: String) -> [UInt8]? { value(column).flatMap(Data.fromDatabaseValue).map(Array.init) }

    private func value(_ column: String) -> DatabaseValue? { hasColumn(column) ? self[column] as DatabaseValue : nil }
}
