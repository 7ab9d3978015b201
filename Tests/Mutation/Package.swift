// swift-tools-version:6.2
// The rooms that decide about commands and fold what became of them, by themselves: built and tested in seconds, so
// that they can be changed for the worse fifty times and each time be seen to fail. See README.md.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // The usual build: the trait is the project's, and this is another package.
    .define("Commands"),
    .unsafeFlags(["-O"]),
]

// The folders are links to those of the project: the same files.
let package = Package(
    name: "pump-control",
    targets: [
        .target(name: "CommandFacts", swiftSettings: settings),
        .target(name: "PumpControl", dependencies: ["CommandFacts"], swiftSettings: settings),
        .testTarget(
            name: "PumpControlTests", dependencies: ["CommandFacts", "PumpControl"], swiftSettings: settings),
    ])
