import Console
import Testing

/// Who is answered, and for what.
@Suite struct GateTests {
    private static let gate = RequestGate(port: 8100, hosts: ["unit.local", "screen.example:8443"])

    private static func head(
        _ target: String = "/", method: String = "GET", host: String? = "127.0.0.1:8100",
        fields: [(name: String, value: String)] = []
    ) -> AskedHead { AskedHead(method: method, target: target, host: host, fields: fields) }

    private static func code(_ head: AskedHead, gate: RequestGate = gate) -> String? {
        do throws(Refusal) {
            _ = try gate.judge(head)
            return nil
        } catch { return error.code }
    }

    @Test(arguments: [
        "127.0.0.1:8100", "localhost:8100", "LOCALHOST:8100", "[::1]:8100", "unit.local", "unit.local:8100",
        "unit.local:9", "screen.example:8443",
    ]) func itsOwnNamesAreAnswered(host: String) { #expect(Self.code(Self.head(host: host)) == nil) }

    @Test(arguments: [
        nil, "", "127.0.0.1", "localhost", "127.0.0.1:8101", "evil.example", "evil.example:8100", "127.0.0.1.evil:8100",
        "[::1]", "[::2]:8100", "screen.example", "screen.example:8444", "127.0.0.1:8100@evil", "127.0.0.1:08100x",
        "127.0.0.1:-1", "0x7f.1:8100", "127.0.0.2:8100", "unit.local.evil",
    ]) func anotherNameIsRefused(host: String?) { #expect(Self.code(Self.head(host: host)) == "host") }

    @Test func behindAProxyTheLoopbackIsEnoughAndAnotherNameIsNot() {
        let gate = RequestGate(port: nil, hosts: [])
        #expect(Self.code(Self.head(host: "127.0.0.1:9999"), gate: gate) == nil)
        #expect(Self.code(Self.head(host: "evil.example:9999"), gate: gate) == "host")
    }

    @Test(arguments: ["same-origin", "none"]) func itsOwnPageIsAnswered(site: String) {
        #expect(Self.code(Self.head(fields: [("sec-fetch-site", site)])) == nil)
    }

    @Test(arguments: ["cross-site", "same-site", "", "Same-Origin", "none, none"])
    func anotherSiteIsRefused(site: String) {
        #expect(Self.code(Self.head(fields: [("sec-fetch-site", site)])) == "site")
    }

    @Test(arguments: [
        ("http://127.0.0.1:8100", nil), ("http://localhost:8100", "site"), ("null", "site"),
        ("http://evil.example", "site"), ("https://127.0.0.1:8100", "site"), ("http://127.0.0.1", "site"),
    ]) func onlyTheSameOriginAsks(origin: String, expected: String?) {
        #expect(Self.code(Self.head(fields: [("origin", origin)])) == expected)
    }

    @Test func aFieldThatStandsTwiceIsNotChosenFrom() {
        let twice = [(name: "origin", value: "http://127.0.0.1:8100"), (name: "origin", value: "http://evil.example")]
        #expect(Self.code(Self.head(fields: twice)) == "request")
    }

    @Test(arguments: ["POST", "HEAD", "PUT", "DELETE", "OPTIONS", "CONNECT", "TRACE", "get"])
    func nothingButReading(method: String) {
        for target in ["/", "/live", "/technical", "/history?streams=1", "/main.js"] {
            #expect(Self.code(Self.head(target, method: method)) == "method")
        }
    }

    private static let proper = [
        (name: "content-type", value: "application/json"), (name: "x-nabd-ask", value: "1"),
    ]

    @Test func anAskHasTheScreensMark() throws {
        #expect(try Self.gate.judge(Self.head("/ask", method: "POST", fields: Self.proper)) == .ask)
        let utf8 = [(name: "content-type", value: "application/json; charset=utf-8")] + Self.proper.dropFirst()
        #expect(try Self.gate.judge(Self.head("/ask", method: "POST", fields: utf8)) == .ask)
        #expect(Self.code(Self.head("/ask", fields: Self.proper)) == "method")
        // What a form of another page could send.
        for type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx"] {
            let fields = [(name: "content-type", value: type)] + Self.proper.dropFirst()
            #expect(Self.code(Self.head("/ask", method: "POST", fields: fields)) == "type")
        }
        #expect(Self.code(Self.head("/ask", method: "POST", fields: [Self.proper[0]])) == "type")
        #expect(Self.code(Self.head("/ask", method: "POST", fields: [Self.proper[1]])) == "type")
        #expect(Self.code(Self.head("/ask?x=1", method: "POST", fields: Self.proper)) == "request")
    }

    @Test(arguments: [
        ("/live", Asked.live(.all)), ("/live?waves=all", .live(.all)), ("/live?waves=none", .live(.none)),
        ("/live?waves=chair-1", .live(.bed("chair-1"))), ("/live?waves=", .live(.bed(""))),
        ("/technical", .technical), ("/", .file("index.html")), ("/draw.worker.js", .file("draw.worker.js")),
        ("/../etc/passwd", .file("../etc/passwd")),
        (
            "/history?streams=1%2C2&from=1&to=2",
            .past(path: "/history", parameters: ["streams": "1,2", "from": "1", "to": "2"])
        ), ("/streams", .past(path: "/streams", parameters: [:])),
        ("/log?a+b=%D9%83", .past(path: "/log", parameters: ["a b": "ك"])),
    ]) func whatIsAskedForIsRead(target: String, expected: Asked) throws {
        #expect(try Self.gate.judge(Self.head(target)) == expected)
    }

    @Test(arguments: [
        "http://127.0.0.1:8100/", "*", "", "/live?waves=all&waves=none", "/live?waves=A", "/live?bed=chair-1",
        "/log?a=%", "/log?a=%4", "/log?a=%GG", "/log?a=%FF", "/log?a=1&%61=2", "/#x",
    ]) func whatIsAmbiguousIsRefused(target: String) { #expect(Self.code(Self.head(target)) == "request") }

    @Test func anAddressHasItsLength() {
        let longest = "/" + String(repeating: "a", count: ConsoleLimits.target - 1)
        #expect(Self.code(Self.head(longest)) == nil)
        #expect(Self.code(Self.head(longest + "a")) == "target")
    }

    @Test func aRefusalIsAnObjectWithWordsAndACode() {
        let text = String(decoding: Refusal(400, "x", "a “b” \"c\"\n").document, as: UTF8.self)
        #expect(text == #"{"code":"x","failure":"a “b” \"c\"\n"}"#)
    }
}
