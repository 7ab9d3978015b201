import CommandFacts
import PumpControl

extension RuleSet {
    /// Whether a request is allowed, or every reason why not.
    package func judge(_ request: PumpRequest) -> Verdict {
        guard let policy = policy.value else { return .refused([unusable(.policy, .site, self.policy.faults.first)]) }
        guard let device = policy.devices[request.device] else {
            return .refused([
                RuleRefusal(.site, .unknownPump, "The site's policy does not let this device be driven.")
            ])
        }
        if let serial = device.serial, request.serial != serial {
            return .refused([
                RuleRefusal(
                    .site, .unknownPump,
                    request.serial == nil
                        ? "The device tells no serial number, and the site's policy names the one that it must have."
                        : "The device tells another serial number than the site's policy names.")
            ])
        }
        // A stop is never weighed.
        if request.kind == .stop {
            return .allowed(Permit(people: 1, limits: [:], rounding: nil, soft: [], rules: device.rules))
        }
        var judging = Judging(request, device: device)
        judging.checkCommand()
        let isMeasurement = device.measurements.contains(request.command)
        if !isMeasurement { takeOrder(into: &judging, use: policy.use) }
        judging.takeLimits(area: policy.areas[device.area] ?? [:])
        judging.checkEntries()
        if !isMeasurement { judging.checkInfusion() }
        return judging.verdict
    }

    /// The first fault of a file, at its place.
    private func unusable(_ file: RuleFile, _ layer: RuleLayer, _ fault: (any CustomStringConvertible)?) -> RuleRefusal
    {
        let words = file.words.prefix(1).uppercased() + file.words.dropFirst()
        guard let fault else {
            return RuleRefusal(layer, .rulesUnusable, "\(words) is missing: there is no \(file.name).")
        }
        return RuleRefusal(layer, .rulesUnusable, "\(words) cannot be used: \(fault).")
    }

    /// Finds the order and its drug.
    private func takeOrder(into judging: inout Judging, use: RuleUse) {
        // A damaged file must not leave more open than a whole one would: nothing is given beside it.
        if let fault = library.faults.first { judging.refuse(unusable(.library, .library, fault)) }
        if let fault = orders.faults.first { judging.refuse(unusable(.orders, .order, fault)) }
        guard library.faults.isEmpty, orders.faults.isEmpty else { return }
        let request = judging.request
        guard let id = request.order else {
            if !judging.device.withoutOrder.contains(request.command) {
                judging.refuse(.order, .noOrder, "This command needs an order, and none was given.")
            }
            return
        }
        guard let orders = orders.value, let order = orders.orders[id] else {
            return judging.refuse(.order, .noOrder, "There is no such order.")
        }
        guard let library = library.value else { return judging.refuse(unusable(.library, .library, nil)) }
        for (words, found) in [("The drug library", library.use), ("The order", orders.use)] where found != use {
            judging.refuse(
                words == "The order" ? .order : .library, .notAllowed,
                "\(words) is for \(found.rawValue), and the site's policy for \(use.rawValue).")
        }
        guard let drug = library.drugs[order.drug] else {
            return judging.refuse(.library, .notInLibrary, "The order's drug is not in the drug library.")
        }
        judging.take(order, drug)
    }
}

/// One request on its way to a verdict.
struct Judging {
    let request: PumpRequest
    let device: SitePolicy.Device
    var order: Order?
    var drug: DrugLibrary.Drug?
    var refusals: [RuleRefusal] = []
    var soft: [SoftPassage] = []
    var limits: [Measure: Limit] = [:]
    var rounding: Rounding?
    /// What would be given: entered, or where a trigger is asked for, what the device is set to.
    var values: [Measure: Ratio] = [:]

    init(_ request: PumpRequest, device: SitePolicy.Device) { (self.request, self.device) = (request, device) }

    mutating func refuse(_ refusal: RuleRefusal) { refusals.append(refusal) }

    mutating func refuse(_ layer: RuleLayer, _ word: RuleRefusal.Word, _ text: String) {
        refuse(RuleRefusal(layer, word, text))
    }

    var verdict: Verdict {
        var refusals = refusals
        let reason = request.reason?.trimmed ?? ""
        if refusals.isEmpty, reason.isEmpty {
            refusals = soft.map { RuleRefusal($0.layer, .reasonMissing, "\($0.text) Give a reason.") }
        }
        guard refusals.isEmpty else { return .refused(refusals) }
        let isAlone = device.alone.contains(request.command) && soft.isEmpty
        return .allowed(
            Permit(people: isAlone ? 1 : 2, limits: limits, rounding: rounding, soft: soft, rules: rules))
    }

