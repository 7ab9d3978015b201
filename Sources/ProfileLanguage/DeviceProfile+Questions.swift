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
            guard scale.exponent - places < -18 else { return nil }
            return
                "a scale of \(scale.text(of: 1)) of a number with \(places) digits after the point is below 1e-18, "
                + "the smallest that is kept"
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
        default:
            let exponent = scale.exponent - (field.type.places ?? 0) + (metric.terms?.exponent?.range.lowerBound ?? 0)
            return .integer(DecimalScale(multiplier: scale.multiplier, exponent: max(-18, exponent)))
        }
    }

    /// A limit in the counts of a field: in those of the metric that shows it, or of its own decimal places.
    package func threshold(
        _ limit: Double, on name: String, scale: (MetricDescription) -> DecimalScale = { $0.scale }
    ) -> Double {
        if let metric = metrics.first(where: { $0.field == name }) {
            guard case .integer(let scale) = form(metric, scale: scale(metric)) else { return limit }
            return limit / scale.double(of: 1) - Double(metric.offsetCounts)
        }
        guard let places = field(name)?.type.places else { return limit }
        return limit / DecimalScale(multiplier: 1, exponent: -places).double(of: 1)
    }
}
