import Crypto
import Foundation
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import Uplink

/// What an EST server gave, held against what was asked for.
@Suite struct IssuedCertificateTests {
    private let authority: MadeCertificate
    private let key = Certificate.PrivateKey(P384.Signing.PrivateKey())

    init() throws { authority = try MadeCertificate("authority", isAuthority: true) }

    private func fault(
        _ given: [MadeCertificate], trusting: [MadeCertificate]? = nil, between: [MadeCertificate] = [],
        inUse: Double? = nil
    ) async -> EnrolmentFault? {
        let terms = IssuedCertificate.Terms(
            key: key.publicKey, name: "mobile-7", authorities: (trusting ?? [authority]).map(\.certificate),
            between: between.map(\.certificate), inUse: inUse.map { MadeCertificate.now + $0 * MadeCertificate.day },
            now: MadeCertificate.now)
        do throws(EnrolmentFault) {
            _ = try await IssuedCertificate(given.map(\.certificate), terms)
            return nil
        } catch { return error }
    }

    private func made(
        _ name: String = "mobile-7", by issuer: MadeCertificate? = nil, days: ClosedRange<Double> = -1...90,
        isAuthority: Bool = false, usage: ExtendedKeyUsage.Usage? = .clientAuth, signs: Bool = true
    ) throws -> MadeCertificate {
        try MadeCertificate(
            name, by: issuer ?? authority, for: key.publicKey, days: days, isAuthority: isAuthority, usage: usage,
            signs: signs)
    }

    @Test func whatWasAskedForIsTaken() async throws {
        #expect(await fault([try made()]) == nil)
        #expect(await fault([authority, try made()], inUse: 30) == nil)
        #expect(await fault([try made(usage: nil)]) == nil)
        // Whoever signed it has the better clock.
        #expect(await fault([try made(days: 0.002...90)]) == nil)
    }

    @Test func eachFaultIsToldApart() async throws {
        let foreign = try MadeCertificate("authority", isAuthority: true)
        #expect(await fault([try MadeCertificate("mobile-7", by: authority)]) == .wrongKey)
        #expect(await fault([authority]) == .wrongKey)
        #expect(await fault([try made(), try made()]) == .severalForTheKey)
        #expect(await fault([try made(by: foreign)]) == .otherAuthority)
        #expect(await fault([try made(by: foreign), foreign]) == .otherAuthority)
        #expect(await fault([try made(days: 0.01...90)]) == .notYetValid)
        #expect(await fault([try made(days: -90...0)]) == .expired)
        #expect(await fault([try made("mobile-8")]) == .otherName("mobile-7"))
        #expect(await fault([try made(usage: .serverAuth)]) == .notForClients)
        #expect(await fault([try made(signs: false)]) == .notForClients)
        #expect(await fault([try made(isAuthority: true)]) == .ofAuthority)
        #expect(await fault([try made(days: -1...30)], inUse: 30) == .noLonger)
    }

    @Test func whatIsBetweenIsFoundAndGoesIntoTheChain() async throws {
        let between = try MadeCertificate("issuing", by: authority, isAuthority: true)
        let own = try made(by: between)
        #expect(await fault([own]) == .otherAuthority)
        #expect(await fault([own], between: [between]) == nil)
        let issued = try await IssuedCertificate(
            [between.certificate, own.certificate],
            IssuedCertificate.Terms(
                key: key.publicKey, name: "mobile-7", authorities: [authority.certificate], between: [], inUse: nil,
                now: MadeCertificate.now))
        #expect(issued.chain == [own.certificate, between.certificate])
        // One that may not sign leads nowhere.
        let unit = try MadeCertificate("unit", by: authority)
        #expect(await fault([try made(by: unit), unit]) == .otherAuthority)
        let over = try MadeCertificate("issuing", by: authority, days: -90 ... -1, isAuthority: true)
        #expect(await fault([try made(by: over), over]) == .expired)
    }

