import Crypto
import Foundation
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import Uplink

/// Whether the records service takes a new pair as it takes the one in use.
@Suite struct ServiceProofTests {
    @Test(arguments: [
        (200, 200, true), (200, 401, false), (200, 400, false), (401, 401, true), (403, 403, true), (200, 304, true),
        (401, 200, true), (404, 403, false), (200, 503, false), (503, 400, false), (503, 503, true),
    ])
    func itIsAsGoodAsTheFormer(former: Int, new: Int, isTaken: Bool) {
        #expect(ServiceProof.isTaken(former: .status(former), new: .status(new)) == isTaken)
    }

    /// Where tokens are wanted, 401 to a question without one says that the certificate is known.
    @Test(arguments: [
        (403, 401, true), (403, 403, true), (401, 403, false), (200, 401, false), (404, 401, false), (403, 400, false),
    ])
    func aMissingTokenIsNoRefusalOfTheCertificate(former: Int, new: Int, isTaken: Bool) async {
        #expect(ServiceProof.isTaken(former: .status(former), new: .status(new), wantsToken: true) == isTaken)
        #expect(!ServiceProof.isTaken(former: .status(403), new: .status(401)))
        #expect(await fault([.status(403), .status(401), .status(403)]) == .notTaken)
        #expect(await fault([.status(403), .status(401)], wantsToken: true) == nil)
    }

    @Test func noAnswerIsAnAnswerOnlyToTheNew() {
        #expect(ServiceProof.isTaken(former: .nothing, new: .nothing))
        #expect(!ServiceProof.isTaken(former: .status(200), new: .nothing))
    }

    /// What the service says to the former, to the new one, and to the former again.
    private func fault(_ told: [ServiceProof.Told], wantsToken: Bool = false) async -> EnrolmentFault? {
        var (told, shown) = (told, [String]())
        do throws(EnrolmentFault) {
            try await ServiceProof.hold("new", beside: "former", wantsToken: wantsToken) { pair in
                shown.append(pair)
                return told.removeFirst()
            }
        } catch { return error }
        #expect(shown == Array(["former", "new"].prefix(shown.count)))
        return nil
    }

    @Test func whatIsNotShownToBeTakenIsNotPutInPlace() async {
        #expect(await fault([.nothing]) == nil)
        #expect(await fault([.status(200), .status(200)]) == nil)
        #expect(await fault([.status(200), .status(403), .status(200)]) == .notTaken)
        #expect(await fault([.status(200), .nothing, .status(200)]) == .notTaken)
        // The way is down, or the service is, in between.
        #expect(await fault([.status(200), .nothing, .nothing]) == .unproved)
        #expect(await fault([.status(200), .status(403), .nothing]) == .unproved)
        #expect(await fault([.status(200), .status(403), .status(503)]) == .unproved)
        #expect(await fault([.status(200), .status(503)]) == .unproved)
        #expect(await fault([.status(200), .status(429)]) == .unproved)
    }

    @Test(arguments: [1, 2, 3]) func whatIsBrokenOffProvesNothing(question: Int) async {
        let task = Task { () -> EnrolmentFault? in
            var count = 0
            do throws(EnrolmentFault) {
                try await ServiceProof.hold("new", beside: "former") { _ in
                    count += 1
                    guard count == question else { return .status(count == 1 ? 200 : 403) }
                    withUnsafeCurrentTask { $0?.cancel() }
                    return .nothing
                }
                return nil
            } catch { return error }
        }
        #expect(await task.value == .stopped)
    }
}

/// The file of certificate and key, and what is beside it.
@Suite struct IdentityFileTests {
    private let folder: TemporaryFolder
    private let authority: MadeCertificate
    private var path: String { "\(folder.path)/unit.pem" }
    private var file: IdentityFile { IdentityFile(path) }

    init() throws {
        folder = try TemporaryFolder()
        authority = try MadeCertificate("authority", isAuthority: true)
    }

    private func request() throws -> EnrolmentRequest {
        try EnrolmentRequest(subject: DistinguishedName { CommonName("mobile-7") })
    }

    private func certificate(for request: EnrolmentRequest) throws -> Certificate {
        try MadeCertificate("mobile-7", by: authority, for: request.publicKey, days: -7000...9000).certificate
    }

