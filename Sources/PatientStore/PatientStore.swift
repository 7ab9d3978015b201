import Crypto
import DeviceModel
package import Patients

/// Who the patients are: the one place where their identifiers stand.
///
/// A folder that its owner alone may write, with `key` (32 bytes, by which a patient's digest is made) and a file for
/// each patient, named by the digest. Each file is written beside its place, is on the disk before it takes it, and
/// takes it whole: a reader sees the old one or the new one.
///
/// Used by one thread, of one process: the one that holds the journal.
package final class PatientStore {
    /// The most patients that are kept.
    package static let most = 20_000

    private let folder: String
    private let files: any StoreFiles
    private let key: SymmetricKey
    private let mode: UInt32
    private let limit: Int
    /// What is kept, by the patients' subjects.
    package private(set) var known: [String: PatientIdentifiers] = [:]
    /// How many files could not be read, or are not as they were written.
    package private(set) var damaged = 0

    static let keyName = "key"
    static let keyLength = 32
    /// What was begun to be written.
    static let unfinished = ".new"
    static let ending = ".patient"

    /// Opens the place, and makes it where there is none.
    package convenience init(folder: String, files: any StoreFiles = DiskFiles()) throws(PatientStoreFault) {
        try self.init(folder: folder, files: files, most: Self.most)
    }

    init(folder: String, files: any StoreFiles, most: Int) throws(PatientStoreFault) {
        (self.folder, self.files, limit) = (folder, files, most)
        do throws(StoreFailure) {
            if try files.details(folder) == nil {
                try files.makeFolder(folder)
                try files.sync(folder: Self.parent(of: folder))
            }
        } catch { throw .system(folder, error.words) }
        mode = try Self.check(folder, files) & 0o040 == 0 ? 0o600 : 0o640
        let names: [String]
        do throws(StoreFailure) { names = try files.names(in: folder) } catch {
            throw .system(folder, error.words)
        }
        // What cannot be taken away is in nobody's way but its own patient's.
        for name in names where name.hasSuffix(Self.unfinished) { try? files.remove("\(folder)/\(name)") }
        let subjects = names.filter { $0.hasSuffix(Self.ending) }.map { String($0.dropLast(Self.ending.count)) }
        key = try Self.key(in: folder, files, isFirst: subjects.isEmpty)
        for subject in subjects.sorted() {
            guard Self.isSubject(subject), known.count < limit,
                let identifiers = Self.identifiers(of: subject, in: folder, files)
            else {
                damaged += 1
                continue
            }
            known[subject] = identifiers
        }
    }

    /// A patient's subject: a digest that says nothing to whoever has not the key. 64 hexadecimal digits.
    package func subject(of identifiers: PatientIdentifiers) -> String {
        Hex.text(Array(HMAC<SHA256>.authenticationCode(for: identifiers.digested, using: key)))
    }

    /// Keeps who a patient is; it is on the disk when this returns. Where it throws, the old one or the new one is
    /// there.
    package func keep(_ identifiers: PatientIdentifiers, as subject: String) throws(PatientStoreFault) {
        if known[subject]?.entered == identifiers.entered { return }
        guard known[subject] != nil || known.count < limit else { throw .full(folder) }
        guard Self.isSubject(subject) else { throw .system(folder, "no subject") }
        let path = "\(folder)/\(subject)\(Self.ending)"
        try Self.put(
            PatientRecord.bytes(identifiers, subject: subject), at: path, in: folder, mode: mode, files)
        known[subject] = identifiers
    }

    // MARK: Files

    static func isSubject(_ text: String) -> Bool { text.utf8.count == 64 && Hex.bytes(text) != nil }

    static func identifiers(
        of subject: String, in folder: String, _ files: any StoreFiles
    ) -> PatientIdentifiers? {
        (try? files.read("\(folder)/\(subject)\(ending)", limit: PatientRecord.longest)).flatMap {
            PatientRecord.identifiers($0, subject: subject)
        }
    }

    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    private static func put(
        _ bytes: [UInt8], at path: String, in folder: String, mode: UInt32, _ files: any StoreFiles
    ) throws(PatientStoreFault) {
        let new = path + unfinished
        do throws(StoreFailure) {
            // What an earlier one left when it failed.
            if try files.details(new) != nil { try files.remove(new) }
            try files.write(bytes, to: new, mode: mode)
            try files.rename(new, to: path)
            try files.sync(folder: folder)
        } catch { throw .system(folder, error.words) }
    }

    /// Whether nobody reads it who must not. Returns its rights.
    private static func check(_ folder: String, _ files: any StoreFiles) throws(PatientStoreFault) -> UInt32 {
        let details: FileDetails
        do throws(StoreFailure) {
            guard let found = try files.details(folder) else { throw StoreFailure(2) }
            details = found
        } catch { throw .system(folder, error.words) }
        guard details.kind == .folder else { throw .noFolder(folder) }
        guard details.isOwn, details.mode & 0o700 == 0o700 else { throw .owner(folder) }
        // Another group than the host's own was given on purpose, to the role that delivers; the host's own is of
        // whoever may read the record.
        guard details.mode & 0o027 == 0, details.mode & 0o050 == 0 || !details.isOfOwnGroup else {
            throw .rights(folder)
        }
        return details.mode
    }

    private static func key(
        in folder: String, _ files: any StoreFiles, isFirst: Bool
    ) throws(PatientStoreFault) -> SymmetricKey {
        let path = "\(folder)/\(keyName)"
        let details: FileDetails?
        do throws(StoreFailure) { details = try files.details(path) } catch { throw .system(path, error.words) }
        guard let details else {
            guard isFirst else { throw .noKey(path) }
            var generator = SystemRandomNumberGenerator()
            let bytes = (0..<keyLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            try put(bytes, at: path, in: folder, mode: 0o600, files)
            return SymmetricKey(data: bytes)
        }
        guard details.kind == .file, details.isOwn else { throw .owner(path) }
        guard details.mode & 0o077 == 0 else { throw .rights(path) }
        let bytes: [UInt8]
        do throws(StoreFailure) { bytes = try files.read(path, limit: keyLength) } catch {
            throw error.number == 0 ? .keyDamaged(path) : .system(path, error.words)
        }
        guard bytes.count == keyLength else { throw .keyDamaged(path) }
        return SymmetricKey(data: bytes)
    }
}

/// Why the place of the patients cannot be used, and what to do. It holds paths, and nothing of a patient.
package enum PatientStoreFault: Error, Sendable, Hashable, CustomStringConvertible {
    case noFolder(String)
    case owner(String)
    case rights(String)
    case noKey(String)
    case keyDamaged(String)
    case full(String)
    case system(String, String)

    package var description: String {
        switch self {
        case .noFolder(let path): "\(path) is no folder: the place of the patients is one of its own"
        case .owner(let path): "\(path) is not the host's own: give it to the host's user (chown) with all rights"
        case .rights(let path):
            "\(path) may be read or written by others than the host: find out who did, then take their rights away "
                + "(chmod go= \(path))"
        case .noKey(let path):
            "\(path) is gone, and patients are there that were told by it: put it back; or, if it is lost, set the "
                + "folder aside and begin with an empty one, and every patient is a new one"
        case .keyDamaged(let path): "\(path) does not hold the 32 bytes of a key: put the right one back"
        case .full(let path):
            "\(path) holds \(PatientStore.most) patients and takes no more: set the folder aside, keep its key"
        case .system(let path, let words): "\(path) cannot be used: \(words)"
        }
    }
}
