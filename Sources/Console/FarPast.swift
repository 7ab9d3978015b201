import Consultations
import UnitPicture

/// What of the past a far clinician sees: curves and numbers of the streams that the picture shows. Which values of
/// them are told, the past itself decides by the journal: those of who is at the bed now, and of nobody else.
struct FarPast: Sendable {
    let consultation: Consultation
    /// Where the streams are now.
    let unit: FarUnit

    /// Lines longer than this are told to nobody. Unit: bytes.
    private static let longestLine = 8 << 20

    private static let notThis = Refusal(
        403, "far", "This is not shown from afar: somebody on the unit can look it up.")

    /// - Throws: ``Refusal``, where it is not seen from afar.
    func read(
        _ path: String, _ parameters: [String: String], from past: any PastSource
    ) throws(Refusal) -> PastAnswer {
        switch path {
        case "/streams": return filtered(try past.read(path: path, parameters: parameters, scope: scope))
        case "/history":
            try history(parameters)
            return filtered(try past.read(path: path, parameters: parameters, scope: scope))
        default: throw Self.notThis
        }
    }

    /// Whether it may be asked.
    func history(_ parameters: [String: String]) throws(Refusal) {
        guard parameters["format"] ?? "json" == "json" else { throw Self.notThis }
        let streams = (parameters["streams"] ?? "").split(separator: ",").map { Int64($0) }
        guard !streams.isEmpty else { throw .malformed }
        for stream in streams {
            guard let stream else { throw .malformed }
            guard unit.has(stream), isSeen(unit.bed(of: stream)) else { throw Self.notThis }
        }
    }

    private var scope: HistoryScope { .far(consultation: consultation.number, bed: consultation.grant.bed) }

    private func isSeen(_ bed: String?) -> Bool { consultation.grant.bed.map { $0 == bed } ?? true }

    /// Line by line, without what is of other beds.
    private func filtered(_ answer: PastAnswer) -> PastAnswer {
        guard consultation.grant.bed != nil else { return answer }
        return PastAnswer(type: answer.type) { isCancelled, write in
            var line: [UInt8] = []
            try answer.write(isCancelled) { bytes in
                line += bytes
                guard line.count <= Self.longestLine else { throw Self.notThis }
                while let end = line.firstIndex(of: 0x0A) {
                    try write(self.line(line[..<end]) + [0x0A])
                    line.removeSubrange(...end)
                }
            }
            if !line.isEmpty { try write(self.line(line[...])) }
        }
    }

    /// One line of an answer; what cannot be read is told as nothing.
    func line(_ line: ArraySlice<UInt8>) -> [UInt8] {
        guard let members = JSONPieces.members(line) else { return Array("{}".utf8) }
        return JSONPieces.object(
            members.compactMap { name, value in
                switch name {
                case "progress", "from", "to", "columns", "sessions", "failure", "code": return (name, value)
                case "streams":
                    let seen = (JSONPieces.elements(value) ?? []).filter { stream in
                        guard let number = JSONPieces.member("n", of: stream).flatMap(JSONPieces.integer) else {
                            return false
                        }
                        return isSeen(unit.bed(of: number))
                    }
                    return (name, JSONPieces.array(seen)[...])
                case "events":
                    let seen = (JSONPieces.elements(value) ?? []).filter { event in
                        guard let parts = JSONPieces.elements(event), parts.count >= 3 else { return false }
                        return JSONPieces.text(parts[2]).map { isSeen(unit.bed(ofDevice: $0)) } ?? false
                    }
                    return (name, JSONPieces.array(seen)[...])
                default: return nil
                }
            })
    }
}
