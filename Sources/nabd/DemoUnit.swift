import DevicePlans
import DeviceSimulator
import Fieldbus
import ProfileLanguage

/// The demonstration's unit: eight beds with the devices that play at them, and what happens there.
///
/// Nobody of it exists, and no device: each serial number says so. What happens is a list with times, which comes again
/// and again; so that an alarm is seen in a short demonstration, too, the first comes at once.
struct DemoUnit: Sendable {
    /// A device of the unit, before it is played.
    struct Device: Sendable {
        let handle: String
        let profile: String
        var incidents: [PlayedScene.Incident] = []
    }

    struct Bed: Sendable {
        let id: String
        let name: String
        let nameArabic: String
        let preset: String
        let patient: PlayedPatient
        /// Whether somebody is said to be there from the beginning on.
        let isBound: Bool
        let devices: [Device]
    }

    /// How the unit and its journal are called.
    static let name = "demo-unit"

    let beds: [Bed]
    /// What is at no bed.
    let others: [Device]

    var devices: [Device] { beds.flatMap(\.devices) + others }

    /// The one unit that is demonstrated.
    static let eightBeds = DemoUnit(
        beds: [
            bed(1, [.init(.desaturation(to: 83.5), PlayedTimes(from: 2, for: 36, every: 300))], [pump(1, rate: 25)]),
            bed(2, [], [pump(2, rate: 50, [occlusion(PlayedTimes(from: 90, for: 50, every: 600))])]),
            bed(
                3, [.init(.temperature(by: 2.2), PlayedTimes(from: 130, for: 300, every: 900))],
                [pump(3, rate: 12.5), Device(handle: "oximeter-3", profile: "nonin/oem-iii-df2")]),
            bed(4, [], unplugged: PlayedTimes(from: 180, for: 45, every: 600)),
            bed(5, [.init(.heartRate(by: 60), PlayedTimes(from: 240, for: 90, every: 600))], [pump(5, rate: 100)]),
            bed(6, [.init(.pressure(by: -38), PlayedTimes(from: 300, for: 320, every: 1200))], [pump(6, rate: 33.3)]),
            bed(
                7, called: ("stretcher", "Stretcher", "النقالة"), preset: "emergency",
                [.init(.desaturation(to: 81), PlayedTimes(from: 400, for: 70, every: 600))]),
            bed(8, called: ("bed-1", "Bed 1", "سرير 1"), preset: "palliative", [], [pump(8, rate: 2)]),
        ],
        others: [
            Device(handle: "fridge", profile: "xy/md02", incidents: door(from: 210, every: 600)),
            Device(handle: "vehicle", profile: "victron/gx"),
        ])

    private static func bed(
        _ number: Int, called: (id: String, name: String, arabic: String)? = nil, preset: String = "oncology-chair",
        _ episodes: [PlayedPatient.Episode], _ more: [Device] = [], unplugged: PlayedTimes? = nil
    ) -> Bed {
        let cable = unplugged.map { [PlayedScene.Incident(.unplugged, $0)] } ?? []
        return Bed(
            id: called?.id ?? "chair-\(number)", name: called?.name ?? "Chair \(number)",
            nameArabic: called?.arabic ?? "كرسي \(number)",
            preset: preset, patient: PlayedPatient(seed: UInt64(number), episodes: episodes),
            isBound: number % 4 != 0,
            devices: [
                Device(handle: "monitor-\(number)", profile: "ivy/450c", incidents: cable),
                Device(
                    handle: "capnograph-\(number)", profile: "oridion/capnostream-20",
                    incidents: [always(["serial": .text("DEMO-CO2-\(number)")])]),
            ] + more)
    }

    // MARK: What is shown

    private static func always(_ values: [String: SimulatedValue]) -> PlayedScene.Incident {
        PlayedScene.Incident(.shows(values), PlayedTimes(from: 0, for: .infinity))
    }

    /// - Parameter rate: unit: mL/h.
    private static func pump(_ number: Int, rate: Double, _ incidents: [PlayedScene.Incident] = []) -> Device {
        Device(
            handle: "pump-\(number)", profile: "alaris/asena-gh",
            incidents: incidents + [
                always([
                    "serial": .text("DEMO-\(number)"), "rate": .number(rate),
                    "volume": .ramp(start: Double(number), perHour: rate),
                ])
            ])
    }

    /// The line is blocked: the pump stands, and its pressure grows.
    private static func occlusion(_ time: PlayedTimes) -> PlayedScene.Incident {
        PlayedScene.Incident(
            .shows([
                "alarm": .text("DEMO OCCLUSION"), "mode": .text("STOP"), "rate": .number(0),
                "pressure": .ramp(start: 60, perHour: 36_000),
            ]), time)
    }

    /// The fridge stands open for a minute, and is cold again after another.
    private static func door(from start: Double, every: Double) -> [PlayedScene.Incident] {
        [
            .init(
                .shows(["MDC_TEMP": .ramp(start: 5, perHour: 360)]), PlayedTimes(from: start, for: 60, every: every)),
            .init(
                .shows(["MDC_TEMP": .ramp(start: 11, perHour: -360)]),
                PlayedTimes(from: start + 60, for: 60, every: every)),
        ]
    }
}

extension DemoUnit {
    /// A device that plays, on its line.
    struct Played {
        let device: Device
        let player: DevicePlayer
    }

    /// Puts all devices on their lines. None says anything before it is started.
    ///
    /// - Parameters:
    ///   - profiles: the folder of device profiles.
    ///   - begin: when the play begins. Unit: ns of the monotonic clock.
    func players(profiles: String, begin: Int64) throws -> [Played] {
        var known: [String: DeviceProfile] = [:]
        func played(_ device: Device, _ patient: PlayedPatient?) throws -> Played {
            let profile = try known[device.profile] ?? DeviceProfile.load("\(profiles)/\(device.profile)")
            known[device.profile] = profile
            let plan = profile.compile(handle: device.handle)
            let address: LineAddress =
                plan.line.transport == .modbusTCP ? .tcp(host: "127.0.0.1", port: 0) : .newPseudoTerminal
            return Played(
                device: device,
                player: try DevicePlayer(
                    [plan], on: address,
                    scene: PlayedScene(patient: patient, incidents: device.incidents, begin: begin)))
        }
        return try beds.flatMap { bed in try bed.devices.map { try played($0, bed.patient) } }
            + others.map { try played($0, nil) }
    }
}
