import CommandFacts
import Foundation
import PumpControl
import StrictYAML
import TestSupport
import Testing

@testable import PumpRules

/// What holds for any files: layers only tighten, readers never fall, no message shows a patient.
@Suite struct PropertyTests {
    private static let measures = Measure.allCases

    private func bounds(_ generator: inout SeededGenerator) -> Bounds {
        func bound(_ range: ClosedRange<Int64>) -> ExactQuantity? {
            Bool.random(using: &generator) ? ExactQuantity(Int64.random(in: range, using: &generator), places: 1) : nil
        }
        return Bounds(least: bound(0...40), most: bound(10...3000))
    }

    private func limits(_ generator: inout SeededGenerator) -> [Measure: LimitPair] {
        Dictionary(
            uniqueKeysWithValues: Self.measures.filter { _ in Int.random(in: 0..<3, using: &generator) > 0 }.map {
                ($0, LimitPair(hard: bounds(&generator), soft: bounds(&generator)))
            })
    }

    private func isWithin(_ value: Ratio, _ bounds: Bounds?) -> Bool {
        (bounds?.least.map { value >= $0.ratio } ?? true) && (bounds?.most.map { value <= $0.ratio } ?? true)
    }

    /// 100,000 random sets of layers: what is allowed, each layer by itself allows; and one more layer, or a tighter
    /// one, never allows what was refused.
    @Test func c14_layersOnlyTighten() throws {
        var generator = SeededGenerator(seed: 14)
        var (allowed, refused) = (0, 0)
        for _ in 0..<100_000 {
            let rate = try #require(ExactQuantity(Int64.random(in: 1...400, using: &generator), places: 1))
            let volume = try #require(ExactQuantity(Int64.random(in: 1...400, using: &generator), places: 0))
            let (site, own, library) = (limits(&generator), limits(&generator), limits(&generator))
            var request = PumpRequest(device: "p", command: "c", kind: .set, area: "a")
            request.entries = [CommandEntry("rate", rate, unit: "mL/h")]
            let most = try #require(ExactQuantity(Int64.random(in: 100...400, using: &generator), places: 1))
            let tenth = try ExactQuantity("0.1")
            request.arguments = [.init("rate", unit: "mL/h", least: tenth, most: most, step: tenth)]
            (request.hasRemoteStop, request.isLapseKnown, request.now, request.order) = (true, true, 5, "o")
            request.reason = Bool.random(using: &generator) ? "reason" : nil
            let set = try rules(rate: rate, volume: volume, site: site, own: own, library: library)
            let verdict = set.judge(request)
            let minutes = try #require(volume.ratio.over(rate.ratio)?.times(Ratio(60, 1)))
            let isWithinAll =
                rate <= most
                && [site, own, library].allSatisfy {
                    isWithin(rate.ratio, $0[.rate]?.hard) && isWithin(minutes, $0[.duration]?.hard)
                } && rate.ratio <= Ratio(1200, 1) && minutes <= Ratio(10_080, 1)
            let isWithinSoft = [site, own, library].allSatisfy {
                isWithin(rate.ratio, $0[.rate]?.soft) && isWithin(minutes, $0[.duration]?.soft)
            }
            #expect((verdict.permit != nil) == (isWithinAll && (isWithinSoft || request.reason != nil)))
            if let permit = verdict.permit {
                allowed += 1
                #expect(permit.people == 2)
                for layers in [site, own, library] {
                    for (measure, pair) in layers {
                        if let most = pair.hard.most {
                            #expect(try #require(permit.limits[measure]?.most).value <= most)
                        }
                        if let least = pair.hard.least {
                            #expect(try #require(permit.limits[measure]?.least).value >= least)
                        }
                    }
                }
            } else {
                refused += 1
                let more = limits(&generator)
                let tighter = try rules(
                    rate: rate, volume: volume, site: merged(site, more), own: merged(own, more), library: library)
                #expect(tighter.judge(request).permit == nil)
            }
        }
        #expect(allowed > 5_000 && refused > 5_000, "\(allowed) allowed, \(refused) refused")
    }

    /// What is limited there already stays; what is not, may be limited.
    private func merged(_ limits: [Measure: LimitPair], _ more: [Measure: LimitPair]) -> [Measure: LimitPair] {
        limits.merging(more) { old, _ in old }
    }

    private func rules(
        rate: ExactQuantity, volume: ExactQuantity, site: [Measure: LimitPair], own: [Measure: LimitPair],
        library: [Measure: LimitPair]
    ) throws -> RuleSet {
        var policy = SitePolicy(use: .training)
        policy.areas = ["a": site]
        policy.devices["p"] = SitePolicy.Device(area: "a", commands: ["c"])
        policy.devices["p"]?.limits = own
        let one = try #require(ExactQuantity(1, places: 0))
        var drug = DrugLibrary.Drug("d", arabicName: "d", isVesicant: false, isVinca: false)
        (drug.concentrations, drug.containers, drug.routes) = ([one], [.bag], [.central])
        drug.areas["a"] = DrugLibrary.Area()
        drug.areas["a"]?.limits = library
        var drugs = DrugLibrary(use: .training)
        drugs.drugs["d"] = drug
        var order = Order(
            patient: PatientKey("k"), drug: "d", concentration: one, dose: volume, volume: volume, route: .central,
            container: .bag, place: .device("p"), valid: 0...10)
        order.rate = rate
        var orders = Orders(use: .training)
        orders.orders["o"] = order
        return RuleSet(policy: .usable(policy), library: .usable(drugs), orders: .usable(orders))
    }

