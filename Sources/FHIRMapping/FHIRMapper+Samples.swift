package import DeviceModel
import Nomenclature

/// Runs of samples as observations.
extension FHIRMapper {
    /// The observation of a run of samples of one stream.
    ///
    /// - Parameters:
    ///   - session: the key of the host's session; together with the sequence number it names the run for ever.
    ///   - window: the start of the delivery window. Unit: ns of the monotonic clock.
    package func observation(_ run: SampleRun, of stream: StreamDescriptor, session: String, window: Int64)
        -> FHIRResource
    {
        let id = observationID(run, stream, session, window, run.pieces.map { "piece \($0)" })
        var json = JSON.members([
            "resourceType": .string("Observation"), "id": .string(id), "meta": meta(run.labels, tags: tags(run.clock)),
            "status": .string("final"),
            "code": metricCode(stream, withLOINC: true),
            "subject": FHIR.reference("Device", deviceID(stream.device, vmd: nil)),
            "effectivePeriod": period(run),
        ])
        if !run.hasValue {
            json = json.adding(["dataAbsentReason": FHIR.concept([FHIR.coding(FHIR.absentReason, run.absentReason)])])
        } else if stream.form == .text {
            json = json.adding(["valueString": .string(run.text ?? "")])
        } else {
            json = json.adding(["valueSampledData": sampledData(run, stream)])
        }
        json = json.adding(["device": FHIR.reference("DeviceMetric", metricID(stream))])
        return filed(FHIRResource(type: "Observation", id: id, json: json), run.filing)
    }

    /// The newest value of a run of numbers as a quantity, for readers that show trends and know no sampled data; it
    /// says that it stands in the sampled data too. `nil` where there is none, or its time is not known. Of a part of a
    /// run without a value whose run had one before it was cut, it is entered in error: it may be there.
    package func newest(_ run: SampleRun, of stream: StreamDescriptor, session: String, window: Int64)
        -> FHIRResource?
    {
        guard run.isTimeKnown, run.pieces.isEmpty, !stream.isWaveform, run.newest != nil || run.mayHaveToldNewest else {
            return nil
        }
        let id = observationID(run, stream, session, window, ["newest"])
        let json = JSON.members([
            "resourceType": .string("Observation"), "id": .string(id),
            "meta": meta(run.labels, tags: tags(run.clock) + [(Self.samplingSystem, "newest-of-run")]),
            "status": .string(run.newest == nil ? "entered-in-error" : "final"),
            "code": metricCode(stream, withLOINC: true),
            "subject": FHIR.reference("Device", deviceID(stream.device, vmd: nil)),
            "effectiveDateTime": FHIR.instant(run.newest?.utc ?? run.endUTC),
            "valueQuantity": run.newest.map { quantity(.number($0.value), stream) },
            "dataAbsentReason": run.newest == nil
                ? FHIR.concept([FHIR.coding(FHIR.absentReason, run.absentReason)]) : nil,
            "device": FHIR.reference("DeviceMetric", metricID(stream)),
        ])
        return filed(FHIRResource(type: "Observation", id: id, json: json), run.filing)
    }

    private func observationID(
        _ run: SampleRun, _ stream: StreamDescriptor, _ session: String, _ window: Int64, _ more: [String]
    ) -> String {
        FHIRResource.id(
            "obs",
            [
                unit, session, stream.device, stream.vmd ?? "", stream.metric, stream.unit ?? "",
                "\(stream.periodNanoseconds)", "\(window)", "\(run.firstSequence)",
            ] + more)
    }

    private func period(_ run: SampleRun) -> JSON {
        guard run.isTimeKnown else { return .members(["_start": FHIR.unknown, "_end": FHIR.unknown]) }
        return .members(["start": FHIR.instant(run.startUTC), "end": FHIR.instant(run.endUTC)])
    }

    private func quantity(_ value: JSON, _ stream: StreamDescriptor) -> JSON {
        let unit = stream.unit ?? "1"
        return .members([
            "value": value, "unit": .string((try? names.unit(unit).get())?.display ?? unit),
            "system": .string(FHIR.ucum), "code": .string(unit),
        ])
    }

    private func sampledData(_ run: SampleRun, _ stream: StreamDescriptor) -> JSON {
        var factor: JSON?
        if case .integer(let scale) = stream.form, scale != .one { factor = .number(scale.text(of: 1)) }
        return .members([
            "origin": quantity(.integer(0), stream),
            "period": .number(DecimalText.render(stream.periodNanoseconds, exponent: -6)), "factor": factor,
            "dimensions": .integer(1),
            "data": .string(run.data),
        ])
    }
}
