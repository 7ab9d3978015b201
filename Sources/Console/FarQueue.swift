/// What a far screen has not been told yet. It never grows with time: of each value, alarm and bed the newest is kept,
/// so that a screen at a thin link is told late and never told what is no longer so. Numbers go before curves.
struct FarQueue: Sendable {
    private typealias Piece = JSONPieces.Piece

    private var view: FarView
    private let waves: WavesWanted
    private var picture: [UInt8]?
    private var failure: [UInt8]?
    /// The newest of each member of a beat that is told whole, in the order in which they first came.
    private var members: [(name: String, value: Piece)] = []
    /// The newest of what is told one by one, by its name and then by what it is about.
    private var parts: [String: [String: Piece]] = [:]
    private var thinner = WaveThinner()

    /// What of a part of a beat says what it is about.
    private enum Key {
        case first
        case member(String)
    }

    /// What a beat tells one by one; everything else is told whole.
    private static func key(_ name: String) -> Key? {
        switch name {
        case "values": .first
        case "beds": .member("bed")
        case "devices": .member("device")
        default: nil
        }
    }

    init(_ view: FarView, waves: WavesWanted) { (self.view, self.waves) = (view, waves) }

    /// Whether there is anything but curves to tell.
    var hasNews: Bool { picture != nil || failure != nil || !members.isEmpty || !parts.isEmpty }

    /// Takes a frame as it is told to any screen.
    mutating func push(_ frame: ArraySlice<UInt8>) {
        guard let (event, data) = Self.split(frame) else { return }
        switch event {
        case "picture":
            guard let seen = view.picture(data) else { return }
            (picture, failure, members, parts) = (seen, nil, [], [:])
            thinner.clear()
        case "beat":
            for (name, value) in view.beat(data) ?? [] { merge(name, value) }
            failure = nil
        case "waves":
            guard let bed = JSONPieces.member("bed", of: data).flatMap(JSONPieces.text), isSeen(bed) else { return }
            thinner.push(data)
        case "failure": failure = Array(data)
        default: break
        }
    }

    private func isSeen(_ bed: String) -> Bool { waves.takes(bed) && (view.bed.map { $0 == bed } ?? true) }

    private static func split(_ frame: ArraySlice<UInt8>) -> (event: String, data: ArraySlice<UInt8>)? {
        let lines = frame.split(separator: UInt8(ascii: "\n"))
        guard lines.count == 2, lines[0].starts(with: "event: ".utf8), lines[1].starts(with: "data: ".utf8) else {
            return nil
        }
        return (String(decoding: lines[0].dropFirst(7), as: UTF8.self), lines[1].dropFirst(6))
    }

    /// What a frame tells, where it is this event.
    static func data(of frame: ArraySlice<UInt8>, event: String) -> ArraySlice<UInt8>? {
        split(frame).flatMap { $0.event == event ? $0.data : nil }
    }

    private mutating func merge(_ name: String, _ value: ArraySlice<UInt8>) {
        guard let key = Self.key(name) else { return set(name, value) }
        for element in JSONPieces.elements(value) ?? [] {
            let about =
                switch key {
                case .first: JSONPieces.elements(element)?.first
                case .member(let name): JSONPieces.member(name, of: element)
                }
            if let about { parts[name, default: [:]][String(decoding: about, as: UTF8.self)] = element }
        }
    }

    private mutating func set(_ name: String, _ value: ArraySlice<UInt8>) {
        if let place = members.firstIndex(where: { $0.name == name }) {
            members[place].value = value
        } else {
            members.append((name, value))
        }
    }

    /// All that waits, as events; numbers first.
    ///
    /// - Parameter factor: how curves are thinned; 1 not at all, `nil`: none is told.
    mutating func take(factor: Int?) -> [UInt8] {
        var told: [UInt8] = []
        if let picture { told += Self.event("picture", picture) }
        if !members.isEmpty || !parts.isEmpty {
            let lists = parts.sorted { $0.key < $1.key }.map { name, elements in
                (name: name, value: JSONPieces.array(elements.sorted { $0.key < $1.key }.map(\.value))[...])
            }
            told += Self.event("beat", JSONPieces.object(members + lists))
        }
        // Last: what is of before it must not stand as of now.
        if let failure { told += Self.event("failure", failure) }
        (failure, picture, members, parts) = (nil, nil, [], [:])
        guard let factor else {
            thinner.clear()
            return told
        }
        for line in thinner.take(factor: factor) { told += Self.event("waves", line) }
        return told
    }

    private static func event(_ name: String, _ data: [UInt8]) -> [UInt8] {
        Array("event: \(name)\ndata: ".utf8) + data + [0x0A, 0x0A]
    }
}

/// How much a far screen is told, by how long its link takes for it. Decides only.
struct FarPace: Sendable {
    /// How curves are thinned, step by step; the last: none is told.
    private static let factors: [Int?] = [1, 2, 4, 8, nil]
    /// A round that takes longer is too much for the link. Unit: ns. The page says after 2 s that the unit is lost.
    private static let tooLong: Int64 = 700_000_000
    /// One that is shorter is easy. Unit: ns.
    private static let easy: Int64 = 250_000_000
    /// So many easy ones in a row, and it is tried with more; each time that fails, with twice as many, up to this.
    private static let least = 8
    private static let most = 256

    /// The first curves are of the last 8 s, at a link that nobody knows yet.
    private var step = 2
    private var easyRounds = 0
    private var needed = FarPace.least

    var factor: Int? { Self.factors[step] }

    /// How long to wait between rounds. Unit: ms. At a link that carries all, as the journal commits.
    var pause: Int { step == 0 ? 200 : step == Self.factors.count - 1 ? 1_000 : 500 }

    /// A round was taken by the link. Unit: ns.
    mutating func took(_ time: Int64) {
        if time > Self.tooLong {
            if step < Self.factors.count - 1 { step += 1 }
            needed = min(Self.most, needed * 2)
            easyRounds = 0
        } else if time < Self.easy {
            easyRounds += 1
            if easyRounds >= needed, step > 0 { (step, easyRounds) = (step - 1, 0) }
        } else {
            easyRounds = 0
        }
    }
}
