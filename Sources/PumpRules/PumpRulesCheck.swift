package import StrictYAML

/// What is wrong with a folder of rules, before anybody relies on it.
package enum PumpRulesCheck {
    /// Every fault of the files, and where they do not fit one another.
    ///
    /// - Parameter keys: `nil`: signatures are not looked at.
    package static func check(folder: String, keys: RuleKeys?) -> [Diagnostic] {
        let reader = RuleReader(folder: folder, keys: keys, accepted: [:])
        let policy = reader.read(.policy, SitePolicy.read).0
        let library = reader.read(.library, DrugLibrary.read).0
        let orders = reader.read(.orders, Orders.read).0
        var found = policy.faults + library.faults + orders.faults
        func start(_ file: RuleFile) -> SourceLocation {
            SourceLocation(file: "\(folder)/\(file.name)", line: 1, column: 1)
        }
        if case .missing = policy {
            found.append(Diagnostic(.warning, start(.policy), "there is no policy: nothing is driven"))
        }
        if keys == nil {
            found.append(Diagnostic(.note, start(.policy), "signatures were not looked at: no key was given"))
        }
        guard let policy = policy.value else { return found }
        if let library = library.value {
            found += faults(of: library, policy).map { Diagnostic(.warning, start(.library), $0) }
        }
        if let orders = orders.value {
            // Orders are counted, not named: an id may be of a patient.
            let library = library.value
            let bad = orders.orders.values.count { order in
                !fits(order, library: library, policy: policy)
            }
            if bad > 0 {
                found.append(
                    Diagnostic(
                        .warning, start(.orders),
                        "\(bad) of \(orders.orders.count) orders will be refused: their drug, concentration, route, "
                            + "container, device or bed is not in the other files, or their figures do not agree"))
            }
            if orders.use != policy.use {
                found.append(
                    Diagnostic(.error, start(.orders), "it is for \(orders.use.rawValue), the policy is not"))
            }
        }
        return found
    }

    private static func faults(of library: DrugLibrary, _ policy: SitePolicy) -> [String] {
        var found: [String] = []
        if library.use != policy.use { found.append("it is for \(library.use.rawValue), the policy is not") }
        for (id, drug) in library.drugs.sorted(by: { $0.key < $1.key }) {
            for area in drug.areas.keys.sorted() where policy.areas[area] == nil {
                found.append("the care area “\(area)” of “\(id)” is not in the policy")
            }
        }
        return found
    }

    /// Whether an order can be given at all, at its device or bed, while it holds.
    private static func fits(_ order: Order, library: DrugLibrary?, policy: SitePolicy) -> Bool {
        guard let drug = library?.drugs[order.drug] else { return false }
        let found = policy.devices.first { handle, device in
            switch order.place {
            case .device(let wanted): handle == wanted
            case .bed(let wanted): device.bed == wanted
            }
        }
        guard let (handle, device) = found else { return false }
        var request = PumpRequest(device: handle, command: "", kind: .set, area: device.area)
        request.now = order.valid.lowerBound
        request.isSyringePump = order.container == .syringe
        var judging = Judging(request, device: device)
        judging.take(order, drug)
        judging.checkOrderItself(order, drug)
        return judging.refusals.isEmpty
    }
}
