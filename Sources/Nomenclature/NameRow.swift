import DeviceModel
package import StrictYAML

/// One name as it is declared: a line of a table, or a mapping of a profile; the columns of the one are the keys of the
/// other.
package struct NameRow {
    package struct Cell {
        package let text: String
        package let location: SourceLocation

        package init(text: String, location: SourceLocation) {
            self.text = text
            self.location = location
        }
    }

    /// What a row declares; the first column of a table.
    package enum Kind: String, CaseIterable, Sendable {
        // In the order in which they are read: what the later ones are made of comes first.
        case atom
        case unit
        case kind
        case metric
        case event

        /// The columns besides the name.
        package var columns: [String] {
            switch self {
            case .atom: ["prefixes", "is"]
            case .unit: ["display", "code", "proof"]
            case .kind: ["class", "type", "code", "proof", "display-ar"]
            case .metric:
                ["code", "proof", "measured-in", "category", "display", "display-ar", "loinc", "formerly", "system"]
            case .event: ["code", "proof", "display", "display-ar", "formerly", "system"]
            }
        }
    }

    package let kind: Kind
    package let name: Cell
    package let cells: [String: Cell]

    package init(kind: Kind, name: Cell, cells: [String: Cell]) {
        self.kind = kind
        self.name = name
        self.cells = cells
    }

    func text(_ column: String) -> String { cells[column]?.text ?? "" }

    func location(_ column: String) -> SourceLocation { cells[column]?.location ?? name.location }
}

/// Who declares a name.
package enum NameOrigin: Sendable {
    /// The tables that come with the host.
    case project
    /// A site's own tables, or a profile.
    case site
}

extension Nomenclature {
    /// Takes a name in. One that is not in order is reported and left out; the others are not touched by it.
    package mutating func declare(_ row: NameRow, by origin: NameOrigin, _ diagnostics: Diagnostics) {
        let found = Diagnostics()
        switch row.kind {
        case .atom: declareAtom(row, found)
        case .unit: declareUnit(row, found)
        case .kind: declareKind(row, found)
        case .metric: declareMetric(row, by: origin, found)
        case .event: declareEvent(row, by: origin, found)
        }
        for diagnostic in found.all { diagnostics.report(diagnostic) }
    }

    // MARK: Units

    private mutating func declareAtom(_ row: NameRow, _ diagnostics: Diagnostics) {
        let text = row.text("is")
        let quantity: Quantity
        if text == "*" {
            quantity = Quantity(exponents: [row.name.text: 1])
        } else {
            let parts = text.split(separator: " ").map(String.init)
            guard let number = parts.first.flatMap(Self.number), number > 0,
                parts.count == 1 || parts.count == 2 || (parts.count == 4 && parts[2] == "from")
            else {
                return diagnostics.error(
                    row.location("is"), "expected what it is, such as “60 s”, “1 K from 273.15” or “*”, found “\(text)”"
                )
            }
            var inner = Quantity()
            if parts.count > 1 {
                switch atoms.quantity(of: parts[1]) {
                case .success(let known): inner = known
                case .failure:
                    return diagnostics.error(row.location("is"), "“\(parts[1])” is not made of the atoms before it")
                }
            }
            quantity = inner.scaled(by: number, zero: parts.count == 4 ? Self.number(parts[3]) ?? 0 : 0)
        }
        guard ["yes", "no"].contains(row.text("prefixes")) else {
            return diagnostics.error(row.location("prefixes"), "expected yes or no: may k, m, u … stand before it?")
        }
        if !atoms.add(row.name.text, UnitAtoms.Atom(quantity: quantity, takesPrefix: row.text("prefixes") == "yes")) {
            diagnostics.error(row.name.location, "the atom “\(row.name.text)” stands twice")
        }
    }

