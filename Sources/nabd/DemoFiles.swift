import DeviceSimulator
import Fieldbus
import Foundation

/// Writes the files of the demonstration's unit: the same kinds that a real unit has.
struct DemoFiles {
    let folder: String
    let unit: DemoUnit
    let players: [DemoUnit.Played]
    let people: DemoPeople
    let screen: DemoScreen
    /// The records service's address.
    let server: String
    /// The folder of device profiles.
    let profiles: String

    /// Returns the configuration's path.
    func write() throws -> String {
        try people.write(to: "\(folder)/operators.yaml")
        let file = "\(folder)/unit.yaml"
        try Data(configuration.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    private var configuration: String {
        """
        nabd: unit/1
        unit: \(DemoUnit.name)
        profiles: \(URL(fileURLWithPath: profiles).standardized.path)
        test-data: true  # every resource is labelled HTEST
        journal: {directory: journal, commit-every: 250ms}
        people: {operators: operators.yaml, socket: people}
        \(screen.configuration)
        devices:
        \(players.map(entry).joined(separator: "\n"))
        beds:
        \(unit.beds.map(entry).joined(separator: "\n"))
        uplink:
          server: \(server)
          authority: authority.pem
          client-certificate: client.pem
          client-key: client.key
          window: 5s
          # The sandbox lets go of what is old.
          reconcile-every: 168h

        """
    }

    private func entry(_ played: DemoUnit.Played) -> String {
        let overrides = ["fridge": "MDC_TEMP: 1s, NABD_RELATIVE_HUMIDITY: 1s"]
        let override = overrides[played.device.handle].map { ", override: {every: {\($0)}}" } ?? ""
        return
            "  \(played.device.handle): {profile: \(played.device.profile), line: \"\(played.player.name)\"\(override)}"
    }

    private func entry(_ bed: DemoUnit.Bed) -> String {
        """
          \(bed.id):
            name: \(bed.name)
            name-arabic: \(bed.nameArabic)
            preset: \(bed.preset)
            devices: [\(bed.devices.map(\.handle).joined(separator: ", "))]
        """
    }
}

/// Where the demonstration's bedside screen is: at a port of this machine alone.
struct DemoScreen {
    private let port: Int

    /// - Parameter port: `nil` takes one that is free.
    init(port: Int?) throws {
        if let port {
            self.port = port
            return
        }
        // Free now; whoever takes it in between costs the demonstration its screen, which is said.
        let name = try DeviceEnd(.tcp(host: "127.0.0.1", port: 0)).name
        guard case .tcp(_, let free)? = LineAddress(name) else {
            throw Failure(.unavailable, "no port of this machine is free for the screen")
        }
        self.port = free
    }

    /// The line of the configuration.
    var configuration: String { "console: {port: \(port)}" }
    /// The address for a browser.
    var address: String { "http://127.0.0.1:\(port)/" }
}
