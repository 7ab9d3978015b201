import CommandFacts
import PumpControl

/// The quantities: each against its limits, and all against one another.
extension Judging {
    /// The limits of every layer but the pump's own, which are those of the single entry.
    mutating func takeLimits(area: [Measure: LimitPair]) {
        let library = drug?.areas[device.area]
        for measure in Measure.allCases {
            let layers: [(LimitSource, LimitPair?)] = [
                (.library, library?.limits[measure]), (.site, area[measure]), (.site, device.limits[measure]),
                (.ceiling, Ceiling.limits[measure]), (.pump, pumpLimit(measure)),
            ]
            limits[measure] = Limit(
                layers.compactMap { source, pair in pair.map { LimitLayer(source, hard: $0.hard, soft: $0.soft) } })
        }
    }

    /// The pump's own limits of a measure, as far as they are decimal numbers of the unit that limits are kept in. The
    /// entry is held against its argument as it is.
    private func pumpLimit(_ measure: Measure) -> LimitPair? {
        let arguments = request.arguments.filter { Measure.measured(in: $0.unit)?.measure == measure }
        guard arguments.count == 1, let argument = arguments.first,
            Measure.measured(in: argument.unit)?.factor == Ratio(1, 1)
        else { return nil }
        return LimitPair(hard: Bounds(least: argument.least, most: argument.most))
    }

    mutating func checkEntries() {
        for argument in request.arguments {
            let count = request.entries.count { $0.name == argument.name }
            if count == 0 {
                refuse(.pump, .missingParameter, "The command takes \(argument.name), and it was not entered.")
            }
            if count > 1 { refuse(.pump, .invalidParameter, "\(argument.name) was entered more than once.") }
        }
        for entry in request.entries {
            guard let argument = request.arguments.first(where: { $0.name == entry.name }) else {
                refuse(.pump, .invalidParameter, "The command takes no \(entry.name).")
                continue
            }
            check(entry, argument)
        }
        if request.kind == .trigger { takeStanding() }
        for measure in Measure.allCases {
            if let value = values[measure] { judge(measure, value) { "\(measure.text(value)) is" } }
        }
    }

    private mutating func check(_ entry: CommandEntry, _ argument: PumpRequest.Argument) {
        guard entry.unit == argument.unit else {
            refuse(
                .pump, .units,
                "\(entry.name) is in \(argument.unit), and \(entry.quantity.text) \(entry.unit) was entered.")
            return
        }
        guard let (measure, factor) = Measure.measured(in: entry.unit) else {
            refuse(
                .ceiling, .units,
                "\(entry.quantity.text) \(entry.unit) is no rate, volume or duration, and nothing limits it.")
            return
        }
        if entry.quantity < argument.least || argument.most < entry.quantity {
            refuse(
                .pump, .outsideRange,
                "\(entry.quantity.text) \(entry.unit) is outside the pump's own \(argument.least.text) to "
                    + "\(argument.most.text) \(argument.unit).")
        }
        if entry.quantity.ratio.over(argument.step.ratio)?.denominator != 1 {
            refuse(
                .pump, .invalidParameter,
                "\(entry.quantity.text) \(entry.unit) is no whole number of the pump's steps of \(argument.step.text) "
                    + "\(argument.unit).")
        }
        take(entry, measure, factor)
    }

    private mutating func take(_ entry: CommandEntry, _ measure: Measure, _ factor: Ratio) {
        guard !entry.quantity.isZero, let value = entry.quantity.ratio.times(factor) else {
            return refuse(.ceiling, .invalidParameter, "\(entry.quantity.text) \(entry.unit) is nothing to give.")
        }
        guard values.updateValue(value, forKey: measure) == nil else {
            return refuse(.ceiling, .invalidParameter, "The \(measure.rawValue) was told more than once.")
        }
    }

    /// What the device is set to is what a trigger gives.
    private mutating func takeStanding() {
        for entry in request.standing {
            guard let (measure, factor) = Measure.measured(in: entry.unit) else {
                refuse(.pump, .units, "The pump is set to \(entry.quantity.text) \(entry.unit), which nothing limits.")
                continue
            }
            take(entry, measure, factor)
        }
    }