    private mutating func declareUnit(_ row: NameRow, _ diagnostics: Diagnostics) {
        let name = row.name.text
        guard units[name] == nil else { return diagnostics.error(row.name.location, "the unit “\(name)” stands twice") }
        switch atoms.quantity(of: name) {
        case .failure(let fault): diagnostics.error(row.name.location, fault.sentence(for: name))
        case .success(let quantity):
            guard let code = code(row, diagnostics) else { return }
            units[name] = UnitOfMeasure(
                ucum: name, display: row.text("display").isEmpty ? name : row.text("display"), code: code.number,
                quantity: quantity)
            unitOrder.append(name)
        }
    }

    private mutating func declareKind(_ row: NameRow, _ diagnostics: Diagnostics) {
        guard let known = DeviceClass(rawValue: row.text("class")) else {
            let words = DeviceClass.allCases.map(\.rawValue).joined(separator: ", ")
            return diagnostics.error(
                row.location("class"), "expected whom its values are about (\(words)), found “\(row.text("class"))”")
        }
        guard kinds[row.name.text] == nil else {
            return diagnostics.error(row.name.location, "the kind “\(row.name.text)” stands twice")
        }
        guard let type = deviceType(row, diagnostics) else { return }
        kinds[row.name.text] = DeviceKind(class: known, type: type.known)
        if !row.text("display-ar").isEmpty { arabicKinds[row.name.text] = row.text("display-ar") }
    }

    /// The type that the row names, if it names one; `nil` where it is not in order.
    private func deviceType(_ row: NameRow, _ diagnostics: Diagnostics) -> (known: DeviceType?, Void)? {
        let name = row.text("type")
        guard let code = code(row, diagnostics) else { return nil }
        if name.isEmpty, code.number == nil { return (nil, ()) }
        guard name.hasPrefix("\(Self.standardPrefix)DEV_"), let number = code.number, !row.text("proof").isEmpty else {
            diagnostics.error(
                row.location("type"),
                "a type is one of the standard (\(Self.standardPrefix)DEV_…) with its number (“code”) and its proof")
            return nil
        }
        return (DeviceType(referenceID: name, code: number), ())
    }

    // MARK: Names

    private mutating func declareMetric(_ row: NameRow, by origin: NameOrigin, _ diagnostics: Diagnostics) {
        guard
            let common = common(
                row, by: origin, isKnown: metrics[row.name.text] != nil, own: Self.ownSystem, diagnostics)
        else { return }
        let quantities = row.text("measured-in").split(separator: " ").map(String.init)
        let isText = quantities == ["text"]
        if !isText {
            for unit in quantities {
                if case .failure(let fault) = self.unit(unit) {
                    diagnostics.error(row.location("measured-in"), fault.sentence(for: unit))
                }
            }
        }
        var category = MetricCategory.measurement
        if !row.text("category").isEmpty {
            guard let known = MetricCategory(rawValue: row.text("category")) else {
                let words = MetricCategory.allCases.map(\.rawValue).joined(separator: ", ")
                return diagnostics.error(row.location("category"), "expected \(words), found “\(row.text("category"))”")
            }
            category = known
        }
        let loinc = loinc(row, diagnostics)
        if diagnostics.hasErrors { return }
        metrics[row.name.text] = MetricName(
            referenceID: row.name.text, code: common.code, system: common.system, measuredIn: isText ? [] : quantities,
            isText: isText,
            category: category, proof: row.text("proof"), display: common.display, arabicDisplay: common.arabic,
            loinc: loinc)
        rememberFormerNames(row, diagnostics)
    }

    private mutating func declareEvent(_ row: NameRow, by origin: NameOrigin, _ diagnostics: Diagnostics) {
        guard
            let common = common(
                row, by: origin, isKnown: events[row.name.text] != nil, own: Self.ownEventSystem, diagnostics)
        else { return }
        events[row.name.text] = EventName(
            referenceID: row.name.text, code: common.code, system: common.system, proof: row.text("proof"),
            display: common.display,
            arabicDisplay: common.arabic)
        rememberFormerNames(row, diagnostics)
    }

    private mutating func rememberFormerNames(_ row: NameRow, _ diagnostics: Diagnostics) {
        for former in row.text("formerly").split(separator: " ").map(String.init) {
            if metrics[former] != nil || events[former] != nil || formerNames[former] != nil {
                diagnostics.error(row.location("formerly"), "“\(former)” stands for something already")
            } else {
                formerNames[former] = row.name.text
            }
        }
    }

