import CommandFacts
import DeviceModel
import TestSupport

/// Events as no desk would make them and any journal may hold them: all that the types allow and the form takes.
struct RandomCommands {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    /// One of them, the same for the same seed; `nil` of none.
    mutating func one(of numbers: some Collection<Int64>) -> Int64? {
        let sorted = numbers.sorted()
        return sorted.isEmpty ? nil : sorted[below(sorted.count)]
    }

    mutating func below(_ end: Int) -> Int { Int.random(in: 0..<end, using: &generator) }

    mutating func chance(_ part: Int) -> Bool { below(part) == 0 }

    mutating func list<Value>(_ range: ClosedRange<Int>, _ make: (inout RandomCommands) -> Value) -> [Value] {
        let count = Int.random(in: range, using: &generator)
        return (0..<count).map { _ in make(&self) }
    }

    /// Marks of JSON, control characters, two directions, marks that combine, what lies beyond 16 bits.
    private static let characters: [Unicode.Scalar] = [
        "a", "7", ".", "\"", "\\", "/", "{", "}", "[", ",", ":", " ", "\n", "\r", "\t", "\u{0}", "\u{8}", "\u{1F}",
        "\u{7F}", "ع", "é", "\u{301}", "\u{2028}", "\u{202E}", "\u{FFFD}", "😀", "\u{10FFFF}", "#", "-",
    ]

    mutating func text() -> String {
        var text = String.UnicodeScalarView()
        for _ in 0..<below(9) { text.append(Self.characters[below(Self.characters.count)]) }
        return String(text)
    }

    mutating func time() -> Int64 {
        switch below(6) {
        case 0: .min
        case 1: .max
        case 2: 0
        case 3: -1
        default: Int64.random(in: .min ... .max, using: &generator)
        }
    }

    mutating func number() -> Int64 { chance(5) ? .max : Int64.random(in: 1...99_999, using: &generator) }

    mutating func quantity() -> ExactQuantity {
        let digits = Int64.random(in: 0...999_999_999_999, using: &generator)
        while true {
            let mantissa = chance(3) ? digits % 1000 : digits
            if let quantity = ExactQuantity(mantissa, places: below(12)) { return quantity }
        }
    }

    mutating func person() -> Operator { Operator(text()) }

    mutating func people(_ most: Int) -> [Operator] { list(1...most) { $0.person() } }

    mutating func pump() -> PumpKey {
        let slot = chance(2) ? text() : nil
        return chance(2) ? PumpKey(serial: text(), slot: slot) : PumpKey(port: text(), slot: slot)
    }

    mutating func content() -> CommandContent {
        CommandContent(
            pump: pump(), line: text(), command: text(), kind: chance(2) ? .set : .trigger,
            entries: list(0...3) { CommandEntry($0.text(), $0.quantity(), unit: $0.text()) }, people: 1 + below(2),
            order: chance(2) ? text() : nil, reason: chance(2) ? text() : nil)
    }

    mutating func readings() -> [Reading] { list(0...3) { Reading($0.text(), $0.text()) } }

    /// `nil` of an older host.
    mutating func shown() -> [Reading]? { chance(2) ? readings() : nil }

    mutating func effect() -> Effect {
        Effect(
            bytes: list(1...20) { UInt8.random(in: 0...255, using: &$0.generator) },
            wanted: list(0...3) { Expectation($0.text(), $0.list(0...3) { $0.text() }, isOther: $0.chance(2)) },
            isEvidenceOwn: chance(2),
            before: readings(), profileDigest: text(), expires: time())
    }

    mutating func state() -> CommandState {
        switch below(6) {
        case 0: .draft(by: person(), since: time(), shown: shown())
        case 1: .verified(by: people(2), since: time(), shown: shown())
        case 2: .intended(effect())
        case 3: .sent(effect())
        case 4: .acknowledged(effect())
        default:
            .uncertain(
                CommandState.Uncertainty(
                    effect: effect(), isTaken: chance(2), since: time(), isLeftToPeople: chance(2)))
        }
    }

    mutating func snapshot() -> CommandLedger.Snapshot {
        let open = list(0...4) { ($0.number(), CommandLedger.Command(content: $0.content(), state: $0.state())) }
        let phases: [CommandLedger.Stop.Phase] = [.asked, .sent, .notDelivered]
        let pumps = list(0...4) { random in
            let stop = CommandLedger.Stop(number: random.number(), phase: phases[random.below(3)], since: random.time())
            return (
                random.pump(),
                CommandLedger.Pump(
                    intents: random.list(0...3) { $0.time() }, failures: random.list(0...3) { $0.time() },
                    isLocked: random.chance(2), stop: random.chance(2) ? stop : nil, isLookedAt: random.chance(2))
            )
        }
        return CommandLedger.Snapshot(
            open: Dictionary(open) { first, _ in first }, pumps: Dictionary(pumps) { first, _ in first },
            isRecordDamaged: chance(2))
    }

    /// - Parameter number: of the command or stop that it is about.
    mutating func event(of number: Int64) -> CommandEvent {
        switch below(25) {
        case 0: .snapshot(snapshot())
        case 1, 22: .drafted(content(), by: person(), shown: shown())
        case 2: .verified(number, by: person(), shown: shown())
        case 24: .changed(number, shown: readings())
        case 3: .mismatched(number, by: person())
        case 4: .withdrawn(number, by: person())
        case 5: .expired(number)
        case 6: .refused(number, RefusalReason.allCases[below(RefusalReason.allCases.count)])
        case 7, 23: .intended(number, effect())
        case 8: .notSent(number, NotSentReason.allCases[below(NotSentReason.allCases.count)])
        case 9: .sent(number)
        case 10: .taken(number)
        case 11: .rejected(number)
        case 12: .unanswered(number, Doubt.allCases[below(Doubt.allCases.count)])
        case 13:
            .readBack(number, ReadBack(isAskedAfter: chance(2), isClean: chance(2), readings: readings()))
        case 14: .undecided(number)
        case 15: .leftToPeople(number)
        case 16: .resolved(number, by: people(3), chance(2) ? .inEffect : .notInEffect)
        case 17: .stopAsked(pump(), by: person())
        case 18: .stopSent(pump(), of: number)
        case 19: .stopConfirmed(pump(), of: number)
        case 20: .stopNotDelivered(pump(), of: number)
        default: chance(2) ? .lookedAt(pump(), by: person()) : .unlocked(pump(), by: person())
        }
    }
}
