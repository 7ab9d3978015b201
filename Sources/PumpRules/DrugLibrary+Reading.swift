import CommandFacts
import PumpControl
import StrictYAML

extension DrugLibrary {
    /// No drug's rounding is coarser. Unit: %. The project's own figure.
    static let mostRounding: Int64 = 5

    static func read(_ root: YAMLMapping) -> DrugLibrary {
        root.allow(["nabd", "version", "use", "drugs"])
        var library = DrugLibrary(use: root.use)
        for (id, key, value) in root.required("drugs")?.mapping("the drugs by id")?.entries ?? [] {
            if !id.isName { key.error("expected a drug's id of letters and digits") }
            guard let map = value.mapping("a drug") else { continue }
            library.drugs[id] = drug(map)
        }
        return library
    }

    private static func drug(_ map: YAMLMapping) -> Drug {
        map.allow([
            "name", "name-ar", "vesicant", "vinca", "concentrations", "containers", "routes", "rounding", "areas",
        ])
        var drug = Drug(
            map.required("name") { $0.text("the drug's name") } ?? "",
            arabicName: map.required("name-ar") { $0.text("the drug's name in Arabic") } ?? "",
            isVesicant: map.required("vesicant") { $0.bool("whether it is a vesicant") } ?? true,
            isVinca: map.required("vinca") { $0.bool("whether it is a vinca alkaloid") } ?? true)
        if let list = map.required("concentrations") {
            for value in list.list("concentrations") ?? [] {
                guard let concentration = value.amount("a concentration", in: "mg/mL") else { continue }
                if !drug.concentrations.insert(concentration).inserted { value.error("this stands twice in the list") }
            }
            if list.isList, list.entryCount == 0 { list.error("expected concentrations, one at least") }
        }
        drug.containers = map.required("containers") { $0.words("containers") } ?? []
        drug.routes = map.required("routes") { $0.words("routes") } ?? []
        if drug.routes.contains(.intrathecal) { map["routes"]?.error("no pump is driven for an intrathecal infusion") }
        if drug.isVinca, drug.containers != [.minibag] {
            map["containers"]?.error("a vinca alkaloid is given from a minibag only")
        }
        if drug.isVesicant, drug.routes != [.central] {
            map["routes"]?.error("a vesicant is given by a pump through a central line only")
        }
        drug.rounding = map.required("rounding", rounding) ?? .zero
        for (name, key, value) in map.required("areas")?.mapping("limits by care area")?.entries ?? [] {
            if !name.isName { key.error("expected a care area's name of letters and digits") }
            guard let map = value.mapping("the limits of a care area") else { continue }
            drug.areas[name] = area(map)
        }
        return drug
    }

    private static func rounding(_ value: YAMLValue) -> Ratio? {
        guard let percent = value.quantity("the rounding", in: ["%"])?.value else { return nil }
        guard percent.ratio <= Ratio(Int128(mostRounding), 1) else {
            value.error("the rounding is above \(mostRounding) %, the most that this program takes")
            return nil
        }
        return percent.ratio.over(Ratio(100, 1))
    }

    private static func area(_ map: YAMLMapping) -> Area {
        map.allow(Measure.allCases.map(\.rawValue) + ["dose-rates"])
        var area = Area()
        area.limits = map.limits()
        if area.limits[.duration]?.hard.least == nil, area.limits[.duration]?.hard.most == nil {
            map.value.error("“duration” needs hard limits: a rate that is wrong shows in how long it lasts")
        }
        for (unit, key, value) in map["dose-rates"]?.mapping("limits by unit of dose rate")?.entries ?? [] {
            guard let known = Dose.Unit(rawValue: unit) else {
                key.error("expected one of \(Dose.Unit.allCases.map(\.rawValue).joined(separator: ", "))")
                continue
            }
            area.doses.append(
                DoseLimit(known, value.limits("the dose rate") { $0.quantity("the dose rate", in: [unit])?.value }))
        }
        return area
    }
}
