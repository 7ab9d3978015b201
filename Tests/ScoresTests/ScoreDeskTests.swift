import DeviceModel
import Testing

@testable import Scores

@Suite struct ScoreDeskTests {
    private func bed(without: Set<ScorePart> = []) throws -> Bed {
        var bed = Bed()
        try bed.settle(without: without)
        return bed
    }

    // MARK: What is missing

    /// All 127 ways in which something of the seven parts can be missing.
    @Test(arguments: 1..<128) func whateverIsMissingThereIsNoNumber(_ bits: Int) throws {
        let missing = Set(ScorePart.allCases.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element))
        let result = try bed(without: missing).news2
        #expect(result.total == nil && result.band == nil)
        #expect(Set(result.missing.map(\.name)) == Set(missing.map(\.rawValue)))
        for one in result.missing {
            let part = try #require(ScorePart(rawValue: one.name))
            #expect(one.gap == (part.item == nil ? .neverMeasured : .neverEntered))
        }
        #expect(result.members(bed: "chair-1")["total"] == nil)
        #expect(result.words.english.hasPrefix("NEWS2 incomplete: ") && result.words.arabic.contains("غير مكتمل"))
    }

    @Test func whatIsWholeHasANumber() throws {
        let result = try bed().news2
        #expect(result.outcome == .complete(total: 0, band: .low))
        #expect(result.words.english == "NEWS2 0 · Low (0–4)")
    }

    @Test(arguments: Bed.vitals.map(\.part)) func aStaleVitalMakesItIncomplete(_ part: ScorePart) throws {
        let times = ScoreTimes.proposed
        let source = try #require(part.sources.first { source in Bed.vitals.contains { $0.metric == source.metric } })
        let most = times.mostAge(part, source).components.seconds * 1_000_000_000
        for (age, isStale) in [(most, false), (most + 1, true)] {
            var bed = try bed(without: [part])
            bed.measure(part, hundredths: part == .temperature ? 3700 : part == .systolic ? 12_000 : 9600, ago: age)
            let since = bed.now - age
            #expect(bed.news2.missing.first?.gap == (isStale ? .stale(since: since) : nil))
        }
    }

    @Test(arguments: Bed.vitals.map(\.part), Validity.allCases)
    func onlyAValidValueScores(_ part: ScorePart, _ validity: Validity) throws {
        var bed = try bed()
        bed.measure(part, hundredths: 3700, validity, .deviceStatus)
        let counts = validity == .valid || validity == .validated
        #expect(bed.news2.missing.map(\.name).contains(part.rawValue) == !counts)
    }

    @Test func aCuffsPressureHoldsWhenTheLineIsGone() throws {
        var bed = try bed()
        bed.measure(.systolic, hundredths: 0, .notAvailable, .stale)
        bed.measure(.pulse, hundredths: 0, .notAvailable, .stale)
        #expect(bed.news2.missing.map(\.name) == ["pulse"])
        // What the device itself says of it counts.
        bed.measure(.systolic, hundredths: 0, .notAvailable, .deviceStatus)
        #expect(bed.news2.missing.map(\.name) == ["systolic", "pulse"])
    }

    @Test(arguments: ["oxygen", "consciousness"]) func anEntryExpires(_ item: String) throws {
        let hour = 60 * Bed.minute
        for (age, isExpired) in [(hour, false), (hour + 1, true)] {
            var bed = try bed(without: [.oxygen, .consciousness])
            try bed.enter("oxygen", "air")
            try bed.enter("consciousness", "A")
            bed.desk.clear()
            try bed.settle(without: item == "oxygen" ? [.oxygen] : [.consciousness])
            try bed.enter(item, item == "oxygen" ? "air" : "A", ago: age)
            #expect(bed.news2.missing.map(\.gap) == (isExpired ? [.expired(since: bed.now - age)] : []))
        }
    }

    // MARK: What somebody counted

    @Test func countedBreathsScoreAsTheChartHasIt() throws {
        for breaths in ScoreItem.breaths {
            var (counted, measured) = (try bed(without: [.respiration]), try bed(without: [.respiration]))
            try counted.enter("respiration", "\(breaths)", ago: Bed.minute)
            measured.measure(.respiration, hundredths: Int64(breaths) * 100)
            let part = counted.news2.parts.first { $0.name == "respiration" }
            #expect(part?.points == measured.news2.parts.first { $0.name == "respiration" }?.points, "\(breaths)")
            #expect(part?.origin == .entered(by: ["nurse-1"]) && part?.value == "\(breaths)")
            #expect(counted.news2.total == measured.news2.total && counted.news2.total != nil)
        }
    }

    @Test func countedBreathsExpireAndAreOfOnePatient() throws {
        for (age, isExpired) in [(60 * Bed.minute, false), (60 * Bed.minute + 1, true)] {
            var bed = try bed(without: [.respiration])
            try bed.enter("respiration", "14", ago: age)
            #expect(bed.news2.missing.map(\.gap) == (isExpired ? [.expired(since: bed.now - age)] : []))
            bed.desk.clear()
            try bed.settle(without: [.respiration])
            #expect(bed.news2.missing.map(\.gap) == [.neverMeasured])
        }
    }

    /// What is measured now comes first, and a count is no news of a patient whom a device has seen since.
    @Test func countedBreathsNeverStandBeforeWhatWasMeasuredAfterThem() throws {
        var bed = try bed(without: [.respiration])
        bed.measure(.respiration, hundredths: 3000)
        try bed.enter("respiration", "14")
        #expect(bed.news2.parts.first?.points == 3, "a device gives a current value")
        bed = try self.bed(without: [.respiration])
        bed.measure(.respiration, hundredths: 3000, ago: 10 * Bed.minute)
        try bed.enter("respiration", "14", ago: 11 * Bed.minute)
        #expect(bed.news2.missing.map(\.gap) == [.stale(since: bed.now - 10 * Bed.minute)])
        try bed.enter("respiration", "14", ago: 9 * Bed.minute)
        #expect(bed.news2.missing.isEmpty, "counted when the device was silent already")
        // A sensor that is off says nothing, however often it says that.
        bed.measure(.respiration, hundredths: 0, .notAvailable, .deviceStatus)
        #expect(bed.news2.missing.isEmpty)
    }

    @Test func whatNobodyCanHaveCountedIsNotTaken() {
        for value in ["", "151", "-1", "07", "12.5", "١٢", "+9", "not-said"] {
            #expect(throws: ScoreEntry.Fault.unknownValue(.respiration)) {
                try ScoreEntry(item: "respiration", value: value, by: ["n"], time: 0)
            }
        }
        #expect(ScoreEntry.Fault.unknownValue(.respiration).text.contains("0 to 150"))
    }

    @Test func theScaleHoldsAsLongAsThePatient() throws {
        var bed = try bed()
        bed.measure(.saturation, hundredths: 9000)
        try bed.enter("spo2-scale", "2", ago: 900 * Bed.minute)
        #expect(bed.news2.total == 0 && bed.news2.scale == .two)
        bed.desk.clear()
        try bed.settle()
        bed.measure(.saturation, hundredths: 9000)
        #expect(bed.news2.total == 3 && bed.news2.scale == .one)
    }

    /// On scale 2 a high saturation counts by what is breathed; a low one does not.
    @Test func aHighSaturationOnScaleTwoNeedsToKnowOfOxygen() throws {
        var bed = try bed(without: [.oxygen])
        try bed.enter("spo2-scale", "2")
        bed.measure(.saturation, hundredths: 9500)
        #expect(bed.news2.missing.map(\.gap) == [.needs(.oxygen), .neverEntered])
        bed.measure(.saturation, hundredths: 8600)
        #expect(bed.news2.missing.map(\.gap) == [.neverEntered])
    }

    @Test func whatNoLivingAdultHasIsNoMeasurement() throws {
        let absurd: [(ScorePart, Int64)] = [
            (.saturation, 10_100), (.saturation, -100), (.pulse, 40_100), (.temperature, 1990), (.systolic, -100),
            (.respiration, 15_100), (.saturation, -60), (.pulse, -60), (.pulse, .max), (.temperature, .min),
        ]
        for (part, value) in absurd {
            var bed = try bed()
            bed.measure(part, hundredths: value)
            #expect(bed.news2.missing.map(\.gap) == [.notValid(.valid, .implausible)], "\(part) \(value)")
        }
    }

    // MARK: Sources

    @Test func theFirstSourceThatIsCurrentCounts() throws {
        let streams = [
            Bed.stream("MDC_PULS_OXIM_PULS_RATE", "/min", device: "oximeter"),
            Bed.stream("MDC_ECG_HEART_RATE", "/min", device: "monitor"),
        ]
        var desk = ScoreDesk(streams: streams)
        func pulse() -> String? { desk.news2(at: 100_000_000_000).parts.first { $0.name == "pulse" }?.value }
        #expect(pulse() == nil)
        desk.take(stream: 0, bits: 7000, validity: .valid, reason: .none, at: 99_000_000_000)
        #expect(pulse() == "70")
        desk.take(stream: 1, bits: 8000, validity: .valid, reason: .none, at: 90_000_000_000)
        #expect(pulse() == "80")
        desk.take(stream: 1, bits: 0, validity: .invalid, reason: .deviceStatus, at: 95_000_000_000)
        #expect(pulse() == "70")
        // What came late changes nothing.
        desk.take(stream: 1, bits: 9000, validity: .valid, reason: .none, at: 94_000_000_000)
        #expect(pulse() == "70")
    }

    @Test func whatIsNotWatchedIsLetGo() {
        let streams = [
            Bed.stream("MDC_TEMP", "[degF]"), Bed.stream("MDC_TEMP_SKIN", "Cel"),
            Bed.stream("MDC_RESP_RATE", "/min", form: .text),
        ]
        var desk = ScoreDesk(streams: streams)
        for stream in -1...3 {
            #expect(!desk.watches(stream))
            desk.take(stream: stream, bits: 3700, validity: .valid, reason: .none, at: 0)
        }
        #expect(desk.news2(at: 0).missing.count == 7)
    }

    @Test func aFloatCountsByTheDecimalThatItIs() throws {
        var desk = ScoreDesk(streams: [Bed.stream("MDC_TEMP", "Cel", form: .float32)])
        // 38.05 as a single is 38.049999…: what the device meant is half way, and counts as 38.1.
        for (value, points) in [(Float(38.05), 1), (38.04, 0), (.nan, nil), (.infinity, nil)] as [(Float, Int?)] {
            desk.take(
                stream: 0, bits: Int64(value.bitPattern), validity: .valid, reason: .none, at: 0)
            #expect(desk.news2(at: 0).parts.first?.points == points)
        }
    }

    // MARK: Entries

    @Test func onlyWhatAnItemKnowsIsEntered() {
        func fault(_ item: String, _ value: String, by: [String] = ["n"]) -> ScoreEntry.Fault? {
            do throws(ScoreEntry.Fault) {
                _ = try ScoreEntry(item: item, value: value, by: by, time: 0)
                return nil
            } catch { return error }
        }
        for item in ScoreItem.allCases {
            for value in item.values { #expect(fault(item.rawValue, value) == nil) }
            for value in ["", item == .respiration ? "151" : "11", "-1", "05", "a", " A", "٣"] {
                #expect(fault(item.rawValue, value) == .unknownValue(item))
            }
        }
        #expect(fault("mood", "1") == .unknownItem && fault("oxygen", "air", by: []) == .byNobody)
        for words in [ScoreEntry.Fault.unknownItem, .unknownValue(.pain), .byNobody] {
            #expect(!words.text.isEmpty && words.arabicText.contains { $0 >= "\u{0600}" })
        }
    }

    // MARK: ESAS

    @Test func symptomsAreSummedOnlyWhenAllNineAreSaid() throws {
        var bed = Bed()
        for item in ScoreItem.esas.dropLast(2) { try bed.enter(item.rawValue, "3") }
        #expect(bed.desk.esas(at: bed.now).missing.map(\.name) == ["esas-wellbeing"])
        try bed.enter("esas-wellbeing", ScoreItem.notSaid)
        #expect(bed.desk.esas(at: bed.now).missing.map(\.gap) == [.notSaid])
        try bed.enter("esas-wellbeing", "10")
        #expect(bed.desk.esas(at: bed.now).total == 34)
        // The tenth is told and in no sum.
        try bed.enter("esas-other", "7")
        #expect(bed.desk.esas(at: bed.now).total == 34 && bed.desk.esas(at: bed.now).parts.count == 10)
        let half = 12 * 60 * Bed.minute
        #expect(bed.desk.esas(at: bed.now + half).total == 34 && bed.desk.esas(at: bed.now + half + 1).total == nil)
    }

    // MARK: What is told

    @Test func thatTimePassesIsNoNews() throws {
        var bed = try bed()
        let first = bed.news2
        #expect(first.isNews(after: nil))
        #expect(!bed.desk.news2(at: bed.now + 30_000_000_000).isNews(after: first))
        #expect(bed.desk.news2(at: bed.now + 2 * Bed.minute).isNews(after: first))
        bed.measure(.pulse, hundredths: 9500)
        #expect(bed.news2.isNews(after: first))
    }

    @Test func anEventSaysPartsAndWhoEntered() throws {
        var bed = try bed(without: [.pulse])
        bed.measure(.pulse, hundredths: 0, .notAvailable, .sentinel, ago: 0)
        let text = bed.news2.members(bed: "chair-1").text
        #expect(
            text.contains(#""missing":[{"part":"pulse","why":"not-valid"}]"#)
                && text.contains(#""consciousness":{"points":0,"value":"A","secondsAgo":0,"by":["nurse-1"]}"#)
                && text.contains(#""temperature":{"points":0,"value":"37","secondsAgo":0,"device":"monitor","#))
    }

    @Test func everythingHasWordsInBothLanguages() {
        let gaps: [ScoreGap] = [
            .neverMeasured, .stale(since: 0), .notValid(.invalid, .sentinel), .neverEntered, .expired(since: 0),
            .notSaid, .needs(.oxygen),
        ]
        let words =
            ScorePart.allCases.map(\.words) + ScoreItem.allCases.map(\.words) + NEWS2Band.allCases.map(\.words)
            + gaps.map { $0.words(at: 60_000_000_000) } + [ScoreWords.whom]
        for one in words {
            #expect(!one.english.isEmpty && one.arabic.unicodeScalars.contains { (0x600...0x6FF).contains($0.value) })
        }
    }

    @Test func timesHaveBounds() {
        func times(_ one: Duration) -> ScoreTimes? {
            ScoreTimes(
                continuous: one, cuff: .seconds(2), temperature: .seconds(2), entry: .seconds(2), symptom: .seconds(2))
        }
        #expect(times(.seconds(1)) != nil && times(.seconds(86_400)) != nil)
        #expect(times(.milliseconds(999)) == nil && times(.seconds(86_401)) == nil)
    }
}
