import CommandFacts
import DeviceModel
import StrictYAML

extension Orders {
    private static let keys = [
        "id", "patient", "drug", "concentration", "dose", "basis", "route", "container", "rate", "duration", "volume",
        "device", "bed", "valid-from", "valid-until",
    ]

    /// The words that a message about such a file may quote.
    static let words: Set<String> = Set(
        ["nabd", "version", "use", "orders", "amount", "surface", "weight", RuleFile.orders.form] + keys)

    static func read(_ root: YAMLMapping) -> Orders {
        root.allow(["nabd", "version", "use", "orders"])
        var orders = Orders(use: root.use)
        for value in root.required("orders")?.list("orders") ?? [] {
            guard let map = value.mapping("an order") else { continue }
            let id = map.required("id") { $0.name("an order's id") }
            guard let order = order(map), let id else { continue }
            if orders.orders.updateValue(order, forKey: id) != nil { map["id"]?.error("this id stands twice") }
        }
        return orders
    }

    private static func order(_ map: YAMLMapping) -> Order? {
        map.allow(keys)
        let patient = map.required("patient") { $0.name("a patient's key") }
        let drug = map.required("drug") { $0.name("a drug's id") }
        let concentration = map.required("concentration") { $0.amount("the concentration", in: "mg/mL") }
        let dose = map.required("dose") { $0.amount("the dose", in: "mg") }
        let volume = map.required("volume") { $0.amount("the volume", in: "mL") }
        let route: Route? = map.required("route") { $0.word("the route") }
        let container: Container? = map.required("container") { $0.word("the container") }
        if map["rate"] == nil, map["duration"] == nil { map.value.error("“rate” or “duration” is missing") }
        let rate = map["rate"]?.amount("the rate", in: "mL/h")
        let duration = map["duration"]?.quantity(of: .duration)
        if duration?.isZero == true { map["duration"]?.error("the duration: nothing is no amount") }
        let basis = map.required("basis", basis)
        guard let place = place(map), let valid = validity(map), let patient, let drug, let concentration, let dose,
            let volume, let route, let container, let basis
        else { return nil }
        var order = Order(
            patient: PatientKey(patient), drug: drug, concentration: concentration, dose: dose, volume: volume,
            route: route, container: container, place: place, valid: valid)
        (order.rate, order.duration, order.basis) = (rate, duration, basis)
        return order
    }

    /// `mg`, or what a dose is counted by with what the person measures.
    private static func basis(_ value: YAMLValue) -> Order.Basis? {
        if value.word == "mg" { return .whole }
        guard value.isMapping, let map = value.mapping("what the dose is counted by") else {
            value.error("expected what the dose is counted by: mg, or an amount with a surface or a weight")
            return nil
        }
        map.allow(["amount", "surface", "weight"])
        switch (map["surface"], map["weight"]) {
        case (let surface?, nil):
            let amount = map.required("amount") { $0.amount("the amount", in: "mg/m2") }
            let size = surface.amount("the surface", in: "m2")
            return amount.flatMap { amount in size.map { .surface(amount, $0) } }
        case (nil, let weight?):
            let amount = map.required("amount") { $0.amount("the amount", in: "mg/kg") }
            let size = weight.amount("the weight", in: "kg")
            return amount.flatMap { amount in size.map { .weight(amount, $0) } }
        default:
            value.error("expected either “surface” or “weight” beside the amount")
            return nil
        }
    }

    private static func place(_ map: YAMLMapping) -> Order.Place? {
        switch (map["device"], map["bed"]) {
        case (let device?, nil): return device.name("a device's handle").map { .device($0) }
        case (nil, let bed?): return bed.name("a bed").map { .bed($0) }
        default:
            map.value.error("expected either “device” or “bed”")
            return nil
        }
    }

    private static func validity(_ map: YAMLMapping) -> ClosedRange<Int64>? {
        func time(_ key: String) -> Int64? {
            map.required(key) { value in
                let time = value.word.flatMap(UTCTime.nanoseconds)
                if time == nil { value.error("expected a time in UTC, such as 2026-11-29T06:00:00Z") }
                return time
            }
        }
        guard let from = time("valid-from"), let until = time("valid-until") else { return nil }
        guard from < until else {
            map["valid-until"]?.error("the order ends before it begins")
            return nil
        }
        return from...until
    }
}
