import Crypto
import Foundation
import SwiftASN1
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
        // Nor does one whose key is for something else, be it the authority's own.
        let other = try MadeCertificate("issuing", by: authority, isAuthority: true, certifies: false)
        #expect(await fault([try made(by: other), other]) == .otherAuthority)
        let mute = try MadeCertificate("mute", isAuthority: true, certifies: false)
        #expect(await fault([try made(by: mute)], trusting: [mute]) == .otherAuthority)
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
            .unproved, .stopped, .dueAtOnce,
        ]
        #expect(Set(faults.map(\.description)).count == faults.count)
        #expect(faults.filter { !$0.isForPeople }.count == 5)
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
        var state = RenewalState()
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
        state.succeed(due: 90, end: 100, now: 6, at: now)
        #expect(state.step(due: 90, now: 6, at: now) == .rest && state.failures == 0 && state.fault == nil)
    }

    /// A clock that is ahead, or an authority whose certificates begin long before they are signed.
    @Test func whatIsDueWhenItComesIsNotRenewedWithoutEnd() {
        let day: Int64 = 86_400
        let now = ContinuousClock.now
        func asked(_ end: Int64, after pause: Int64) -> RenewalState.Step {
            var state = RenewalState()
            state.succeed(due: 0, end: end, now: 0, at: now)
            #expect(state.fault == .dueAtOnce && state.failures == 0)
            return state.step(due: 0, now: pause, at: now + .seconds(pause))
        }
        for (end, pause) in [(30 * day, 21_600), (day, 4320), (60, 15), (-5, 15)] {
            #expect(asked(end, after: Int64(pause) - 1) == .rest && asked(end, after: Int64(pause)) == .ask)
        }
        #expect(EnrolmentFault.dueAtOnce.isForPeople)
    }

    @Test func whatIsNotDueAnyMoreIsNobodysConcern() {
        let now = ContinuousClock.now
        var state = RenewalState()
        state.succeed(due: 5, end: 100, now: 6, at: now)
        // The clock was set right.
        #expect(state.step(due: 5, now: 4, at: now) == .rest && state.fault == nil)
        state.fail(.noLonger, left: 100, at: now, chance: 1)
        // Somebody enrolled the unit.
        #expect(state.step(due: 500, now: 6, at: now) == .rest && state.fault == nil && state.failures == 0)
    }

    @Test(arguments: [(0, 15), (1, 60)])
    func whoHasJustBegunWaits(chance: Double, pause: Int) {
        let now = ContinuousClock.now
        var state = RenewalState()
        state.begin(left: 86_400, at: now, chance: chance)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(pause - 1)) == .rest)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(pause)) == .ask)
        // What is nearly over has no time for it; what is over has.
        state.begin(left: 100, at: now, chance: chance)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(4)) == .rest)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(5)) == .ask)
        state.begin(left: -1, at: now, chance: chance)
        #expect(state.step(due: 5, now: 6, at: now + .seconds(pause - 1)) == .rest)
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

    @Test func aServersPatienceLeavesTimeForAnotherTry() {
        #expect(RenewalState.pause(1, left: 20_000, retryAfter: 86_400, chance: 1) == 5000)
        #expect(RenewalState.pause(1, left: 20, retryAfter: 86_400, chance: 1) == 15)
        #expect(RenewalState.pause(1, left: -1, retryAfter: 86_400, chance: 1) == 86_400)
    }

    @Test func nobodySitsThereForMoreThanTenMinutes() {
        let begin = ContinuousClock.now
        let patience = EnrolmentPatience(from: begin)
        func pause(_ time: Int64, after passed: Int64) -> Duration? {
            patience.pause(after: .pending(retryAfter: time), at: begin + .seconds(passed))
        }
        #expect(pause(600, after: 0) == .seconds(600) && pause(601, after: 0) == nil)
        // The pauses count together.
        #expect(pause(300, after: 300) == .seconds(300) && pause(300, after: 301) == nil)
        #expect(patience.pause(after: .notNow(status: 503, retryAfter: 5), at: begin) == nil)
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
