import Crypto
import Foundation
import Glibc
import PatientStore
import SwiftASN1
import X509

/// The file in which this unit's certificate and its key stand together, and what is kept beside it while they are
/// renewed. One rename puts both in place: at a kill anywhere there is the former pair or the new one.
///
/// | file | what | until |
/// |---|---|---|
/// | the file itself | certificates, the unit's first, then the key | the next renewal |
/// | `….asked` | the key that was made, and the request for it | its certificate is in place |
/// | `….asked-first` | the same of one that a person asked for with a password; it is root's | so is that |
/// | `….fresh` | the pair that takes the file's place | it has |
/// | `….former-DIGEST` | a former certificate without its key: signatures are held against it | 36 are newer |
struct IdentityFile {
    /// What the file says now.
    struct Pair {
        /// The unit's own first.
        let certificates: [Certificate]

        var own: Certificate { certificates[0] }
    }

    /// What a certificate was asked for.
    enum Kind: String, CaseIterable {
        /// By a person, with a password, in the place of none or of another.
        case first = ".asked-first"
        /// By the certificate in use.
        case renewal = ".asked"
    }

    /// So many former certificates are kept: six years of those that are good for 90 days.
    static let mostFormer = 36
    /// So long nothing is renewed while a person waits for the certificate that they asked for. Unit: s.
    static let firstLimit: TimeInterval = 86_400
    /// Unit: bytes.
    private static let limit = 256 << 10
    /// What its owner may do, until it is whole and in its place.
    private static let ownerAlone: UInt32 = 0o600
    private static let formerMark = ".former-"

    let path: String
    private let files = DiskFiles()

    init(_ path: String) { self.path = path }

