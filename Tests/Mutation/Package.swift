// swift-tools-version:6.2
// The room that decides about commands, by itself: built and tested in seconds, so that it can be changed for the worse
// fifty times and each time be seen to fail. See README.md.

import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-O"]),
]

// Both folders are links to those of the project: the same files.
let package = Package(
    name: "pump-control",
    targets: [
        .target(name: "PumpControl", swiftSettings: settings),
        .testTarget(name: "PumpControlTests", dependencies: ["PumpControl"], swiftSettings: settings),
    ])
