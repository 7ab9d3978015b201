package import DeviceModel

/// What can be asked of a profile as it is written.
extension DeviceProfile {
    /// Whether a message holds a field.
    package func holds(_ message: MessageDescription, field name: String) -> Bool {
        if message.holes.contains(name) { return true }
        switch fields.first(where: { $0.name == name })?.place {
        case .slices(message.name, _, _, _), .keyed(message.name, _), .record(message.name, _, _, _, _),
            .attribute(message.name, _, _):
            return true
        default: return false
        }
    }

    /// The requests whose replies hold a field.
    package func requests(reading name: String) -> [RequestDescription] {
        requests.filter { request in request.reply.map { holds(messages[$0], field: name) } ?? false }
    }
}

extension DeviceProfile {
    /// Why a metric's numbers could not be kept exactly with this scale; `nil` when they can.
    package func fault(of scale: DecimalScale, _ metric: MetricDescription) -> String? {
        guard let field = fields.first(where: { $0.name == metric.field }), !field.givesText else { return nil }
        switch field.type {
        case .float32, .float64:
            return scale == .one
                ? nil : "a float is kept as it is sent; leave “scale” out, or give the unit in which it is sent"
        default:
            let places = (field.type.places ?? 0) - (metric.terms?.exponent?.range.lowerBound ?? 0)
            guard scale.exponent - places >= -18 else {
                return
                    "a scale of \(scale.text(of: 1)) of a number with \(places) digits after the point is below 1e-18, "
                    + "the smallest that is kept"
            }
            guard scale.exponent - places <= 18 else {
                return "a scale of \(scale.text(of: 1)) of these numbers is above 1e18, the largest that is kept"
            }
            let kept = Self.kept(scale, field, metric.terms)
            guard metric.offset.exactCounts(of: kept) != nil else {
                return
                    "the offset is no whole number of \(kept.text(of: 1)), so that the value could not be kept "
                    + "exactly"
            }
            return nil
        }
    }

    package func field(_ name: String) -> FieldDescription? { fields.first { $0.name == name } }

    /// How the values of a metric are kept, with a scale.
    package func form(_ metric: MetricDescription, scale: DecimalScale) -> ValueForm {
        guard let field = field(metric.field) else { return .text }
        if field.givesText { return .text }
        switch field.type {
        case .float32: return .float32
        case .float64: return .float64
        default: return .integer(Self.kept(scale, field, metric.terms))
        }
    }

    /// What one count is worth of a number that is kept whole: a digit after the point and a power of ten that is told
    /// make it less than the scale says.
    static func kept(
        _ scale: DecimalScale, _ field: FieldDescription, _ terms: MetricDescription.Terms?
    ) -> DecimalScale {
        let exponent = scale.exponent - (field.type.places ?? 0) + (terms?.exponent?.range.lowerBound ?? 0)
        return DecimalScale(multiplier: scale.multiplier, exponent: min(18, max(-18, exponent)))
    }

    /// What one of the numbers that a field holds is kept as: what is written has digits after the point.
    private func scale(of field: FieldDescription?) -> DecimalScale {
        DecimalScale(multiplier: 1, exponent: -(field?.type.places ?? 0))
    }

    /// Where a counter begins at 0 again, in counts of the stream before what is added; `nil` where it does not.
    package func wrapCounts(_ metric: MetricDescription) -> Int64? {
        metric.wrapsAt.flatMap { DecimalNumber($0)?.exactCounts(of: scale(of: field(metric.field))) }
    }

    /// A limit of a field that is no float in its own counts, exactly: the whole ones about it, and whether a larger
    /// count is a smaller number in the metric's unit. Where no metric shows the field, of its own decimal places.
    private func counts(
        of limit: Double, on name: String, scale: (MetricDescription) -> DecimalScale
    ) -> (floor: Int128, ceiling: Int128, isTurned: Bool) {
        let metric = metrics.first { $0.field == name }
        let shown = metric.map { form($0, scale: scale($0)) }
        let unit = if case .integer(let scale)? = shown { scale } else { self.scale(of: field(name)) }
        let offset = Int128(metric.map { $0.offsetCounts(.integer(unit)) } ?? 0)
        let (floor, ceiling) = (DecimalNumber(limit) ?? .zero).counts(of: unit)
        return (floor - offset, ceiling - offset, unit.multiplier < 0)
    }

    /// A limit as the field's own numbers are held against it, and whether those above it pass, or those below: where a
    /// larger count is a smaller number, it is the other way round.
    package func limit(
        _ limit: Double, isUpper: Bool, on name: String, scale: (MetricDescription) -> DecimalScale = { $0.scale }
    ) -> (limit: LimitPlan, isAbove: Bool) {
        switch field(name)?.type {
        case .float32: return (.float32(Double(Float(limit))), isUpper)
        case .float64: return (.float64(limit), isUpper)
        default:
            let counts = counts(of: limit, on: name, scale: scale)
            let isAbove = isUpper != counts.isTurned
            return (.counts(isAbove ? counts.floor : counts.ceiling), isAbove)
        }
    }
}

/// A limit in the terms of the field that is compared with it.
package enum LimitPlan: Sendable, Hashable {
    /// A whole number of the field's counts.
    case counts(Int128)
    /// Of floats the limit as a float of the same kind.
    case float32(Double)
    case float64(Double)
}
