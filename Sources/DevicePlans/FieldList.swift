import DeviceModel
import ProfileLanguage

/// The fields of a message, a frame, a packet or a read of registers, in the order in which they are judged: the field
/// that identifies the device before any other value.
///
/// A class so that handing it on counts one reference.
package final class FieldList: Sendable {
    /// What is judged next.
    package enum Turn: Sendable {
        /// Neighbours that are plain numbers, of ``numbers``.
        case numbers(Range<Int>)
        /// Neighbours that raise alerts and say nothing else, of ``switches``.
        case switches(Range<Int>)
        /// Another, of ``fields``.
        case field(Int)
    }

    package let fields: [FieldPlan]
    /// The fields that the turns take one by one.
    package let others: [FieldPlan]
    /// Fields that are read at once, with nothing looked up, and which of the fields each is.
    package let numbers: [PlainNumber]
    package let fieldOfNumber: [Int]
    package let sentinels: [PlainNumber.Sentinel]
    package let gates: [PlainNumber.Gate]
    package let switches: [PlainSwitch]
    package let turns: [Turn]
    /// Whether the turns take none by itself.
    package let isPlain: Bool
    /// Whether each can be judged when it is taken: none looks at another.
    package let isIndependent: Bool

    package init(_ unordered: [FieldPlan]) {
        let fields = unordered.filter(\.isIdentity) + unordered.filter { !$0.isIdentity }
        var parts = Parts()
        for (place, field) in fields.enumerated() { parts.add(field, place) }
        self.fields = fields
        others = parts.turns.compactMap { turn in if case .field(let place) = turn { fields[place] } else { nil } }
        numbers = parts.numbers
        fieldOfNumber = parts.fieldOfNumber
        sentinels = parts.sentinels
        gates = parts.gates
        switches = parts.switches
        turns = parts.turns
        isPlain = others.isEmpty
        isIndependent = !others.contains(where: \.looksElsewhere)
    }

    private struct Parts {
        var numbers: [PlainNumber] = []
        var fieldOfNumber: [Int] = []
        var sentinels: [PlainNumber.Sentinel] = []
        var gates: [PlainNumber.Gate] = []
        var switches: [PlainSwitch] = []
        var turns: [Turn] = []

        mutating func add(_ field: FieldPlan, _ place: Int) {
            if let number = number(field) {
                if case .numbers(let run)? = turns.last {
                    turns[turns.count - 1] = .numbers(run.lowerBound..<(run.upperBound + 1))
                } else {
                    turns.append(.numbers(numbers.count..<(numbers.count + 1)))
                }
                numbers.append(number)
                fieldOfNumber.append(place)
            } else if let alerts = alerts(field) {
                let end = switches.count + alerts.count
                if case .switches(let run)? = turns.last {
                    turns[turns.count - 1] = .switches(run.lowerBound..<end)
                } else {
                    turns.append(.switches(switches.count..<end))
                }
                switches += alerts
            } else {
                turns.append(.field(place))
            }
        }

        /// The bits of a field on which nothing else depends.
        private func lonely(_ field: FieldPlan) -> PlainBits? {
            guard !field.isTested, !field.isIdentity, !field.isRemembered, field.table.isEmpty,
                case .bits(let slices, 1, _) = field.source
            else { return nil }
            return PlainBits(slices)
        }

        /// `nil` of a field that is not so plain.
        private mutating func number(_ field: FieldPlan) -> PlainNumber? {
            guard let source = lonely(field), field.alerts.isEmpty, field.targets.count == 1 else { return nil }
            let target = field.targets[0]
            guard target.condition == nil, target.jump == nil, target.terms == nil, target.result == nil,
                !target.isSlotted, !target.isEpisodic
            else { return nil }
            let reading: PlainNumber.Reading
            switch field.reading {
            case .number(let signed, Int(source.width)) where signed || source.width < 64:
                reading = signed ? .signed : .unsigned
            case .float32 where source.width == 32 && field.missing.isEmpty: reading = .float
            default: return nil
            }
            var gates: [PlainNumber.Gate] = []
            var tests: [ByteTest] = []
            for gate in field.gates {
                guard case .bytes(let test) = gate.test, gate.validity == .questionable || !gate.validity.carriesValue
                else { return nil }
                tests.append(test)
                gates.append(PlainNumber.Gate(check: ByteCheck(test), validity: gate.validity))
            }
            let any = ByteCheck(any: tests)
            if let any { gates.insert(PlainNumber.Gate(check: any, validity: .valid), at: 0) }
            var sentinels: [PlainNumber.Sentinel] = []
            for missing in field.missing {
                guard case .number(let number) = missing.code else { return nil }
                sentinels.append(PlainNumber.Sentinel(number: number, validity: missing.validity))
            }
            defer {
                self.sentinels += sentinels
                self.gates += gates
            }
            return PlainNumber(
                source: source, reading: reading, stream: UInt32(target.stream), offset: target.offset,
                absolute: target.absolute, plausible: target.plausible,
                sentinels: PlainNumber.Neighbours(from: self.sentinels.count, count: sentinels.count),
                gates: PlainNumber.Neighbours(from: self.gates.count, count: gates.count), asksFirst: any != nil)
        }

        /// The alerts of a field that does nothing but raise them; `nil` of any other.
        private func alerts(_ field: FieldPlan) -> [PlainSwitch]? {
            guard let source = lonely(field), field.targets.isEmpty, field.gates.isEmpty, !field.alerts.isEmpty,
                case .number(let signed, Int(source.width)) = field.reading, signed || source.width < 64
            else { return nil }
            var alerts: [PlainSwitch] = []
            for alert in field.alerts {
                let test: PlainSwitch.Test
                switch alert.test {
                case .listed(let codes, let expected):
                    guard codes.count == 1, case .number(let number) = codes[0] else { return nil }
                    test = .number(number, expected: expected)
                case .bit(let bit) where field.missing.isEmpty: test = .bit(bit)
                default: return nil
                }
                guard !alert.isSlotted else { return nil }
                alerts.append(PlainSwitch(source: source, isSigned: signed, test: test, alert: alert.alert))
            }
            return alerts
        }
    }
}