    /// Holds a value against the limits of its measure.
    private mutating func judge(_ measure: Measure, _ value: Ratio, _ words: () -> String) {
        judge(limits[measure] ?? Limit([]), value, words, of: "limit of \(measure.rawValue)") { measure.text($0) }
    }

    private mutating func judge(
        _ limit: Limit, _ value: Ratio, _ words: () -> String, of what: String, _ text: (Ratio) -> String
    ) {
        func sentence(_ kind: String, _ bound: Limit.Bound) -> String {
            "\(words()) \(value > bound.value.ratio ? "above" : "below") \(text(bound.value.ratio)), "
                + "\(bound.source.words) \(kind) \(what)."
        }
        switch limit.judge(value) {
        case .within: break
        case .beyondHard(let bound):
            let said = sentence("hard", bound)
            // The pump's own range has spoken already.
            let isSaid = bound.source == .pump && refusals.contains { $0.layer == .pump && $0.word == .outsideRange }
            if !isSaid { refuse(RuleLayer(bound.source), .outsideRange, said) }
        case .beyondSoft(let bound):
            soft.append(SoftPassage(layer: RuleLayer(bound.source), text: sentence("soft", bound)))
        }
    }

    /// Rate, volume, duration, dose and order, which follow from one another.
    mutating func checkInfusion() {
        checkJump()
        checkTriple()
        if request.kind == .trigger, values[.rate] == nil {
            refuse(.pump, .missingParameter, "The pump's rate is not known: read it before anything is begun.")
        }
        if let rate = values[.rate], let volume = values[.volume] ?? order?.volume.ratio {
            checkDuration(rate, volume)
        }
        guard let order, let drug else { return }
        checkOrderItself(order, drug)
        if request.entries.isEmpty, request.kind == .set {
            refuse(.order, .missingParameter, "The command sets no rate, volume or duration that an order could allow.")
        }
        if let rate = values[.rate] {
            checkDoseRate(rate, order, drug)
            checkRate(rate, order, drug)
        }
        if let volume = values[.volume], !volume.isNear(order.volume.ratio, within: drug.rounding) {
            refuse(
                .order, .orderMismatch,
                "The order's volume is \(order.volume.text) mL, and it is \(Measure.volume.text(volume)) here.")
        }
        if let duration = values[.duration], let ordered = orderedDuration(order),
            !duration.isNear(ordered, within: drug.rounding)
        {
            refuse(
                .order, .orderMismatch,
                "The order lasts \(Measure.duration.text(ordered)), and it is \(Measure.duration.text(duration)) here.")
        }
    }

    private mutating func checkJump() {
        guard request.kind == .set, let running = request.running, let rate = values[.rate] else { return }
        guard let (measure, factor) = Measure.measured(in: running.unit), measure == .rate,
            let before = running.quantity.ratio.times(factor)
        else { return refuse(.pump, .units, "The pump's running rate is in \(running.unit), which is no rate.") }
        if !rate.isNear(before, within: Ceiling.jump) {
            soft.append(
                SoftPassage(
                    layer: .ceiling,
                    text: "\(Measure.rate.text(rate)) differs by more than 20 % from the \(Measure.rate.text(before)) "
                        + "that is running."))
        }
    }

    /// Rate × duration = volume, where all three are told.
    private mutating func checkTriple() {
        guard let rate = values[.rate], let volume = values[.volume], let duration = values[.duration] else { return }
        let product = rate.times(duration)?.over(Ratio(60, 1))
        if product?.isNear(volume, within: drug?.rounding ?? .zero) != true {
            refuse(
                .ceiling, .invalidParameter,
                "\(Measure.rate.text(rate)) over \(Measure.duration.text(duration)) is not "
                    + "\(Measure.volume.text(volume))."
            )
        }
    }

    private func orderedDuration(_ order: Order) -> Ratio? {
        if let duration = order.duration { return duration.ratio }
        return order.rate.flatMap { order.volume.ratio.over($0.ratio) }?.times(Ratio(60, 1))
    }

