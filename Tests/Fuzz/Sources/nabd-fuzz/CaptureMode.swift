import DevicePlans

/// Bytes of a device, as they are: profile, what is awaited, pieces, then the capture.
enum CaptureMode {
    static func run(_ input: inout Input) {
        let ship = Fleet.ship(input.byte())
        let awaited = Int(input.byte())
        let seed = input.byte()
        let requests = ship.target.serial?.requests.count ?? 0
        // From 0xC0 on a serial number is expected; from 0xF0 on the JSON lines are made as well.
        let target = awaited >= 0xC0 ? ship.strict : ship.target
        let request = awaited & 0x3F
        target.decode(
            input.rest(), replyTo: request < min(requests, 0x3F) ? request : nil, pieces: seed, lines: awaited >= 0xF0)
    }
}
