// swift-tools-version:6.2
// Fuzz targets: a package of its own, because a program of the fuzzer links only where everything is built with it. See
// README.md.

import PackageDescription

/// Optimised, with every check of the language on, and told to the fuzzer branch by branch.
let fuzzed: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // The usual build: the trait is the project's, and this is another package.
    .define("Commands"),
    .unsafeFlags(["-O", "-g", "-parse-as-library", "-sanitize=fuzzer"]),
]

// The rooms under Sources are links to those of the project: the same files, built again for the fuzzer. Only `Crypto`
// is none of them: it stands for the library.
let package = Package(
    name: "nabd-fuzz",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .target(name: "CFuzzer"),
        .target(name: "DeviceModel", swiftSettings: fuzzed),
        .target(
            name: "StrictYAML", dependencies: ["DeviceModel", .product(name: "Yams", package: "Yams")],
            swiftSettings: fuzzed),
        .target(name: "PlainFiles", swiftSettings: fuzzed),
        .target(
            name: "Nomenclature", dependencies: ["DeviceModel", "PlainFiles", "StrictYAML"], swiftSettings: fuzzed),
        .target(
            name: "ProfileLanguage",
            dependencies: ["CommandFacts", "DeviceModel", "Nomenclature", "PlainFiles", "StrictYAML"],
            swiftSettings: fuzzed),
        .target(
            name: "DevicePlans", dependencies: ["DeviceModel", "Nomenclature", "ProfileLanguage", "StrictYAML"],
            swiftSettings: fuzzed),
        .target(name: "CommandFacts", swiftSettings: fuzzed),
        .target(name: "Crypto", swiftSettings: fuzzed),
        .target(
            name: "Presets", dependencies: ["Crypto", "DeviceModel", "Nomenclature", "StrictYAML"],
            swiftSettings: fuzzed),
        .target(name: "JournalCoding", dependencies: ["DeviceModel"], swiftSettings: fuzzed),
        .target(name: "CPosix"),
        .target(name: "RealTime", dependencies: ["CPosix"], swiftSettings: fuzzed),
        .target(name: "ModbusFrames", swiftSettings: fuzzed),
        .target(
            name: "DeviceDrivers",
            dependencies: [
                "DeviceModel", "DevicePlans", "ProfileLanguage", "ModbusFrames", "Nomenclature", "StrictYAML",
            ],
            swiftSettings: fuzzed),
        .target(
            name: "LineEngine",
            dependencies: [
                "CommandFacts", "DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "ModbusFrames",
                "RealTime",
            ],
            swiftSettings: fuzzed),
        .executableTarget(
            name: "nabd-fuzz",
            dependencies: [
                "CFuzzer", "DeviceDrivers", "DeviceModel", "DevicePlans", "ProfileLanguage", "JournalCoding",
                "LineEngine",
                "ModbusFrames", "Nomenclature", "Presets", "RealTime",
                "StrictYAML",
            ],
            swiftSettings: fuzzed,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]),
    ]
)
