package import DeviceModel
import Foundation
import Nomenclature
import PlainFiles
package import StrictYAML

/// Known bytes with what they mean: the proof that comes with a profile.
package struct VectorFile: Sendable {
    /// Where a vector's bytes come from. An invented one is never called captured.
    package enum Kind: String, Sendable, CaseIterable {
        case captured
        /// Printed in a document of the vendor.
        case specified
        /// Taken from another implementation's tests or simulator.
        case simulated
        /// Made from a published algorithm: it proves self-consistency only.
        case derived
    }

    /// What is expected of one metric.
    package enum Expectation: Sendable {
        /// These values, in this order.
        case values([String])
        /// The same value so many times.
        case repeated(String, count: Int)
        /// One value that counts so far, in this unit.
        case judged(String, validity: Validity?, reason: Reason?, unit: String?)
        /// Samples without a value.
        case missing(validity: Validity, reason: Reason?)
    }

    package struct Vector: Sendable {
        package let name: String
        package let kind: Kind
        package let location: SourceLocation
        /// A capture as `decode` takes it; empty for a vector that only sends.
        package let bytes: [UInt8]
        /// What is said and the bytes that it must be on the wire.
        package let sends: Sends?
        package let overrides: DeviceOverrides
        /// The civil time at which the bytes come; `nil` where nobody knows. Unit: ns since 1970.
        package let now: Int64?
        /// By metric, or by VMD and metric; empty when nothing valid may come of the bytes.
        package let expect: [(metric: String, expectation: Expectation)]
        /// With `sends`: whether the bytes are the answer, or must be refused as such.
        package let isAnswer: Bool
        /// The alerts that hold at the end; `nil` when nothing is said of them.
        package let alerts: [String]?
    }

    /// A request or a step of a command, with the values it needs.
    package struct Sends: Sendable {
        package enum What: Sendable {
            case request(String)
            case command(String, step: Int)
        }

        package let what: What
        package let values: [String: String]
        package let bytes: [UInt8]
    }

    package let vectors: [Vector]

    /// Reads the vectors beside a profile. Throws ``InvalidFile`` with every error found.
    package static func load(_ path: String, for profile: DeviceProfile) throws(InvalidFile) -> VectorFile {
        let file = try YAMLFile(path: path)
        var vectors: [Vector] = []
        if let root = file.root.mapping("a file of vectors") {
            root.allow(Grammar.vectorFile)
            if ProfileReader.checkVersion(root, "vectors/1") {
                vectors = (root.required("vectors")?.list("vectors") ?? []).compactMap {
                    VectorReader(profile: profile).read($0)
                }
            }
        }
        if file.diagnostics.hasErrors { throw InvalidFile(diagnostics: file.diagnostics.all) }
        return VectorFile(vectors: vectors)
    }

    /// Bytes as hexadecimal pairs, a space between two.
    package static func hexText(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)], 0x20] }.dropLast(), as: UTF8.self)
    }

    /// Bytes written as hexadecimal pairs, with white space, commas, colons, `->` and `#` comments between them.
    ///
    /// Returns `nil` and the line and column of the first thing that is neither.
    package static func hex(_ text: String) -> (bytes: [UInt8]?, line: Int, column: Int) {
        var bytes: [UInt8] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let content = line.prefix { $0 != "#" }
            var half: UInt8?
            var column = 0
            for character in content {
                column += 1
                if let digit = character.hexDigitValue, character.isASCII {
                    if let first = half {
                        bytes.append(first << 4 | UInt8(digit))
                        half = nil
                    } else {
                        half = UInt8(digit)
                    }
                } else if character == "x" || character == "X", half == 0 {
                    half = nil
                } else if half != nil || !" \t\r,:->".contains(character) {
                    return (nil, index + 1, column)
                }
            }
            if half != nil { return (nil, index + 1, column) }
        }
        return (bytes, 0, 0)
    }
}

private struct VectorReader {
    let profile: DeviceProfile

