/// The order of moments over sessions, and which devices each bed had when.
struct SessionTimeline: Sendable {
    /// A moment among all that are known.
    struct Place: Comparable {
        /// The session's number in their order.
        let session: Int
        /// Unit: ns of the monotonic clock.
        let nanoseconds: Int64

        static func < (left: Place, right: Place) -> Bool {
            (left.session, left.nanoseconds) < (right.session, right.nanoseconds)
        }
    }

    /// The devices of a bed from a time on.
    fileprivate struct Layout {
        let bed: String
        let devices: [String]
        /// Unit: ns of the monotonic clock; the least number where it holds from the session's beginning.
        let from: Int64
    }

    struct Session {
        let key: String
        /// Of its first event. Unit: ns of the monotonic clock.
        let begin: Int64
        /// Of its first event. Unit: ns since 1970-01-01T00:00:00Z.
        let utc: Int64
        fileprivate var layouts: [Layout] = []
        /// When the session said its beds first. Unit: ns of the monotonic clock.
        fileprivate var firstLayout: Int64?
    }

    private(set) var sessions: [Session] = []
    private var numbers: [String: Int] = [:]
    /// How many sessions were forgotten: a session's number is its place and this.
    private var forgotten = 0
    /// The number of the earliest session that only a snapshot knows.
    private var earliest = 0

    /// Knows a session by its first event. Returns whether it is a new one.
    mutating func see(_ position: BindingFold.Position) -> Bool {
        let key = position.moment.session
        if let number = numbers[key], number >= 0 { return false }
        numbers[key] = forgotten + sessions.count
        sessions.append(Session(key: key, begin: position.moment.nanoseconds, utc: position.utc))
        if sessions.count > BindingFold.mostSessions {
            sessions.removeFirst()
            forgotten += 1
        }
        return true
    }

    /// Knows sessions that only a snapshot tells, in their order: they came before all that are known.
    mutating func remember(_ keys: [String]) {
        for key in keys.reversed() where numbers[key] == nil {
            earliest -= 1
            numbers[key] = earliest
        }
    }

    /// These and the last ones, in their order.
    func inOrder(_ keys: Set<String>) -> [String] {
        keys.union(sessions.suffix(BindingFold.mostToldSessions).map(\.key)).sorted {
            (numbers[$0] ?? .min, $0) < (numbers[$1] ?? .min, $1)
        }
    }

    func place(_ moment: Moment) -> Place {
        Place(session: numbers[moment.session] ?? .min, nanoseconds: moment.nanoseconds)
    }

    func knows(_ session: String) -> Bool { numbers[session] != nil }

    /// Whether it reaches over no time.
    func isEmpty(_ binding: Binding) -> Bool { binding.until.map { place($0) <= place(binding.since) } ?? false }

    func overlap(_ one: Binding, _ other: Binding) -> Bool {
        !isEmpty(one) && !isEmpty(other) && (other.until.map { place(one.since) < place($0) } ?? true)
            && (one.until.map { place(other.since) < place($0) } ?? true)
    }

    // MARK: Devices of beds

    private func index(of session: String) -> Int? {
        guard let number = numbers[session], number >= forgotten else { return nil }
        return number - forgotten
    }

    /// What a session says first, of all its beds at one time, holds from the session's beginning; what it says later
    /// from then on.
    mutating func configure(_ bed: String, _ devices: [String], at moment: Moment) {
        guard let index = index(of: moment.session) else { return }
        let first = sessions[index].firstLayout ?? moment.nanoseconds
        sessions[index].firstLayout = first
        let from = first == moment.nanoseconds ? .min : moment.nanoseconds
        sessions[index].layouts.append(Layout(bed: bed, devices: devices, from: from))
    }

    /// What a snapshot says of a bed.
    ///
    /// - Parameter from: `nil` where it holds from the session's beginning.
    mutating func configure(_ bed: String, _ devices: [String], from: Int64?, toldAt moment: Moment) {
        guard let index = index(of: moment.session) else { return }
        sessions[index].firstLayout = sessions[index].firstLayout ?? moment.nanoseconds
        sessions[index].layouts.append(Layout(bed: bed, devices: devices, from: from ?? .min))
    }

    /// Since when the newest session has a bed as it has it; `nil` for its beginning.
    func since(ofBed bed: String) -> Int64? {
        guard let from = sessions.last?.layouts.last(where: { $0.bed == bed })?.from else { return nil }
        return from == .min ? nil : from
    }

    /// The bed of a device; `nil` where none has it, or two.
    func bed(ofDevice device: String, at moment: Moment) -> String? {
        let claims = beds(claiming: device, in: moment.session, at: moment.nanoseconds)
        return claims.count == 1 ? claims.first : nil
    }

    /// When a bed got other devices within a session. Unit: ns of the monotonic clock.
    func changes(in session: String) -> [Int64] {
        guard let index = index(of: session) else { return [] }
        return sessions[index].layouts.map(\.from).filter { $0 != .min }
    }

    /// The beds that claim a device at a time, in the order of their ids.
    ///
    /// - Parameter time: `nil` for any time of the session.
    func beds(claiming device: String, in session: String, at time: Int64?) -> [String] {
        guard let index = index(of: session) else { return [] }
        var devices: [String: [String]] = [:]
        for layout in sessions[index].layouts where time.map({ layout.from <= $0 }) ?? true {
            devices[layout.bed] = time == nil ? (devices[layout.bed] ?? []) + layout.devices : layout.devices
        }
        return devices.filter { $0.value.contains(device) }.keys.sorted()
    }
}
