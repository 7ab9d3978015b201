// swift-tools-version:6.2
// Nabd: the host of a mobile medical unit. The rooms and their one way through are drawn in docs/architecture.md.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Rooms that proofs run through a million times, and those proofs: optimised in debug builds too, checks and all.
let optimised: [SwiftSetting] = settings + [.unsafeFlags(["-O"], .when(configuration: .debug))]

/// A room of the house: a library target under `Sources/<name>`.
func room(_ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = settings) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// What only a build with the command path has: it is absent where the trait is (see docs/decisions).
func ofCommands(_ room: String) -> Target.Dependency {
    .target(name: room, condition: .when(traits: ["Commands"]))
}

/// The tests of a room, under `Tests/<name>Tests`, with tables among them that are no source.
func tests(
    of name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = settings,
    tables: [String] = []
) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: tables,
        swiftSettings: settings)
}

let package = Package(
    name: "nabd",
    products: [
        .executable(name: "nabd", targets: ["nabd"])
    ],
    traits: [
        .trait(
            name: "Commands",
            description: "The command path: what decides, prepares, encodes and says an effect on a pump. Without it "
                + "(--disable-default-traits --product nabd) the host reads and records, and can drive nothing."),
        .default(enabledTraits: ["Commands"]),
    ],
    dependencies: [
        // Each has its reason in docs/dependencies.md.
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
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
        .target(name: "CNats"),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CPosix"),

        room("DeviceModel", settings: optimised),
        room("StrictYAML", ["DeviceModel", .product(name: "Yams", package: "Yams")], settings: optimised),
        room("PlainFiles"),
        room("Nomenclature", ["DeviceModel", "PlainFiles", "StrictYAML"], settings: optimised),
        room(
            "ProfileLanguage", ["CommandFacts", "DeviceModel", "Nomenclature", "PlainFiles", "StrictYAML"],
            settings: optimised),
        room("ModbusFrames", settings: optimised),
        room(
            "DevicePlans", ["DeviceModel", "ModbusFrames", "Nomenclature", "ProfileLanguage", "StrictYAML"],
            settings: optimised),
        room("RealTime", ["CPosix"]),
        room("CommandFacts", settings: optimised),
        room("PumpControl", ["CommandFacts"], settings: optimised),
        room("SignedFiles", [.product(name: "Crypto", package: "swift-crypto")]),
        room(
            "PumpRules",
            [
                "CommandFacts", "DeviceModel", "PlainFiles", "PumpControl", "SignedFiles", "StrictYAML",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            settings: optimised),
        room(
            "Presets",
            ["DeviceModel", "Nomenclature", "StrictYAML", .product(name: "Crypto", package: "swift-crypto")],
            settings: optimised),
        room("Alarms", ["DeviceModel", "Nomenclature", "Presets"], settings: optimised),
        room("SerialPorts"),
        room("Fieldbus", ["CModbus", "CPosix", "CSerialPort", "RealTime"]),
        room(
            "DeviceDrivers",
            ["DeviceModel", "DevicePlans", "ProfileLanguage", "ModbusFrames", "Nomenclature", "StrictYAML"],
            settings: optimised),
        room(
            "LineEngine",
            [
                "CommandFacts", "DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "ModbusFrames",
                "RealTime",
            ],
            settings: optimised),
        room(
            "Sampling",
            [
                "DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "Fieldbus", "LineEngine",
                "ModbusFrames", "RealTime",
            ],
            settings: optimised),
        room("JournalCoding", ["DeviceModel"], settings: optimised),
        room(
            "SampleJournal",
            [
                "CPosix", "DeviceModel", "JournalCoding", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ],
            settings: optimised),
        room("Scores", ["DeviceModel"], settings: optimised),
        room(
            "FHIRMapping",
            ["DeviceModel", "Nomenclature", "Patients", "Scores", .product(name: "Crypto", package: "swift-crypto")]),
        room(
            "BedExport",
            ["DeviceModel", "FHIRMapping", "JournalCoding", "Nomenclature", "Patients", "SampleJournal", "Scores"]),
        room(
            "Gzip",
            [
                "CZlib", .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
            ]),
        room("JetStream", ["CNats"]),
        room(
            "Uplink",
            [
                "DeviceModel", "FHIRMapping", "Gzip", "JetStream", "JournalCoding", "Nomenclature", "PatientStore",
                "Patients", "PlainFiles", "SampleJournal", "Scores",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        room(
            "Observability",
            [
                "CPosix", "LocalSocket", "RealTime", .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        room(
            "DeviceSimulator",
            [
                "DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "Fieldbus", "ModbusFrames",
                "Nomenclature",
                "RealTime", "StrictYAML",
            ]),
        room(
            "RecordsSandbox",
            [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        room("CommandRecord", ["CommandFacts", "DeviceModel"], settings: optimised),
        room("Patients", ["DeviceModel"], settings: optimised),
        room("PatientStore", ["DeviceModel", "Patients", .product(name: "Crypto", package: "swift-crypto")]),
        room("BedDesk", ["Alarms", "DeviceModel", "Patients"], settings: optimised),
        room("Consultations", ["DeviceModel"], settings: optimised),
        room(
            "JournalFolds",
            ["Alarms", "CommandFacts", "CommandRecord", "DeviceModel", "Patients", "SampleJournal"],
            settings: optimised),
        room(
            "UnitPicture",
            [
                "Alarms", "CommandFacts", "CommandRecord", "Consultations", "DeviceModel", "JournalCoding",
                "JournalFolds", "Patients", "SampleJournal", "Scores",
            ],
            settings: optimised),
        room("LocalSocket", ["CPosix"]),
        room(
            "Console",
            [
                "Consultations", "DeviceModel", "LocalSocket", "Observability", "OperatorDesk", "PlainFiles",
                "RealTime", "SampleJournal", "UnitPicture",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        room(
            "OperatorDesk",
            [
                "Alarms", "BedDesk", "CommandFacts", "Consultations", "CPosix", "DeviceModel", "LocalSocket",
                "Patients", "RealTime", "StrictYAML",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        room(
            "PumpDesk",
            [
                "CommandFacts", "DeviceModel", "DevicePlans", "LineEngine", "Nomenclature", "OperatorDesk",
                "ProfileLanguage", "PumpControl",
            ]),
        room(
            "NabdHost",
            [
                "Alarms", "CommandFacts", "CommandRecord", "Console", "JournalFolds", "Presets", "Scores",
                "DeviceModel", "DevicePlans",
                "ProfileLanguage",
                "Fieldbus", "LineEngine", "Nomenclature", "Observability", "OperatorDesk",
                ofCommands("PumpDesk"), ofCommands("PumpRules"), "RealTime", "BedDesk", "Consultations", "PatientStore",
                "Patients",
                "PlainFiles", "SampleJournal", "Sampling", "SignedFiles", "StrictYAML", "Uplink",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "nabd",
            dependencies: [
                "Alarms", "BedDesk", "BedExport", "CommandFacts", "CPosix", "DeviceDrivers", "DeviceModel",
                "DevicePlans", "Presets",
                "ProfileLanguage",
                "DeviceSimulator",
                "Fieldbus", "LineEngine",
                "NabdHost", "Nomenclature", "Observability", "OperatorDesk", "PatientStore", "Patients",
                "PlainFiles", "RealTime",
                "RecordsSandbox", "SampleJournal", "Sampling", "SerialPorts", "StrictYAML", "Uplink",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ], swiftSettings: settings),

        .executableTarget(
            name: "nabd-bench",
            dependencies: [
                "Alarms", "DeviceDrivers", "DeviceModel", "DevicePlans", "Nomenclature", "Presets", "ProfileLanguage",
                "Fieldbus", "LineEngine", "Patients", "RealTime", "SampleJournal", "Sampling", "StrictYAML",
                "UnitPicture",
            ],
            path: "Benchmarks/nabd-bench", swiftSettings: settings),

        .target(
            name: "TestSupport",
            dependencies: [
                "DeviceModel", "DevicePlans", "Fieldbus", "LineEngine", "ModbusFrames", "ProfileLanguage", "RealTime",
                "Sampling", "StrictYAML",
            ], path: "Tests/TestSupport", swiftSettings: optimised),
        tests(of: "DeviceModel", ["TestSupport"]),
        tests(of: "Nomenclature", ["DeviceModel", "StrictYAML", "TestSupport"]),
        tests(of: "RealTime"),
        tests(of: "ProfileLanguage", ["DeviceModel", "DevicePlans", "Nomenclature", "StrictYAML", "TestSupport"]),
        tests(
            of: "DeviceDrivers",
            ["DeviceModel", "DevicePlans", "ProfileLanguage", "Nomenclature", "StrictYAML", "TestSupport"],
            settings: optimised),
        tests(
            of: "DeviceSimulator", ["DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "TestSupport"]),
        tests(of: "PumpControl", ["CommandFacts"], settings: optimised),
        tests(of: "PlainFiles", ["TestSupport"]),
        tests(of: "SignedFiles", ["TestSupport"]),
        tests(
            of: "PumpRules",
            [
                "CommandFacts", "PumpControl", "StrictYAML", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            settings: optimised),
        tests(of: "ModbusFrames", ["TestSupport"]),
        tests(of: "Fieldbus", ["CPosix", "CSerialPort", "RealTime"]),
        tests(of: "SerialPorts", ["CPosix", "TestSupport"]),
        tests(
            of: "LineEngine", ["DeviceModel", "Fieldbus", "ModbusFrames", "RealTime", "TestSupport"],
            settings: optimised),
        tests(
            of: "Sampling",
            [
                "CommandFacts", "DeviceModel", "DevicePlans", "ProfileLanguage", "Fieldbus", "LineEngine",
                "ModbusFrames", "RealTime", "StrictYAML", "TestSupport",
            ],
            settings: optimised),
        tests(
            of: "OperatorDesk",
            ["Alarms", "BedDesk", "CommandFacts", "DeviceModel", "RealTime", "StrictYAML", "TestSupport"]),
        tests(of: "CommandRecord", ["CommandFacts", "DeviceModel", "TestSupport"], settings: optimised),
        tests(of: "Patients", ["DeviceModel", "TestSupport"], settings: optimised),
        tests(of: "PatientStore", ["Patients", "TestSupport"]),
        tests(of: "BedDesk", ["DeviceModel", "Patients", "TestSupport"], settings: optimised),
        tests(of: "Consultations", ["DeviceModel", "TestSupport"], settings: optimised),
        tests(
            of: "PumpDesk", ["CommandFacts", "DeviceModel", "LineEngine", "OperatorDesk", "TestSupport"],
            settings: optimised),
        tests(of: "Presets", ["DeviceModel", "Nomenclature", "StrictYAML", "TestSupport"], settings: optimised),
        tests(
            of: "Alarms", ["DeviceModel", "Nomenclature", "Presets", "TestSupport"], settings: optimised,
            tables: ["states.txt"]),
        tests(of: "Scores", ["DeviceModel", "TestSupport"], settings: optimised, tables: ["news2.tsv"]),
        tests(of: "JournalCoding", ["DeviceModel", "TestSupport"], settings: optimised),
        tests(
            of: "UnitPicture",
            [
                "Alarms", "CommandFacts", "CommandRecord", "DeviceModel", "JournalCoding", "Patients", "SampleJournal",
                "Scores", "TestSupport", .product(name: "GRDB", package: "GRDB.swift"),
            ], settings: optimised),
        tests(
            of: "Console",
            [
                "Consultations", "OperatorDesk", "RealTime", "TestSupport", "UnitPicture",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        tests(
            of: "SampleJournal",
            ["DeviceModel", "JournalCoding", "TestSupport", .product(name: "GRDB", package: "GRDB.swift")]),
        tests(of: "FHIRMapping", ["DeviceModel", "Nomenclature", "Scores", "TestSupport"]),
        tests(
            of: "BedExport",
            ["DeviceModel", "FHIRMapping", "Nomenclature", "Patients", "SampleJournal", "TestSupport"]),
        tests(of: "JetStream"),
        tests(
            of: "Uplink",
            [
                "DeviceModel", "FHIRMapping", "JetStream", "Nomenclature", "Patients", "SampleJournal", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        tests(
            of: "NabdHost",
            [
                "Alarms", "CommandFacts", "CommandRecord", "Console", "DeviceModel", "DevicePlans", "Fieldbus",
                "JournalCoding", "JournalFolds",
                "LineEngine", "Nomenclature", "ProfileLanguage", "PumpDesk", "RealTime", "SampleJournal",
                "Sampling", "Scores", "StrictYAML", "BedDesk", "Consultations", "Patients", "TestSupport", "Uplink",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"), .product(name: "Logging", package: "swift-log"),
            ]),
        tests(of: "Observability", ["TestSupport"]),
        tests(of: "RecordsSandbox"),
        .testTarget(name: "TidyTests", dependencies: ["TestSupport"], swiftSettings: settings),
    ]
)
