import JournalCoding

/// Whether the newest file of a kind may be written to. Once a write or a sync of it has failed it may not: what failed
/// then is done in a new file.
final class FileTrust {
    /// Why not, and the file that it is about; no name when there was none to write to from the beginning.
    private var failure: (name: String?, reason: String)?
    /// When a new file may be tried: at once, then after a second, two, four … 64, for each that fails in turn stays
    /// open. Unit: ns.
    private var allowedAt: Int64 = .min
    private var pause = FileTrust.firstPause

    private static let firstPause: Int64 = 1_000_000_000
    private static let longestPause: Int64 = 64_000_000_000

    /// Pages of shared indices that were replaced up to when the file was last looked at.
    private var replacedPages = SharedIndex.replacedPages

    var isLost: Bool { failure != nil }

    /// There is no file that may be written to, for this reason.
    func lose(_ reason: String) { failure = (nil, reason) }

    func lose(_ name: String, _ error: any Error) { failure = (name, JournalFailure.words(error)) }

    func tryAtOnce() { allowedAt = .min }

    /// Does something with the newest file. When it fails in a way that makes the file untrustworthy, a new one is
    /// begun and the same is done there, once.
    ///
    /// - Parameter tell: is told of the file that failed, when a new one was begun.
    /// - Throws: what `body` or `begin` throws; the old failure in words while it is too early for a new file.
    func attempt(
        _ now: Int64, name: String, begin: () throws -> Void, tell: (JournalIncident) -> Void, _ body: () throws -> Void
    ) throws {
        if SharedIndex.replacedPages != replacedPages {
            replacedPages = SharedIndex.replacedPages
            if failure == nil { lose(name, BlockDamage("the disk refused a write to its index")) }
        }
        if failure == nil {
            do { return try body() } catch {
                guard JournalFailure(error) == .damaged else { throw error }
                lose(name, error)
            }
        }
        guard let failed = failure else { return }
        guard now >= allowedAt else {
            throw JournalError.cannotCreate(path: failed.name ?? name, reason: failed.reason)
        }
        (allowedAt, pause) = (now + pause, min(2 * pause, Self.longestPause))
        try begin()
        failure = nil
        if let name = failed.name { tell(.failed(file: name, reason: failed.reason)) }
        try body()
        pause = Self.firstPause
    }
}
