import DeviceModel
import SampleJournal

/// What is withheld, held against what the journal still has.
extension DeliveryWork {
    /// How often.
    private static let listCheckEvery = Duration.seconds(60)

    /// Where the journal gave waveforms up, as its limit and `shed` have it, they leave the list: what it does not have
    /// holds nothing back.
    func checkWithheld() throws {
        if let last = listChecked, .now - last < Self.listCheckEvery { return }
        listChecked = .now
        let streams = try reader.streamsByID()
        // The journal gives up the oldest first: behind a stretch that is whole the others of the device are.
        var whole: Set<String> = []
        for stretch in try book.withheld(.waveforms) where !whole.contains(stretch.device) {
            let numbers = streams.filter { $0.value.isWaveform && $0.value.device == stretch.device }.keys
            let rest = try rest(of: stretch, Set(numbers))
            if rest == stretch { whole.insert(stretch.device) } else { try book.forget(stretch, but: rest) }
            // What is left of it is whole.
            if rest != nil { whole.insert(stretch.device) }
        }
    }

    /// What of a stretch the journal still has; `nil` for nothing.
    private func rest(of stretch: Withheld, _ streams: Set<Int64>) throws -> Withheld? {
        guard !streams.isEmpty else { return nil }
        var last = stretch.chunk
        while true {
            let chunks = try reader.chunks(after: last, limit: 64, without: .numerics)
            guard let newest = chunks.last else { return nil }
            for chunk in chunks where chunk.session >= stretch.session {
                // Samples may be committed later than others of the same time.
                let (begin, isBelow) = chunk.base.subtractingReportingOverflow(2 * SampleWindows.reorder)
                if chunk.session > stretch.session || !isBelow && begin >= stretch.end { return nil }
                guard chunk.end >= stretch.first, reader.hasAny(of: streams, in: chunk) else { continue }
                let windows = max(0, (isBelow ? stretch.first : begin) - stretch.first) / stretch.length
                // A number between the waveforms of a packed span and the rest of it is nobody's place.
                return stretch.cut(
                    from: stretch.first + windows * stretch.length, chunk: max(stretch.chunk, (chunk.id - 1) & ~1))
            }
            last = newest.id
        }
    }
}