    /// What the order says must follow from itself.
    mutating func checkOrderItself(_ order: Order, _ drug: DrugLibrary.Drug) {
        let counted: Ratio? =
            switch order.basis {
            case .whole: order.dose.ratio
            case .surface(let amount, let size), .weight(let amount, let size): amount.ratio.times(size.ratio)
            }
        if counted?.isNear(order.dose.ratio, within: drug.rounding) != true {
            refuse(.order, .orderMismatch, "The order's dose is not what it is counted by, times surface or weight.")
        }
        let held = Infusion.amount(volume: order.volume, concentration: order.concentration)
        if held?.isNear(order.dose.ratio, within: drug.rounding) != true {
            refuse(
                .order, .orderMismatch,
                "The order's \(order.volume.text) mL at \(order.concentration.text) mg/mL hold "
                    + "\(held?.text(places: 3) ?? "?") mg, and its dose is \(order.dose.text) mg.")
        }
        guard let rate = order.rate, let duration = order.duration else { return }
        let given = rate.ratio.times(duration.ratio)?.over(Ratio(60, 1))
        if given?.isNear(order.volume.ratio, within: drug.rounding) != true {
            refuse(
                .order, .orderMismatch,
                "The order's \(rate.text) mL/h over \(Measure.duration.text(duration.ratio)) is not its volume of "
                    + "\(order.volume.text) mL.")
        }
    }

    /// How long it would take at this rate.
    private mutating func checkDuration(_ rate: Ratio, _ volume: Ratio) {
        guard let minutes = volume.over(rate)?.times(Ratio(60, 1)) else {
            return refuse(.ceiling, .invalidParameter, "How long it would last cannot be counted exactly.")
        }
        judge(.duration, minutes) {
            "At \(Measure.rate.text(rate)) the \(Measure.volume.text(volume)) last "
                + "\(Measure.duration.text(minutes)), which is"
        }
    }

    private mutating func checkDoseRate(_ rate: Ratio, _ order: Order, _ drug: DrugLibrary.Drug) {
        for dose in drug.areas[device.area]?.doses ?? [] {
            let unit = dose.unit.rawValue
            // Of one mL/h, times the rate: a rate of another unit need be no decimal number.
            guard let one = ExactQuantity(1, places: 0),
                let given = Dose.given(
                    rate: one, concentration: order.concentration, size: order.size(dose.unit.body), in: dose.unit)?
                    .times(rate)
            else {
                refuse(
                    .library, .missingParameter,
                    "The drug library limits \(unit), and the order does not tell what that is counted by.")
                continue
            }
            let limit = Limit([LimitLayer(.library, hard: dose.limits.hard, soft: dose.limits.soft)])
            judge(limit, given, { "\(given.text(places: 3)) \(unit) is" }, of: "limit of dose rate") {
                "\($0.text(places: 3)) \(unit)"
            }
        }
    }

    /// The rate is the step of the pump that is nearest to the order's exact one.
    private mutating func checkRate(_ rate: Ratio, _ order: Order, _ drug: DrugLibrary.Drug) {
        guard let exact = order.exactRate, exact > .zero else {
            return refuse(.order, .invalidParameter, "The order's rate cannot be counted exactly.")
        }
        let entered = request.arguments.first { Measure.measured(in: $0.unit)?.measure == .rate }
        if let entered, let factor = Measure.measured(in: entered.unit)?.factor, let step = exact.over(factor) {
            do throws(Rounding.Fault) {
                let rounding = try Rounding(step, step: entered.step, most: drug.rounding)
                if rounding.value.ratio.times(factor) == rate {
                    if factor == .one { self.rounding = rounding }
                    return
                }
                return mismatch(rate, exact, set: "\(rounding.value.text) \(entered.unit)")
            } catch {
                return refuse(
                    .pump, .invalidParameter,
                    "The pump's steps of \(entered.step.text) \(entered.unit) are too coarse for the order's "
                        + "\(Measure.rate.text(exact)).")
            }
        }
        if !rate.isNear(exact, within: drug.rounding) { mismatch(rate, exact, set: nil) }
    }

    private mutating func mismatch(_ rate: Ratio, _ exact: Ratio, set: String?) {
        refuse(
            .order, .orderMismatch,
            "The order comes to \(Measure.rate.text(exact))" + (set.map { ", set as \($0)" } ?? "")
                + ", and the rate is \(Measure.rate.text(rate)).")
    }
}

extension Ratio { fileprivate static let one = Ratio(1, 1) }
