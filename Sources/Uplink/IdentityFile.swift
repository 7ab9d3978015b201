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
/// | `….fresh` | the pair that takes the file's place | it has |
/// | `….former-DIGEST` | a former certificate without its key: the record's signatures are held against it | for ever |
struct IdentityFile {
    /// What the file says now.
    struct Pair {
        /// The unit's own first.
        let certificates: [Certificate]

        var own: Certificate { certificates[0] }
    }

    /// Unit: bytes.
    private static let limit = 256 << 10
    /// What its owner may do, until it is whole and in its place.
    private static let ownerAlone: UInt32 = 0o600

    let path: String
    private let files = DiskFiles()

    init(_ path: String) { self.path = path }

    private var folder: String { URL(fileURLWithPath: path).deletingLastPathComponent().path }
    private var asked: String { path + ".asked" }
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

    /// The request that is kept; `nil` where there is none, or it is damaged.
    func request() -> EnrolmentRequest? { text(asked).flatMap { EnrolmentRequest(text: $0) } }

    private func text(_ path: String) -> String? {
        (try? files.read(path, limit: Self.limit)).flatMap { String(bytes: $0, encoding: .utf8) }
    }

    // MARK: What is done

    /// Keeps a request before it is sent, so that a certificate that was given is not one without a key.
    func keep(_ request: EnrolmentRequest) throws(EnrolmentFault) {
        try attempt("keep a key in") { () throws(StoreFailure) in
            try write(request.text, to: asked)
            try files.sync(folder: folder)
        }
    }

    /// Forgets what was asked for where it is in place: a kill came between the one and the other.
    func tidy() throws(EnrolmentFault) {
        guard let request = request(), request.publicKey == pair()?.own.publicKey else { return }
        try forget()
    }

    /// Forgets what was asked for.
    func forget() throws(EnrolmentFault) {
        try attempt("remove a key from") { () throws(StoreFailure) in
            for path in [asked, fresh] where try files.details(path) != nil { try files.remove(path) }
            try files.sync(folder: folder)
        }
    }

    /// Puts a pair in place. Whatever ends it anywhere, the file has the former pair or this one.
    ///
    /// - Parameter prove: throws where the pair, in the file that it is given, is not to be used.
    func put(
        _ chain: [Certificate], _ key: P384.Signing.PrivateKey,
        prove: (String) async throws(EnrolmentFault) -> Void = { _ in }
    ) async throws(EnrolmentFault) {
        let text: String
        do {
            text = try chain.map { try $0.serializeAsPEM().pemString + "\n" }.joined() + key.pemRepresentation + "\n"
        } catch { throw .files("the new certificate cannot be written") }
        try keepFormer()
        try attempt("put a certificate into") { () throws(StoreFailure) in
            try write(text, to: fresh)
            try share(fresh)
        }
        try await prove(fresh)
        try attempt("put a certificate into") { () throws(StoreFailure) in
            try files.rename(fresh, to: path)
            try files.sync(folder: folder)
        }
        try forget()
    }

    /// Keeps the certificate that is replaced, without its key.
    private func keepFormer() throws(EnrolmentFault) {
        guard let former = pair()?.own, let document = try? former.serializeAsPEM() else { return }
        let place = "\(path).former-\(Self.digest(former).prefix(16))"
        try attempt("keep the former certificate in") { () throws(StoreFailure) in
            guard try files.details(place) == nil else { return }
            try write(document.pemString + "\n", to: fresh)
            try share(fresh)
            try files.rename(fresh, to: place)
        }
    }

    /// A file that was not there, its owner's alone; what a kill left under its name goes.
    private func write(_ text: String, to path: String) throws(StoreFailure) {
        if try files.details(path) != nil { try files.remove(path) }
        try files.write(Array(text.utf8), to: path, mode: Self.ownerAlone)
    }

    /// Gives a whole file to whom its folder belongs, and to be read to the folder's group where the folder hands that
    /// on (2750, as the package has it): both roles read it. Others never may.
    private func share(_ path: String) throws(StoreFailure) {
        var (facts, file) = (stat(), stat())
        guard stat(folder, &facts) == 0, lstat(path, &file) == 0 else { throw StoreFailure(errno) }
        if geteuid() == 0, lchown(path, facts.st_uid, facts.st_gid) != 0 { throw StoreFailure(errno) }
        let isShared = facts.st_mode & S_ISGID != 0 && (geteuid() == 0 || file.st_gid == facts.st_gid)
        guard isShared else { return }
        guard chmod(path, 0o640) == 0 else { throw StoreFailure(errno) }
        // Whose it is, and who may read it, is on the disk before its name is.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw StoreFailure(errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StoreFailure(errno) }
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
