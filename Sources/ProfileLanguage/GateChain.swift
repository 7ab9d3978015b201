/// Which fields decide about which: a value counts by a state, and the state by another.
package struct GateChain {
    /// By field: how many states decide about it in a row; 0 where none does.
    package private(set) var depths: [String: Int] = [:]
    /// A field that decides, through others, about itself; `nil` where none does.
    package private(set) var circle: FieldDescription?

    package init(_ fields: [FieldDescription]) {
        let byName = Dictionary(fields.map { ($0.name, $0) }) { first, _ in first }
        var open: Set<String> = []
        for field in fields { _ = depth(of: field, byName, &open) }
    }

    /// How many bits of a message decide counts as one.
    private mutating func depth(
        of field: FieldDescription, _ byName: [String: FieldDescription], _ open: inout Set<String>
    ) -> Int {
        if let known = depths[field.name] { return known }
        guard open.insert(field.name).inserted else {
            circle = circle ?? field
            return 0
        }
        defer { open.remove(field.name) }
        var longest = field.gates.isEmpty ? 0 : 1
        for gate in field.gates {
            guard case .field(let name, _) = gate.test, let other = byName[name] else { continue }
            longest = max(longest, 1 + depth(of: other, byName, &open))
        }
        depths[field.name] = longest
        return longest
    }
}
