import DeviceDrivers
import DeviceModel
import DevicePlans
import Foundation
import ProfileLanguage

/// One device: its plan, and what must hold of whatever it says.
final class Target: Sendable {
    let profile: DeviceProfile
    let plan: DevicePlan
    /// By stream: the limits outside which no value counts.
    let limits: [PlainNumber.Limits?]

    init(_ profile: DeviceProfile, expectedSerial: String? = nil) {
        self.profile = profile
        plan = profile.compile(handle: "fuzz", expectedSerial: expectedSerial)
        var limits = [PlainNumber.Limits?](repeating: nil, count: plan.streams.count)
        for target in plan.fieldPlans.flatMap(\.targets) {
            for stream in target.stream..<(target.stream + (target.isSlotted ? plan.slots.count : 1)) {
                limits[stream] = target.absolute
            }
        }
        self.limits = limits
    }

    var serial: SerialPlan? { if case .serial(let serial) = plan.protocolPlan { serial } else { nil } }

    var blocks: [ModbusBlock] { if case .modbus(let modbus) = plan.protocolPlan { modbus.blocks } else { [] } }
}

extension DevicePlan {
    /// Every field that is read from the device.
    fileprivate var fieldPlans: [FieldPlan] {
        switch protocolPlan {
        case .serial(let serial):
            let framed = serial.frameFields.flatMap(\.fields) + (serial.packet?.list.fields ?? [])
            return framed
                + serial.messages.flatMap { message -> [FieldPlan] in
                    guard let records = message.records else { return message.fields }
                    return message.fields + records.fields + records.beside.map(\.field) + records.keyed.map(\.field)
                }
        case .modbus(let modbus): return modbus.blocks.flatMap(\.fields)
        }
    }
}

/// A shipped profile with its known bytes.
final class Ship: Sendable {
    let target: Target
    /// The same device where a certain serial number is expected.
    let strict: Target
    /// Bytes of its vectors.
    let vectors: [[UInt8]]
    /// What stands in the vectors' frames: frame and payload.
    let payloads: [(frame: Int, bytes: [UInt8])]
    /// The file's lines.
    let lines: [[UInt8]]

    init(_ profile: DeviceProfile, vectors: [[UInt8]], lines: [[UInt8]]) {
        target = Target(profile)
        strict = Target(profile, expectedSerial: "1")
        self.vectors = vectors
        self.lines = lines
        payloads = target.serial.map { serial in vectors.flatMap { Self.payloads($0, serial) } } ?? []
    }

    /// What stands in the frames of a capture.
    private static func payloads(_ bytes: [UInt8], _ serial: SerialPlan) -> [(Int, [UInt8])] {
        var found: [(Int, [UInt8])] = []
        for group in serial.interleaved {
            let test = serial.frames[group[0]].format.bytesWith
            let others = serial.interleaved.compactMap { serial.frames[$0[0]].format.bytesWith }
            let own = bytes.filter { byte in test?.holds(byte) ?? !others.contains { $0.holds(byte) } }
            var framer = Framer(serial.frames, indices: group)
            var taken = 0
            while taken < own.count {
                taken += framer.feed(own, from: taken, count: own.count - taken)
                steps: while true {
                    switch framer.next(finished: taken == own.count) {
                    case .needMore: break steps
                    case .damaged, .stray: continue
                    case .frame(let index, let length):
                        let format = serial.frames[index]
                        found.append(
                            (index, Array(framer.plain[format.payloadStart..<format.payloadEnd(length: length)])))
                    }
                }
            }
        }
        return found
    }
}

/// All profiles that ship, read once. The folder is NABD_PROFILES, or that of the checkout.
enum Fleet {
    static let folder: String = {
        if let folder = ProcessInfo.processInfo.environment["NABD_PROFILES"] { return folder }
        return root.appendingPathComponent("device-profiles").path
    }()

    /// The checkout.
    private static let root = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
        url.deletingLastPathComponent()
    }

    /// The lines of each preset that ships.
    static let presets: [[[UInt8]]] = {
        let folder = root.appendingPathComponent("presets").path
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter {
            $0.hasSuffix(".yaml")
        }.sorted()
        if files.isEmpty { broken("there are no presets in \(folder)") }
        return files.map { lines("\(folder)/\($0)") }
    }()

    private static func lines(_ path: String) -> [[UInt8]] {
        (FileManager.default.contents(atPath: path) ?? Data())
            .split(separator: 0x0A, omittingEmptySubsequences: false).map { Array($0) }
    }

    static let ships: [Ship] = {
        let found = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let names = found.filter { $0.hasSuffix("/profile.yaml") }.map { String($0.dropLast("/profile.yaml".count)) }
            .sorted()
        if names.isEmpty { broken("there are no profiles in \(folder)") }
        return names.map { ship($0) }
    }()

    /// By byte: the profile it stands for. Each has a place of its own that stays when others are added; a byte without
    /// one means the next.
    private static let ring: [Int] = {
        var places = [Int?](repeating: nil, count: 256)
        for (index, ship) in ships.enumerated() {
            var place = ship.target.profile.name.utf8.reduce(0) { ($0 * 31 + Int($1)) & 0xFF }
            while places[place] != nil { place = (place + 1) & 0xFF }
            places[place] = index
        }
        return places.indices.map { first in (0..<256).lazy.compactMap { places[(first + $0) & 0xFF] }.first ?? 0 }
    }()

    static func ship(_ byte: UInt8) -> Ship { ships[ring[Int(byte)]] }

    private static func ship(_ name: String) -> Ship {
        do {
            let profile = try DeviceProfile.load("\(folder)/\(name)")
            let vectors = try VectorFile.load("\(folder)/\(name)/vectors.yaml", for: profile).vectors.map(\.bytes)
                .filter { !$0.isEmpty }
            return Ship(profile, vectors: vectors, lines: lines("\(folder)/\(name)/profile.yaml"))
        } catch {
            broken("\(name) does not load: \(error)")
        }
    }
}