    /// No order of files, present, missing or damaged, allows what all of them together refuse.
    @Test func noFileThatIsMissingOrDamagedLoosens() throws {
        let whole = try RuleFixture.rules()
        let fault = Diagnostic(.error, SourceLocation(file: "x", line: 1, column: 1), "damaged")
        for request in [
            try RuleFixture.rate("1.2"), try RuleFixture.rate("28.8"), try RuleFixture.start([("1.2", "mL/h")]),
        ] {
            let isAllowed = whole.judge(request).permit != nil
            for policy in [whole.policy, .missing, .unusable([fault])] {
                for library in [whole.library, .missing, .unusable([fault])] {
                    for orders in [whole.orders, .missing, .unusable([fault])] {
                        let set = RuleSet(policy: policy, library: library, orders: orders)
                        let isWhole = policy.value != nil && library.value != nil && orders.value != nil
                        #expect((set.judge(request).permit != nil) == (isAllowed && isWhole))
                    }
                }
            }
        }
    }

    /// Damaged copies of the files: read or refused, and nothing else.
    @Test func anyBytesAreReadOrRefused() throws {
        var generator = SeededGenerator(seed: 28)
        let examples = try RuleFixture.examples()
        let words = Array("\n :{}[],-\"'#&*!|>%@`?~0123456789.\u{0}\u{FFFD}١".unicodeScalars).map {
            Array(String($0).utf8)
        }
        var (read, refused) = (0, 0)
        for round in 0..<3_000 {
            let file = RuleFile.allCases[round % 3]
            var bytes = Array(try #require(examples[file]).utf8)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes.remove(at: place)
                case 1: bytes.insert(contentsOf: words.randomElement(using: &generator) ?? [], at: place)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + 20))
                default: bytes[place] = UInt8.random(in: 0...127, using: &generator)
                }
                if bytes.isEmpty { bytes = [0x20] }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            let faults: [Diagnostic]
            switch file {
            case .policy: faults = try RuleFixture.reading(file, text, SitePolicy.read).faults
            case .library: faults = try RuleFixture.reading(file, text, DrugLibrary.read).faults
            case .orders: faults = try RuleFixture.reading(file, text, Orders.read).faults
            }
            if faults.isEmpty { read += 1 } else { refused += 1 }
            #expect(faults.allSatisfy { $0.location.line >= 1 && $0.location.column >= 1 && !$0.message.isEmpty })
        }
        #expect(read > 50 && refused > 1_000, "\(read) read, \(refused) refused")
    }

    /// A name of somebody in any place of the orders is in no message about them.
    @Test func noMessageShowsAPatient() throws {
        var generator = SeededGenerator(seed: 36)
        let text = try #require(try RuleFixture.examples()[.orders])
        var told = 0
        for _ in 0..<3_000 {
            let canary =
                ["Canary", "“Canary”", "”Canary“", "rate” Canary “rate", "“Canary"].randomElement(using: &generator)
                ?? ""
            var bytes = Array(text.utf8)
            let place = Int.random(in: 0...bytes.count, using: &generator)
            let around = ["", " ", ": ", "\n", "\n    ", "\"", "[", "*", "&", "!", "? "]
            let inserted =
                (around.randomElement(using: &generator) ?? "") + canary
                + (around.randomElement(using: &generator) ?? "")
            let end = Bool.random(using: &generator) ? place : min(bytes.count, place + 8)
            bytes.replaceSubrange(place..<end, with: Array(inserted.utf8))
            let reading = try RuleFixture.reading(.orders, String(decoding: bytes, as: UTF8.self), Orders.read)
            told += reading.faults.count
            for fault in reading.faults { #expect(!fault.description.contains("Canary"), "\(inserted)") }
        }
        #expect(told > 1_000)
        let order = try #require(try RuleFixture.rules().orders.value?.orders["order-1"])
        var dumped = ""
        dump(order, to: &dumped)
        #expect(!"\(order)\(String(reflecting: order))\(dumped)".contains("k7f3a9") && order.patient.text == "k7f3a9")
    }

    @Test func messagesAreCutWhereTheyQuote() {
        #expect(Redaction.text("“rate” is missing") == "“rate” is missing")
        #expect(Redaction.text("unknown key “Ali”; expected id") == "unknown key “…”; expected id")
        #expect(Redaction.text("found “Ali, expected x") == "found “…”")
        #expect(Redaction.text("a “rate” Ali “rate” b") == "a “…” b")
    }

    @Test func noRefusalShowsTheOrdersPatientOrId() throws {
        var generator = SeededGenerator(seed: 5)
        var seen: Set<RuleRefusal.Word> = []
        for _ in 0..<2_000 {
            var request = try RuleFixture.rate(["1.2", "28.8", "0.1", "150"].randomElement(using: &generator) ?? "")
            func now() -> Bool { Int.random(in: 0..<6, using: &generator) == 0 }
            if now() { request.order = ["order-9", "k7f3a9"].randomElement(using: &generator) }
            if now() { request.now = Int64.random(in: 0...(.max), using: &generator) }
            if now() { request.entries = [] }
            if now() { request.isSyringePump = false }
            if now() { request.hasRemoteStop = false }
            let refusals = try RuleFixture.rules().judge(request).refusals
            for refusal in refusals {
                seen.insert(refusal.word)
                #expect(!refusal.text.contains("k7f3a9") && !refusal.text.contains("order-"))
                #expect(refusal.text.hasSuffix("."))
            }
        }
        #expect(seen.count >= 6)
    }
}
