// swift-tools-version:6.2
// Nabd: the host of a mobile medical unit. The rooms and their one way through are drawn in docs/architecture.md.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
]

/// Rooms that the proof of profiles runs through a million times: optimised in debug builds too, with all their checks.
let optimised: [SwiftSetting] = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A room of the house: a library target under `Sources/<name>`.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = settings) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of a room, under `Tests/<name>Tests`.
func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests",
        dependencies: [.byName(name: name), "TestSupport"] + dependencies,
        swiftSettings: settings
    )
}

let package = Package(
    name: "nabd",
    products: [
        .executable(name: "nabd", targets: ["nabd"])
    ],
    dependencies: [
        // Each has its reason in docs/dependencies.md.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CModbus", pkgConfig: "libmodbus", providers: [.apt(["libmodbus-dev"])]),
        .systemLibrary(name: "CSerialPort", pkgConfig: "libserialport", providers: [.apt(["libserialport-dev"])]),
        .target(name: "CPosix"),

        room("Nomenclature"),
        room("DeviceModel", ["Nomenclature"], settings: optimised),
        room("DeviceProfiles", ["DeviceModel", .product(name: "Yams", package: "Yams")], settings: optimised),
        room("RealTime", ["CPosix"]),
        room("ModbusFrames", settings: optimised),
        room("Fieldbus", ["CModbus", "CSerialPort", "CPosix", "RealTime"]),
        room("DeviceDrivers", ["DeviceModel", "DeviceProfiles", "ModbusFrames"], settings: optimised),
        room("LineEngine", ["DeviceDrivers", "DeviceModel", "DeviceProfiles", "ModbusFrames", "RealTime"], settings: optimised),
        room("Sampling", ["DeviceModel", "DeviceProfiles", "Fieldbus", "LineEngine", "RealTime"]),
        room(
            "SampleJournal",
            [
                "CPosix", "DeviceModel",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ], settings: optimised
        ),
        room("FHIRMapping", ["DeviceModel", .product(name: "Crypto", package: "swift-crypto")]),
        room(
            "Uplink",
            [
                "FHIRMapping", "SampleJournal",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
            ]
        ),
        room("Observability", [.product(name: "Hummingbird", package: "hummingbird"), .product(name: "Logging", package: "swift-log")]),
        room("DeviceSimulator", ["DeviceDrivers", "DeviceModel", "DeviceProfiles", "Fieldbus", "ModbusFrames", "RealTime"]),
        room(
            "RecordsSandbox",
            [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        room(
            "NabdHost",
            [
                "LineEngine", "Sampling", "SampleJournal", "Uplink", "Observability",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        .executableTarget(
            name: "nabd",
            dependencies: [
                "NabdHost", "DeviceSimulator", "LineEngine", "RecordsSandbox", "CPosix",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),

        .executableTarget(
            name: "nabd-bench", dependencies: ["DeviceDrivers", "Fieldbus", "LineEngine", "SampleJournal", "Sampling", "RealTime"],
            path: "Benchmarks/nabd-bench", swiftSettings: settings),

        .target(name: "TestSupport", dependencies: ["Fieldbus", "ModbusFrames", "RealTime"], path: "Tests/TestSupport", swiftSettings: settings),
        tests(of: "DeviceModel"),
        tests(of: "RealTime"),
        tests(of: "DeviceProfiles"),
        tests(of: "DeviceDrivers"),
        tests(of: "ModbusFrames"),
        tests(of: "Fieldbus"),
        tests(of: "LineEngine", ["Fieldbus"]),
        tests(of: "Sampling"),
        tests(of: "SampleJournal", [.product(name: "GRDB", package: "GRDB.swift")]),
        tests(of: "FHIRMapping"),
        tests(of: "Uplink", [.product(name: "GRDB", package: "GRDB.swift")]),
        tests(of: "NabdHost"),
        tests(of: "Observability"),
        .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: settings),
    ]
)
