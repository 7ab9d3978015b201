import Foundation
import PatientStore

/// A disk in memory that can lose its power: what was not waited for may be there, or not, or be cut.
final class MemoryDisk: StoreFiles {
    struct File: Equatable {
        var bytes: [UInt8]
        var details: FileDetails
    }

    /// Names as they are on the disk, and as the running system sees them.
    private(set) var durable: [String: File]
    private(set) var seen: [String: File]
    /// Before or in the middle of which call it fails; each call counts.
    var failsAt: Int?
    /// Whether all later calls fail too, as after a kill.
    var isDead = false
    private(set) var calls = 0
    var owner = true

    init(_ files: [String: File] = [:]) { (durable, seen) = (files, files) }

    static func details(_ kind: FileDetails.Kind, _ mode: UInt32) -> FileDetails {
        FileDetails(kind: kind, isOwn: true, isOfOwnGroup: true, mode: mode)
    }

    /// The disk after the power came back: of each name that was not waited for, the old or the new is there.
    func restarted(keepingNew: Bool) -> MemoryDisk { MemoryDisk(keepingNew ? seen : durable) }

    private func count(_ half: () -> Void = {}) throws(StoreFailure) {
        calls += 1
        if isDead { throw StoreFailure(EIO) }
        guard let failsAt, calls == failsAt else { return }
        half()
        isDead = true
        throw StoreFailure(EIO)
    }

    func details(_ path: String) throws(StoreFailure) -> FileDetails? {
        try count()
        return seen[path]?.details
    }

    func names(in folder: String) throws(StoreFailure) -> [String] {
        try count()
        return seen.keys.filter { $0.hasPrefix(folder + "/") }.map { String($0.dropFirst(folder.count + 1)) }
    }

    func read(_ path: String, limit: Int) throws(StoreFailure) -> [UInt8] {
        try count()
        guard let file = seen[path] else { throw StoreFailure(ENOENT) }
        guard file.bytes.count <= limit else { throw StoreFailure(0) }
        return file.bytes
    }

    func makeFolder(_ path: String) throws(StoreFailure) {
        try count()
        seen[path] = File(bytes: [], details: Self.details(.folder, 0o700))
    }

    func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(StoreFailure) {
        let details = Self.details(.file, mode)
        guard seen[path] == nil else { throw StoreFailure(EEXIST) }
        try count { seen[path] = File(bytes: Array(bytes.prefix(bytes.count / 2)), details: details) }
        seen[path] = File(bytes: bytes, details: details)
    }

    func rename(_ path: String, to other: String) throws(StoreFailure) {
        try count()
        seen[other] = seen.removeValue(forKey: path)
    }

    func sync(folder: String) throws(StoreFailure) {
        try count()
        durable = seen
    }

    func remove(_ path: String) throws(StoreFailure) {
        try count()
        seen[path] = nil
    }

    func put(_ bytes: [UInt8], at path: String) { seen[path]?.bytes = bytes }

    func give(_ path: String, _ details: FileDetails) {
        seen[path] = File(bytes: seen[path]?.bytes ?? [], details: details)
    }

    func take(_ path: String) { seen[path] = nil }
}
