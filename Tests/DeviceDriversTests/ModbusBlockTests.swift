import DeviceModel
import DeviceProfiles
import TestSupport
import Testing

/// Which registers are read together, and how a read that a device refuses is parted.
@Suite struct ModbusBlockTests {
    private func blocks(_ addresses: [Int], line: String = "modbus: rtu, baud: 9600, format: 8N1, unit: 1") throws -> [ModbusBlock] {
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
            text += "  - {metric: MDC_TEMP, vmd: c\(address), from: {input: \(address), type: int16}, unit: Cel, every: 10s}\n"
        }
        let profile = try DeviceProfile.load(try YAMLFile(path: "t/t/profile.yaml", text: text))
        guard case .modbus(let plan) = profile.compile(handle: "t").protocolPlan else { return [] }
        return plan.blocks
    }

    private func ranges(_ blocks: [ModbusBlock]) -> [String] { blocks.map { "\($0.address)+\($0.count)" } }

    @Test func aCheapHoleIsReadAlongAndADearOneIsNot() throws {
        #expect(try ranges(blocks([1, 2, 5, 40])) == ["1+5", "40+1"])
        // A slow turnaround makes a second request dearer than 33 registers.
        #expect(try ranges(blocks([1, 2, 5, 40], line: "modbus: rtu, baud: 9600, format: 8N1, unit: 1, turnaround: 100ms")) == ["1+40"])
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

    /// A device without some register: every other one still arrives, within log2(n) + 1 further requests for each refusal's path.
    @Test(arguments: [0, 1, 7, 63, 99])
    func halvingFindsTheRegisterThatIsNotThere(missing: Int) throws {
        var asked = 0
        var arrived: Set<Int> = []
        var waiting = try blocks(Array(0..<100))
        while let block = waiting.popLast() {
            asked += 1
            guard (block.address..<(block.address + block.count)).contains(missing) else {
                arrived.formUnion(block.address..<(block.address + block.count))
                continue
            }
            if let (left, right) = block.halves() { waiting += [left, right] }
        }
        #expect(arrived == Set(0..<100).subtracting([missing]))
        // One whole read, and two for each halving: the half that is whole and the half that is not.
        #expect(asked <= 1 + 2 * 7)
    }

    @Test func valuesKeepTheirPlacesInHalves() throws {
        let block = try #require(try blocks([10, 11, 13]).first)
        let (left, right) = try #require(block.halves())
        #expect((left.address, left.count, left.fields.count) == (10, 2, 2))
        #expect((right.address, right.count, right.fields.count) == (13, 1, 1))
        if case .bits(let slices, _, _)? = right.fields.first?.source { #expect(slices.map(\.byte) == [0, 1]) }
        #expect(right.halves() == nil)
    }
}
