import DeviceModel

/// Which registers are read together.
extension PlanCompiler {
    private struct Wanted {
        let unit: UInt8
        let source: RegisterSource
        let period: Int64
        let field: FieldDescription

        var registers: ClosedRange<Int> { source.address...(source.address + source.registers - 1) }
    }

    func blocks() -> [ModbusBlock] {
        let wanted = profile.fields.compactMap { field -> Wanted? in
            guard case .registers(let source) = field.place else { return nil }
            let metrics = profile.metrics.filter { $0.field == field.name }
            let vmd = source.vmd ?? metrics.first?.vmd
            let period = metrics.map(period).min() ?? source.period ?? 1_000_000_000
            return Wanted(unit: unit(vmd), source: source, period: period, field: field)
        }.sorted { left, right in
            (left.unit, left.source.space.rawValue, left.period, left.source.address)
                < (right.unit, right.source.space.rawValue, right.period, right.source.address)
        }
        var groups: [[Wanted]] = []
        var reach = 0
        for item in wanted {
            if let first = groups.last?.first, first.unit == item.unit, first.source.space == item.source.space, first.period == item.period,
                joins(item, first: first, reach: reach)
            {
                groups[groups.count - 1].append(item)
                reach = max(reach, item.registers.upperBound)
            } else {
                groups.append([item])
                reach = item.registers.upperBound
            }
        }
        return groups.compactMap(block)
    }

    private func unit(_ vmd: String?) -> UInt8 { vmd.flatMap { overrides.units[$0] ?? profile.vmds.first { $0.name == vmd }?.unit } ?? line.unit }

    /// Whether a value is read with those before it: the hole between costs less than a second request, and may be read.
    private func joins(_ item: Wanted, first: Wanted, reach: Int) -> Bool {
        guard item.registers.upperBound - first.source.address + 1 <= line.longestRead ?? ModbusBlock.longest else { return false }
        let hole = item.source.address - reach - 1
        guard hole > 0 else { return true }
        let between = (reach + 1)...(item.source.address - 1)
        if line.neverRead.contains(where: { $0.space == item.source.space && $0.registers.overlaps(between) }) { return false }
        return hole <= line.cheapestHole(space: item.source.space)
    }

    private func block(_ group: [Wanted]) -> ModbusBlock? {
        guard let first = group.first, let end = group.map(\.registers.upperBound).max() else { return nil }
        let start = first.source.address
        return ModbusBlock(
            unit: first.unit, space: first.source.space, address: start, count: end - start + 1, period: first.period,
            fields: group.map { registerPlan($0.field, $0.source, start: start) })
    }

    private func registerPlan(_ field: FieldDescription, _ source: RegisterSource, start: Int) -> FieldPlan {
        let first = (source.address - start) * 2
        if field.type == .text { return fieldPlan(field, .bytes(first..<(first + source.registers * 2)), .text) }
        if source.space.isBits {
            return fieldPlan(field, .bits([BitSlice(byte: first + 1, low: 0, width: 1)], count: 1, stride: 1), reading(field.type, width: 1))
        }
        var words = (0..<source.registers).map { [first + $0 * 2, first + $0 * 2 + 1] }
        if source.lowWordFirst { words.reverse() }
        var slices = words.flatMap { $0 }.map { BitSlice(byte: $0, low: 0, width: 8) }
        if let bits = source.bits {
            // The upper byte's part first.
            slices = [(first, 8), (first + 1, 0)].compactMap { byte, base in
                let low = max(bits.lowerBound, base)
                let high = min(bits.upperBound, base + 7)
                return low <= high ? BitSlice(byte: byte, low: UInt8(low - base), width: UInt8(high - low + 1)) : nil
            }
        }
        return fieldPlan(field, .bits(slices, count: 1, stride: 1), reading(field.type, width: slices.reduce(0) { $0 + Int($1.width) }))
    }
}

extension LineDescription {
    /// Whether a register that no field asks for may be read, as far as the profile says.
    package func mayRead(_ space: RegisterSource.Space, _ register: Int) -> Bool {
        register <= 65_535 && !neverRead.contains { $0.space == space && $0.registers.contains(register) }
    }

    /// The most unwanted registers that are worth reading to save a second request. Unit: registers.
    ///
    /// On RTU a second request is 13 bytes, two silences of 3.5 characters and the device's turnaround; a register is two bytes. On TCP a
    /// second exchange is two packets of about 60 bytes each.
    func cheapestHole(space: RegisterSource.Space) -> Int {
        guard let serial else { return 60 }
        let byteTime = 1e9 * Double(serial.bitsPerByte) / Double(serial.baud)
        let bytes = 13 + 7 + Double(turnaround) / byteTime
        return min(60, Int(bytes / (space.isBits ? 0.125 : 2)))
    }
}

extension DevicePlan {
    /// The read that a captured Modbus request stands for. `nil` when no field of the profile lies wholly within it.
    package func block(unit: UInt8, function: UInt8, address: Int, count: Int) -> ModbusBlock? {
        guard case .modbus(let modbus) = protocolPlan, let space = RegisterSource.Space(function: function),
            (1...ModbusBlock.longest).contains(count)
        else { return nil }
        let fields = modbus.blocks.filter { $0.unit == unit && $0.space == space }.flatMap { block in
            block.fields.compactMap { $0.moved(by: (block.address - address) * 2, within: count * 2) }
        }
        guard !fields.isEmpty else { return nil }
        return ModbusBlock(unit: unit, space: space, address: address, count: count, period: 1, fields: fields)
    }
}
