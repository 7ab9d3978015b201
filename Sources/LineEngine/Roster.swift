/// Who is asked when: the questions of a line with their deadlines. A question is a value; what it asks is its body.
struct Roster<Body> {
    /// Something that is asked again and again.
    struct Question {
        /// The device, by its place on the line.
        let device: Int
        /// The part of the device's health that it keeps fresh; `nil` for none.
        let part: Int?
        /// Unit: ns.
        let period: Int64
        /// When it is next asked. Unit: ns.
        var due: Int64
        /// Failures in a row.
        var failures: Int64 = 0
        var body: Body
    }

    /// Periods after which a device that failed goes before those that are well: a full line must not silence it for
    /// ever.
    private static var mostOverdue: Int64 { 10 }

    var questions: [Question]
    /// Whether the last question was to a device that is well: two of the others never follow each other while one of
    /// these waits.
    private var wasWell = false
    /// When the last question went out. Unit: ns.
    private var taken = Int64.min

    init(_ questions: [Question]) { self.questions = questions }

    /// The question that is due first; of a device that failed only when no other is due.
    ///
    /// - Parameter delay: how long a device that failed may hold up the line. It is asked right after one that is well,
    ///   or when it can be done before the next of these is due: between two values of a neighbour then lies no more
    ///   than that delay, wherever in the neighbour's period the failed device falls due. Unit: ns.
    func next(at now: Int64, isWell: (Int) -> Bool, delay: (Int) -> Int64 = { _ in 0 }) -> Int? {
        var well: Int?
        var other: Int?
        for index in questions.indices {
            if isWell(questions[index].device) {
                if well.map({ questions[index].due < questions[$0].due }) ?? true { well = index }
            } else if other.map({ questions[index].due < questions[$0].due }) ?? true {
                other = index
            }
        }
        guard let well else { return other }
        guard let other else { return well }
        if wasWell, now - questions[other].due > Self.mostOverdue * questions[other].period { return other }
        let moment = max(now, questions[other].due)
        guard questions[well].due > moment else { return well }
        // However often it is asked meanwhile, that is so only for what was due when the well one was asked.
        let isRightAfter = wasWell && questions[other].due <= taken
        return isRightAfter || questions[well].due - moment >= delay(questions[other].device) ? other : well
    }

    /// A question is asked now. Returns how many of its periods have passed without it.
    mutating func take(_ index: Int, at now: Int64, isWell: Bool) -> Int64 {
        wasWell = isWell
        taken = now
        let behind = max(0, (now - questions[index].due) / questions[index].period)
        questions[index].due += (behind + 1) * questions[index].period
        return behind
    }

    /// No question of a device is asked before a time. Unit: ns.
    mutating func postpone(_ device: Int, until time: Int64) {
        for index in questions.indices where questions[index].device == device {
            questions[index].due = max(questions[index].due, time)
        }
    }
}
