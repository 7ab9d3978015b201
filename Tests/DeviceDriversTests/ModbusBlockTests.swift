import DeviceModel
import DevicePlans
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// Which registers are read together, and how a read that a device refuses is parted.
@Suite struct ModbusBlockTests {
    private func blocks(_ addresses: [Int], line: String = "modbus: rtu, baud: 9600, format: 8N1, unit: 1") throws
        -> [ModbusBlock]
    {
        var text = """
            nabd: profile/1
            device: {manufacturer: t, model: t, kind: t}
            provenance: [{document: t, seen: t}]
            line: {\(line)}
            vmds:

            """
        for address in addresses { text += "  c\(address): {label: c}\n" }
        text += "metrics:\n"
        for address in addresses {
            text +=
                "  - {metric: MDC_TEMP, vmd: c\(address), from: {input: \(address), type: int16}, unit: Cel, every: "
                + "10s}\n"
        }
        let profile = try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text))
        guard case .modbus(let plan) = profile.compile(handle: "t").protocolPlan else { return [] }
        return plan.blocks
    }

    private func ranges(_ blocks: [ModbusBlock]) -> [String] { blocks.map { "\($0.address)+\($0.count)" } }

    @Test func aCheapHoleIsReadAlongAndADearOneIsNot() throws {
        #expect(try ranges(blocks([1, 2, 5, 40])) == ["1+5", "40+1"])
        // A slow turnaround makes a second request dearer than 33 registers.
        #expect(
            try ranges(blocks([1, 2, 5, 40], line: "modbus: rtu, baud: 9600, format: 8N1, unit: 1, turnaround: 100ms"))
                == ["1+40"])
    }

    @Test func aForbiddenHoleIsNeverRead() throws {
        let line = "modbus: rtu, baud: 9600, format: 8N1, unit: 1, never-read: [{input: 3..3}]"
        #expect(try ranges(blocks([1, 2, 5], line: line)) == ["1+2", "5+1"])
        let other = "modbus: rtu, baud: 9600, format: 8N1, unit: 1, never-read: [{holding: 3..3}]"
        #expect(try ranges(blocks([1, 2, 5], line: other)) == ["1+5"])
    }

    @Test func aReadIsAtMost125Registers() throws {
        #expect(try ranges(blocks(Array(0..<200))) == ["0+125", "125+75"])
    }

    /// Plays the search on a device without some registers. Returns how many reads it took after the refused one, and
    /// what arrived.
    private func search(
        _ block: ModbusBlock, missing: Set<Int>, cause: RegisterSearch.Cause = .address, longest: Int = 125
    ) throws -> (
        reads: Int, arrived: Set<Int>, RegisterSearch
    ) {
        var search = try #require(RegisterSearch(block, cause: cause))
        var reads = 0
        var arrived: Set<Int> = []
        while true {
            let part = search.part
            let range = part.address..<(part.address + part.count)
            let isLegal = missing.isDisjoint(with: range) && part.count <= longest
            reads += 1
            if isLegal { arrived.formUnion(range) }
            if search.take(isLegal: isLegal) { return (reads, arrived, search) }
            try #require(reads < 1000)
        }
    }

    /// A device without some register: every other one still arrives, within log2(n) + 2 further reads.
    @Test(arguments: [0, 1, 7, 62, 63]) func theRegisterThatIsNotThereIsFound(missing: Int) throws {
        let block = try #require(try blocks(Array(0..<64)).first)
        let (reads, arrived, search) = try search(block, missing: [missing])
        #expect(arrived == Set(0..<64).subtracting([missing]))
        #expect(reads <= 6 + 2)
        #expect(search.refused.map(\.address) == [missing])
        // What is left is read in as few reads as can be.
        #expect(search.remaining.count == (missing == 0 || missing == 63 ? 1 : 2))
    }

    @Test(arguments: [[0, 1], [3, 50], [62, 63], [0, 31, 32, 63]]) func severalAreFoundAsWell(missing: [Int]) throws {
        let block = try #require(try blocks(Array(0..<64)).first)
        let (_, arrived, search) = try search(block, missing: Set(missing))
        #expect(arrived == Set(0..<64).subtracting(missing))
        #expect(search.refused.map(\.address).sorted() == missing)
        #expect(Set(search.remaining.flatMap { Array($0.address..<($0.address + $0.count)) }) == arrived)
    }

    @Test func aDeviceThatRefusesAllIsAskedForAllAgain() throws {
        let (_, arrived, search) = try search(#require(try blocks(Array(0..<10)).first), missing: Set(0..<10))
        #expect(arrived.isEmpty && search.refusedAll)
    }

    /// Whatever a device says of a read that is too long: no register is given up, and it is read in as few reads as
    /// can be.
    @Test(arguments: [RegisterSearch.Cause.address, .length, .silence], [7, 20, 40, 63])
    func aDeviceThatReadsShortBlocksOnlyLosesNothing(cause: RegisterSearch.Cause, longest: Int) throws {
        let (_, arrived, search) = try search(
            #require(try blocks(Array(0..<64)).first), missing: [], cause: cause, longest: longest)
        #expect(arrived == Set(0..<64) && search.refused.isEmpty)
        #expect(search.remaining.allSatisfy { $0.count <= longest })
        #expect(search.remaining.count <= (64 + longest - 1) / longest + 1, "\(ranges(search.remaining))")
        #expect(search.remaining.reduce(0) { $0 + $1.count } == 64)
    }

    /// A register that is not there, and a length that is not answered, at once.
    @Test(arguments: [RegisterSearch.Cause.length, .silence]) func aHoleAndALengthAreToldApart(
        cause: RegisterSearch.Cause
    ) throws {
        let (_, arrived, search) = try search(
            #require(try blocks(Array(0..<64)).first), missing: [30], cause: cause, longest: 20)
        #expect(arrived == Set(0..<64).subtracting([30]))
        #expect(search.refused.map(\.address) == [30])
        // What is still too long is searched by itself, and loses nothing.
        for block in search.remaining where block.count > 20 {
            let (_, rest, second) = try self.search(block, missing: [], cause: cause, longest: 20)
            #expect(rest.count == block.count && second.remaining.allSatisfy { $0.count <= 20 })
        }
    }

    /// A register that nobody wants, read along between two that are wanted, costs none of them.
    @Test func aHoleThatIsNotThereLosesNothing() throws {
        let block = try #require(try blocks([0, 10]).first)
        let (_, arrived, search) = try search(block, missing: [5])
        #expect(arrived == [0, 10] && search.refused.isEmpty)
        #expect(search.remaining.map(\.address) == [0, 10])
    }

    @Test func valuesKeepTheirPlacesInParts() throws {
        let block = try #require(try blocks([10, 11, 12]).first)
        var search = try #require(RegisterSearch(block, cause: .address))
        #expect((search.part.address, search.part.count, search.part.fields.count) == (10, 1, 1))
        let isFirstTheLast = search.take(isLegal: true)
        #expect((search.part.address, search.part.count) == (11, 1))
        let isSecondTheLast = search.take(isLegal: true)
        #expect(!isFirstTheLast && !isSecondTheLast)
        // By all that was answered it is the last one, which is asked alone before it is given up.
        #expect((search.part.address, search.part.count) == (12, 1))
        let isThirdTheLast = search.take(isLegal: false)
        #expect(isThirdTheLast)
        #expect(search.refused.map(\.address) == [12])
        if case .bits(let slices, _, _)? = search.refused.first?.fields.first?.source {
            #expect(slices.map(\.byte) == [0, 1])
        }
        #expect(RegisterSearch(try #require(search.refused.first), cause: .address) == nil)
    }
}