    private func loinc(_ row: NameRow, _ diagnostics: Diagnostics) -> [DeviceClass: String] {
        var codes: [DeviceClass: String] = [:]
        for pair in row.text("loinc").split(separator: " ") {
            let parts = pair.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let known = DeviceClass(rawValue: parts[0]),
                parts[1].wholeMatch(of: /[0-9]{1,7}-[0-9]/) != nil
            else {
                diagnostics.error(row.location("loinc"), "expected CLASS:CODE such as patient:8867-4, found “\(pair)”")
                continue
            }
            codes[known] = parts[1]
        }
        return codes
    }

    private struct Common {
        let code: UInt32?
        let system: String
        let display: String
        let arabic: String?
    }

    /// What metrics and events have in common.
    private func common(_ row: NameRow, by origin: NameOrigin, isKnown: Bool, own: String, _ diagnostics: Diagnostics)
        -> Common?
    {
        let name = row.name.text
        guard Self.isName(name) else {
            diagnostics.error(
                row.name.location, "a name is capital letters, digits and underscores, at most 80, found “\(name)”")
            return nil
        }
        guard !isKnown, formerNames[name] == nil else {
            diagnostics.error(row.name.location, "“\(name)” stands for something already")
            return nil
        }
        guard let code = code(row, diagnostics) else { return nil }
        guard !row.text("display").isEmpty else {
            diagnostics.error(row.location("display"), "“display” is missing: what a person reads")
            return nil
        }
        var system = row.text("system")
        if name.hasPrefix(Self.standardPrefix) {
            guard !row.text("proof").isEmpty else {
                diagnostics.error(
                    row.name.location, "a name of the standard has a number and its proof: where was it seen?")
                return nil
            }
            system = own
        } else if code.number != nil {
            diagnostics.error(row.location("code"), "only \(Self.standardPrefix) names have numbers")
            return nil
        } else if name.hasPrefix(Self.ownPrefix) {
            guard origin == .project else {
                diagnostics.error(
                    row.name.location,
                    "\(Self.ownPrefix) names are the project's; give yours another prefix and a “system”")
                return nil
            }
            system = own
        } else if system.wholeMatch(of: /[a-z][a-z0-9+.-]*:[^ ]+/) == nil {
            diagnostics.error(
                row.location("system"),
                "a name of your own needs a “system”: a URI that says whose it is, such as urn:hospital:metric")
            return nil
        }
        return Common(
            code: code.number, system: system, display: row.text("display"),
            arabic: row.text("display-ar").isEmpty ? nil : row.text("display-ar"))
    }

    private static func isName(_ text: String) -> Bool {
        (3...80).contains(text.utf8.count) && (0x41...0x5A).contains(text.utf8.first ?? 0)
            && text.utf8.allSatisfy {
                (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
            }
    }

    private func code(_ row: NameRow, _ diagnostics: Diagnostics) -> (number: UInt32?, Void)? {
        let text = row.text("code")
        if text.isEmpty { return (nil, ()) }
        guard let number = UInt32(text), number > 0xFFFF, !row.text("proof").isEmpty else {
            diagnostics.error(
                row.location("code"),
                "expected a context-free code (partition × 65536 + term) with its proof, found “\(text)”")
            return nil
        }
        return (number, ())
    }

    private static func number(_ text: String) -> Double? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x65 }) else {
            return nil
        }
        return Double(text)
    }
}

extension UnitFault {
    /// What is wrong, for the person who wrote it.
    package func sentence(for text: String) -> String {
        switch self {
        case .form: "“\(text)” is not a UCUM expression: atoms joined by “.” and “/”, such as ug/kg/min"
        case .atom(let atom):
            "“\(text)” is not a UCUM unit of the tables: there is no “\(atom)” in nomenclature/atoms.tsv"
        case .degrees: "“\(text)”: a temperature whose zero is its own stands alone, not in a product; use K"
        }
    }
}
