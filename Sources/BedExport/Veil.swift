import DeviceModel
import Nomenclature

/// What of a record is told, and how: as it is, or without whose it is.
///
/// All that is written goes through it: there is no other place where an identity is left out, and none where it could
/// be forgotten.
package struct Veil: Sendable {
    /// What is taken out.
    package struct Removal: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        /// The patient's digest and identifiers.
        package static let patient = Removal(rawValue: 1)
        /// Who bound, entered, acknowledged.
        package static let operators = Removal(rawValue: 2)
        /// Serial numbers and unique device identifiers.
        package static let serials = Removal(rawValue: 4)
        /// The unit's name and identity, beds' names, devices' handles, sessions, numbers of events, and the chain's
        /// hash: all by which another record could be laid beside this one.
        package static let names = Removal(rawValue: 8)
        /// Texts that a device or a person wrote.
        package static let texts = Removal(rawValue: 16)
        /// Where the unit was.
        package static let position = Removal(rawValue: 32)
        /// When it was: dates are shifted, and the monotonic clock counts from the record's start.
        package static let dates = Removal(rawValue: 64)

        package static let all: Removal = [.patient, .operators, .serials, .names, .texts, .position, .dates]
    }

    /// One day. Unit: ns.
    package static let day: Int64 = 86_400_000_000_000
    /// How far the dates are shifted: more than a year, so that none is taken for the true one, and less than ten.
    /// Unit: days.
    package static let shifts: ClosedRange<Int64> = -3650 ... -366

    let removed: Removal
    /// Unit: ns. Whole days: times of day and all intervals stay.
    private let shift: Int64
    /// In place of the unit's identity: ids made with it meet no others.
    private let salt: String
    private var handles: [String: String] = [:]
    private var instances: [String: String] = [:]
    private var numbers: [Int64: Int64] = [:]
    private var firsts: [Int64: Int64] = [:]

    /// A record as it is.
    package static let none = Veil(removed: [], shift: 0, salt: "")

    /// A record without identity.
    ///
    /// - Parameters:
    ///   - days: one of ``shifts``, by chance and told nobody.
    ///   - salt: by chance too; at least 32 characters.
    package static func deidentified(days: Int64, salt: String) -> Veil {
        Veil(
            removed: .all, shift: min(max(days, shifts.lowerBound), shifts.upperBound) * day, salt: salt)
    }

    init(removed: Removal, shift: Int64, salt: String) {
        (self.removed, self.shift, self.salt) = (removed, removed.contains(.dates) ? shift : 0, salt)
    }

    func unit(_ identity: String) -> String { removed.contains(.names) ? salt : identity }

    /// A name of something that the unit calls so; `other` in its place.
    func name(_ name: String?, else other: String) -> String { removed.contains(.names) ? other : name ?? other }

    /// A device's handle. Devices are numbered in the order in which they are first met.
    mutating func device(_ handle: String) -> String {
        guard removed.contains(.names) else { return handle }
        if let known = handles[handle] { return known }
        handles[handle] = "device-\(handles.count + 1)"
        return "device-\(handles.count)"
    }

    /// The name of an alert's occurrence: what began and ended under one name still does.
    mutating func instance(_ instance: String) -> String {
        guard removed.contains(.names) else { return instance }
        if let known = instances[instance] { return known }
        instances[instance] = "alert-\(instances.count + 1)"
        return "alert-\(instances.count)"
    }

    /// An event's number in the journal.
    mutating func number(_ number: Int64) -> Int64 {
        guard removed.contains(.names) else { return number }
        if let known = numbers[number] { return known }
        numbers[number] = Int64(numbers.count + 1)
        return Int64(numbers.count)
    }

    /// A sample's number within its stream: in a record without names it counts from the first that is told.
    mutating func sequence(_ sequence: Int64, of stream: Int64) -> Int64 {
        guard removed.contains(.names) else { return sequence }
        if let first = firsts[stream] { return sequence &- first }
        firsts[stream] = sequence
        return 0
    }

    /// Unit: ns since 1970.
    func utc(_ time: Int64) -> Int64 { time &+ shift }

    /// Unit: ns of the monotonic clock, or since the record's start or, where the session began later, since that.
    func monotonic(_ moment: JournalMoment, start: JournalMoment, sessionStart: Int64) -> Int64 {
        guard removed.contains(.dates) else { return moment.time }
        return moment.time &- (moment.session == start.session ? start.time : sessionStart)
    }

    func operators(_ by: [String]) -> [String] { removed.contains(.operators) ? [] : by }

    func subject(_ digest: String) -> String? { removed.contains(.patient) ? nil : digest }

    /// Whether a stream's values are told. Those of text may say anything, whatever their metric.
    func shows(_ stream: StreamDescriptor) -> Bool {
        !(removed.contains(.texts) && stream.form == .text
            || removed.contains(.position) && Self.positions.contains(stream.metric))
    }

    private static let positions: Set<String> = [
        "NABD_LATITUDE", "NABD_LONGITUDE", "NABD_ALTITUDE", "NABD_GROUND_SPEED", "NABD_COURSE", "NABD_GNSS_TIME",
    ]

    /// The stream under the names that are told.
    mutating func stream(_ stream: StreamDescriptor) -> StreamDescriptor {
        guard removed.contains(.names) else { return stream }
        return StreamDescriptor(
            device: device(stream.device), vmd: stream.vmd, metric: stream.metric, code: stream.code,
            unit: stream.unit, form: stream.form, isWaveform: stream.isWaveform,
            periodNanoseconds: stream.periodNanoseconds, profile: stream.profile,
            name: stream.name.map { name in
                let isShared = [Nomenclature.ownSystem, Nomenclature.standardSystem].contains(name.system)
                return StreamName(
                    system: isShared ? name.system : "urn:nabd:site-metric", category: name.category,
                    display: name.display, arabicDisplay: name.arabicDisplay, loinc: name.loinc)
            })
    }

    /// Why an alert ended. A word of a younger host may be any text.
    func reason(_ word: String?) -> String? {
        removed.contains(.texts) ? word.flatMap(AlertEnding.init)?.rawValue : word
    }

    /// What changed of an alert; the same of it.
    func change(_ word: String?) -> String? {
        removed.contains(.texts) ? word.flatMap(AlertChange.init)?.rawValue : word
    }

    /// `nil` where it says a change that is not told.
    func standing(_ standing: AlertStanding) -> AlertStanding? {
        change(standing.change).map { _ in standing }
    }

    /// An alert: its words are those of the tables of names, since what was recorded names bed and device.
    mutating func alert(_ alert: AlertRecord, _ names: Nomenclature) -> AlertRecord {
        guard !removed.isDisjoint(with: [.names, .texts]) else { return alert }
        var (text, arabicText) = (alert.text, alert.arabicText)
        if removed.contains(.texts) {
            let known = AlertKind(rawValue: alert.name)?.descriptor
            let named = names.event(alert.name)
            (text, arabicText) = (known?.text ?? named?.display, known?.arabicText ?? named?.arabicDisplay)
        }
        return AlertRecord(
            device: alert.device.map { device($0) }, vmd: alert.vmd,
            bed: removed.contains(.names) ? nil : alert.bed, metric: alert.metric, name: alert.name,
            priority: alert.priority.flatMap(AlertPriority.init) ?? .low, text: text ?? alert.name,
            arabicText: arabicText ?? "", instance: alert.instance.map { instance($0) })
    }
}
