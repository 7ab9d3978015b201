import Crypto
import DeviceModel
import Foundation
import TestSupport
import Testing

@testable import Uplink

/// What a token service may answer, and what is made of it.
@Suite struct TokenReaderTests {
    private static let now = Date(timeIntervalSince1970: 1_795_000_000)

    private func answer(_ status: Int, _ body: String, date: Date? = now, retryAfter: Int64? = nil) -> TokenAnswer {
        TokenReader.answer(
            status: status, body: Data(body.utf8), date: date, retryAfter: retryAfter, now: Self.now)
    }

    private func reason(_ answer: TokenAnswer) -> String {
        if case .failure(let failure) = answer { failure.reason } else { "a token" }
    }

    @Test(arguments: [
        (#""expires_in":300"#, 300), (#""expires_in":"3599""#, 3599), (#""expires_in":1.9"#, 1),
        (#""expires_in":3600.0"#, 3600), (#""expires_in":31536000"#, 3600), (#""expires_in":9e15"#, 3600),
        (#""expires_in":null"#, 300), (#""scope":"system/*.cru""#, 300),
    ])
    func aLifetimeIsTakenWithinItsBounds(member: String, seconds: Int64) {
        let said = answer(200, #"{"access_token":"abc.DEF-_~+/1==","token_type":"Bearer",\#(member)}"#)
        #expect(said == .token(AccessToken(value: "abc.DEF-_~+/1==", lifetime: seconds)))
    }

    @Test(arguments: [
        "0", "-5", "0.5", "-1e300", "1e999", "true", "[300]", "{}", #""""#, #""-5""#, #""1e3""#,
        #""99999999999999999""#,
    ])
    func aLifetimeThatIsNoneGivesNoToken(value: String) {
        let said = answer(200, #"{"access_token":"abc","token_type":"bearer","expires_in":\#(value)}"#)
        #expect(reason(said).hasPrefix("the token service"), "\(said)")
    }

    @Test(arguments: [
        #"{"access_token":"abc","token_type":"mac"}"#, #"{"access_token":"","token_type":"bearer"}"#,
        #"{"access_token":"==","token_type":"bearer"}"#, #"{"access_token":"a b","token_type":"bearer"}"#,
        #"{"access_token":"a\r\nX-Evil: 1","token_type":"bearer"}"#, #"{"access_token":"é","token_type":"bearer"}"#,
        #"{"access_token":"a=b","token_type":"bearer"}"#, #"{"access_token":7,"token_type":"bearer"}"#,
        #"{"token_type":"bearer"}"#, #"{"access_token":"abc"}"#, "<html>abc</html>", "", "[]",
        String(repeating: "[", count: 60_000),
        #"{"access_token":"\#(String(repeating: "a", count: 20_000))","token_type":"bearer"}"#,
    ])
    func whatIsNoTokenIsNotSentOn(body: String) {
        let said = answer(200, body)
        #expect(reason(said).hasPrefix("the token service"), "\(said)")
    }

    /// Nothing that a service writes is passed on, but that its own codes choose among sentences of ours.
    @Test(arguments: [
        (#"{"error":"invalid_client","error_description":"SECRET"}"#, "nabd uplink jwks"),
        (#"{"error":"invalid_scope","error_uri":"https://SECRET"}"#, "“scope”"),
        (#"{"error":"invalid_grant"}"#, "“token-endpoint”"),
        (#"{"error":"unauthorized_client"}"#, "client_credentials"),
        (#"{"error":"SECRET"}"#, "no reason"), ("SECRET", "no reason"), ("", "no reason"),
    ])
    func aRefusalIsToldInOurWords(body: String, words: String) {
        for status in [400, 401] {
            let told = reason(answer(status, body))
            #expect(told.contains(words) && told.contains("\(status)") && !told.contains("SECRET"), "\(told)")
        }
    }

    @Test func aWrongClockIsSaidAsThat() {
        let refused = #"{"error":"invalid_client"}"#
        let behind = reason(answer(400, refused, date: Self.now + 7200))
        #expect(behind.contains("clock is 7200 s behind") && behind.contains("set the clock"))
        #expect(reason(answer(401, refused, date: Self.now - 300)).contains("clock is 300 s ahead of"))
        #expect(!reason(answer(400, refused, date: Self.now - 59)).contains("clock"))
        #expect(!reason(answer(400, refused, date: nil)).contains("clock"))
        // Where there is a token, the clock is right enough.
        let given = answer(200, #"{"access_token":"a","token_type":"bearer"}"#, date: Self.now - 7200)
        #expect(given == .token(AccessToken(value: "a", lifetime: 300)))
    }

    @Test func patienceIsKeptAsAskedFor() {
        let asked = answer(503, "", retryAfter: 90)
        #expect(asked == .failure(TokenFailure(reason: "the token service answers HTTP 503", retryAfter: 90)))
        #expect(reason(answer(302, "")).contains("302"))
    }

    @Test func aTokenIsNotShown() {
        let token = AccessToken(value: "SECRET", lifetime: 1)
        var dumped = ""
        dump(TokenAnswer.token(token), to: &dumped)
        #expect(!"\(token) \(String(reflecting: token)) \(dumped)".contains("SECRET"))
    }

    @Test(arguments: [
        (200, #"{"token_endpoint":"https://a.example/t"}"#, true),
        (
            200,
            #"{"token_endpoint":"https://a.example/t","token_endpoint_auth_methods_supported":["private_key_jwt"]}"#,
            true
        ),
        (200, #"{"token_endpoint":"https://a/t","token_endpoint_auth_methods_supported":["none"]}"#, false),
        (200, #"{"token_endpoint":"https://a/t","token_endpoint_auth_signing_alg_values_supported":["RS384"]}"#, false),
        (200, #"{"token_endpoint":"http://a.example/t"}"#, false),
        (200, #"{"token_endpoint":"https://u:p@a.example/t"}"#, false),
        (200, #"{"token_endpoint":"https://a.example/t\nX: 1"}"#, false),
        (200, #"{"token_endpoint":"https:///"}"#, false),
        (200, "{}", false), (404, #"{"token_endpoint":"https://a.example/t"}"#, false),
    ])
    func whereTokensAreGivenIsTakenFromTheService(status: Int, body: String, isTaken: Bool) {
        let found = SMARTConfiguration.endpoint(status: status, body: Data(body.utf8))
        #expect(((try? found.get()) != nil) == isTaken, "\(found)")
    }
}

/// When a token is used, renewed, asked for and waited for.
@Suite struct TokenStateTests {
    private let begin = ContinuousClock.now

    private func after(_ seconds: Double) -> ContinuousClock.Instant { begin + .seconds(seconds) }

    private func token(_ value: String = "a", lifetime: Int64 = 300) -> AccessToken {
        AccessToken(value: value, lifetime: lifetime)
    }

    @Test func itIsRenewedBeforeItIsOver() {
        var state = TokenState()
        #expect(state.step(at: begin) == .ask)
        state.take(token(), at: begin)
        #expect(state.step(at: after(239)) == .use("a"))
        #expect(state.step(at: after(241)) == .renew(whileUsing: "a"))
        #expect(state.step(at: after(301)) == .ask)
        state.take(token(lifetime: 4), at: begin)
        #expect(state.step(at: after(2.9)) == .use("a") && state.step(at: after(3.1)) == .renew(whileUsing: "a"))
    }

    @Test func aRenewalThatFailsCostsNothingWhileTheFormerIsGood() {
        var state = TokenState()
        state.take(token(), at: begin)
        state.fail(TokenFailure(reason: "500"), at: after(250))
        #expect(state.step(at: after(250.5)) == .use("a"))
        #expect(state.step(at: after(252)) == .renew(whileUsing: "a"))
        state.fail(TokenFailure(reason: "500"), at: after(299.5))
        #expect(state.step(at: after(300.5)) == .wait(reason: "500"))
        #expect(state.step(at: after(302)) == .ask)
    }

    @Test func pausesGrowToABound() {
        var state = TokenState()
        var now = 0.0
        for pause in [1, 2, 4, 8, 15, 15, 15] as [Double] {
            state.fail(TokenFailure(reason: "no"), at: after(now))
            #expect(state.step(at: after(now + pause - 0.1)) == .wait(reason: "no"))
            now += pause + 0.1
            #expect(state.step(at: after(now)) == .ask)
        }
        state.fail(TokenFailure(reason: "later", retryAfter: 120), at: after(now))
        #expect(state.step(at: after(now + 119)) == .wait(reason: "later"))
        state.fail(TokenFailure(reason: "never", retryAfter: .max), at: after(now))
        #expect(state.step(at: after(now + 3601)) == .ask)
    }

    /// For an alarm only the token service's own wish is a reason to wait.
    @Test func anAlarmWaitsForNoPauseOfOurOwn() {
        var state = TokenState()
        for _ in 0..<6 { state.fail(TokenFailure(reason: "500"), at: begin) }
        #expect(state.step(at: after(0.1)) == .wait(reason: "500"))
        #expect(state.step(at: after(0.1), isUrgent: true) == .ask)
        state.fail(TokenFailure(reason: "later", retryAfter: 7), at: begin)
        #expect(state.step(at: after(6.9), isUrgent: true) == .wait(reason: "later"))
        #expect(state.step(at: after(7.1), isUrgent: true) == .ask && state.step(at: after(7.1)) != .ask)
        // What is good is used all the same.
        state.take(token(), at: begin)
        state.fail(TokenFailure(reason: "500"), at: after(250))
        #expect(state.step(at: after(250.1), isUrgent: true) == .use("a"))
    }

    @Test func oneThatIsNotTakenIsAskedForAnewOnceAndThenWaitedFor() {
        var state = TokenState()
        state.take(token(), at: begin)
        // Another task was first.
        state.drop("former")
        #expect(state.step(at: begin) == .use("a"))
        state.drop("a")
        #expect(state.step(at: begin) == .ask)
        for pause in [1, 2, 4] as [Double] {
            state.take(token("b"), at: begin)
            state.refuse("b", TokenKeeper.isRefused, at: begin)
            #expect(state.step(at: after(pause - 0.1)) == .wait(reason: TokenKeeper.isRefused.reason))
            // An alarm would fare no better with another.
            #expect(state.step(at: after(pause - 0.1), isUrgent: true) == .wait(reason: TokenKeeper.isRefused.reason))
            #expect(state.step(at: after(pause + 0.1)) == .ask)
        }
        // Only what the records service takes says that all is well again.
        state.take(token("c"), at: begin)
        state.prove("c")
        state.refuse("c", TokenKeeper.isRefused, at: begin)
        #expect(state.step(at: after(1.1)) == .ask)
    }
}

/// The key, and what is signed by it.
@Suite struct SigningKeyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ pem: String, mode: Int = 0o600, name: String = "smart.key") throws -> String {
        let path = "\(folder.path)/\(name)"
        try pem.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private static func bytes(_ text: Substring) throws -> Data {
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        return try #require(Data(base64Encoded: plain + String(repeating: "=", count: (4 - plain.count % 4) % 4)))
    }

    @Test func whatIsSaidIsSignedByTheKeyAndByNothingElse() throws {
        let key = P384.Signing.PrivateKey()
        let own = try SigningKey(file: write(key.pemRepresentation))
        let said = try ClientAssertion(client: "mobile-7", audience: "https://a.example/t").signed(
            by: own, now: 1_795_000_000, number: "n-1")
        let parts = said.split(separator: ".")
        try #require(parts.count == 3)
        let signature = try P384.Signing.ECDSASignature(rawRepresentation: Self.bytes(parts[2]))
        let text = Data("\(parts[0]).\(parts[1])".utf8)
        #expect(key.publicKey.isValidSignature(signature, for: text))
        #expect(!P384.Signing.PrivateKey().publicKey.isValidSignature(signature, for: text))
        #expect(
            String(decoding: try Self.bytes(parts[0]), as: UTF8.self)
                == #"{"alg":"ES384","kid":"\#(own.name)","typ":"JWT"}"#)
        #expect(
            String(decoding: try Self.bytes(parts[1]), as: UTF8.self) == """
                {"iss":"mobile-7","sub":"mobile-7","aud":"https://a.example/t","exp":1795000240,"jti":"n-1"}
                """)
        #expect(Set((0..<100).map { _ in ClientAssertion.number() }).count == 100)
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o644, 0o660]) func aKeyOfWhichOthersHavePartIsRefused(mode: Int) throws {
        let path = try write(P384.Signing.PrivateKey().pemRepresentation, mode: mode)
        let fault = try #require(SMARTSettings(client: "c", key: path).fault)
        #expect(fault.isOfRights && fault.description.contains("chmod 600"))
    }

    @Test func anotherKindOfKeyIsRefusedAndNotRepeated() throws {
        let path = try write(P256.Signing.PrivateKey().pemRepresentation)
        let fault = try #require(SMARTSettings(client: "c", key: path).fault)
        #expect(!fault.isOfRights && fault.description.contains("secp384r1"))
        let pem = P384.Signing.PrivateKey().pemRepresentation
        let misplaced = try #require(SMARTSettings(client: "c", key: pem).fault)
        #expect(!misplaced.description.contains(pem.split(separator: "\n")[1]))
    }

    @Test func onlyThePublicHalfIsTold() throws {
        let key = P384.Signing.PrivateKey()
        let own = try SigningKey(file: write(key.pemRepresentation))
        let told = own.publicSet.text
        #expect(!told.contains(#""d""#) && !told.contains(Base64URL.text(key.rawRepresentation)))
        #expect(told.contains(#""crv":"P-384","kty":"EC""#) && told.contains(own.name))
    }

    @Test func aFormKeepsWhatItCarries() {
        let text = FormText.encoded([("scope", "system/*.cru a&b=c"), ("x", "é+")])
        #expect(text == "scope=system%2F*.cru+a%26b%3Dc&x=%C3%A9%2B")
    }
}

/// One token for all that is sent, asked for by one request at a time.
@Suite struct TokenKeeperTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func install(mode: Int = 0o600, pem: String = P384.Signing.PrivateKey().pemRepresentation) throws -> String
    {
        let path = "\(folder.path)/smart.key"
        try pem.write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private actor Service {
        var names: [String] = []
        var answer = TokenAnswer.token(AccessToken(value: "a", lifetime: 300))

        func ask(_ key: SigningKey) -> TokenAnswer {
            names.append(key.name)
            return answer
        }

        func say(_ answer: TokenAnswer) { self.answer = answer }
    }

    private func asking(_ service: Service) -> TokenKeeper.Asking {
        { key, _ in
            // All who ask meanwhile find it under way.
            try? await Task.sleep(for: .milliseconds(50))
            return (await service.ask(key), "https://a.example/t")
        }
    }

    private func value(_ found: TokenKeeper.Found) -> String {
        switch found {
        case .token(let token): token
        case .missing(let reason): reason
        }
    }

    @Test func manyWhoWantOneAskOnce() async throws {
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: try install()))
        let service = Service()
        let asking = asking(service)
        let found = await withTaskGroup(of: String.self) { group in
            for _ in 0..<20 { group.addTask { await value(keeper.token(asking)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found == Array(repeating: "a", count: 20))
        #expect(await service.names.count == 1)
        // Of those who were refused with it, the first has it renewed.
        await service.say(.token(AccessToken(value: "b", lifetime: 300)))
        await keeper.drop("a")
        #expect(await value(keeper.token(asking)) == "b")
        await keeper.drop("a")
        #expect(await value(keeper.token(asking)) == "b")
        #expect(await service.names.count == 2)
    }

    @Test func aFailureIsNotAskedForAgainAtOnce() async throws {
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: try install()))
        let service = Service()
        await service.say(.failure(TokenFailure(reason: "no", retryAfter: 3600)))
        for _ in 0..<5 { #expect(await value(keeper.token(asking(service))) == "no") }
        #expect(await service.names.count == 1)
    }

    /// An alarm asks at once, and once where an answer is under way; the rest goes on waiting.
    @Test func anAlarmAsksAtOnceAndTheRestWaits() async throws {
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: try install()))
        let service = Service()
        let asking = asking(service)
        await service.say(.failure(TokenFailure(reason: "no")))
        for _ in 0..<3 { #expect(await value(keeper.token(isUrgent: true, asking)) == "no") }
        #expect(await service.names.count == 3)
        #expect(await value(keeper.token(asking)) == "no")
        #expect(await service.names.count == 3)
        await service.say(.token(AccessToken(value: "a", lifetime: 300)))
        let found = await withTaskGroup(of: String.self) { group in
            for _ in 0..<5 { group.addTask { await value(keeper.token(isUrgent: true, asking)) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(found == Array(repeating: "a", count: 5))
        #expect(await service.names.count == 4)
    }

    @Test func aNewKeyIsReadAndABadOneKeepsTheFormer() async throws {
        let path = try install()
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: path))
        let service = Service()
        let first = try SigningKey(file: path).name
        _ = await keeper.token(asking(service))
        _ = try install(pem: "no key")
        await keeper.drop("a")
        _ = await keeper.token(asking(service))
        #expect(await keeper.fault()?.contains("is not a readable PEM key") == true)
        _ = try install()
        await keeper.drop("a")
        _ = await keeper.token(asking(service))
        #expect(await keeper.fault() == nil)
        #expect(await service.names == [first, first, try SigningKey(file: path).name])
        #expect(try SigningKey(file: path).name != first)
    }

    @Test func aKeyThatOthersMayReadIsNotUsedNorWhatWasGivenForIt() async throws {
        let path = try install()
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: path))
        let service = Service()
        #expect(await value(keeper.token(asking(service))) == "a")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(await value(keeper.token(asking(service))).contains("chmod 600"))
        #expect(await service.names.count == 1)
    }

    @Test func aStopEndsAQuestionThatIsNotAnswered() async throws {
        let keeper = TokenKeeper(SMARTSettings(client: "c", key: try install()))
        let waiting = Task {
            await keeper.token { _, _ in
                try? await Task.sleep(for: .seconds(3600))
                return (.failure(TokenFailure(reason: "late")), nil)
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        waiting.cancel()
        #expect(value(await waiting.value) == "given up")
    }
}
