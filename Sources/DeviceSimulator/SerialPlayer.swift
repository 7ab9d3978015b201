import DeviceDrivers
import DeviceModel
import DevicePlans
import Fieldbus
import ProfileLanguage
import RealTime

/// Plays a serial device: says unasked what it says unasked, once its session is open, and answers what it is asked.
struct SerialPlayer {
    /// Something said again and again.
    private struct Emission {
        let what: Unasked
        let period: Int64
        var next: Int64
        var count: Int64 = 0
    }

    private let plan: DevicePlan
    private let serial: SerialPlan
    private let scene: PlayedScene
    private let writer: MessageWriter
    private let clock = MonotonicClock()
    /// A device that was kept from speaking says what it has to say; of more than this it has nothing any more.
    /// Unit: ns.
    private static let kept: Int64 = 250_000_000

    init(plan: DevicePlan, serial: SerialPlan, scene: PlayedScene) {
        self.plan = plan
        self.serial = serial
        self.scene = scene
        writer = MessageWriter(plan: plan, serial: serial, scene: scene)
    }

    func run(_ end: DeviceEnd, _ output: inout PlayedOutput, until stop: StopFlag) {
        let begin = clock.now()
        let start = scene.begin ?? begin
        func seconds(_ time: Int64) -> Double { Double(time - start) / 1e9 }
        var emissions = plan.unasked.map { Emission(what: $0.what, period: $0.period, next: begin) }
        var awaited = Set(serial.open)
        let heard = Array(Set(serial.requests.compactMap(\.frame))).sorted()
        var framer = heard.isEmpty ? nil : Framer(serial.frames, indices: heard)
        framer?.beginAnew()
        var buffer = [UInt8](repeating: 0, count: 512)
        while !stop.isSet {
            let now = clock.now()
            let isStreaming = awaited.isEmpty && !emissions.isEmpty
            let next = isStreaming ? emissions.map(\.next).min() ?? now : now + 100_000_000
            guard let count = try? end.read(into: &buffer, deadline: min(next, now + 100_000_000)) else { return }
            if scene.isUnplugged(at: seconds(now)) {
                end.hangUp()
                awaited = Set(serial.open)
                for index in emissions.indices { emissions[index].next = now + 100_000_000 }
                clock.sleep(until: now + 20_000_000)
                continue
            }
            if count > 0 {
                for request in requests(in: Array(buffer[..<count]), &framer) {
                    if awaited.remove(request) != nil, awaited.isEmpty {
                        for index in emissions.indices { emissions[index].next = clock.now() }
                    }
                    // The end of the session: what follows needs a new one.
                    if serial.close.contains(request) { awaited = Set(serial.open) }
                    guard let reply = serial.requests[request].reply else { continue }
                    output.send(
                        writer.message(reply, slot: serial.requests[request].slot, seconds: seconds(clock.now())))
                }
            } else if !isStreaming || !end.isConnected {
                clock.sleep(until: min(next, clock.now() + 20_000_000))
            }
            guard isStreaming else { continue }
            for index in emissions.indices where emissions[index].next <= clock.now() {
                // What it says is of when it was due, so that a curve has its samples at even distances.
                output.send(bytes(emissions[index], seconds: seconds(emissions[index].next)))
                emissions[index].count += 1
                emissions[index].next = max(
                    emissions[index].next + emissions[index].period,
                    clock.now() - max(Self.kept, emissions[index].period))
            }
        }
    }

    private func bytes(_ emission: Emission, seconds: Double) -> [UInt8] {
        switch emission.what {
        case .frame(let index):
            let position = serial.packet.map { $0.frame == index ? Int(emission.count % Int64($0.count)) : 0 } ?? 0
            return writer.frame(index, position: position, seconds: seconds)
        case .message(let index): return writer.message(index, slot: nil, seconds: seconds)
        }
    }

    // MARK: What it is asked

    /// The requests in some bytes, in order.
    private func requests(in bytes: [UInt8], _ framer: inout Framer?) -> [Int] {
        var found = serial.requests.indices.filter { index in
            let request = serial.requests[index]
            guard request.frame == nil, let literal = request.send.bytes(SendTemplate.Saying(), { _ in nil }),
                !literal.isEmpty
            else { return false }
            return bytes.count >= literal.count
                && (0...(bytes.count - literal.count)).contains {
                    bytes[$0..<($0 + literal.count)].elementsEqual(literal)
                }
        }
        guard framer != nil else { return found }
        var taken = 0
        while taken < bytes.count {
            let room = framer?.feed(bytes, from: taken, count: bytes.count - taken) ?? 0
            taken += room
            frames: while let step = framer?.next() {
                switch step {
                case .needMore: break frames
                case .damaged, .stray: continue
                case .frame(let frame, let length):
                    let format = serial.frames[frame]
                    let payload = Array((framer?.plain ?? [])[format.payloadStart..<format.payloadEnd(length: length)])
                    if let request = serial.requests.indices.first(where: {
                        serial.requests[$0].frame == frame && serial.requests[$0].send.looks(like: payload)
                    }) {
                        found.append(request)
                    }
                }
            }
            if room == 0 { break }
        }
        return found
    }
}

extension SendTemplate {
    /// Whether these bytes could be what the template says: each value is whatever stands in its place.
    func looks(like bytes: [UInt8]) -> Bool {
        var place = 0
        var isOpen = false
        for part in parts {
            guard case .literal(let literal) = part else {
                isOpen = true
                continue
            }
            guard bytes.count - place >= literal.count else { return false }
            let starts = isOpen ? place...(bytes.count - literal.count) : place...place
            guard let found = starts.first(where: { bytes[$0..<($0 + literal.count)].elementsEqual(literal) }) else {
                return false
            }
            place = found + literal.count
            isOpen = false
        }
        return isOpen || place == bytes.count
    }
}
