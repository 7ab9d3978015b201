/// What of a unit's picture a far clinician sees: all of it, or one bed and what belongs to it.
///
/// Of one bed only that is told which is known to be of it, member by member: what a later version adds to the picture
/// is not told before somebody has said here that it may be.
struct FarView: Sendable {
    /// The one bed; `nil` for all.
    let bed: String?
    /// The consultation's number.
    let consultation: Int64
    /// Which streams and devices there are, and where they are.
    private(set) var unit = FarUnit()

    init(bed: String?, consultation: Int64) { (self.bed, self.consultation) = (bed, consultation) }

    /// Said of the unit as a whole, and of nobody in it.
    private static let common: Set = [
        "form", "unit", "version", "mark", "zone", "session", "commitEvery", "mono", "utc", "clock", "recording",
        "committed",
    ]

    /// A picture; `nil` where it cannot be read: nothing is told of it then.
    mutating func picture(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        guard let members = JSONPieces.members(line) else { return nil }
        unit = FarUnit()
        unit.take(members)
        let own = Array(#"{"consultation":\#(consultation)}"#.utf8)[...]
        return JSONPieces.object(filtered(members) + [("far", own)])
    }

    /// The members of a beat that are seen; `nil` where it cannot be read.
    mutating func beat(_ line: ArraySlice<UInt8>) -> [(name: String, value: ArraySlice<UInt8>)]? {
        guard let members = JSONPieces.members(line) else { return nil }
        unit.take(members)
        return filtered(members)
    }

    private func filtered(
        _ members: [(name: String, value: ArraySlice<UInt8>)]
    ) -> [(name: String, value: ArraySlice<UInt8>)] {
        guard let bed else { return members }
        return members.compactMap { name, value in
            if Self.common.contains(name) { return (name, value) }
            guard let elements = JSONPieces.elements(value) else { return nil }
            let seen: [ArraySlice<UInt8>]
            switch name {
            case "beds", "devices": seen = elements.filter { Self.said("bed", $0) == bed }
            case "streams", "commands", "pumps":
                seen = elements.filter { Self.said("device", $0).map { unit.bed(ofDevice: $0) == bed } ?? false }
            case "values": seen = elements.filter { Self.stream($0).map { unit.bed(of: $0) == bed } ?? false }
            case "alarms": seen = elements.filter { isSeen(alarm: $0, bed) }
            case "consultations":
                seen = elements.filter {
                    JSONPieces.member("consultation", of: $0).flatMap(JSONPieces.integer) == consultation
                }
            default: return nil
            }
            return (name, JSONPieces.array(seen)[...])
        }
    }

    /// Of this bed, of a device there, or of the unit itself and of nobody.
    private func isSeen(alarm: ArraySlice<UInt8>, _ bed: String) -> Bool {
        guard let members = JSONPieces.members(alarm) else { return false }
        func isNull(_ name: String) -> Bool {
            members.first { $0.name == name }.map { JSONPieces.isNull($0.value) } ?? true
        }
        if !isNull("bed") { return Self.said("bed", alarm) == bed }
        if !isNull("device") { return Self.said("device", alarm).map { unit.bed(ofDevice: $0) == bed } ?? false }
        return true
    }

    private static func said(_ name: String, _ object: ArraySlice<UInt8>) -> String? {
        JSONPieces.member(name, of: object).flatMap(JSONPieces.text)
    }

    private static func stream(_ value: ArraySlice<UInt8>) -> Int64? {
        JSONPieces.elements(value)?.first.flatMap(JSONPieces.integer)
    }
}

/// Where the streams and devices of a unit are, as its picture says.
struct FarUnit: Sendable {
    private var devices: [Int64: String] = [:]
    private var beds: [String: String] = [:]

    func bed(ofDevice device: String) -> String? { beds[device] }
    func bed(of stream: Int64) -> String? { devices[stream].flatMap { beds[$0] } }
    func has(_ stream: Int64) -> Bool { devices[stream] != nil }

    /// What a picture, or a beat, says of it.
    mutating func take(_ members: [(name: String, value: ArraySlice<UInt8>)]) {
        for (name, value) in members {
            switch name {
            case "devices":
                each(value) { said in
                    if let device = said("device").flatMap(JSONPieces.text) {
                        beds[device] = said("bed").flatMap(JSONPieces.text)
                    }
                }
            case "streams":
                each(value) { said in
                    if let number = said("n").flatMap(JSONPieces.integer) {
                        devices[number] = said("device").flatMap(JSONPieces.text)
                    }
                }
            default: break
            }
        }
    }

    private func each(
        _ list: ArraySlice<UInt8>, _ take: (_ said: (String) -> ArraySlice<UInt8>?) -> Void
    ) {
        for object in JSONPieces.elements(list) ?? [] {
            guard let members = JSONPieces.members(object) else { continue }
            take { name in members.first { $0.name == name }?.value }
        }
    }
}
