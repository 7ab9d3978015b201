/// Why a record is not exported, in words that tell what to do.
package enum ExportError: Error, Sendable, CustomStringConvertible {
    case notEmpty(path: String)
    case isThere(path: String)
    case cannotWrite(path: String)
    case withdrawn(binding: Int64, replacement: Int64?)
    case tooLong(most: Int)

    package var description: String {
        switch self {
        case .notEmpty(let path): "the folder \(path) is not empty: name one that is, or that is not there"
        case .isThere(let path): "\(path) is there already and is not written over: name another file"
        case .cannotWrite(let path): "\(path) cannot be written: check the folder, its owner and the disk"
        case .withdrawn(let binding, let replacement):
            "binding \(binding) was withdrawn, because it was the wrong patient: nothing is filed under it"
                + (replacement.map { "; export the one that took its place: --binding \($0)" } ?? "")
        case .tooLong(let most):
            "the record has more than \(most) samples, which no reader of a document opens: give --csv alone"
        }
    }

    /// Whether it is the record, and not where it is to be written.
    package var isOfContent: Bool {
        switch self {
        case .withdrawn, .tooLong: true
        case .notEmpty, .isThere, .cannotWrite: false
        }
    }
}
