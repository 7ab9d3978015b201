import Testing

@testable import CommandFacts
@testable import PumpControl

/// Every world that the real ledger can come into, with a line, a wire, a pump, people and kills around it.
@Suite struct ExhaustiveTests {
    /// - Returns: how many worlds there are, and what is broken in the first that is, with the moves that lead there.
    static func search(_ first: SmallWorld = SmallWorld(), _ fault: SmallWorld.Fault? = nil, most: Int) -> (
        worlds: Int, broken: String?
    ) {
        var seen: Set<[UInt8]> = []
        var front = [first]
        while let world = front.popLast() {
            for next in world.next(fault) {
                if let broken = next.broken {
                    if SmallWorld.isTold { print((next.trail + ["\(next.ledger.open)"]).joined(separator: "\n")) }
                    return (seen.count, broken)
                }
                if seen.insert(next.identity).inserted { front.append(next) }
            }
            if seen.count > most { return (seen.count, nil) }
        }
        return (seen.count, nil)
    }

    /// A pump that already runs when the start is asked for.
    private static var running: SmallWorld {
        var world = SmallWorld()
        (world.isRunning, world.mischief) = (true, 1)
        return world
    }

    @Test func nothingIsBrokenInAnyWorld() {
        let (worlds, broken) = Self.search(most: 4_000_000)
        print("worlds: \(worlds)")
        #expect(broken == nil && worlds < 4_000_000)
    }

    @Test func norWhereThePumpRunsBefore() {
        let (worlds, broken) = Self.search(Self.running, most: 4_000_000)
        print("worlds: \(worlds)")
        #expect(broken == nil && worlds < 4_000_000)
    }

    @Test(arguments: SmallWorld.Fault.allCases) func eachFaultIsFound(fault: SmallWorld.Fault) {
        let (worlds, broken) = Self.search(
            fault == .takesStateForATrigger ? Self.running : SmallWorld(), fault, most: 500_000)
        print("\(fault): \(broken ?? "not found") after \(worlds) worlds")
        #expect(broken != nil)
    }
}
