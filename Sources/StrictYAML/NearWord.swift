extension YAMLValue {
    /// The candidate nearest to a misspelt word, when one is near.
    package static func suggest(_ word: String, among candidates: some Sequence<String>) -> String? {
        // Of candidates as near, the one of the same length, then the first of the alphabet: the same word gets the
        // same answer every time.
        var nearest: (candidate: String, edits: Int)?
        var search = NearWord(word)
        let length = word.count
        for candidate in candidates {
            guard let edits = search.edits(to: candidate, atMost: nearest?.edits ?? search.furthest) else { continue }
            if let known = nearest, known.edits == edits {
                let one = (abs(candidate.count - length), candidate)
                if one >= (abs(known.candidate.count - length), known.candidate) { continue }
            }
            nearest = (candidate, edits)
        }
        guard let (candidate, edits) = nearest, edits <= max(2, min(candidate.count, NearWord.longest) / 3) else {
            return nil
        }
        return "did you mean “\(candidate)”?"
    }
}

/// How many letters must be changed, added or taken away to make one word of another, small and capital letters alike.
///
/// One word is held against all names of the tables, some nine hundred, at each name that is not known: what is further
/// away than the nearest so far is not counted to its end.
private struct NearWord {
    /// So much of a word is looked at. Unit: bytes.
    static let longest = 64

    private let word: [UInt8]
    private var other: [UInt8] = []
    private var row: [Int] = []

    init(_ word: String) { self.word = Array(word.lowercased().utf8.prefix(Self.longest)) }

    /// No word that is further away is near: a third of its letters are at most half of this word's.
    var furthest: Int { max(2, word.count / 2) }

    /// The edits to another word; `nil` when there are more than `most`.
    mutating func edits(to candidate: String, atMost most: Int) -> Int? {
        let isASCII = candidate.utf8.reduce(0, |) < 0x80
        if isASCII, abs(word.count - min(candidate.utf8.count, Self.longest)) > most { return nil }
        let lowered = isASCII ? candidate : candidate.lowercased()
        other.removeAll(keepingCapacity: true)
        for byte in lowered.utf8.prefix(Self.longest) {
            other.append((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)
        }
        guard abs(word.count - other.count) <= most else { return nil }
        row.removeAll(keepingCapacity: true)
        row.append(contentsOf: 0...other.count)
        for (i, letter) in word.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            var least = i + 1
            for (j, own) in other.enumerated() {
                let previous = row[j + 1]
                let edits = min(min(row[j], previous) + 1, diagonal + (letter == own ? 0 : 1))
                row[j + 1] = edits
                least = min(least, edits)
                diagonal = previous
            }
            if least > most { return nil }
        }
        return row[other.count] <= most ? row[other.count] : nil
    }
}