    private func mode(_ name: String) throws -> Int {
        try #require(
            FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(name)")[.posixPermissions] as? Int)
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    @Test func aRequestIsKeptAsItIsAndDamageIsNone() throws {
        let made = try request()
        try file.keep(made)
        #expect(try mode("unit.pem.asked") == 0o600)
        let kept = try #require(try file.request())
        #expect(kept.bytes == made.bytes && kept.publicKey == made.publicKey)
        let label = "-----BEGIN CERTIFICATE"
        let one = made.text
        let halves = one.components(separatedBy: label)
        let others = try request().text.components(separatedBy: label)
        try #require(halves.count == 2 && others.count == 2)
        #expect(EnrolmentRequest(text: halves.joined(separator: label)) != nil)
        var damaged = ["", String(one.dropLast(40)), String(one.prefix(200)), one + one, halves[0], label + halves[1]]
        damaged.append(one.replacing("PRIVATE", with: "PUBLIC"))
        // Another key's request.
        damaged.append(halves[0] + label + others[1])
        for text in damaged { #expect(EnrolmentRequest(text: text) == nil, "\(text.prefix(40))") }
    }

    @Test func aPairIsPutInPlaceAndTheFormerCertificateStays() async throws {
        let (first, second) = (try request(), try request())
        let (former, fresh) = (try certificate(for: first), try certificate(for: second))
        try file.keep(first)
        try await file.put([former], first.key)
        #expect(try names == ["unit.pem"])
        #expect(file.pair()?.certificates == [former])
        try file.keep(second)
        try await file.put([fresh, authority.certificate], second.key)
        #expect(file.pair()?.certificates == [fresh, authority.certificate])
        let kept = "unit.pem.former-\(IdentityFile.digest(former).prefix(16))"
        #expect(try names == ["unit.pem", kept])
        #expect(try mode("unit.pem") == 0o600 && mode(kept) == 0o600)
        let text = try String(contentsOfFile: "\(folder.path)/\(kept)", encoding: .utf8)
        #expect(text.hasPrefix("-----BEGIN CERTIFICATE") && !text.contains("KEY"))
        // The library that speaks TLS reads both from it.
        let endpoint = UplinkEndpoint(
            server: "https://a", authority: try folder.write("a.pem", authority.certificate.serializeAsPEM().pemString),
            clientCertificate: path, clientKey: path)
        #expect(endpoint.fault == nil, "\(endpoint.fault?.description ?? "")")
    }

    @Test func aFolderThatHandsItsGroupOnSharesThePair() async throws {
        try #require(chmod(folder.path, 0o2750) == 0)
        let first = try request()
        try file.keep(first)
        #expect(try mode("unit.pem.asked") == 0o600)
        try await file.put([try certificate(for: first)], first.key)
        #expect(try mode("unit.pem") == 0o640)
    }

    @Test func whatAKillLeftIsTidiedAndWhatIsUnderWayStays() async throws {
        let first = try request()
        try await file.put([try certificate(for: first)], first.key)
        try file.keep(first)
        try file.tidy()
        #expect(try names == ["unit.pem"])
        try file.keep(try request())
        _ = try folder.write("unit.pem.fresh", "half a f")
        try file.tidy()
        #expect(try names == ["unit.pem", "unit.pem.asked", "unit.pem.fresh"])
        let next = try #require(try file.request())
        try await file.put([try certificate(for: next)], next.key)
        #expect(try names.count == 2)
    }

    @Test func whatIsNotProvedTakesNothingsPlace() async throws {
        let (first, second) = (try request(), try request())
        let former = try certificate(for: first)
        try await file.put([former], first.key)
        let fresh = try certificate(for: second)
        await #expect(throws: EnrolmentFault.notTaken) {
            try await file.put([fresh], second.key) { (path) async throws(EnrolmentFault) in
                #expect(IdentityFile(path).pair()?.own == fresh)
                throw EnrolmentFault.notTaken
            }
        }
        #expect(file.pair()?.own == former)
    }

    /// A stop while it is proved, whatever the proof says.
    @Test func whatIsStoppedTakesNothingsPlace() async throws {
        let (first, second) = (try request(), try request())
        let former = try certificate(for: first)
        try await file.put([former], first.key)
        let (fresh, file) = (try certificate(for: second), file)
        let task = Task { () -> EnrolmentFault? in
            do throws(EnrolmentFault) {
                try await file.put([fresh], second.key) { _ async throws(EnrolmentFault) in
                    withUnsafeCurrentTask { $0?.cancel() }
                }
                return nil
            } catch { return error }
        }
        #expect(await task.value == .stopped)
        #expect(file.pair()?.own == former)
    }

    @Test func aFewFormerCertificatesAreKept() async throws {
        let most = IdentityFile.mostFormer
        for number in 0..<most + 4 {
            let name = "unit.pem.former-\(number)"
            let path = try folder.write(name, "a certificate")
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: Double(1_000_000 - number))], ofItemAtPath: path)
        }
        _ = try folder.write("unit.pem.formerly", "somebody's")
        for _ in 0..<2 {
            let next = try request()
            try await file.put([try certificate(for: next)], next.key)
        }
        let former = try names.filter { $0.hasPrefix("unit.pem.former-") }
        #expect(former.count == most)
        // The one that was replaced just now, and the youngest of the others.
        #expect(Set(former).isSuperset(of: (0..<most - 1).map { "unit.pem.former-\($0)" }))
        #expect(try names.contains("unit.pem.formerly"))
    }

    @Test func aFirstRequestIsNoRenewalsAndIsWaitedForADay() async throws {
        let (first, second) = (try request(), try request())
        try file.keep(first, as: .first)
        #expect(try names == ["unit.pem.asked-first"] && mode("unit.pem.asked-first") == 0o600)
        #expect(try file.request() == nil && file.request(.first)?.bytes == first.bytes)
        let now = Date()
        #expect(file.isFirstUnderWay(at: now) && !file.isFirstUnderWay(at: now + 2 * MadeCertificate.day))
        // A clock that was ahead when it was written ends it, too.
        #expect(!file.isFirstUnderWay(at: now - 2 * MadeCertificate.day))
        try file.keep(second)
        try await file.put([try certificate(for: second)], second.key)
        #expect(try names == ["unit.pem", "unit.pem.asked-first"])
        try file.keep(second)
        try await file.put([try certificate(for: first)], first.key, as: .first)
        #expect(try names.filter { !$0.contains("former-") } == ["unit.pem"] && !file.isFirstUnderWay(at: now))
        // A kill before it was forgotten.
        try file.keep(first, as: .first)
        try file.tidy()
        #expect(try !names.contains("unit.pem.asked-first"))
        // One that nobody waits for any more goes with the next renewal.
        let path = try folder.write("unit.pem.asked-first", second.text)
        try FileManager.default.setAttributes([.modificationDate: Date.distantPast], ofItemAtPath: path)
        try await file.put([try certificate(for: second)], second.key)
        #expect(try !names.contains("unit.pem.asked-first"))
    }

    /// Root's, to the process that delivers. A folder in its name is as unreadable, to root too.
    @Test func aRequestThatCannotBeReadIsNotReplaced() throws {
        #expect(try file.request() == nil)
        let path = "\(folder.path)/unit.pem.asked"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let fault = #expect(throws: EnrolmentFault.self) { try file.request() }
        #expect(fault?.description.contains("cannot read") == true)
        try FileManager.default.removeItem(atPath: path)
        _ = try folder.write("unit.pem.asked", "damage")
        #expect(try file.request() == nil)
    }

    @Test func whatIsInForceIsComparedWithWhateverTakesItsPlace() async throws {
        let endpoint = UplinkEndpoint(server: "", authority: "", clientCertificate: path, clientKey: path)
        let enrolment = Enrolment(
            EnrolmentSettings(base: "", subject: "", authority: "", renewBefore: nil), for: endpoint)
        #expect(!enrolment.isInForce(at: MadeCertificate.now))
        let first = try request()
        try await file.put([try certificate(for: first)], first.key)
        #expect(enrolment.isInForce(at: MadeCertificate.now))
        #expect(!enrolment.isInForce(at: MadeCertificate.now + 9001 * MadeCertificate.day))
    }

    @Test func oneProcessHasTheRight() throws {
        let right = try file.takeRight()
        #expect(throws: EnrolmentFault.self) { try file.takeRight() }
        withExtendedLifetime(right) {}
    }

    @Test func whoIsToldOfTheEndHangsOnWhoRenewsIt() async throws {
        let first = try request()
        let own = try MadeCertificate("mobile-7", by: authority, for: first.publicKey, days: 0...90).certificate
        try await file.put([own], first.key)
        let root = try MadeCertificate("root", days: -10...4000, isAuthority: true)
        let authority = try folder.write("a.pem", root.certificate.serializeAsPEM().pemString)
        func notice(_ before: Int64?, isRenewed: Bool = true) throws -> Double {
            let settings = EnrolmentSettings(base: "", subject: "", authority: "", renewBefore: before)
            let endpoint = UplinkEndpoint(
                server: "", authority: authority, clientCertificate: path, clientKey: path,
                enrolment: isRenewed ? settings : nil)
            return (Double(try endpoint.noticeTime()) - MadeCertificate.now.timeIntervalSince1970) / MadeCertificate.day
        }
        #expect(try notice(nil, isRenewed: false) == 60)
        // It is renewed from the 60th day on.
        #expect(try notice(nil) == 75)
        #expect(try notice(10 * 86_400) == 85)
    }
}
