import DeviceModel
import FHIRMapping
import SampleJournal
import Scores

/// Scores, and what people entered for them.
extension SessionExport {
    mutating func takeScore(_ event: EventRecord, _ body: EventBody, _ moment: JournalMoment) throws {
        guard let record = ScoreRecord(body: event.body) else { return }
        summary.scores += 1
        let head = try scoreHead(event, moment) + [record.score]
        let tail = ["", ""]
        let total = record.total.map { "\($0)" } ?? ""
        let missing = record.missing.map { "\($0.name): \($0.why)" }.joined(separator: "; ")
        try tables?.row(.scores, head + ["", "", total, record.band ?? "", missing, ""])
        for part in record.parts {
            try tables?.row(.scores, head + [part.name, part.value, "\(part.points)"] + tail + [""])
        }
        for part in record.missing { try tables?.row(.scores, head + [part.name, "", "", "", part.why, ""]) }
        if collector != nil { scores.append(mapper.score(record, at: try place(event, moment))) }
    }

    mutating func takeEntry(_ event: EventRecord, _ body: EventBody, _ moment: JournalMoment) throws {
        guard let item = body.text("item").flatMap(ScoreItem.init), let value = body.text("value"),
            item.values.contains(value)
        else { return }
        summary.scores += 1
        let by = veil.operators(body.texts("by")).joined(separator: " ")
        let points = ScoreItem.esas.contains(item) && value != ScoreItem.notSaid ? value : ""
        try tables?.row(
            .scores, try scoreHead(event, moment) + [item.rawValue, "", value, points, "", "", by])
        if collector != nil { scores.append(mapper.entry(item, value, at: try place(event, moment))) }
    }

    private mutating func scoreHead(_ event: EventRecord, _ moment: JournalMoment) throws -> [String] {
        when(moment, try source.clocks.utc(of: event, at: moment), event.quality) + [
            "\(veil.number(event.id))", event.kind,
        ]
    }
}
