/// The atoms of units, and the reading of expressions of them.
///
/// Source: The Unified Code for Units of Measure, case-sensitive; atoms and their values stand in
/// `nomenclature/atoms.tsv`.
struct UnitAtoms: Sendable {
    struct Atom: Sendable {
        let quantity: Quantity
        let takesPrefix: Bool
    }

    /// An expression longer than this is none. Unit: bytes.
    static let longest = 64
    private static let prefixes: [(String, Double)] = [
        ("da", 1e1), ("Y", 1e24), ("Z", 1e21), ("E", 1e18), ("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6),
        ("k", 1e3), ("h", 1e2),
        ("d", 1e-1), ("c", 1e-2), ("m", 1e-3), ("u", 1e-6), ("n", 1e-9), ("p", 1e-12), ("f", 1e-15), ("a", 1e-18),
        ("z", 1e-21), ("y", 1e-24),
    ]

    private(set) var atoms: [String: Atom] = [:]

    /// Whether the atom was new.
    mutating func add(_ name: String, _ atom: Atom) -> Bool {
        guard atoms[name] == nil else { return false }
        atoms[name] = atom
        return true
    }

    /// The quantity that an expression stands for, or what is wrong with it.
    func quantity(of text: String) -> Result<Quantity, UnitFault> {
        guard text.utf8.count <= Self.longest, !text.isEmpty else { return .failure(.form) }
        var reader = Reader(text: Substring(text), atoms: self)
        do throws(UnitFault) {
            let quantity = try reader.term(depth: 0)
            return reader.text.isEmpty ? .success(quantity) : .failure(.form)
        } catch { return .failure(error) }
    }

    /// The quantity of an atom, perhaps with a prefix.
    fileprivate func atom(_ name: Substring) -> Quantity? {
        if let atom = atoms[String(name)] { return atom.quantity }
        for (prefix, factor) in Self.prefixes where name.hasPrefix(prefix) {
            if let atom = atoms[String(name.dropFirst(prefix.count))], atom.takesPrefix {
                return atom.quantity.scaled(by: factor)
            }
        }
        return nil
    }
}

/// What is wrong with a unit's expression.
package enum UnitFault: Error, Sendable, Hashable {
    /// Not in the form of an expression: atoms joined by `.` and `/`, with exponents.
    case form
    /// No such atom.
    case atom(String)
    /// A unit whose zero is its own stands alone.
    case degrees
}

/// Reads an expression from left to right: a term is components joined by `.` and `/`; a component is an atom with an
/// exponent, a number, a term in brackets or a note in braces.
private struct Reader {
    var text: Substring
    let atoms: UnitAtoms

    mutating func term(depth: Int) throws(UnitFault) -> Quantity {
        guard depth < 4 else { throw .form }
        var result = Quantity()
        var divides = false
        if text.first == "/" {
            divides = true
            text.removeFirst()
        }
        var isFirst = true
        while true {
            let next = try component(depth: depth)
            if next.zero != 0, !isFirst || divides || text.first == "." || text.first == "/" { throw .degrees }
            result = isFirst && !divides ? next : result.multiplied(by: divides ? next.raised(to: -1) : next)
            isFirst = false
            guard let sign = text.first, sign == "." || sign == "/" else { return result }
            divides = sign == "/"
            text.removeFirst()
        }
    }

    private mutating func component(depth: Int) throws(UnitFault) -> Quantity {
        if text.first == "(" {
            text.removeFirst()
            let inner = try term(depth: depth + 1)
            guard text.first == ")" else { throw .form }
            text.removeFirst()
            return try inner.raised(to: exponent())
        }
        if text.first == "{" { return try note() }
        let name = atomName()
        guard !name.isEmpty else { throw .form }
        let quantity: Quantity
        if let known = atoms.atom(name) {
            quantity = known
        } else if let number = Int(name), number > 0, number < 1_000_000_000 {
            quantity = Quantity(factor: Double(number))
        } else {
            throw .atom(String(name))
        }
        let power = try exponent()
        if text.first == "{" { _ = try note() }
        if quantity.zero != 0, power != 1 { throw .degrees }
        return quantity.raised(to: power)
    }

    private mutating func note() throws(UnitFault) -> Quantity {
        guard let end = text.firstIndex(of: "}"), text[..<end].dropFirst().utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw .form }
        text = text[text.index(after: end)...]
        return Quantity()
    }

    /// The letters, brackets and signs up to an exponent, an operator or a brace; digits within square brackets and of
    /// `10*` belong to it.
    private mutating func atomName() -> Substring {
        let whole = text
        for power in ["10*", "10^"] where text.hasPrefix(power) {
            text.removeFirst(3)
            return whole.prefix(3)
        }
        if whole.first?.isASCII == true, whole.first?.isNumber == true {
            text = whole.drop { $0.isASCII && $0.isNumber }
            return whole[..<text.startIndex]
        }
        var isBracketed = false
        while let character = text.first {
            if character == "[" { isBracketed = true }
            if !isBracketed, "./(){}+-0123456789".contains(character) { break }
            if character == "]" { isBracketed = false }
            text.removeFirst()
        }
        return whole[..<text.startIndex]
    }

    private mutating func exponent() throws(UnitFault) -> Int {
        let digits = text.prefix { "+-0123456789".contains($0) }
        if digits.isEmpty { return 1 }
        text = text[digits.endIndex...]
        guard let power = Int(digits), (-24...24).contains(power), power != 0 else { throw .form }
        return power
    }
}
