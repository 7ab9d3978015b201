package import DeviceModel
import ProfileLanguage

/// A number in whole registers of which nothing but itself decides how far it counts: most registers of most devices.
/// It is read without a look at anything else, and nothing of it is counted as a reference.
package struct PlainRegister: Sendable {
    package enum Reading: Sendable, BitwiseCopyable {
        case unsigned
        case signed
        case float
    }

    /// A value by which the device says that it has none.
    package struct Sentinel: Sendable, BitwiseCopyable {
        package let number: Int64
        package let validity: Validity
    }

    /// From the block's first byte.
    package let byte: Int
    /// Registers: 1, 2 or 4.
    package let count: Int
    package let isLowWordFirst: Bool
    package let reading: Reading
    package let stream: UInt32
    /// Added to the value. Unit: counts.
    package let offset: Int64
    /// In counts of the stream; infinite where nothing is said.
    package let absolute: ClosedRange<Double>
    package let plausible: ClosedRange<Double>
    /// Few, and most have none.
    package let sentinels: [Sentinel]

    /// `nil` of a field that is not so plain.
    init?(_ field: FieldPlan) {
        guard !field.isTested, !field.isIdentity, !field.isRemembered, field.gates.isEmpty, field.table.isEmpty,
            field.alerts.isEmpty,
            field.targets.count == 1,
            case .bits(let slices, 1, _) = field.source
        else { return nil }
        let target = field.targets[0]
        guard target.condition == nil, target.jump == nil, target.terms == nil, target.result == nil, !target.isSlotted,
            slices.allSatisfy({ $0.low == 0 && $0.width == 8 })
        else { return nil }
        let places = slices.map(\.byte)
        guard let first = places.min(), [2, 4, 8].contains(places.count) else { return nil }
        let inOrder = Array(first..<(first + places.count))
        let lowFirst = stride(from: places.count - 2, through: 0, by: -2).flatMap { [first + $0, first + $0 + 1] }
        guard places == inOrder || places == lowFirst else { return nil }
        switch field.reading {
        case .number(let signed, places.count * 8) where signed || places.count < 8:
            reading = signed ? .signed : .unsigned
        case .float32 where places.count == 4 && field.missing.isEmpty: reading = .float
        default: return nil
        }
        var sentinels: [Sentinel] = []
        for missing in field.missing {
            guard case .number(let number) = missing.code else { return nil }
            sentinels.append(Sentinel(number: number, validity: missing.validity))
        }
        byte = first
        count = places.count / 2
        isLowWordFirst = places != inOrder
        stream = UInt32(target.stream)
        offset = target.offset
        absolute = target.absolute ?? -.infinity ... .infinity
        plausible = target.plausible ?? -.infinity ... .infinity
        self.sentinels = sentinels
    }
}
