import DeviceModel
package import ProfileLanguage

/// Which registers are read together.
extension PlanCompiler {
    private struct Wanted {
        let unit: UInt8
        let source: RegisterSource
        let period: Int64
        let field: FieldDescription

        var registers: ClosedRange<Int> { source.address...(source.address + source.registers - 1) }
    }

    /// Values that are read in one request or say nothing: a number and what its unit or scale depends on.
    private struct Bundle {
        var values: [Wanted]

        var unit: UInt8 { values[0].unit }
        var space: RegisterSource.Space { values[0].source.space }
        var period: Int64 { values.map(\.period).min() ?? values[0].period }
        var registers: ClosedRange<Int> {
            (values.map(\.registers.lowerBound).min() ?? 0)...(values.map(\.registers.upperBound).max() ?? 0)
        }
    }

    func modbusPlan() -> ModbusPlan {
        let (commands, writes, reads) = drivenWrites()
        return ModbusPlan(blocks: blocks(), compiled: commands, writes: writes, reads: reads)
    }

    func blocks() -> [ModbusBlock] {
        let sorted = bundles().sorted { left, right in
            (left.unit, left.space.rawValue, left.period, left.registers.lowerBound)
                < (right.unit, right.space.rawValue, right.period, right.registers.lowerBound)
        }
        var groups: [[Bundle]] = []
        var reach = 0
        for bundle in sorted {
            if let first = groups.last?.first, first.unit == bundle.unit, first.space == bundle.space,
                first.period == bundle.period,
                joins(bundle, from: first.registers.lowerBound, reach: reach)
            {
                groups[groups.count - 1].append(bundle)
                reach = max(reach, bundle.registers.upperBound)
            } else {
                groups.append([bundle])
                reach = bundle.registers.upperBound
            }
        }
        return groups.map(block)
    }

    private func wanted() -> [Wanted] {
        profile.fields.compactMap { field in
            guard case .registers(let source) = field.place else { return nil }
            let metrics = profile.metrics.filter { $0.field == field.name }
            let period = metrics.map(period).min() ?? source.period ?? 1_000_000_000
            return Wanted(unit: unit(source.vmd ?? metrics.first?.vmd), source: source, period: period, field: field)
        }
    }

    private func bundles() -> [Bundle] {
        var bundles = wanted().map { Bundle(values: [$0]) }
        for metric in profile.metrics {
            let marks = (metric.mark?.newWhen ?? []) + [metric.mark?.takenAt?.field].compactMap { $0 }
            for by in [metric.condition?.field].compactMap({ $0 }) + (metric.terms?.fields ?? []) + marks {
                guard let one = bundles.firstIndex(where: { $0.values.contains { $0.field.name == metric.field } }),
                    let other = bundles.firstIndex(where: { $0.values.contains { $0.field.name == by } }), one != other
                else { continue }
                bundles[one].values += bundles[other].values
                bundles.remove(at: other)
            }
        }
        return bundles
    }

    /// The read of one field, with all that it means something only together with.
    func read(of name: String) -> ModbusBlock? {
        bundles().first { $0.values.contains { $0.field.name == name } }.map { block([$0]) }
    }

    /// The unit that a field is of.
    func unit(of field: FieldDescription) -> UInt8? {
        wanted().first { $0.field.name == field.name }?.unit
    }

    /// Why values that mean something only together cannot be one request; `nil` when they can.
    func faultOfBundles() -> (field: FieldDescription, why: String)? {
        for bundle in bundles() where bundle.values.count > 1 {
            let names = bundle.values.map { "“\($0.field.shownName)”" }.joined(separator: " and ")
            let (low, high) = (bundle.registers.lowerBound, bundle.registers.upperBound)
            let limit = line.longestRead ?? ModbusBlock.longest
            func fault(_ why: String) -> (FieldDescription, String) {
                (bundle.values[0].field, "\(names) mean something only together, but cannot be one request: \(why)")
            }
            if Set(bundle.values.map(\.unit)).count > 1 { return fault("they are of different units") }
            if Set(bundle.values.map(\.source.space)).count > 1 {
                return fault("they are read with different functions")
            }
            if high - low + 1 > limit { return fault("from \(low) to \(high) are more than \(limit) registers") }
            if line.neverRead.contains(where: { $0.space == bundle.space && $0.registers.overlaps(low...high) }) {
                return fault("“never-read” forbids what lies between them")
            }
        }
        return nil
    }

    private func unit(_ vmd: String?) -> UInt8 {
        vmd.flatMap { overrides.units[$0] ?? profile.vmds.first { $0.name == vmd }?.unit } ?? line.unit
    }