    @Test func everyFaultHasASentence() {
        let faults: [EnrolmentFault] = [
            .way("x"), .notNow(status: 503, retryAfter: nil), .pending(retryAfter: 5),
            .refused(status: 401, isFirst: true), .refused(status: 401, isFirst: false),
            .refused(status: 404, isFirst: true), .redirected, .otherContent, .unreadable(.tooLong),
            .unreadable(.noBase64), .unreadable(.noCertificatesOnly), .unreadable(.tooMany), .unreadable(.none),
            .unreadable(.unreadableCertificate), .wrongKey, .severalForTheKey, .otherAuthority, .notYetValid, .expired,
            .otherName("x"), .notForClients, .weak, .ofAuthority, .noLonger, .notTaken, .former("x"), .files("y"),
        ]
        #expect(Set(faults.map(\.description)).count == faults.count)
        #expect(faults.filter { !$0.isForPeople }.count == 3)
    }

    @Test func anotherAuthorityIsTold() throws {
        func told(_ shown: [MadeCertificate]) -> String? {
            AuthorityDifference(told: shown.map(\.certificate), trusted: [authority.certificate]) { _ in "DIGEST" }?
                .description
        }
        let next = try MadeCertificate("next", isAuthority: true)
        let between = try MadeCertificate("issuing", by: authority, isAuthority: true)
        #expect(told([authority]) == nil && told([between]) == nil && told([authority, between]) == nil)
        #expect(told([authority, next])?.contains("DIGEST") == true)
        #expect(told([next])?.contains("none that it does") == true)
        #expect(told([try MadeCertificate("issuing", by: next, isAuthority: true)])?.contains("names no") == true)
    }
}

/// When a certificate is renewed, and when again after a failure.
@Suite struct RenewalStateTests {
    private func settings(_ before: Int64? = nil) -> EnrolmentSettings {
        EnrolmentSettings(base: "", subject: "", authority: "", renewBefore: before)
    }

    @Test func aThirdIsLeftOrWhatIsSaidAndNeverMoreThanHalf() {
        #expect(settings().due(from: 0, to: 90) == 60)
        #expect(settings(10).due(from: 0, to: 90) == 80)
        #expect(settings(80).due(from: 0, to: 90) == 45)
        #expect(settings().due(from: 90, to: 0) == 0)
    }

    @Test func theClockAndTheCertificateComeFirst() {
        let state = RenewalState()
        #expect(state.step(due: nil, now: 5, at: .now) == .waitForCertificate)
        #expect(state.step(due: 4, now: nil, at: .now) == .waitForClock)
        #expect(state.step(due: 6, now: 5, at: .now) == .rest)
        #expect(state.step(due: 5, now: 5, at: .now) == .ask)
    }

    @Test func aFailureIsWaitedForAndASuccessForgetsIt() {
        var state = RenewalState()
        let now = ContinuousClock.now
        state.fail(.notNow(status: 503, retryAfter: 100), left: 86_400, at: now, chance: 0)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(99)) == .rest)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(100)) == .ask)
        #expect(state.failures == 1 && state.fault == .notNow(status: 503, retryAfter: 100))
        state.succeed()
        #expect(state.step(due: 5, now: 6, at: now) == .ask && state.failures == 0 && state.fault == nil)
    }

    @Test func pausesGrowWithinTheirBounds() {
        let month: Int64 = 30 * 86_400
        let steps = (1...20).map { RenewalState.pause($0, left: month, retryAfter: nil, chance: 1) }
        #expect(steps.prefix(4) == [15, 30, 60, 120] && steps == steps.sorted() && steps.last == 21_600)
        #expect(RenewalState.pause(20, left: month, retryAfter: nil, chance: 0) == 10_800)
        // What is nearly over is tried more often, and what is over all the same.
        #expect(RenewalState.pause(20, left: 1200, retryAfter: nil, chance: 1) == 60)
        #expect(RenewalState.pause(20, left: 1, retryAfter: nil, chance: 1) == 15)
        #expect(RenewalState.pause(20, left: -5, retryAfter: nil, chance: 1) == 3600)
        #expect(RenewalState.pause(1, left: month, retryAfter: .max, chance: 1) == 86_400)
        #expect(RenewalState.pause(1, left: month, retryAfter: .min, chance: 1) == 15)
    }
}

