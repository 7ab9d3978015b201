import DeviceDrivers
import DeviceModel
import DevicePlans
import Foundation
import ModbusFrames
import Nomenclature
import ProfileLanguage
import StrictYAML

/// Text of a profile or of vectors; what follows a zero byte is a capture for the profile.
enum ProfileMode {
    static func run(_ input: inout Input) {
        let parts = input.rest().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        let text = String(decoding: parts[0], as: UTF8.self)
        if text.hasPrefix("nabd: vectors") { return vectors(parts[0]) }
        _ = VectorFile.hex(text)
        words(text, parts[0])
        load(text, capture: parts.count > 1 ? Array(parts[1]) : [])
    }

    private static let names = NomenclatureShelf.names(besides: [Fleet.folder]).nomenclature

    /// Text as the small readers take it: a table of names, a unit, a time, a frame in hexadecimal digits.
    private static func words(_ text: String, _ bytes: ArraySlice<UInt8>) {
        let diagnostics = Diagnostics()
        var names = names
        for row in NomenclatureTable(path: "fuzz.tsv", text: text, diagnostics).rows {
            names.declare(row, by: .site, diagnostics)
        }
        let first = String(text.prefix { $0 != "\n" }.prefix(80))
        if case .success(let unit) = names.unit(first), !unit.quantity.isSame(as: unit.quantity) {
            broken("a unit that is not itself: \(first)")
        }
        if let format = TimeFormat(first), let time = format.nanoseconds(Array(bytes), 0..<bytes.count) {
            _ = format.text(time)
        }
        var reader = ASCIIReader()
        var frames: [UInt8] = []
        for byte in bytes { reader.take(byte, into: &frames) }
        if frames.count > bytes.count { broken("more frames than characters") }
    }

    /// Reads a profile as if it stood beside those that ship, compiles it, and lets it decode.
    static func load(_ text: String, capture: [UInt8]) {
        Tally.add(Tally.made)
        guard let file = try? YAMLFile(path: "\(Fleet.folder)/fuzz/fuzz/profile.yaml", text: text),
            let profile = try? DeviceProfile.load(file)
        else { return }
        Tally.add(Tally.loaded)
        let target = Target(profile)
        _ = target.plan.lineLoad
        let seed = UInt8(truncatingIfNeeded: capture.count)
        target.decode(capture, replyTo: nil, pieces: seed, lines: true)
        guard let serial = target.serial else {
            var decoder = ModbusDecoder(target.plan)
            var sink = Checker(target, given: 0)
            for block in target.blocks {
                decoder.take(
                    (0..<(block.count * 2)).map { capture.dropFirst($0).first ?? 0 }, from: 0, of: block, time: 0,
                    sink: &sink)
                // Whatever a device refuses, a search ends and takes nothing twice.
                guard var search = RegisterSearch(block, cause: [.address, .length, .silence][capture.count % 3]) else {
                    continue
                }
                var answers = capture.makeIterator()
                var reads = 0
                while !search.take(isLegal: (answers.next() ?? 0) & 1 == 0) {
                    reads += 1
                    if reads > 20 * block.count { broken("a search that never ends") }
                }
            }
            return
        }
        for format in serial.frames.map(\.format) where !format.isFromHost {
            let most = max(0, format.payloadEnd(length: format.longest) - format.payloadStart)
            let wire = format.encode(payload: Array(capture.prefix(most)), mark: format.checksum?.after.last)
            target.decode(wire + wire, replyTo: nil, pieces: seed)
        }
        for request in serial.requests {
            _ = serial.bytes(request.send, frame: request.frame) { _ in Array("12".utf8) }
        }
    }

    private static let scratch = "\(NSTemporaryDirectory())/nabd-fuzz-\(ProcessInfo.processInfo.processIdentifier).yaml"

    private static func vectors(_ text: ArraySlice<UInt8>) {
        // Which profile they are for, by the length of the text.
        let ship = Fleet.ship(UInt8(truncatingIfNeeded: text.count))
        guard FileManager.default.createFile(atPath: scratch, contents: Data(text)) else {
            broken("\(scratch) cannot be written")
        }
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        _ = try? VectorFile.load(scratch, for: ship.target.profile)
    }
}
