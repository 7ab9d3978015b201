import Consultations

/// What of the past a far clinician sees: curves and numbers, as far back as whoever is at the bed now has been there.
/// What was before is another patient's, and nobody let anybody see that.
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
        case "/streams": return filtered(try past.read(path: path, parameters: parameters))
        case "/history": return filtered(try past.read(path: path, parameters: try history(parameters)))
        default: throw Self.notThis
        }
    }

    /// The same question, as far as it may be asked.
    func history(_ parameters: [String: String]) throws(Refusal) -> [String: String] {
        guard parameters["format"] ?? "json" == "json" else { throw Self.notThis }
        let streams = (parameters["streams"] ?? "").split(separator: ",").map { Int64($0) }
        guard !streams.isEmpty, let from = parameters["from"].flatMap(Int64.init),
            let to = parameters["to"].flatMap(Int64.init)
        else { throw .malformed }
        var earliest = Int64.min
        for stream in streams {
            guard let stream else { throw .malformed }
            guard unit.has(stream), isSeen(unit.bed(of: stream)) else { throw Self.notThis }
            // What is at no bed may have been at one: of that nothing is seen from before.
            earliest = max(earliest, unit.bed(of: stream).map(begin) ?? opened)
        }
        guard to > earliest else {
            throw Refusal(403, "before", "From afar nothing is seen of before this patient came, or was let be seen.")
        }
        var parameters = parameters
        parameters["from"] = "\(max(from, earliest))"
        return parameters
    }

    /// Unit: ms since 1970.
    private var opened: Int64 { consultation.openedUTC / 1_000_000 }

    /// From when on a bed's values are those of whoever is there now. Unit: ms since 1970.
    private func begin(of bed: String) -> Int64 {
        // Where nobody is known to be there, it is not known either who was there before.
        return unit.patientSince(bed).flatMap { Int64(exactly: $0.rounded(.up)) } ?? opened
    }

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