    private var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }
    private func asked(_ kind: Kind) -> String { path + kind.rawValue }
    private var fresh: String { path + ".fresh" }

    // MARK: One at a time

    /// The right to change what is there: one process has it at a time, and whoever is killed has it no more.
    final class Right {
        private let descriptor: Int32

        fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    /// Throws ``EnrolmentFault/files(_:)``.
    func takeRight() throws(EnrolmentFault) -> Right {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .files("\(folder) cannot be opened: \(StoreFailure(errno).words)") }
        let right = Right(descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw .files("another process renews what is in \(folder) just now: try again in a minute")
        }
        return right
    }

    // MARK: What is there

    /// `nil` where there is none that can be read.
    func pair() -> Pair? {
        guard let text = text(path), let documents = try? PEMDocument.parseMultiple(pemString: text) else { return nil }
        let certificates = documents.filter { $0.discriminator == "CERTIFICATE" }.compactMap {
            try? Certificate(pemDocument: $0)
        }
        return certificates.isEmpty ? nil : Pair(certificates: certificates)
    }

    /// The request that is kept; `nil` where there is none, or it is damaged. Throws where it is kept from this
    /// process: then it is another's, and not to be replaced.
    func request(_ kind: Kind = .renewal) throws(EnrolmentFault) -> EnrolmentRequest? {
        do throws(StoreFailure) {
            let bytes = try files.read(asked(kind), limit: Self.limit)
            return String(bytes: bytes, encoding: .utf8).flatMap { EnrolmentRequest(text: $0) }
        } catch {
            // A link, or longer than any request: damage.
            guard ![ENOENT, ELOOP, 0].contains(error.number) else { return nil }
            throw .files(
                "\(asked(kind)) has a key that this process cannot read (\(error.words)): enrol the unit as root, or "
                    + "remove that file")
        }
    }

    /// Whether a person asked for a certificate, less than a day ago, and has none yet.
    func isFirstUnderWay(at now: Date) -> Bool {
        (try? FileOwner(name: asked(.first))).map { abs(now.timeIntervalSince($0.written)) < Self.firstLimit } ?? false
    }

    private func text(_ path: String) -> String? {
        (try? files.read(path, limit: Self.limit)).flatMap { String(bytes: $0, encoding: .utf8) }
    }

    // MARK: What is done

    /// Keeps a request before it is sent, so that a certificate that was given is not one without a key.
    func keep(_ request: EnrolmentRequest, as kind: Kind = .renewal) throws(EnrolmentFault) {
        try attempt("keep a key in") { () throws(StoreFailure) in
            try write(request.text, to: asked(kind))
            try files.sync(folder: folder)
        }
    }

    /// Forgets what was asked for where it is in place: a kill came between the one and the other.
    func tidy() throws(EnrolmentFault) {
        guard let own = pair()?.own.publicKey else { return }
        for kind in Kind.allCases where (try? request(kind))?.publicKey == own { try forget(kind) }
    }

    /// Forgets what was asked for. A renewal leaves what a person asks for, until it has lain there for too long.
    private func forget(_ kind: Kind) throws(EnrolmentFault) {
        let isAll = kind == .first || !isFirstUnderWay(at: Date())
        try attempt("remove a key from") { () throws(StoreFailure) in
            for path in (isAll ? [asked(.first)] : []) + [asked(.renewal), fresh]
            where try files.details(path) != nil { try files.remove(path) }
            try files.sync(folder: folder)
        }
    }

    /// Puts a pair in place. Whatever ends it anywhere, the file has the former pair or this one.
    ///
    /// - Parameter prove: throws where the pair, in the file that it is given, is not to be used.
    func put(
        _ chain: [Certificate], _ key: P384.Signing.PrivateKey, as kind: Kind = .renewal,
        prove: (String) async throws(EnrolmentFault) -> Void = { _ in }
    ) async throws(EnrolmentFault) {
        let text: String
        do {
            text = try chain.map { try $0.serializeAsPEM().pemString + "\n" }.joined() + key.pemRepresentation + "\n"
        } catch { throw .files("the new certificate cannot be written") }
        try keepFormer()
        try attempt("put a certificate into") { () throws(StoreFailure) in
            try write(text, to: fresh, isShared: true)
        }
        try await prove(fresh)
        guard !Task.isCancelled else { throw .stopped }
        try attempt("put a certificate into") { () throws(StoreFailure) in
            try files.rename(fresh, to: path)
            try files.sync(folder: folder)
        }
        try forget(kind)
        // The new pair is in place all the same; the next renewal tries it again.
        try? dropFormer()
    }

    /// Removes the oldest former certificates, where there are more than are kept.
    private func dropFormer() throws(EnrolmentFault) {
        let name = URL(fileURLWithPath: path).lastPathComponent + Self.formerMark
        try attempt("remove a former certificate from") { () throws(StoreFailure) in
            let former = try files.names(in: folder).filter { $0.hasPrefix(name) }.map { "\(folder)/\($0)" }
            guard former.count > Self.mostFormer else { return }
            let ages = former.map { ($0, (try? FileOwner(name: $0))?.written ?? .distantPast) }
                .sorted { ($0.1, $0.0) < ($1.1, $1.0) }
            for (path, _) in ages.dropLast(Self.mostFormer) { try files.remove(path) }
        }
    }

    /// Keeps the certificate that is replaced, without its key.
    private func keepFormer() throws(EnrolmentFault) {
        guard let former = pair()?.own, let document = try? former.serializeAsPEM() else { return }
        let place = "\(path)\(Self.formerMark)\(Self.digest(former).prefix(16))"
        try attempt("keep the former certificate in") { () throws(StoreFailure) in
            guard try files.details(place) == nil else { return }
            try write(document.pemString + "\n", to: fresh, isShared: true)
            try files.rename(fresh, to: place)
        }
    }

    /// A file that was not there, its owner's alone until its bytes are in it; what a kill left under its name goes.
    /// All that is done to it is done to what was made here: whoever the folder belongs to may give another its name.
    ///
    /// - Parameter isShared: whether it is given to whom the folder belongs.
    private func write(_ text: String, to path: String, isShared: Bool = false) throws(StoreFailure) {
        if try files.details(path) != nil { try files.remove(path) }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, Self.ownerAlone)
        guard descriptor >= 0 else { throw StoreFailure(errno) }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw StoreFailure(ENOSPC) }
        if isShared { try share(descriptor) }
        // Whose it is, and who may read it, is on the disk before its name is.
        guard fsync(descriptor) == 0 else { throw StoreFailure(errno) }
    }

    /// Gives a file to whom its folder belongs, and to be read to the folder's group where the folder hands that on
    /// (2750, as the package has it): both roles read it. Others never may.
    private func share(_ descriptor: Int32) throws(StoreFailure) {
        let (place, file) = (try FileOwner(folder: folder), try FileOwner(descriptor: descriptor))
        if geteuid() == 0, fchown(descriptor, place.user, place.group) != 0 { throw StoreFailure(errno) }
        let isShared = place.handsGroupOn && (geteuid() == 0 || file.group == place.group)
        guard isShared else { return }
        guard fchmod(descriptor, 0o640) == 0 else { throw StoreFailure(errno) }
    }

    private func attempt(_ what: String, _ body: () throws(StoreFailure) -> Void) throws(EnrolmentFault) {
        do throws(StoreFailure) { try body() } catch {
            throw .files("this process could not \(what) \(folder): \(error.words)")
        }
    }

    /// SHA-256 of a certificate, in hexadecimal.
    static func digest(_ certificate: Certificate) -> String {
        var serializer = DER.Serializer()
        guard (try? serializer.serialize(certificate)) != nil else { return "" }
        return SHA256.hash(data: Data(serializer.serializedBytes)).map {
            ($0 < 16 ? "0" : "") + String($0, radix: 16)
        }.joined()
    }
}
