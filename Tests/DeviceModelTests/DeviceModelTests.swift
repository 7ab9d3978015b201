import DeviceModel
import Foundation
import Testing

@Suite struct DecimalTests {
    @Test(
        arguments: [
            ("0.1", 305, "30.5"), ("0.01", 3050, "30.5"), ("1e-7", 525_200_066, "52.5200066"), ("10", -3, "-30"),
            ("1/256", 384, "1.5"),
            ("-10", 5, "-50"), ("1", 0, "0"), ("0.001", -5, "-0.005"),
        ] as [(String, Int64, String)])
    func scaledCountsAreExactText(scale: String, counts: Int64, text: String) throws {
        #expect(try #require(DecimalScale(scale)).text(of: counts) == text)
    }

    @Test func longNumbersAreRefusedInsteadOfFollowed() {
        #expect(DecimalText.parse(Array(String(repeating: "1e", count: 200_000).utf8)) == nil)
        #expect(DecimalScale("1e+3")?.exponent == 3)
    }

    @Test(arguments: ["", "abc", "0", "1.2.3", "1/0", "1/3", "0x10", "1e40", " 1", "--1", "."])
    func whatIsNoExactFactorIsRefused(text: String) { #expect(DecimalScale(text) == nil) }

    @Test func extremesDoNotTrap() throws {
        let scale = try #require(DecimalScale("1000000"))
        #expect(scale.text(of: .max) == "9223372036854775807000000")
        #expect(scale.text(of: .min) == "-9223372036854775808000000")
        #expect(DecimalText.parse(Array("99999999999999999999".utf8)) == nil)
    }

    @Test(
        arguments: [("230.2", Float(230.2)), ("0.00001", 0.00001), ("10000000000", 1e10), ("-50", -50)]
            as [(String, Float)])
    func floatsAreTheirShortestText(text: String, value: Float) { #expect(DecimalText.plain(value) == text) }
}

@Suite struct TextTests {
    @Test func jsonKeepsOrderAndEscapes() {
        let json = JSON.members(["b": .string("a\"\\\n\u{1}é"), "a": .number("30.50"), "gone": nil, "none": .null])
        #expect(json.text == #"{"b":"a\"\\\n\u0001é","a":30.50,"none":null}"#)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (1_795_328_100_123_000_000, "2026-11-22T06:15:00.123Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        ] as [(Int64, String)])
    func utcTimesAreISO8601(nanoseconds: Int64, text: String) {
        #expect(UTCTime.text(nanoseconds: nanoseconds) == text)
    }

    @Test func utcTimesAgreeWithFoundation() {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
        for day in stride(from: -40_000, through: 60_000, by: 97) {
            let seconds = Int64(day) * 86_400 + 45_296
            #expect(
                UTCTime.text(nanoseconds: seconds * 1_000_000_000)
                    == formatter.string(from: Date(timeIntervalSince1970: Double(seconds))))
        }
    }

    @Test func utcTimesAreReadBack() {
        for day in stride(from: -80_000, through: 90_000, by: 61) {
            let nanoseconds = (Int64(day) * 86_400 + 45_296) * 1_000_000_000 + 123_000_000
            #expect(UTCTime.nanoseconds(UTCTime.text(nanoseconds: nanoseconds)) == nanoseconds)
        }
        #expect(UTCTime.nanoseconds("2026-11-22T06:15:00Z") == 1_795_328_100_000_000_000)
        for text in [
            "", "2026-11-22", "2026-13-22T06:15:00Z", "2026-11-22T26:15:00Z", "2026-11-22T06:15:00",
            "9999-11-22T06:15:00Z", "2026-11-22T06:15:00.Z",
        ] {
            #expect(UTCTime.nanoseconds(text) == nil)
        }
    }

    @Test(
        arguments: [
            ("500ms", 500_000_000), ("1s", 1_000_000_000), ("13.333ms", 13_333_000), ("5min", 300_000_000_000),
            ("2h", 7_200_000_000_000),
        ]
            as [(String, Int64)])
    func durationsHaveUnits(text: String, nanoseconds: Int64) { #expect(DurationText.nanoseconds(text) == nanoseconds) }

    @Test(arguments: ["", "5", "ms", "-1s", "1e400s", "nan s", "1 s"])
    func whatIsNoDurationIsRefused(text: String) { #expect(DurationText.nanoseconds(text) == nil) }
}

@Suite struct WordTests {
    @Test func validitiesAndReasonsReadBack() {
        for validity in Validity.allCases { #expect(Validity(word: validity.word) == validity) }
        for reason in Reason.allCases { #expect(Reason(word: reason.word) == reason) }
    }
}
