import JournalCoding

/// Files that others touch while the host writes them.
extension JournalWriter {
    /// The newest file is not where it was: somebody took it away under the host. What comes goes into a new one.
    func watchFiles() throws {
        if !samplesTrust.isLost, !PlainFile.isThere(samples.current.path) {
            let gone = samples.current.name
            try beginSampleFile(isTrusted: false)
            tell(.gone(file: gone))
        }
        if !eventsTrust.isLost, !PlainFile.isThere(events.current.path) {
            let gone = events.current.name
            try beginEventFile()
            tell(.gone(file: gone))
        }
    }

    /// Commits that went with a log that was cut short wait again, with their numbers, for the file that is begun.
    func takeBackWhatWentWithLog() {
        let lost = samples.takeLostWithLog()
        guard !lost.isEmpty else { return }
        unwritten = lost + unwritten
        committedSamples -= lost.reduce(0) { $0 + $1.samples }
        for part in lost.flatMap({ $0.sequences() }) {
            guard let index = buffers.firstIndex(where: { $0.stream == part.stream }) else { continue }
            durableNext[index] = min(durableNext[index], part.first)
        }
    }
}
