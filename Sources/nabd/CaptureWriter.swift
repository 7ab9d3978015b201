import DeviceModel
import DevicePlans
import Fieldbus
import Foundation
import ProfileLanguage
import RealTime

/// Shows the bytes on a line and keeps them in a capture file: hexadecimal text that `decode --hex` and vectors read.
///
/// Of a serial device the file holds what the device sent; what was sent to it stands in comments. Of Modbus it holds
/// both, since a reply means nothing without its request.
struct CaptureWriter {
    private let path: String?
    private let isModbus: Bool
    private let isShown: Bool
    private let start: Int64
    private var text = ""
    /// A capture is for a vector, not for a day. Unit: bytes of text.
    private static let limit = 64 << 20

    init(_ path: String?, plan: DevicePlan, line: String, isShown: Bool, start: Int64) throws {
        self.path = path
        self.isShown = isShown
        self.start = start
        isModbus = plan.line.transport != .serial
        if let path, FileManager.default.fileExists(atPath: path) {
            throw Failure(.usage, "\(path) is there already: nothing is overwritten")
        }
        text =
            "# nabd capture of \(plan.profile.name) on \(line), begun \(UTCTime.text(nanoseconds: WallClock.now()))\n"
    }

    mutating func take(_ pieces: [LineTap.Piece]) {
        for piece in pieces {
            let bytes = VectorFile.hexText(piece.bytes)
            let place: KeyValuePairs<String, JSON?> = ["monotonicNanoseconds": .integer(piece.time)]
            if isShown {
                let shown: KeyValuePairs<String, JSON?> = [
                    "line": .string(piece.isFromDevice ? "received" : "sent"), "bytes": .string(bytes),
                    "text": isModbus ? nil : Self.readable(piece.bytes).map(JSON.string),
                ]
                print(JSON.members(shown).adding(place).text)
            }
            guard path != nil, text.utf8.count < Self.limit else { continue }
            let seconds = Double(piece.time - start) / 1e9
            let when = "\(piece.isFromDevice ? "received" : "sent") at \((seconds * 1000).rounded() / 1000) s"
            text += piece.isFromDevice || isModbus ? "\(bytes)  # \(when)\n" : "# \(when): \(bytes)\n"
        }
    }

    /// Bytes as a person reads them; `nil` when most of them are no characters.
    private static func readable(_ bytes: [UInt8]) -> String? {
        let printed = bytes.count { (0x20...0x7E).contains($0) }
        guard printed * 2 >= bytes.count else { return nil }
        return bytes.map { byte in
            switch byte {
            case 0x0D: "\\r"
            case 0x0A: "\\n"
            case 0x09: "\\t"
            case 0x20...0x7E: String(UnicodeScalar(byte))
            default: "\\x" + VectorFile.hexText([byte])
            }
        }.joined()
    }

    func finish() throws {
        guard let path else { return }
        do { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } catch {
            throw Failure(.io, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