    /// The stricter of what the program, the site and the device's profile say, each by itself.
    private var rules: CommandRules {
        var rules = device.rules
        if let pace = request.pace {
            rules.leastGap = max(rules.leastGap, pace.leastGap)
            rules.mostInWindow = min(rules.mostInWindow, pace.mostPerHour)
        }
        return rules
    }

    /// The command itself: whether the site lets it be given.
    mutating func checkCommand() {
        if !device.commands.contains(request.command) {
            refuse(.site, .notAllowed, "The site's policy does not let this command be given to this device.")
        }
        if device.area != request.area {
            refuse(.site, .notAllowed, "The device stands in another care area than the site's policy says.")
        }
        if device.measurements.contains(request.command) {
            if request.kind != .trigger || request.infuses {
                refuse(.site, .notAllowed, "The site's policy calls this command a measurement, and it begins none.")
            } else if request.pace == nil {
                refuse(
                    .pump, .notAllowed,
                    "The device's profile does not say how often this measurement may be begun, so it is not.")
            }
            return
        }
        if !request.hasRemoteStop, !device.acceptsNoRemoteStop {
            refuse(
                .site, .notAllowed,
                "This device cannot be stopped from here, and the site's policy does not accept that.")
        }
        if !request.isLapseKnown, !device.acceptsUnknownLapse {
            refuse(
                .site, .notAllowed,
                "Nobody knows what this device does when it is no longer spoken to, and the site's policy does not "
                    + "accept that.")
        }
        if request.kind == .trigger, request.running != nil {
            refuse(.pump, .currentlyInfusing, "The pump is infusing: nothing is begun on top of it.")
        }
    }

    /// The order and its drug: whether this drug may take this way at all, here and now.
    mutating func take(_ order: Order, _ drug: DrugLibrary.Drug) {
        (self.order, self.drug) = (order, drug)
        let isHere =
            switch order.place {
            case .device(let handle): handle == request.device
            case .bed(let bed): bed == device.bed
            }
        if !isHere { refuse(.order, .orderMismatch, "The order is for another device or bed.") }
        if let now = request.now {
            if !order.valid.contains(now) {
                refuse(
                    .order, .orderNotValid,
                    now < order.valid.lowerBound ? "The order does not hold yet." : "The order no longer holds.")
            }
        } else {
            refuse(
                .order, .orderNotValid, "The clock is not known to be right, so nobody can say whether the order holds."
            )
        }
        if !drug.concentrations.contains(order.concentration) {
            let known = drug.concentrations.sorted().map(\.text).joined(separator: ", ")
            refuse(
                .library, .notInLibrary,
                "The order's concentration of \(order.concentration.text) mg/mL is not in the drug library, which has "
                    + "\(known) mg/mL.")
        }
        checkWay(order, drug)
        if drug.areas[device.area] == nil {
            refuse(.library, .notInLibrary, "The drug library does not have this drug for this care area.")
        }
    }

    /// Rules of route and container that no file can loosen.
    private mutating func checkWay(_ order: Order, _ drug: DrugLibrary.Drug) {
        if order.route == .intrathecal {
            refuse(.ceiling, .routeNotAllowed, "No pump is driven for an intrathecal infusion.")
        } else if drug.isVesicant, order.route != .central {
            refuse(
                .ceiling, .routeNotAllowed,
                "A vesicant is given by a pump through a central line only; through a peripheral vein let it "
                    + "run by gravity."
            )
        } else if !drug.routes.contains(order.route) {
            refuse(.library, .routeNotAllowed, "The drug library does not have this drug for this route.")
        }
        if drug.isVinca, order.container != .minibag || request.isSyringePump {
            refuse(
                .ceiling, .routeNotAllowed, "A vinca alkaloid is given from a minibag, never from a syringe.")
        } else if !drug.containers.contains(order.container) {
            refuse(.library, .routeNotAllowed, "The drug library does not have this drug in this container.")
        } else if request.isSyringePump != (order.container == .syringe) {
            refuse(.pump, .routeNotAllowed, "The order's container does not fit this kind of pump.")
        }
    }
}

extension String {
    /// Without what is blank at its ends.
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
