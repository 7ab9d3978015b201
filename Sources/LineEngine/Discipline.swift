/// What a line may be trusted with: when it may be spoken on, and which answers of before may still come.
///
/// One for Modbus and text alike; docs/link-discipline.md states the rules. A shape is what distinguishes one answer
/// from another where there is no number in it: unit, function and length on Modbus RTU, the kind of message on a text
/// protocol. A shape whose answer may still come is not asked for, and so no answer is taken for another's, in whatever
/// order a device answers. Fixed room, no allocation after `init`.
struct Discipline<Shape: Equatable & BitwiseCopyable> {
    /// What the rules are measured by. Unit of all: ns.
    struct Rules {
        /// The silence before everything that is said: 3.5 characters on RTU.
        let gap: Int64
        /// The silence after bytes that nobody awaits.
        let pause: Int64
        /// For how many of its slowest replies a device may be silent and still answer.
        let patience: Int64
        /// The least of that. Unit: ns.
        let leastPatience: Int64

        /// How long an answer may be late and still be known as such, where nothing more is known of the device.
        func patience(_ slowestReply: Int64) -> Int64 { max(leastPatience, patience * slowestReply) }
    }

    private struct Entry: BitwiseCopyable {
        let shape: Shape
        let sent: Int64
        let patience: Int64
        let device: Int
        var expires: Int64
    }

    /// More shapes than are asked for before the oldest has expired; beyond it nothing is asked. Unit: answers.
    static var capacity: Int { 128 }

    let rules: Rules
    private var entries: [Entry] = []
    private var tardiness: [Tardiness]
    /// Until when nothing is said. Unit: ns.
    private(set) var quietUntil: Int64 = 0
    /// The silence after each byte until then.
    private var pause: Int64
    /// Until when bytes put off what is to be said: others may talk for ever.
    private var talkLimit: Int64 = .max

    /// - Parameter devices: how many are told apart: the units of a bus, or one.
    init(_ rules: Rules, devices: Int) {
        self.rules = rules
        pause = rules.pause
        tardiness = [Tardiness](repeating: Tardiness(), count: devices)
        entries.reserveCapacity(Self.capacity)
    }

    // MARK: Silence

    /// Something went out, the last byte at a time; it is silent from then on.
    mutating func said(until time: Int64) { quietUntil = time + rules.gap }

    /// A byte came that nobody awaits, or within an answer.
    mutating func heard(at now: Int64) {
        let pause = now > talkLimit ? rules.gap : max(rules.gap, self.pause)
        quietUntil = max(quietUntil, now + pause)
    }

    /// The line must be left alone until a time; others' talking may put that off for a while longer.
    mutating func rest(until time: Int64, pause: Int64, talk: Int64) {
        quietUntil = max(quietUntil, time)
        self.pause = pause
        talkLimit = max(time, quietUntil) + talk
    }

    /// The rest is over, or what was asked has been answered: from now on each byte puts off what is to be said by the
    /// usual pause only.
    mutating func settle() {
        pause = rules.pause
        talkLimit = .max
    }

    /// Whether others have gone on talking for longer than they are waited for.
    func isTalkedOver(at now: Int64, since: Int64, patience: Int64) -> Bool {
        now > max(since, talkLimit == .max ? since : talkLimit) + patience
    }

    // MARK: Answers that have not come

    /// Until when an answer of this shape could be taken for another's; `nil` when it may be asked for. Unit: ns.
    mutating func expiry(of shape: Shape, now: Int64) -> Int64? { expiry(now: now) { $0 == shape } }

    /// The same of an answer that could be any of these shapes: the latest counts.
    mutating func expiry(now: Int64, where couldBe: (Shape) -> Bool) -> Int64? {
        expire(now: now)
        if entries.count == Self.capacity { return entries[0].expires }
        var latest: Int64?
        for entry in entries where couldBe(entry.shape) { latest = max(latest ?? entry.expires, entry.expires) }
        return latest
    }

