import ArgumentParser
import CommandFacts
import DeviceDrivers
import DeviceModel
import DevicePlans
import Dispatch
import Fieldbus
import Foundation
import NabdHost
import Nomenclature
import PlainFiles
import ProfileLanguage
import StrictYAML
import Synchronization

struct ProfileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "Start, check, prove, try and play device profiles.",
        subcommands: [
            List.self, Lint.self, Test.self, Decode.self, Try.self, Simulate.self, New.self, Schema.self,
            Reference.self,
            Metrics.self, Accept.self,
        ])

    /// The profile files at or below some paths, sorted.
    static func find(_ paths: [String]) throws -> [String] {
        var found: [String] = []
        for name in paths {
            var isDirectory: ObjCBool = false
            // vendor/model in the folder of profiles, as the other commands take it.
            let path = named(name)
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
                throw Failure(.bad, "\(name):1:1: error: there is no such file or folder\(suggestion(name))")
            }
            guard isDirectory.boolValue else {
                found.append(path)
                continue
            }
            let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
            found += names.filter { $0 == "profile.yaml" || $0.hasSuffix("/profile.yaml") }.map {
                path.hasSuffix("/") ? "\(path)\($0)" : "\(path)/\($0)"
            }
        }
        guard !found.isEmpty else {
            throw Failure(.bad, "\(paths.joined(separator: ", ")): there is no profile.yaml here or below")
        }
        return found.sorted()
    }

    /// The vectors beside a profile.
    static func vectorPath(_ profile: DeviceProfile) -> String {
        URL(fileURLWithPath: profile.path).deletingLastPathComponent().appendingPathComponent("vectors.yaml").path
    }

    /// A profile by path, or by its name `vendor/model` in the folder of profiles.
    static func load(_ name: String) throws -> DeviceProfile {
        let path = named(name)
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(
                .bad,
                "there is no profile “\(name)”\(suggestion(name)): give a folder, a file, or a name that “nabd profile "
                    + "list” tells")
        }
        return try DeviceProfile.load(path)
    }

    /// The path of a profile that is given by its path or its name.
    private static func named(_ name: String) -> String {
        if FileManager.default.fileExists(atPath: name) { return name }
        return (try? defaultFolder()).map { "\($0)/\(name)" } ?? name
    }

    private static func suggestion(_ name: String) -> String {
        let near = (try? defaultFolder()).flatMap { ProfileShelf.suggest(name, in: [$0]) }
        return near.map { " — \($0)" } ?? ""
    }

    /// The folder `device-profiles` here, or in a folder above the program, or where the package has it.
    static func defaultFolder() throws -> String {
        try ShippedFolder.find("device-profiles", packaged: UnitSample.profiles)
    }

    /// What one device changes of its profile.
    struct Overrides: ParsableArguments {
        @Option(help: "The device's Modbus unit.") var unit: UInt8?
        @Option(help: "Another scale for a metric, as METRIC=FACTOR.") var scale: [String] = []
        @Option(help: "Another Modbus unit for a virtual device, as VMD=UNIT.") var vmdUnit: [String] = []

        func make() throws -> DeviceOverrides {
            var overrides = DeviceOverrides()
            overrides.unit = unit
            for text in scale {
                let pair = text.split(separator: "=").map(String.init)
                guard pair.count == 2, let factor = DecimalScale(pair[1]) else {
                    throw Failure(.usage, "--scale takes METRIC=FACTOR, such as MDC_TEMP=0.01")
                }
                overrides.scale[pair[0]] = factor
            }
            for text in vmdUnit {
                let pair = text.split(separator: "=").map(String.init)
                guard pair.count == 2, let unit = UInt8(pair[1]) else {
                    throw Failure(.usage, "--vmd-unit takes VMD=UNIT, such as battery=225")
                }
                overrides.units[pair[0]] = unit
            }
            return overrides
        }
    }

    struct Lint: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Check profiles: every fault at file:line:column.")
            .examples("nabd profile lint nonin/oem-iii-df2", "nabd profile lint ./my-profiles")
        @Argument(help: "Profiles (folders, files or vendor/model), or folders of them.") var paths: [String]

        func run() throws {
            var errors = 0
            var warnings = 0
            var hasCommands = false
            let files = try ProfileCommand.find(paths)
            for file in files {
                let diagnostics = Diagnostics()
                do throws(InvalidFile) {
                    let profile = try DeviceProfile.load(file, diagnostics: diagnostics)
                    if !profile.commands.isEmpty { hasCommands = true }
                    lintVectors(profile, diagnostics, isOneOfMany: files.count > 1)
                } catch {
                    for finding in error.diagnostics { diagnostics.report(finding) }
                }
                for finding in diagnostics.all { printError(finding.description) }
                errors += diagnostics.all.count { $0.severity == .error }
                warnings += diagnostics.all.count { $0.severity == .warning }
            }
            if hasCommands, !CommandPath.isBuilt {
                print("Whether commands can be carried out was not looked at: \(CommandPath.lacking).")
            }
            print("\(files.count) profiles: \(errors) errors, \(warnings) warnings")
            if errors > 0 { throw ExitCode(ExitStatus.bad.rawValue) }
        }

        private func lintVectors(_ profile: DeviceProfile, _ diagnostics: Diagnostics, isOneOfMany: Bool) {
            let path = ProfileCommand.vectorPath(profile)
            let place = SourceLocation(file: profile.path, line: 1, column: 1)
            guard FileManager.default.fileExists(atPath: path) else {
                return diagnostics.report(
                    Diagnostic(.warning, place, "there are no vectors: nothing proves this profile"))
            }
            do throws(InvalidFile) {
                let vectors = try VectorFile.load(path, for: profile).vectors
                let claims = VectorRunner(profile).unproven(by: vectors)
                guard claims.count > 1, isOneOfMany else {
                    for claim in claims { diagnostics.report(Diagnostic(.note, claim.location, claim.text)) }
                    return
                }
                diagnostics.report(
                    Diagnostic(
                        .note, place, "no vector shows \(claims.count) of its values, sentinels and alerts",
                        suggestion: "lint it alone to see which"))
            } catch {
                for finding in error.diagnostics { diagnostics.report(finding) }
            }
        }
    }

    struct Test: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run every vector of every profile, and damaged copies of them."
        ).examples("nabd profile test device-profiles")
        @Argument(help: "Profiles, or folders of them.") var paths: [String]

        func run() throws {
            let files = try ProfileCommand.find(paths)
            let profiles = try files.map { try DeviceProfile.load($0) }
            let vectors = try profiles.map { try VectorFile.load(ProfileCommand.vectorPath($0), for: $0).vectors }
            let work = profiles.indices.flatMap { index in vectors[index].indices.map { (profile: index, vector: $0) } }
            let results = Mutex([Int: VectorRunner.Result]())
            // Damaging a long vector is millions of decodings: every core takes its share.
            DispatchQueue.concurrentPerform(iterations: work.count) { place in
                let result = VectorRunner(profiles[work[place].profile]).run(
                    vectors[work[place].profile][work[place].vector])
                results.withLock { $0[place] = result }
            }
            let found = results.withLock { $0 }
            for (index, profile) in profiles.enumerated() {
                let own = work.indices.filter { work[$0].profile == index }.compactMap { found[$0] }
                for failure in own.flatMap(\.failures) { printError(failure) }
                print("\(profile.name): \(own.count) vectors")
            }
            let failed = found.values.count { !$0.failures.isEmpty }
            let copies = found.values.reduce(0) { $0 + $1.damagedCopies }
            let metrics = profiles.reduce(0) { $0 + $1.metrics.count { !$0.isWaveform } }
            let waveforms = profiles.reduce(0) { $0 + $1.metrics.count { $0.isWaveform } }
            let commands = profiles.reduce(0) { $0 + $1.commands.count }
            print(
                "\(files.count) devices, \(metrics) metrics, \(waveforms) waveforms, \(commands) commands; "
                    + (copies > 0
                        ? "\(copies) damaged copies gave no wrong value"
                        : "no copy was damaged: nothing in the frames would tell")
            )
            if !CommandPath.isBuilt { print("What commands send was not tried: \(CommandPath.lacking).") }
            print("\(found.count - failed) passed, \(failed) failed")
            if failed > 0 { throw ExitCode(ExitStatus.bad.rawValue) }
        }
    }

    struct Decode: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decode a capture to JSON lines with the production decoder."
        ).examples(
            "nabd profile decode nonin/oem-iii-df2 capture.bin",
            "nabd profile decode xy/md02 capture.hex --hex --explain")
        @Argument(help: "The profile: a folder, a file, or vendor/model.") var profile: String
        @Argument(help: "The capture; - is standard input.") var file: String
        @Flag(help: "The capture is hexadecimal text.") var hex = false
        @Flag(help: "Say on standard error which bytes were not read, and why.") var explain = false
        @Option(
            help: "The civil time at which the bytes came, as 2026-11-28T13:54:10: by it results are of now or not.")
        var now: String?
        @OptionGroup var overrides: Overrides

        /// The largest capture read. Unit: bytes.
        private static let limit = 256 << 20

        func run() throws {
            let profile = try ProfileCommand.load(profile)
            let handle = profile.name.split(separator: "/").last.map(String.init) ?? profile.name
            let plan = profile.compile(handle: handle, overrides: try overrides.make())
            let time = try now.map { text in
                guard let time = UTCTime.nanoseconds(text + "Z") else {
                    throw Failure(.usage, "--now takes a civil time such as 2026-11-28T13:54:10")
                }
                return time
            }
            let decoder = CaptureDecoder(plan, now: time)
            let capture = try bytes()
            let findings = decoder.decode(capture)
            for line in decoder.lines(findings) { print(line.text) }
            if findings.isEmpty, !hex,
                VectorFile.hex(String(decoding: capture.prefix(1 << 20), as: UTF8.self)).bytes?.isEmpty == false
            {
                throw Failure(.bad, "\(file) gives nothing, and looks like hexadecimal text: say --hex")
            }
            if findings.isEmpty, !explain {
                printError("nothing was read of \(capture.count) bytes: say --explain to see why")
            }
            if explain { for note in decoder.explain(capture).notes { printError(note.description) } }
        }

        private func bytes() throws -> [UInt8] {
            let data: [UInt8]
            if file == "-" {
                // A pipe is what it is for; one byte more than the limit says that there is more.
                do {
                    data = Array(try FileHandle.standardInput.read(upToCount: Self.limit + 1) ?? Data())
                } catch { throw Failure(.io, "the standard input cannot be read") }
            } else {
                guard let contents = PlainFile.bytes(file, limit: Self.limit) else {
                    throw Failure(.io, "\(file): there is no such readable file of at most \(Self.limit) bytes")
                }
                data = contents
            }
            guard data.count <= Self.limit else { throw Failure(.bad, "\(file) is larger than \(Self.limit) bytes") }
            guard hex else { return data }
            let parsed = VectorFile.hex(String(decoding: data, as: UTF8.self))
            guard let bytes = parsed.bytes else {
                throw Failure(
                    .bad, "\(file):\(parsed.line):\(parsed.column): error: expected hexadecimal pairs such as 01 81 1F")
            }
            return bytes
        }
    }
}
