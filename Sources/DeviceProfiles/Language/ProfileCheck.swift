import DeviceModel

/// What the parts of a profile must be to each other: everything a reader of one part cannot see.
struct ProfileCheck {
    let profile: DeviceProfile
    let diagnostics: Diagnostics

    func run(_ root: YAMLMapping) {
        checkDuplicates()
        if profile.line.transport == .serial { checkSerial() } else { checkRegisters() }
        checkUnusedFields()
        checkPeriods()
        if profile.provenance.contains(where: \.unverified) {
            diagnostics.note(root.value.location, "the profile rests on unverified facts; it says so when it runs")
        }
    }

    private func checkDuplicates() {
        var seen: Set<String> = []
        for metric in profile.metrics where !seen.insert("\(metric.vmd ?? "")/\(metric.code.referenceID)").inserted {
            diagnostics.error(metric.location, "\(metric.code.referenceID) is measured twice by the same device; which one counts would be a guess")
        }
    }

    private func checkSerial() {
        for field in profile.fields {
            guard case .item = field.place else { continue }
            let naming = profile.requests.filter { $0.reply.contains(.field(field.name)) }
            if naming.isEmpty { diagnostics.error(field.location, "no request's reply names the field “\(field.name)”, so it can never be read") }
            if naming.count > 1 {
                diagnostics.error(field.location, "the replies of \(naming.map(\.name).joined(separator: " and ")) both name the field “\(field.name)”")
            }
        }
        for (index, request) in profile.requests.enumerated() {
            let same = profile.requests[..<index].first { tellsAsSame($0.reply, request.reply) }
            if let same { diagnostics.error(request.location, "nobody can tell this reply from that of “\(same.name)”") }
        }
        for (index, field) in profile.fields.enumerated() {
            guard case .slices(let scope, let slices) = field.place else { continue }
            for other in profile.fields[..<index] {
                guard case .slices(scope, let others) = other.place else { continue }
                if slices.contains(where: { slice in others.contains { overlap(slice, $0) } }) {
                    diagnostics.error(field.location, "the fields “\(other.name)” and “\(field.name)” overlap")
                }
            }
        }
    }

    private func tellsAsSame(_ left: [RequestDescription.Item], _ right: [RequestDescription.Item]) -> Bool {
        zip(left, right).allSatisfy { pair in
            if case (.literal(let one), .literal(let other)) = pair { return one == other }
            return true
        }
    }

    private func overlap(_ left: FieldDescription.Slice, _ right: FieldDescription.Slice) -> Bool {
        left.frame == right.frame && left.byte == right.byte && left.low < right.low + right.width && right.low < left.low + left.width
    }

    private func checkRegisters() {
        var taken: [(space: RegisterSource.Space, unit: UInt8, range: Range<Int>, name: String)] = []
        for metric in profile.metrics {
            guard case .registers(let source) = metric.source else { continue }
            let range = source.address..<(source.address + source.registers)
            let unit = profile.unit(ofVMD: source.vmd)
            if let other = taken.first(where: { $0.space == source.space && $0.unit == unit && $0.range.overlaps(range) }) {
                diagnostics.error(
                    source.location, "\(metric.code.referenceID) and \(other.name) overlap at register \(max(range.lowerBound, other.range.lowerBound))")
            }
            taken.append((source.space, unit, range, metric.code.referenceID))
        }
    }

    private func checkUnusedFields() {
        for field in profile.fields {
            let metrics = profile.metrics.contains { if case .field(field.name) = $0.source { true } else { false } }
            let alerts = profile.alerts.contains { $0.field == field.name }
            if !metrics, !alerts, profile.identityField != field.name {
                diagnostics.warning(field.location, "no metric, alert or session uses the field “\(field.name)”")
            }
        }
    }

    private func checkPeriods() {
        for metric in profile.metrics {
            let byRequest: Bool
            if case .field(let name) = metric.source {
                byRequest = profile.requests.contains { $0.reply.contains(.field(name)) }
            } else {
                byRequest = false
            }
            if byRequest, metric.period != nil {
                diagnostics.error(metric.location, "the request decides how often this is read; leave “every” out")
            }
            if !byRequest, metric.period == nil {
                diagnostics.error(metric.location, "“\(metric.isWaveform ? "period" : "every")” is missing: how often does a value come?")
            }
        }
    }
}

extension DeviceProfile {
    /// The Modbus unit under which a virtual device (or, for `nil`, the device itself) answers.
    public func unit(ofVMD name: String?) -> UInt8 {
        name.flatMap { name in vmds.first { $0.name == name }?.unit } ?? line.unit
    }
}