/// What an EST server's answer means, and how its address is written.
@Suite struct ESTAnswerTests {
    private func fault(_ status: Int, type: String? = "text/plain", retryAfter: Int64? = nil, isFirst: Bool = true)
        -> EnrolmentFault?
    {
        let answer = ESTClient.read(
            status: status, type: type, body: Data("AA".utf8), retryAfter: retryAfter, isFirst: isFirst)
        if case .failure(let fault) = answer { return fault }
        return nil
    }

    @Test func statusesAreToldApart() {
        #expect(fault(202, retryAfter: 30) == .pending(retryAfter: 30))
        #expect(fault(202) == .pending(retryAfter: 600) && fault(202, retryAfter: 0) == .pending(retryAfter: 1))
        #expect(fault(202, retryAfter: .max) == .pending(retryAfter: 86_400))
        #expect(fault(401) == .refused(status: 401, isFirst: true))
        #expect(fault(429, retryAfter: 7)?.retryAfter == 7 && fault(503)?.isForPeople == false)
        #expect(fault(307) == .redirected && fault(204) == .otherContent && fault(100) == .otherContent)
    }

    @Test(arguments: [
        "application/pkcs7-mime", "Application/PKCS7-MIME; smime-type=certs-only",
        #"application/pkcs7-mime;smime-type="certs-only";name=x"#,
    ])
    func theRightTypeIsRead(type: String) {
        #expect(fault(200, type: type) == .unreadable(.noBase64))
    }

    @Test(arguments: [nil, "", "text/html", "application/pkcs7-mime; smime-type=server-generated-key"])
    func anotherTypeIsNot(type: String?) { #expect(fault(200, type: type) == .otherContent) }

    @Test(arguments: [
        ("https://est.example", "https://est.example/.well-known/est"),
        ("https://est.example:8443/", "https://est.example:8443/.well-known/est"),
        ("https://est.example/.well-known/est", "https://est.example/.well-known/est"),
        ("https://est.example/.well-known/est/units/", "https://est.example/.well-known/est/units"),
        ("http://est.example", nil), ("https://est.example/other", nil), ("https://u:p@est.example", nil),
        ("https://est.example/.well-known/estate", nil), ("https://est.example/?x", nil), ("est.example", nil),
    ])
    func anAddressIsTheHostsOrHasEstsPath(text: String, base: String?) {
        #expect(EnrolmentSettings.base(of: text) == base)
    }

    @Test func aNameIsShortAndPlain() {
        let longest = String(repeating: "a", count: 64)
        #expect(EnrolmentSettings.isSubject("mobile-7") && EnrolmentSettings.isSubject(longest))
        for text in ["", " a", "a ", "é", "a\nb", longest + "a"] {
            #expect(!EnrolmentSettings.isSubject(text), "\(text)")
        }
    }
}

/// Whether the records service takes a new pair as it takes the one in use.
@Suite struct ServiceProofTests {
    @Test(arguments: [
        (200, 200, true), (200, 401, false), (200, 400, false), (401, 401, true), (403, 403, true), (200, 304, true),
        (401, 200, true), (404, 403, false), (200, 503, true), (503, 400, false),
    ])
    func itIsAsGoodAsTheFormer(former: Int, new: Int, isTaken: Bool) {
        #expect(ServiceProof.isTaken(former: .status(former), new: .status(new)) == isTaken)
    }

    @Test func noAnswerIsAnAnswerOnlyToTheNew() {
        #expect(ServiceProof.isTaken(former: .nothing, new: .nothing))
        #expect(!ServiceProof.isTaken(former: .status(200), new: .nothing))
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
        let kept = try #require(file.request())
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
        let next = try #require(file.request())
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