    func read(_ value: YAMLValue) -> VectorFile.Vector? {
        guard let map = value.mapping("a vector") else { return nil }
        map.allow(Grammar.vector)
        guard let name = map.required("name")?.text("a name"),
            let kind = map.required("kind")?.choice("where it comes from", Grammar.Words.vectorKind),
            map.required("source")?.text("its source") != nil
        else { return nil }
        var overrides = DeviceOverrides()
        overrides.unit = map["unit"]?.int("the Modbus unit", Grammar.Bounds.serialUnit).map { UInt8($0) }
        for (metric, _, scale) in map["scale"]?.mapping("scales by metric")?.entries ?? [] {
            overrides.scale[profile.currentName(metric)] = scale.scale()
        }
        for (vmd, _, unit) in map["units"]?.mapping("Modbus units by virtual device")?.entries ?? [] {
            overrides.units[vmd] = unit.int("the Modbus unit", Grammar.Bounds.serialUnit).map { UInt8($0) }
        }
        if map["bytes"] == nil, map["sends"] == nil {
            value.error("a vector has “bytes” from the device, or what the host “sends”, or both")
        }
        if map["bytes"] != nil, map["expect"] == nil {
            value.error("“expect” is missing: what do the bytes mean? (nothing, for bytes that must not be read)")
        }
        return VectorFile.Vector(
            name: name, kind: kind, location: value.location, bytes: map["bytes"].flatMap(bytes) ?? [],
            sends: map["sends"].flatMap(sends),
            overrides: overrides, now: map["now"].flatMap(now), expect: map["expect"].map(expectations) ?? [],
            isAnswer: map["expect"]?.word != "refused",
            alerts: map["alerts"].flatMap(alerts))
    }

    private func now(_ value: YAMLValue) -> Int64? {
        guard let text = value.text("a civil time") else { return nil }
        guard let time = UTCTime.nanoseconds(text + "Z") else {
            value.error("expected a civil time such as 2026-11-28T13:54:10, found “\(text)”")
            return nil
        }
        return time
    }

    private func alerts(_ value: YAMLValue) -> [String]? {
        let known = Set(profile.alerts.map(\.name))
        return value.list("alerts")?.compactMap { entry in
            guard let name = entry.text("an alert's name") else { return nil }
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            let plain = parts.last ?? name
            let current = profile.names.event(plain)?.referenceID ?? plain
            if !known.contains(current) {
                entry.error("the profile has no alert “\(name)”", suggestion: YAMLValue.suggest(plain, among: known))
            }
            return (parts.dropLast() + [current]).joined(separator: "/")
        }
    }

    /// Bytes as `{hex: "01 81"}` or `{text: "!INF|4961\r"}`.
    private func bytes(_ value: YAMLValue) -> [UInt8]? {
        guard let map = value.mapping("bytes as {hex: …} or {text: …}") else { return nil }
        map.allow(Grammar.vectorBytes)
        if let text = map["text"] { return text.text("text").map { Array($0.utf8) } }
        if let file = map["file"] { return capture(file) }
        guard let hex = map.required("hex"), let text = hex.text("hexadecimal pairs") else { return nil }
        guard let bytes = VectorFile.hex(text).bytes else {
            hex.error("expected hexadecimal pairs such as 01 81 1F")
            return nil
        }
        return bytes
    }

    /// A capture file beside the vectors.
    private func capture(_ value: YAMLValue) -> [UInt8]? {
        guard let name = value.text("a capture file") else { return nil }
        let folder = URL(fileURLWithPath: value.location.file).deletingLastPathComponent()
        guard !name.contains("/"), !name.hasPrefix("."),
            let data = PlainFile.bytes(folder.appendingPathComponent(name).path, limit: 16 << 20)
        else {
            value.error("there is no file “\(name)” of at most 16 MiB beside the vectors")
            return nil
        }
        let parsed = VectorFile.hex(String(decoding: data, as: UTF8.self))
        if parsed.bytes == nil {
            value.error("\(name):\(parsed.line):\(parsed.column): expected hexadecimal pairs such as 01 81 1F")
        }
        return parsed.bytes
    }

