import CommandFacts
import Foundation
import TestSupport
import Testing

@testable import PumpControl
@testable import PumpRules

/// What is allowed and what is refused (C-14, C-15, C-16, C-27, C-31, C-39; cases 20, 22, 23).
@Suite struct JudgingTests {
    private func verdict(
        _ request: PumpRequest, _ changes: [RuleFile: [(String, String)]] = [:],
        _ change: (inout PumpRequest) throws -> Void = { _ in }
    ) throws -> Verdict {
        var request = request
        try change(&request)
        return try PumpRules.rules(RuleFixture.rules(changes)).judge(request)
    }

    @Test func whatWasOrderedIsAllowed() throws {
        let permit = try #require(try verdict(RuleFixture.rate("1.2")).permit)
        #expect(permit.people == 2 && permit.soft.isEmpty)
        #expect(permit.remainder == "1.2 mL/h is set for 1.20007… mL/h.")
        #expect(permit.rounding?.exact == Ratio(525_000, 437_472))
        #expect(permit.limits[.rate]?.most == Limit.Bound(value: try ExactQuantity("100"), source: .site))
        #expect(permit.limits[.rate]?.softMost == Limit.Bound(value: try ExactQuantity("2"), source: .library))
        #expect(permit.limits[.rate]?.least == Limit.Bound(value: try ExactQuantity("0.1"), source: .pump))
        #expect(permit.limits[.volume]?.most == Limit.Bound(value: try ExactQuantity("500"), source: .site))
        #expect(permit.rules.leastGap == 10_000_000_000 && permit.rules.mostInWindow == 6)
        #expect(try verdict(RuleFixture.start([("1.2", "mL/h"), ("115.2", "mL")])).permit?.people == 2)
        #expect(try verdict(RuleFixture.start([("20", "uL/min"), ("115.2", "mL")])).permit != nil)
    }