    /// An answer was given up; it may still come.
    ///
    /// - Parameter isOnlyShape: whether what it tells can be had by no other shape, so that waiting costs values.
    mutating func giveUp(_ shape: Shape, of device: Int, sent: Int64, slowestReply: Int64, isOnlyShape: Bool) {
        guard entries.count < Self.capacity else { return }
        let most = rules.patience(slowestReply)
        let patience =
            isOnlyShape ? tardiness[device].patience(slowestReply, least: rules.leastPatience / 4, most: most) : most
        entries.append(Entry(shape: shape, sent: sent, patience: patience, device: device, expires: sent + patience))
    }

    /// A question was answered that went out at a time. Unit: ns.
    mutating func answered(by device: Int, sent: Int64) { tardiness[device].lastAnswered = sent }

    /// Until when the answer of this shape is better waited for than asked for in another shape: of a device that
    /// answers in the order it is asked, more questions only make it later. `nil` where it is not. Unit: ns.
    func worthWaiting(for shape: Shape, of device: Int, now: Int64) -> Int64? {
        guard let usual = tardiness[device].usualDelay else { return nil }
        for entry in entries where entry.shape == shape && now < entry.sent + usual { return entry.sent + usual }
        return nil
    }

    /// A whole answer came that is not awaited. Returns whether it is one of those that were given up.
    ///
    /// The device works on: what else it was asked may take as long again.
    mutating func takeLate(_ shape: Shape, now: Int64) -> Bool { takeLate(now: now) { $0 == shape } }

    /// The same of an answer that could be any of these shapes: the oldest counts.
    mutating func takeLate(now: Int64, where couldBe: (Shape) -> Bool) -> Bool {
        guard let index = entries.firstIndex(where: { couldBe($0.shape) }) else { return false }
        let late = entries.remove(at: index)
        tardiness[late.device].answeredLate(by: now - late.sent, sent: late.sent)
        for index in entries.indices where entries[index].device == late.device {
            entries[index].expires = max(entries[index].expires, now + entries[index].patience)
        }
        return true
    }

    /// A whole answer came that was not awaited any more: the device is later than was believed.
    mutating func doubt(_ device: Int) { tardiness[device].doubt() }

    /// Whether any answer of these may still come.
    mutating func contains(now: Int64, where isMeant: (Shape) -> Bool) -> Bool {
        expire(now: now)
        for entry in entries where isMeant(entry.shape) { return true }
        return false
    }

    /// What a device has been silent about for longer than its patience will not come.
    private mutating func expire(now: Int64) {
        var kept = 0
        for index in entries.indices {
            if entries[index].expires > now {
                entries[kept] = entries[index]
                kept += 1
            } else {
                tardiness[entries[index].device].lost()
            }
        }
        entries.removeLast(entries.count - kept)
    }
}

/// How late a device has answered, and how often what it owed never came.
///
/// A device of which nothing has ever come late loses its answers, as noise makes it: it need not be waited for as long
/// as one that is busy.
struct Tardiness: BitwiseCopyable {
    /// Answers that must have been lost, or have come late in order, one after another, before that is believed.
    private static let enough: Int32 = 5
    private var lostInARow: Int32 = 0
    private var lateInOrder: Int32 = 0
    private var isOutOfOrder = false
    private var latest: Int64 = 0
    /// When the last question went out that was answered in time. Unit: ns.
    var lastAnswered: Int64 = 0

    mutating func lost() { lostInARow = min(Self.enough, lostInARow + 1) }

    mutating func answeredLate(by nanoseconds: Int64, sent: Int64) {
        lostInARow = 0
        latest = max(latest, nanoseconds)
        if sent < lastAnswered { isOutOfOrder = true } else { lateInOrder = min(Self.enough, lateInOrder + 1) }
    }

    mutating func doubt() {
        lostInARow = 0
        latest = .max / 4
    }

    /// How late the device may be where it answers in the order it is asked; `nil` where that is not known, or not so.
    /// Unit: ns.
    var usualDelay: Int64? { isOutOfOrder || lateInOrder < Self.enough ? nil : latest }

    /// How long an answer may be late and still be known as such: twice the latest ever seen where answers are rather
    /// lost than late. Unit: ns.
    func patience(_ slowestReply: Int64, least: Int64, most: Int64) -> Int64 {
        lostInARow < Self.enough ? most : min(most, max(least, 2 * slowestReply, 2 * latest))
    }
}