    private func sends(_ value: YAMLValue) -> VectorFile.Sends? {
        guard let map = value.mapping("a request with its bytes") else { return nil }
        map.allow(Grammar.vectorSends)
        let what: VectorFile.Sends.What
        if let command = map["command"] {
            guard let name = command.text("a command's name") else { return nil }
            guard let known = profile.commands.first(where: { $0.name == name }) else {
                command.error(
                    "there is no command “\(name)”",
                    suggestion: YAMLValue.suggest(name, among: profile.commands.map(\.name)))
                return nil
            }
            what = .command(name, step: (map["step"]?.int("the step", 1...max(1, known.steps.count)) ?? 1) - 1)
        } else {
            guard let request = map.required("request"), let name = request.text("a request's name") else { return nil }
            if !profile.requests.contains(where: { $0.name == name }) {
                request.error(
                    "there is no request “\(name)”",
                    suggestion: YAMLValue.suggest(name, among: profile.requests.map(\.name)))
            }
            what = .request(name)
        }
        var values: [String: String] = [:]
        for (name, _, value) in map["with"]?.mapping("values by name")?.entries ?? [] {
            values[name] = value.text("a value")
        }
        if let text = map["text"]?.text("text") {
            return VectorFile.Sends(what: what, values: values, bytes: Array(text.utf8))
        }
        guard let hex = map.required("hex"), let text = hex.text("hexadecimal pairs") else { return nil }
        guard let bytes = VectorFile.hex(text).bytes else {
            hex.error("expected hexadecimal pairs such as 01 81 1F")
            return nil
        }
        return VectorFile.Sends(what: what, values: values, bytes: bytes)
    }

    private func expectations(_ value: YAMLValue) -> [(metric: String, expectation: VectorFile.Expectation)] {
        if let word = value.word, ["nothing", "refused"].contains(word) { return [] }
        let metrics = profile.metrics.map(\.name.referenceID)
        return (value.mapping("what is expected, by metric")?.entries ?? []).compactMap { name, keyValue, value in
            let vmds = profile.vmds.flatMap { vmd in
                vmd.slots.isEmpty ? [vmd.name] : vmd.slots.map { vmd.name(slot: $0) }
            }
            let parts = name.split(separator: "/", maxSplits: 1).map(String.init)
            if parts.count == 2, !vmds.contains(parts[0]) {
                keyValue.error(
                    "the profile has no virtual device “\(parts[0])”",
                    suggestion: YAMLValue.suggest(parts[0], among: vmds))
                return nil
            }
            let metric = profile.currentName(parts.last ?? name)
            if !metrics.contains(metric) {
                keyValue.error(
                    "the profile has no metric “\(name)”", suggestion: YAMLValue.suggest(name, among: metrics))
                return nil
            }
            return expectation(value).map { ((parts.dropLast() + [metric]).joined(separator: "/"), $0) }
        }
    }

    private func expectation(_ value: YAMLValue) -> VectorFile.Expectation? {
        guard value.isMapping else {
            if value.isList { return .values((value.list("values") ?? []).compactMap { $0.text("a value") }) }
            return value.text("a value").map { .values([$0]) }
        }
        guard let map = value.mapping("an expectation") else { return nil }
        map.allow(Grammar.expectedSample)
        if let text = map["repeat"]?.text("a value") {
            return map.required("count")?.int("how often", Grammar.Bounds.repetitions).map {
                .repeated(text, count: $0)
            }
        }
        if let value = map["value"]?.text("a value"), map["validity"] == nil {
            map["reason"]?.error("a reason belongs to a “validity”")
            return .judged(value, validity: nil, reason: nil, unit: map["unit"]?.text("a unit"))
        }
        guard let word = map.required("validity"), let text = word.text("a validity") else { return nil }
        guard let validity = Validity(word: text) else {
            word.error(
                "“\(text)” is not a validity", suggestion: YAMLValue.suggest(text, among: Validity.allCases.map(\.word))
            )
            return nil
        }
        var reason: Reason?
        if let value = map["reason"], let word = value.text("a reason") {
            reason = Reason(word: word)
            if reason == nil {
                value.error(
                    "“\(word)” is not a reason", suggestion: YAMLValue.suggest(word, among: Reason.allCases.map(\.word))
                )
            }
        }
        if let value = map["value"]?.text("a value") {
            return .judged(value, validity: validity, reason: reason, unit: map["unit"]?.text("a unit"))
        }
        map["unit"]?.error("a unit belongs to a “value”")
        return .missing(validity: validity, reason: reason)
    }
}