    /// Fluorouracil, Alberta 2006: 28.8 for 1.2 mL/h, and both nurses agreed.
    @Test func case22_aRateTwentyFourTimesTooHighIsRefusedTwice() throws {
        let refusals = try verdict(RuleFixture.rate("28.8")).refusals
        #expect(
            refusals.map(\.text) == [
                "At 28.8 mL/h the 115.2 mL last 4 h, which is below 46 h, the drug library's hard limit of duration.",
                "The order comes to 1.20007… mL/h, set as 1.2 mL/h, and the rate is 28.8 mL/h.",
            ])
        #expect(
            refusals.map(\.layer) == [.library, .order] && refusals.map(\.word) == [.outsideRange, .orderMismatch])
        #expect(try verdict(RuleFixture.start([("28.8", "mL/h")])).words == [.outsideRange, .orderMismatch])
    }

    /// Lidocaine, Singapore: 41.7 for 4.17, milligrams in the field of millilitres.
    @Test func case23_aDoseInTheRateFieldIsRefused() throws {
        let refusals = try verdict(RuleFixture.rate("41.7", unit: "mg/h")).refusals
        #expect(refusals.map(\.text) == ["rate is in mL/h, and 41.7 mg/h was entered."])
        #expect(refusals.first?.word.code == 9008)
        // The same number as a rate is not what was ordered.
        let changes: [RuleFile: [(String, String)]] = [.orders: [("duration: 96 h", "rate: 4.17 mL/h")]]
        let asRate = try verdict(RuleFixture.rate("41.7"), changes) {
            $0.arguments = [try RuleFixture.argument("rate", "mL/h", step: "0.01")]
        }
        #expect(asRate.words == [.outsideRange, .orderMismatch])
        // An argument that is itself in a dose unit is limited by nothing, so nobody may set it.
        let ofDose = try verdict(RuleFixture.rate("41.7", unit: "mg/h")) {
            $0.arguments = [try RuleFixture.argument("rate", "mg/h")]
        }
        #expect(ofDose.words.contains(.units))
    }

    @Test func case20_aConcentrationThatIsNotTheLibrarysIsRefused() throws {
        let refusals = try verdict(
            RuleFixture.rate("1.2"),
            [.orders: [("concentration: 45.57 mg/mL", "concentration: 45.5 mg/mL")]]
        ).refusals
        #expect(refusals.first?.word == .notInLibrary && refusals.first?.layer == .library)
        #expect(
            refusals.first?.text
                == "The order's concentration of 45.5 mg/mL is not in the drug library, which has 45.57 mg/mL.")
    }

    @Test(
        arguments: [
            (
                [
                    .library: [("vesicant: false", "vesicant: true")],
                    .orders: [("route: central", "route: peripheral")],
                ],
                [
                    "A vesicant is given by a pump through a central line only; through a peripheral vein let it "
                        + "run by gravity."
                ]
            ),
            (
                [.orders: [("route: central", "route: intrathecal")]],
                ["No pump is driven for an intrathecal infusion."]
            ),
            (
                [.orders: [("route: central", "route: subcutaneous")]],
                ["The drug library does not have this drug for this route."]
            ),
            (
                [.library: [("vinca: false", "vinca: true"), ("[syringe, bag]", "[minibag]")]],
                ["A vinca alkaloid is given from a minibag, never from a syringe."]
            ),
            (
                [
                    .library: [("vinca: false", "vinca: true"), ("[syringe, bag]", "[minibag]")],
                    .orders: [("container: syringe", "container: minibag")],
                ],
                ["A vinca alkaloid is given from a minibag, never from a syringe."]
            ),
            (
                [.orders: [("container: syringe", "container: minibag")]],
                ["The drug library does not have this drug in this container."]
            ),
            (
                [.orders: [("container: syringe", "container: bag")]],
                ["The order's container does not fit this kind of pump."]
            ),
        ] as [([RuleFile: [(String, String)]], [String])])
    func c31_someWaysAreNeverTaken(changes: [RuleFile: [(String, String)]], texts: [String]) throws {
        #expect(try verdict(RuleFixture.rate("1.2"), changes).refusals.map(\.text) == texts)
    }

    @Test(
        arguments: [
            (.orders, "duration: 96 h", "duration: 48 h", [.orderMismatch]),
            (.orders, "duration: 96 h", "duration: 95 h", [.invalidParameter]),
            (.orders, "device: pump-1", "device: pump-2", [.orderMismatch]),
            (.orders, "device: pump-1", "bed: bed-4", [.orderMismatch]),
            (.orders, "device: pump-1", "bed: bed-3", []),
            (.orders, "valid-until: 2026-11-30T06:00:00Z", "valid-until: 2026-11-29T06:00:01Z", [.orderNotValid]),
            (.orders, "id: order-1", "id: order-2", [.noOrder]),
            (.orders, "drug: fluorouracil", "drug: other", [.notInLibrary]),
            (.orders, "surface: 1.75 m2", "surface: 1.85 m2", [.orderMismatch]),
            (.orders, "volume: 115.2 mL", "volume: 120 mL", [.orderMismatch]),
            (.orders, "dose: 5250 mg", "dose: 5350 mg", [.orderMismatch, .orderMismatch, .invalidParameter]),
            (.orders, "duration: 96 h", "duration: 96 h\n    rate: 1.2 mL/h", []),
            (.orders, "duration: 96 h", "duration: 90 h\n    rate: 1.2 mL/h", [.orderMismatch]),
            (.orders, "use: training", "use: treatment", [.notAllowed]),
            (.library, "use: training", "use: treatment", [.notAllowed]),
            (.library, "day-unit:", "ward:", [.notInLibrary]),
            (.library, "0.5 %", "0.001 %", [.orderMismatch, .invalidParameter]),
            (.library, "least: 46 h", "least: 100 h", []),
            (.policy, "serial: \"300745\"", "serial: \"300746\"", [.unknownPump]),
            (.policy, "pump-1:", "pump-9:", [.unknownPump]),
            (.policy, "commands: [volume-limit, rate, start]", "commands: [volume-limit]", [.notAllowed]),
            (.policy, "accepts-unknown-lapse: true", "accepts-unknown-lapse: false", [.notAllowed]),
            (.policy, "most: 100 mL/h", "most: 1 mL/h", [.outsideRange]),
            (.policy, "volume: {hard: {most: 500 mL}}", "duration: {hard: {most: 95 h}}", [.outsideRange]),
            (.policy, "version: 1", "version: 0", [.rulesUnusable]),
            (.library, "version: 1", "version: 0", [.rulesUnusable]),
            (.orders, "version: 1", "version: 0", [.rulesUnusable]),
        ] as [(RuleFile, String, String, [RuleRefusal.Word])])
    func oneFigureElsewhereIsSeen(file: RuleFile, old: String, new: String, words: [RuleRefusal.Word]) throws {
        if old == "least: 46 h" {
            // A soft limit below a hard one would never be told: the file is refused.
            #expect(try verdict(RuleFixture.rate("1.2"), [file: [(old, new)]]).words == [.rulesUnusable])
        } else {
            #expect(try verdict(RuleFixture.rate("1.2"), [file: [(old, new)]]).words == words)
        }
    }

    @Test func whatTheRequestItselfLacksIsSaid() throws {
        func words(_ change: (inout PumpRequest) throws -> Void) throws -> [RuleRefusal.Word] {
            try verdict(RuleFixture.rate("1.2"), change: change).words
        }
        #expect(try words { $0.order = nil } == [.noOrder])
        #expect(try words { $0.now = nil } == [.orderNotValid])
        #expect(try words { $0.now = 0 } == [.orderNotValid])
        #expect(try words { $0.serial = nil } == [.unknownPump])
        #expect(try words { $0.hasRemoteStop = false } == [.notAllowed])
        #expect(try words { $0.entries = [] } == [.missingParameter, .missingParameter])
        #expect(try words { $0.entries += $0.entries } == [.invalidParameter, .invalidParameter])
        #expect(try words { $0.arguments = [] } == [.invalidParameter])
        #expect(
            try words { $0.arguments = [try RuleFixture.argument("rate", "mL/h", step: "0.5")] }.contains(
                .invalidParameter))
        #expect(try words { $0.arguments = [try RuleFixture.argument("rate", "mL/h", most: "1.1")] } == [.outsideRange])
        #expect(try verdict(RuleFixture.start([])).words == [.missingParameter])
        #expect(try verdict(RuleFixture.start([("1.2", "mg/h")])).words == [.units, .missingParameter])
        #expect(try verdict(RuleFixture.start([("1.2", "mL/h"), ("120", "mL")])).words == [.orderMismatch])
        #expect(try verdict(RuleFixture.start([("1.2", "mL/h"), ("90", "h")])).words == [.orderMismatch])
        let running = try verdict(RuleFixture.start([("1.2", "mL/h")])) {
            $0.running = CommandEntry("rate", try ExactQuantity("1.2"), unit: "mL/h")
        }
        #expect(running.words == [.currentlyInfusing])
        let triple = try verdict(RuleFixture.start([("1.2", "mL/h"), ("115.2", "mL"), ("95.9", "h")]))
        #expect(triple.permit != nil, "within the rounding")
        let contradiction = try verdict(RuleFixture.start([("1.2", "mL/h"), ("115.2", "mL"), ("95", "h")]))
        #expect(contradiction.words == [.invalidParameter, .orderMismatch])
    }

    private func verdict(_ request: PumpRequest, change: (inout PumpRequest) throws -> Void) throws -> Verdict {
        try verdict(request, [:], change)
    }

    @Test func c15_aSoftLimitNeedsAReasonAndTwoPeople() throws {
        let changes: [RuleFile: [(String, String)]] = [.library: [("most: 2 mL/h", "most: 1 mL/h")]]
        for reason in [nil, "", "  \n"] {
            let refusals = try verdict(RuleFixture.rate("1.2"), changes) { $0.reason = reason }.refusals
            #expect(
                refusals.map(\.text) == [
                    "1.2 mL/h is above 1 mL/h, the drug library's soft limit of rate. Give a reason."
                ])
            #expect(refusals.map(\.word) == [.reasonMissing])
        }
        let permit = try verdict(RuleFixture.rate("1.2"), changes) { $0.reason = "oncologist on the phone" }.permit
        #expect(permit?.soft.map(\.layer) == [.library] && permit?.people == 2)
        // A reason passes no hard limit.
        let hard: [RuleFile: [(String, String)]] = [.policy: [("most: 100 mL/h", "most: 1 mL/h")]]
        #expect(try verdict(RuleFixture.rate("1.2"), hard) { $0.reason = "x" }.words == [.outsideRange])
    }

    @Test func c16_aJumpFromTheRunningRateIsFlagged() throws {
        for (running, isFlagged) in [("1.2", false), ("1", false), ("1.5", false), ("0.9", true), ("1.6", true)] {
            let verdict = try verdict(RuleFixture.rate("1.2")) {
                $0.running = CommandEntry("rate", try ExactQuantity(running), unit: "mL/h")
            }
            #expect(verdict.words == (isFlagged ? [.reasonMissing] : []), "\(running)")
        }
        let strange = try verdict(RuleFixture.rate("1.2")) {
            $0.running = CommandEntry("rate", try ExactQuantity("1.2"), unit: "mg/h")
        }
        #expect(strange.words == [.units])
    }

    @Test func doseRatesAreLimitedByWhatTheOrderIsCountedBy() throws {
        let form = "        rate: {soft"
        func limit(_ text: String) -> [RuleFile: [(String, String)]] {
            [.library: [(form, "        dose-rates: {\(text)}\n" + form)]]
        }
        // 1.2 mL/h of 45.57 mg/mL for 1.75 m2: 749.95 mg/m2/d.
        #expect(try verdict(RuleFixture.rate("1.2"), limit("mg/m2/d: {hard: {most: 750 mg/m2/d}}")).permit != nil)
        let refusals = try verdict(RuleFixture.rate("1.2"), limit("mg/m2/d: {hard: {most: 749 mg/m2/d}}")).refusals
        #expect(
            refusals.map(\.text) == [
                "749.952 mg/m2/d is above 749 mg/m2/d, the drug library's hard limit of dose rate."
            ])
        #expect(
            try verdict(RuleFixture.rate("1.2"), limit("mg/kg/h: {hard: {most: 1 mg/kg/h}}")).words == [
                .missingParameter
            ])
        #expect(try verdict(RuleFixture.rate("1.2"), limit("mg/h: {soft: {most: 50 mg/h}}")).words == [.reasonMissing])
    }

    @Test func c39_aMeasurementNeedsNoOrderAndOnePerson() throws {
        let cuff = RuleFixture.cuff()
        #expect(try verdict(cuff).permit?.people == 1)
        let two = [("people: {start-measurement: 1}", "people: {start-measurement: 2}")]
        #expect(try verdict(cuff, [.policy: two]).permit?.people == 2)
        #expect(try verdict(cuff, [.orders: [("version: 1", "version: 0")]]).permit?.people == 1)
        var set = PumpRequest(device: "monitor-1", command: "start-measurement", kind: .set, area: "day-unit")
        set.infuses = false
        #expect(try verdict(set).words == [.notAllowed])
        // A policy cannot call the start of a pump a measurement.
        #expect(try verdict(cuff) { $0.infuses = true }.words == [.notAllowed])
        var elsewhere = PumpRequest(device: "monitor-1", command: "start-measurement", kind: .trigger, area: "ward")
        (elsewhere.infuses, elsewhere.pace) = (false, cuff.pace)
        #expect(try verdict(elsewhere).words == [.notAllowed])
    }

    /// How often a measurement may be begun: the stricter of profile and site counts, each by itself; without a figure
    /// of the profile none is begun.
    @Test func c39_theStricterOfProfileAndSiteCounts() throws {
        func pace(_ site: String) throws -> [Int64]? {
            let last = "people: {start-measurement: 1}"
            return try verdict(RuleFixture.cuff(), [.policy: [(last, last + site)]]).permit.map {
                [$0.rules.leastGap / 1_000_000_000, Int64($0.rules.mostInWindow)]
            }
        }
        #expect(try pace("") == [180, 6])
        #expect(try pace("\n    least-gap: 10min") == [600, 6])
        #expect(try pace("\n    most-per-hour: 2") == [180, 2])
        #expect(try pace("\n    least-gap: 1min\n    most-per-hour: 12") == [180, 6])
        #expect(try verdict(RuleFixture.cuff()) { $0.pace = nil }.words == [.notAllowed])
    }

    @Test func aStopIsNeverWeighed() throws {
        let stop = PumpRequest(device: "monitor-1", command: "abort", kind: .stop, area: "ward")
        #expect(try verdict(stop, [.orders: [("version: 1", "version: 0")]]).permit?.people == 1)
        #expect(PumpRules.none.judge(stop).words == [.notAllowed])
    }

    @Test func withoutAnOrderTheOtherLayersCount() throws {
        let open: [RuleFile: [(String, String)]] = [
            .policy: [
                (
                    "commands: [volume-limit, rate, start]",
                    "commands: [volume-limit, rate, start]\n    without-order: [rate]"
                )
            ]
        ]
        func given(_ rate: String, _ changes: [RuleFile: [(String, String)]]) throws -> Verdict {
            try verdict(RuleFixture.rate(rate), changes) { $0.order = nil }
        }
        #expect(try given("28.8", open).permit?.people == 2)
        #expect(try given("100.1", open).words == [.outsideRange])
        // A trigger is not given without knowing what it sets going, for how long.
        func started(_ standing: [(String, String)]) throws -> Verdict {
            let changes: [RuleFile: [(String, String)]] = [
                .policy: [("rate, start]", "rate, start]\n    without-order: [start]")]
            ]
            return try verdict(RuleFixture.start(standing), changes) { $0.order = nil }
        }
        #expect(try started([]).words == [.missingParameter])
        #expect(try started([("1.2", "mL/h")]).permit != nil)
        #expect(try started([("1.2", "mL/h"), ("300", "mL")]).words == [.outsideRange])
        // A damaged file leaves no more open than a whole one.
        for file in [RuleFile.library, .orders] {
            #expect(
                try given("1.2", open.merging([file: [("version: 1", "version: 0")]]) { $1 }).words == [.rulesUnusable])
        }
    }

    /// Within the rounding is not enough where the pump can be set nearer.
    @Test func theNearestStepIsSet() throws {
        let coarse: [RuleFile: [(String, String)]] = [.library: [("0.5 %", "5 %")]]
        for (rate, words) in [("1.2", []), ("1.21", [.orderMismatch])] as [(String, [RuleRefusal.Word])] {
            let verdict = try verdict(RuleFixture.rate(rate), coarse) {
                $0.arguments = [try RuleFixture.argument("rate", "mL/h", step: "0.01")]
            }
            #expect(verdict.words == words, "\(rate)")
        }
    }

    /// What the pump was set to before says nothing of a rate that is set now.
    @Test func aSettingIsJudgedByWhatIsEntered() throws {
        let verdict = try verdict(RuleFixture.rate("1.2")) {
            $0.standing = [
                CommandEntry("rate", try ExactQuantity("28.8"), unit: "mL/h"),
                CommandEntry("volume", try ExactQuantity("300"), unit: "mL"),
            ]
        }
        #expect(verdict.permit != nil)
    }

    /// Source of the codes: wiki.ihe.net, PumpErrorCodes.
    @Test func wordsHaveTheCodesOfPumpVerification() throws {
        let codes = RuleRefusal.Word.allCases.map(\.code)
        #expect(codes == [9001, 9002, 9003, 9004, 9005, 9008, 9010] + Array(repeating: nil, count: 7))
        let guide = try String(contentsOfFile: Repository.path("docs/pump-files.md"), encoding: .utf8)
        for word in RuleRefusal.Word.allCases {
            #expect(guide.contains("| `\(word.rawValue)` | \(word.code.map(String.init) ?? "–") |"), "\(word)")
        }
        #expect("\(RuleRefusal(.site, .units, "a."))" == "a.")
    }

    @Test func doseByWeightAndWholeDosesAreCounted() throws {
        let basis = "basis: {amount: 3000 mg/m2, surface: 1.75 m2}"
        for (other, isRight) in [
            ("basis: mg", true), ("basis: {amount: 75 mg/kg, weight: 70 kg}", true),
            ("basis: {amount: 75 mg/kg, weight: 71 kg}", false),
        ] {
            let verdict = try verdict(RuleFixture.rate("1.2"), [.orders: [(basis, other)]])
            #expect(verdict.words == (isRight ? [] : [.orderMismatch]), "\(other)")
        }
        let byWeight = try verdict(
            RuleFixture.rate("1.2"),
            [
                .orders: [(basis, "basis: {amount: 75 mg/kg, weight: 70 kg}")],
                .library: [
                    (
                        "        rate: {soft",
                        "        dose-rates: {mg/kg/h: {hard: {most: 0.78 mg/kg/h}}}\n        rate: {soft"
                    )
                ],
            ])
        #expect(byWeight.refusals.map(\.text).first?.hasPrefix("0.781… mg/kg/h is above 0.78 mg/kg/h") == true)
    }

    /// The pump's own unit need not be that of the limits; the ceiling counts where nothing else does.
    @Test func everyUnitIsHeldAgainstTheSameLimits() throws {
        let open: [RuleFile: [(String, String)]] = [
            .policy: [
                ("rate, start]", "rate, start]\n    without-order: [rate]"),
                ("{hard: {most: 100 mL/h}}", "{hard: {least: 0.1 mL/h}}"),
                ("{hard: {most: 500 mL}}", "{hard: {least: 0.1 mL}}"),
            ]
        ]
        func given(_ quantity: String, _ unit: String) throws -> Verdict {
            try verdict(RuleFixture.rate(quantity, unit: unit), open) {
                $0.order = nil
                $0.arguments = [try RuleFixture.argument("rate", unit, most: "999999")]
            }
        }
        for (most, unit) in [("1200", "mL/h"), ("20", "mL/min"), ("20000", "uL/min"), ("28800", "mL/d")] {
            #expect(try given(most, unit).permit != nil, "\(unit)")
            let refusal = try #require(try given("\(most).1", unit).refusals.first)
            #expect(
                refusal.layer == .ceiling && refusal.text.contains("above 1200 mL/h, this program's hard limit of rate")
            )
        }
        #expect(try given("1.2", "L/h").permit != nil && given("1.3", "L/h").refusals.first?.layer == .ceiling)
        #expect(try given("0", "mL/h").words == [.outsideRange, .invalidParameter])
        #expect(
            try given("10000", "mL").refusals.first?.text
                == "10000 mL is above 9999 mL, this program's hard limit of volume.")
        #expect(
            try given("169", "h").refusals.first?.text == "169 h is above 168 h, this program's hard limit of duration."
        )
        #expect(try given("30", "s").permit != nil && given("120", "mm[Hg]").words == [.units])
        #expect(Measure.duration.text(Ratio(1, 2)) == "0.5 min" && Measure.duration.text(Ratio(90, 1)) == "1.5 h")
        let pump = try verdict(RuleFixture.rate("1.2"), [.orders: [("duration: 96 h", "rate: 1.2 mL/h")]]) {
            $0.entries = [CommandEntry("rate", try ExactQuantity("20"), unit: "uL/min")]
            $0.arguments = [try RuleFixture.argument("rate", "uL/min")]
        }
        #expect(pump.permit != nil && pump.permit?.rounding == nil)
        let whole = try verdict(RuleFixture.rate("1.2"), [.orders: [("duration: 96 h", "rate: 1.2 mL/h")]]) {
            $0.entries = [CommandEntry("time", try ExactQuantity("96"), unit: "h")]
            $0.arguments = [try RuleFixture.argument("time", "h")]
        }
        #expect(whole.permit != nil)
    }
}
