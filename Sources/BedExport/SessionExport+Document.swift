import DeviceModel
import FHIRMapping
import Patients
import SampleJournal

/// The record as one document.
extension SessionExport {
    func document(_ reader: JournalReader) throws -> JSON {
        let session = request.session
        let subject = veil.subject(session.binding.subject)
        let patient = mapper.patient(
            subject, name: "\(session.binding.number)",
            identity: subject.flatMap { request.identifiers?($0) }.map { PatientIdentity($0) })
        let made = collector?.observations ?? []
        func about(_ resources: [FHIRResource]) -> [FHIRResource] { resources.map { $0.about(patient) } }
        let trends = about(made.filter { Infusions.part(of: $0.stream) == nil }.map(\.resource))
        let infusions = about(made.filter { Infusions.part(of: $0.stream) != nil }.map(\.resource) + commands)
        let sections = [
            DocumentSection(
                code: "trends", title: "Trends · القياسات",
                lines: lines(trends.count, "stretches of values", "فترات قياس") + [
                    "Waveforms are not in it. · لا تتضمن الموجات."
                ], entries: trends),
            DocumentSection(
                code: "alarms", title: "Alarms · الإنذارات",
                lines: lines(alarms.count, "changes of alarms", "تغيّرات إنذار"),
                entries: about(alarms)),
            DocumentSection(
                code: "infusions", title: "Infusions · التسريب",
                lines: lines(infusions.count, "stretches of values and events of commands", "فترات قياس وأحداث أوامر"),
                entries: infusions),
            DocumentSection(
                code: "scores", title: "Scores · المقاييس",
                lines: lines(scores.count, "scores and entries", "مقاييس وإدخالات"), entries: about(scores)),
        ]
        return mapper.document(
            try head(), of: patient, sections: sections, others: try descriptions(sections), sources: sources)
    }

    private func lines(_ count: Int, _ words: String, _ arabic: String) -> [String] {
        count == 0
            ? ["Nothing in the record. · لا شيء في السجل."] : ["\(count) \(words). · \(count) \(arabic)."]
    }

    private func head() throws -> DocumentHead {
        let session = request.session
        let start = try source.clocks.utc(at: source.start).map { veil.utc($0) }
        let end = try (source.end ?? account.last).flatMap { try source.clocks.utc(at: $0) }.map { veil.utc($0) }
        let name = veil.name(session.configured?.name ?? session.bed, else: "A bed · سرير")
        let arabic = veil.name(session.configured?.nameArabic, else: "")
        let title = [name, arabic].filter { !$0.isEmpty }.joined(separator: " · ")
        // Beside the true time of making, a shifted date would say by how much it is shifted.
        let made = veil.removed.contains(.dates) ? end ?? start ?? 0 : request.now
        return DocumentHead(
            isOpen: session.binding.isOpen, title: title, start: start, end: session.binding.isOpen ? nil : end,
            made: made,
            name: "\(session.binding.number)")
    }

    /// What the entries refer to: the host, the devices and their parts, the metrics.
    private func descriptions(_ sections: [DocumentSection]) throws -> [FHIRResource] {
        var veil = veil
        let streams = collector?.streams ?? []
        let known = facts.descriptions.map { one in
            DeviceDescription(
                handle: veil.device(one.handle), manufacturer: one.manufacturer, model: one.model, kind: one.kind,
                serialNumber: veil.removed.contains(.serials) ? nil : one.serialNumber,
                udi: veil.removed.contains(.serials) ? nil : one.udi)
        }
        // Of a device that nothing describes, its handle is all that is known.
        let strangers = Set(streams.map(\.device)).union(met).subtracting(known.map(\.handle)).sorted().map {
            DeviceDescription(handle: $0, manufacturer: "", model: "", kind: "")
        }
        let used = known.filter { one in streams.contains { $0.device == one.handle } || met.contains(one.handle) }
        let parts = Set(streams.compactMap { stream in stream.vmd.map { [stream.device, $0] } })
        return [mapper.gateway(version: facts.hostVersion)] + (used + strangers).map(mapper.device)
            + parts.sorted { $0.lexicographicallyPrecedes($1) }.map { mapper.virtualDevice($0[1], of: $0[0]) }
            + streams.map(mapper.metric)
    }

    private var sources: [DocumentSource] {
        bedProfiles.map { DocumentSource(display: "profile \($0.profile)", digest: $0.digest) }
            + request.session.presets.map { preset in
                DocumentSource(
                    display: "preset \(preset.preset)" + (preset.isReviewed ? "" : ", not reviewed by a clinician"),
                    digest: preset.digest)
            }
    }
}
