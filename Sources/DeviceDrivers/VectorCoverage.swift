import DeviceModel
import DevicePlans
import Nomenclature
package import ProfileLanguage
package import StrictYAML

/// What no vector of a profile shows: values, sentinels and alerts that are only claimed.
extension VectorRunner {
    /// What is missing, each at the place in the profile that claims it.
    package func unproven(by vectors: [VectorFile.Vector]) -> [(location: SourceLocation, text: String)] {
        var missing: [(location: SourceLocation, text: String)] = []
        let exercised = exercised(by: vectors)
        for metric in profile.metrics where !exercised.contains(metric.name.referenceID) {
            missing.append((metric.location, "no vector has a value of \(metric.name.referenceID)"))
        }
        let seen = vectors.filter { !$0.bytes.isEmpty }.map { Seen($0, profile) }
        for (place, field) in profile.fields.enumerated() {
            let metrics = profile.metrics.filter { $0.field == field.name }
            for sentinel in field.missing where !metrics.isEmpty {
                guard let code = try? sentinel.code.plan(for: field),
                    !seen.contains(where: { shows($0, code, sentinel, of: place, metrics) })
                else { continue }
                missing.append(
                    (
                        sentinel.code.location,
                        "no vector has the sentinel “\(sentinel.code.text)” of “\(field.shownName)”"
                    ))
            }
        }
        for alert in profile.alerts where !seen.contains(where: { $0.shows(alert) }) {
            missing.append((alert.location, "no vector has the alert \(alert.name)"))
        }
        return missing
    }

    /// Whether a vector shows a sentinel. Words look alike (`--` stands in `--.-`, and nothing stands everywhere): a
    /// word is shown where the same bytes say something else without it.
    private func shows(
        _ seen: Seen, _ code: CodePlan, _ sentinel: FieldDescription.Missing, of field: Int,
        _ metrics: [MetricDescription]
    ) -> Bool {
        guard seen.shows(code, of: metrics) else { return false }
        switch code {
        case .written, .text:
            var without = profile
            without.fields[field].missing.removeAll { $0.code == sentinel.code }
            return Seen(seen.vector, without).words != seen.words
        default: return true
        }
    }

    /// What came of one vector.
    private struct Seen {
        let vector: VectorFile.Vector
        let records: [SampleRecord]
        let plan: DevicePlan

        init(_ vector: VectorFile.Vector, _ profile: DeviceProfile) {
            self.vector = vector
            plan = profile.compile(handle: profile.name, overrides: vector.overrides)
            records = CaptureDecoder(plan, now: vector.now).decode(vector.bytes).map(\.record)
        }

        var words: [String] {
            records.map { "\($0.kind) \($0.index) \($0.bits) \($0.validity) \($0.reason) \($0.textValue)" }
        }

        /// Whether a device says the code here, and it is taken for what it is.
        func shows(_ code: CodePlan, of metrics: [MetricDescription]) -> Bool {
            records.contains { record in
                guard record.kind == .sample, record.reason == .sentinel,
                    let metric = metrics.first(where: { $0.name.referenceID == plan.streams[Int(record.index)].metric })
                else { return false }
                let form = plan.streams[Int(record.index)].form
                let (isBare, offset) = (form == .text, metric.offsetCounts(form))
                switch code {
                // Words of a table have no number in the record.
                case .number(let number): return isBare || record.bits == number &+ offset
                case .unreadable(let bits): return isBare || record.bits == bits &+ offset
                case .float(let float): return Float(bitPattern: UInt32(truncatingIfNeeded: record.bits)) == float
                case .double(let double): return Double(bitPattern: UInt64(bitPattern: record.bits)) == double
                case .notADouble: return Double(bitPattern: UInt64(bitPattern: record.bits)).isNaN
                case .notANumber: return Float(bitPattern: UInt32(truncatingIfNeeded: record.bits)).isNaN
                case .written, .text: return true
                }
            }
        }

        func shows(_ alert: AlertDescription) -> Bool {
            records.contains { $0.kind == .alertStart && plan.alerts[Int($0.index)].name == alert.name }
        }
    }
}