    /// Whether a value is read with those before it: the hole between costs less than a second request, and may be
    /// read.
    private func joins(_ bundle: Bundle, from start: Int, reach: Int) -> Bool {
        guard bundle.space != .identification else { return false }
        guard max(reach, bundle.registers.upperBound) - start + 1 <= line.longestRead ?? ModbusBlock.longest else {
            return false
        }
        let hole = bundle.registers.lowerBound - reach - 1
        guard hole > 0 else { return true }
        let between = (reach + 1)...(bundle.registers.lowerBound - 1)
        if line.neverRead.contains(where: { $0.space == bundle.space && $0.registers.overlaps(between) }) {
            return false
        }
        return hole <= line.cheapestHole(space: bundle.space)
    }

    private func block(_ group: [Bundle]) -> ModbusBlock {
        let values = group.flatMap(\.values).sorted { $0.source.address < $1.source.address }
        let start = values[0].source.address
        let end = values.map(\.registers.upperBound).max() ?? start
        return ModbusBlock(
            unit: group[0].unit, space: group[0].space, address: start, count: end - start + 1, period: group[0].period,
            fields: values.map { registerPlan($0.field, $0.source, start: start) })
    }

    private func registerPlan(_ field: FieldDescription, _ source: RegisterSource, start: Int) -> FieldPlan {
        if source.space == .identification {
            return fieldPlan(field, .bytes(0..<ModbusBlock.longestObject), .text)
        }
        let first = (source.address - start) * 2
        if field.type == .text {
            let range = first..<(first + source.registers * 2)
            return fieldPlan(field, source.lowByteFirst ? .swappedBytes(range) : .bytes(range), .text)
        }
        if source.space.isBits {
            return fieldPlan(
                field, .bits([BitSlice(byte: first + 1, low: 0, width: 1)], count: 1, stride: 1),
                reading(field.type, width: 1))
        }
        if !source.parts.isEmpty {
            let slices = source.parts.flatMap {
                bits($0.bits, of: (($0.address - start) * 2, ($0.address - start) * 2 + 1))
            }
            return fieldPlan(
                field, .bits(slices, count: 1, stride: 1),
                reading(field.type, width: slices.reduce(0) { $0 + Int($1.width) }))
        }
        var words = (0..<source.registers).map { [first + $0 * 2, first + $0 * 2 + 1] }
        if source.lowByteFirst { words = words.map { $0.reversed() } }
        if source.lowWordFirst { words.reverse() }
        var slices = words.flatMap { $0 }.map { BitSlice(byte: $0, low: 0, width: 8) }
        if let bits = source.bits {
            slices = self.bits(bits, of: source.lowByteFirst ? (first + 1, first) : (first, first + 1))
        }
        return fieldPlan(
            field, .bits(slices, count: 1, stride: 1),
            reading(field.type, width: slices.reduce(0) { $0 + Int($1.width) }))
    }
}

extension PlanCompiler {
    /// Bits of a register, the upper byte's part first.
    fileprivate func bits(_ bits: ClosedRange<Int>, of bytes: (high: Int, low: Int)) -> [BitSlice] {
        [(bytes.high, 8), (bytes.low, 0)].compactMap { byte, base in
            let low = max(bits.lowerBound, base)
            let high = min(bits.upperBound, base + 7)
            return low <= high ? BitSlice(byte: byte, low: UInt8(low - base), width: UInt8(high - low + 1)) : nil
        }
    }
}

extension LineDescription {
    /// Whether a register that no field asks for may be read, as far as the profile says.
    package func mayRead(_ space: RegisterSource.Space, _ register: Int) -> Bool {
        register <= 65_535 && !neverRead.contains { $0.space == space && $0.registers.contains(register) }
    }

    /// The most unwanted registers that are worth reading to save a second request. Unit: registers.
    ///
    /// On RTU a second request is 13 bytes, two silences of 3.5 characters and the device's turnaround; a register is
    /// two bytes. On TCP a second exchange is two packets of about 60 bytes each.
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
        if space == .identification {
            return modbus.blocks.first { $0.unit == unit && $0.space == space && $0.address == address }
        }
        let fields = modbus.blocks.filter { $0.unit == unit && $0.space == space }.flatMap { block in
            block.fields.compactMap { $0.moved(by: (block.address - address) * 2, within: count * 2) }
        }
        guard !fields.isEmpty else { return nil }
        return ModbusBlock(unit: unit, space: space, address: address, count: count, period: 1, fields: fields)
    }
}
