import DeviceModel
import JournalFolds
import Patients

/// What of a picture changes by events only, as it is shown: written once, and compared to tell what is other.
struct PictureParts {
    /// What cannot change within a picture: which unit, session, beds, devices and streams there are.
    let frame: [UInt8]
    let streams: JSON
    /// In the order of their ids.
    let beds: [(id: String, text: [UInt8])]
    let devices: [(id: String, text: [UInt8])]
    let alarms: [UInt8]
    let commands: [UInt8]
    let pumps: [UInt8]
    /// Far sessions that are open.
    let consultations: [UInt8]

    init(_ state: PictureState) {
        func bytes(_ json: JSON) -> [UInt8] {
            var bytes: [UInt8] = []
            json.write(to: &bytes)
            return bytes
        }
        streams = .array(state.layout.streams.map(\.json))
        beds = state.beds.map { ($0, bytes(state.bed($0))) }
        devices = state.events.devices.devices.keys.sorted().map { ($0, bytes(state.device($0))) }
        alarms = bytes(state.alarms)
        commands = bytes(state.commands)
        pumps = bytes(state.pumps)
        consultations = bytes(state.consultations)
        frame = bytes(
            .array([
                .object(state.heading), .bool(state.isRecording), streams, .array(beds.map { .string($0.id) }),
                .array(devices.map { .string($0.id) }),
                // Whose values they are, and at which bed: whoever shows one bed has to begin anew.
                .array(state.layout.bedOfDevice.sorted { $0.key < $1.key }.map { .array([.string($0), .string($1)]) }),
                .array(state.beds.map { .integer(state.events.bindings.fold.openBinding(atBed: $0)?.number ?? 0) }),
                // And since when: who came and went between two beats left values that are nobody's.
                .array(state.begins.sorted { $0.key < $1.key }.map { .array([.string($0), .integer($1)]) }),
            ]))
    }

    /// Whether a beat can say what is other than in another one.
    func isLike(_ other: PictureParts) -> Bool { frame == other.frame }

    /// What is other than it was, as members of a beat.
    func changes(after other: PictureParts) -> [(String, [UInt8])] {
        func list(_ now: [(id: String, text: [UInt8])], _ before: [(id: String, text: [UInt8])]) -> [UInt8] {
            let known = Dictionary(before.map { ($0.id, $0.text) }) { first, _ in first }
            return Self.list(now.filter { known[$0.id] != $0.text }.map(\.text))
        }
        return [
            ("alarms", alarms == other.alarms ? [] : alarms), ("beds", list(beds, other.beds)),
            ("devices", list(devices, other.devices)), ("commands", commands == other.commands ? [] : commands),
            ("pumps", pumps == other.pumps ? [] : pumps),
            ("consultations", consultations == other.consultations ? [] : consultations),
        ]
    }

    /// The members of the whole, in its order.
    var members: [(String, [UInt8])] {
        [
            ("beds", Self.list(beds.map(\.text), orEmpty: true)),
            ("devices", Self.list(devices.map(\.text), orEmpty: true)), ("alarms", alarms), ("commands", commands),
            ("pumps", pumps), ("consultations", consultations),
        ]
    }

    /// An array of what is written already; nothing at all where it is empty.
    private static func list(_ texts: [[UInt8]], orEmpty: Bool = false) -> [UInt8] {
        if texts.isEmpty { return orEmpty ? Array("[]".utf8) : [] }
        return [UInt8(ascii: "[")] + Array(texts.joined(separator: [UInt8(ascii: ",")])) + [UInt8(ascii: "]")]
    }
}
