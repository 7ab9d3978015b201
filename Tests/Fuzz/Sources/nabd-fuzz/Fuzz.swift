import CFuzzer
import Foundation

/// What is fuzzed: chosen by the environment variable NABD_FUZZ.
enum Mode: String, CaseIterable {
    /// Bytes of a device.
    case capture
    /// Payloads in frames whose checksum is right.
    case behind
    /// Text of profiles and vectors.
    case profile
    /// Shipped profiles with changed words and lines.
    case edits
    /// Profiles made from the language's grammar.
    case grammar
    /// Text of presets.
    case preset
    /// Blocks of the journal.
    case journal
    /// Bytes on a Modbus line, and the echo of a serial one.
    case line

    func run(_ input: inout Input) {
        switch self {
        case .capture: CaptureMode.run(&input)
        case .behind: BehindMode.run(&input)
        case .profile: ProfileMode.run(&input)
        case .edits: EditsMode.run(&input)
        case .grammar: GrammarMode.run(&input)
        case .preset: PresetMode.run(&input)
        case .journal: JournalMode.run(&input)
        case .line: LineMode.run(&input)
        }
    }
}

@main
enum Main {
    static let mode: Mode = {
        if let mode = ProcessInfo.processInfo.environment["NABD_FUZZ"].flatMap(Mode.init) { return mode }
        print("NABD_FUZZ must be one of \(Mode.allCases.map(\.rawValue).joined(separator: ", "))")
        exit(2)
    }()

    static func main() {
        // A profile that does not load is told before any input is blamed.
        if ![.preset, .journal, .line].contains(mode), Fleet.ships.isEmpty { return }
        Tally.tellAtEnd()
        var count = CommandLine.argc
        var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
        exit(
            LLVMFuzzerRunDriver(&count, &arguments) { start, count in
                var input = Input(Array(UnsafeBufferPointer(start: start, count: count)))
                Tally.time { Main.mode.run(&input) }
                return 0
            })
    }
}

/// Something that must never be is: the fuzzer keeps the input.
func broken(_ what: String) -> Never { fatalError("broken: \(what)") }
