import Foundation
import GRDB

/// Columns as they are, whatever a damaged file makes of them: GRDB's plain subscripts trap on a NULL or a wrong type.
extension Row {
    func integer(_ column: String) -> Int64? { Int64.fromDatabaseValue(self[column] as DatabaseValue) }

    func text(_ column: String) -> String? { String.fromDatabaseValue(self[column] as DatabaseValue) }

    func bytes(_ column: String) -> [UInt8]? { Data.fromDatabaseValue(self[column] as DatabaseValue).map(Array.init) }
}
