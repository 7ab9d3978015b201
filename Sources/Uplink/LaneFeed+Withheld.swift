import SampleJournal

/// What the policy does not send, and what it sends after all.
extension LaneFeed {
    /// So many windows are taken off the list at once: what is new, and who was where, goes before the next ones.
    static let windowsAtOnce: Int64 = 16

    /// Whether a window of a device is wanted.
    var choice: SampleWindows.Choice {
        guard lane == .waveforms else { return { _, _, _ in true } }
        let (selection, filings) = (selection, windows.filings)
        return { device, session, range in selection.wants(device, in: session.key, range, filings) }
    }

    /// Of what is withheld, the newest that is wanted by now; of all devices that have the same windows.
    static func wanted(
        of list: [Withheld], _ sessions: [Int64: String], _ selection: WaveformSelection, _ filings: PatientFilings
    ) -> [Withheld] {
        // A session that the journal does not have any more has nothing to give.
        let found = list.compactMap { stretch in
            sessions[stretch.session].flatMap { session in
                selection.newest(of: stretch, in: session, atMost: windowsAtOnce, filings)
            }
        }
        guard let newest = found.max(by: { ($0.session, $0.end, $0.first) < ($1.session, $1.end, $1.first) }) else {
            return []
        }
        var devices: Set<String> = []
        return found.filter { stretch in
            stretch.session == newest.session && stretch.first == newest.first && stretch.end == newest.end
                && stretch.length == newest.length && devices.insert(stretch.device).inserted
        }
    }
}
