import DeviceModel
package import SampleJournal

/// What a unit's journal comes to, as a screen shows it: the whole once, then what each commit changed.
///
/// One reader serves all screens; each sample is decoded once. It belongs to one thread or actor at a time, and each
/// call reads files.
package final class PictureReader {
    private let reader: JournalReader
    private var state: PictureState
    /// What was shown last, to tell what is other now.
    private var shown: PictureParts
    /// The next number of each waveform that was not given yet.
    private var given: [Int64: Int64] = [:]

    /// Reads what there is: quick also of a journal of days, as it begins where the journal says what went before.
    package init(_ reader: JournalReader, settings: PictureSettings) throws {
        self.reader = reader
        state = try PictureState(reader, settings)
        shown = PictureParts(state)
        given = state.samples.next
    }

    /// The beds, and the empty text for devices at none.
    package var beds: [String] { state.beds + [""] }

    /// What was committed since the last call.
    package func take(now: PictureTime) throws -> PictureBeat {
        let change = try state.take(reader)
        if change.isAnotherSession {
            state = try PictureState(reader, state.settings)
            shown = PictureParts(state)
            given = state.samples.next
            return PictureBeat(changes: state.beat(now, []), isWhole: true, waves: [:])
        }
        var waves: [String: [UInt8]] = [:]
        for (bed, streams) in freshWaves(change.streams) {
            waves[bed] = state.waves(of: bed, streams) { given[$0] ?? .min }
        }
        for stream in change.streams { given[stream] = state.samples.next[stream] }
        guard !change.events.isEmpty || change.isLaidAnew else {
            return PictureBeat(
                changes: state.beat(now, [("values", state.values(change.streams))]), isWhole: false, waves: waves)
        }
        let parts = PictureParts(state)
        defer { shown = parts }
        var members = [("values", state.values(change.streams))]
        members += parts.changes(after: shown)
        return PictureBeat(changes: state.beat(now, members), isWhole: !parts.isLike(shown), waves: waves)
    }

    /// The JSON object `picture`, on one line, as of the last ``take(now:)``.
    package func whole(now: PictureTime) -> [UInt8] { state.whole(now, shown) }

    /// The JSON object `waves` of the last 8 s at a bed.
    ///
    /// - Parameter bed: its id; the empty text for devices at none.
    package func waves(of bed: String) -> [UInt8] {
        let streams = state.layout.streams.filter { ($0.bed ?? "") == bed && $0.descriptor.isWaveform }
        return state.waves(of: bed, streams) { _ in .min }
    }

    private func freshWaves(_ streams: Set<Int64>) -> [String: [PictureLayout.Stream]] {
        guard state.isRecording else { return [:] }
        let fresh = state.layout.streams.filter { $0.descriptor.isWaveform && streams.contains($0.number) }
        return Dictionary(grouping: fresh) { $0.bed ?? "" }
    }
}
