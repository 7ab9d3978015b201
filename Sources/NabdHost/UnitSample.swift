/// A configuration to begin with: the devices of an oncology unit, and the paths of the Debian package.
package enum UnitSample {
    /// The folder of profiles that it names.
    package static let profiles = "/usr/share/nabd/device-profiles"

    /// What a line is that is left out until somebody takes its mark away.
    package static let mark = "#: "

    package static let text = """
        # A mobile oncology unit. Keep it as /etc/nabd/unit.yaml, change what is yours, then:
        #   nabd ports     which adapters there are, and the udev rule that gives each a name in /dev/nabd
        #   nabd check     what is wrong with this file, at line and column
        #   nabd doctor    what is wrong with this machine: ports, hosts, rights, clock, disk, certificate
        #   nabd reload    has the running host take it over
        # Lines that begin with “\(mark)” are left out: take that mark away where you need them.
        # Every key: nabd-unit.yaml(5). Every device: `nabd profile list`.
        nabd: unit/1

        # Part of the name of everything that is stored at the records service: never change it later.
        # Lower-case letters, digits and hyphens.
        unit: mobile-1

        profiles: \(profiles)  # or a list, with your own folder first: [/etc/nabd/device-profiles, …]

        # Until the unit is in service: whatever it sends is labelled as a test.
        test-data: true

        # commit-every is what a power cut may cost; at the limit the oldest waveforms go first.
        journal: {directory: /var/lib/nabd/journal, commit-every: 250ms, limit: 8GiB, keep: 720h, shed: [waveforms]}

        status: {socket: /run/nabd/status}  # where the host tells how it is: nabd status, nabd watch, nabd exporter
        \(mark)metrics: {port: 9464}              # where “nabd exporter” serves them to Prometheus, on 127.0.0.1

        # How sure the time is, as the clock's own service writes it: the host's may not ask the kernel.
        clock: {file: /run/nabd-clock/quality}

        devices:
          # Pulse oximeter: SpO2, pulse, pleth. It speaks by itself, at 9600 baud.
          oximeter: {profile: nonin/oem-iii-df2, line: /dev/nabd/oximeter}

          # Syringe pump, read only: rate, volume, pressure, alarms. With its serial number, as the pump itself tells
          # it, values of any other pump on this line are withheld: write “serial: …”.
          pump-a: {profile: alaris/asena-gh, line: /dev/nabd/pump-a}

          # Drug fridge on RS-485. Compare it once with a thermometer: where it tells hundredths, say
          # “override: {scale: {MDC_TEMP: 0.01}}”.
          fridge: {profile: xy/md02, line: /dev/nabd/fridge, unit: 1}

          # The vehicle's batteries, tank and position, by Modbus TCP (switch it on at the GX). The unit of the battery
          # is what the GX shows under Modbus TCP services: “override: {units: {battery: 225}}”. A device on the network
          # needs modbus-tcp.conf as well, from /usr/share/doc/nabd/examples, with its address.
          power: {profile: victron/gx, line: "tcp://192.168.1.20:502"}

          # Position receiver. Many are set to 4800 baud: “override: {baud: 4800}”.
          position: {profile: nmea/0183, line: /dev/nabd/position}

        # Where patients are, what is there, and by which limits they are watched until somebody chooses others. Who a
        # patient is, is said at the bed, and stands in /var/lib/nabd/journal.patients only.
        beds:
          chair-1: {name: Chair 1, name-arabic: كرسي 1, preset: oncology-chair, devices: [oximeter, pump-a]}

        # Without this part the journal stays on the unit. The three files are read by the group
        # nabd-keys; new ones count without a restart.
        # The service's address stands in records-service.conf as well, from /usr/share/doc/nabd/examples.
        \(mark)uplink:
        \(mark)  server: https://records.example.sa/fhir
        \(mark)  authority: /etc/nabd/keys/authority.pem
        \(mark)  client-certificate: /etc/nabd/keys/unit.pem
        \(mark)  client-key: /etc/nabd/keys/unit.key
        \(mark)  window: 60s

        # Who may acknowledge an alarm, say which patient is at a bed, and command a pump. Without this part nobody can,
        # and an alarm ends with its condition. How to make the file: /usr/share/doc/nabd/operations/people.md.
        \(mark)people: {operators: /etc/nabd/operators.yaml, socket: /run/nabd/people}

        # Where the screens are served: behind nabd-screen.socket, whose port a browser on this machine opens. Both
        # files of it lie in /usr/share/doc/nabd/examples; what a screen can do is in
        # /usr/share/doc/nabd/console.md.
        \(mark)console: {socket: /run/nabd-console/socket}

        # Without this part no pump is ever told anything. It needs “people”. Read
        # /usr/share/doc/nabd/safety first.
        \(mark)pumps:
        \(mark)  rules: /etc/nabd/pumps
        \(mark)  key: /etc/nabd/site.pub

        """
}
