/// Bytes of a device, as they are: profile, what is awaited, pieces, then the capture.
enum CaptureMode {
    static func run(_ input: inout Input) {
        guard let ship = input.one(of: Fleet.ships) else { return }
        let awaited = Int(input.byte())
        let seed = input.byte()
        let requests = ship.target.serial?.requests.count ?? 0
        // Above 0xC0 a serial number is expected; above 0x80 the JSON lines are made as well.
        let target = awaited >= 0xC0 ? ship.strict : ship.target
        let request = awaited & 0x3F
        target.decode(input.rest(), replyTo: request < requests ? request : nil, pieces: seed, lines: awaited >= 0x80)
    }
}
