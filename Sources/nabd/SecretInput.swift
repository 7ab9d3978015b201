import ArgumentParser
import Foundation
import OperatorDesk

/// Secrets as people give them: typed and not shown, or on standard input; never as an argument.
enum SecretInput {
    /// Of each, in this order.
    static func secrets(of ids: [String], fromInput isInput: Bool) throws -> [String] {
        try ids.map { id in
            if !isInput { return try typed("Secret of \(id): ") }
            guard let secret = line(within: .seconds(60)) else {
                throw PumpCaller.refuse("There is no secret of \(id) on standard input.")
            }
            return secret
        }
    }

    /// A line of standard input, no byte behind it; `nil` where none comes in time.
    static func line(within limit: Duration) -> String? {
        let clock = ContinuousClock()
        let end = clock.now + limit
        var bytes: [UInt8] = []
        while bytes.count <= Credential.longest {
            let left = (end - clock.now) / Duration.milliseconds(1)
            var polled = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            guard left > 0, poll(&polled, 1, Int32(left.rounded(.up))) > 0 else { return nil }
            var byte: UInt8 = 0
            guard read(STDIN_FILENO, &byte, 1) == 1 else { break }
            if byte == UInt8(ascii: "\n") { break }
            bytes.append(byte)
        }
        return bytes.isEmpty ? nil : String(bytes: bytes, encoding: .utf8)
    }

    /// Typed at the terminal, which shows nothing of it.
    static func typed(_ question: String) throws -> String {
        let terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard terminal >= 0 else {
            throw PumpCaller.refuse("There is no terminal to type a secret at: use --secret-stdin.")
        }
        defer { close(terminal) }
        var usual = termios()
        guard tcgetattr(terminal, &usual) == 0 else { throw PumpCaller.refuse("The terminal cannot be set.") }
        var silent = usual
        // Key by key: a key that breaks off is seen here, and the terminal shows again what is typed.
        silent.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard tcsetattr(terminal, TCSAFLUSH, &silent) == 0 else {
            throw PumpCaller.refuse("The terminal cannot be set.")
        }
        defer {
            tcsetattr(terminal, TCSAFLUSH, &usual)
            _ = write(terminal, "\n", 1)
        }
        let asked = Array(question.utf8)
        _ = write(terminal, asked, asked.count)
        var bytes: [UInt8] = []
        while bytes.count <= Credential.longest {
            var byte: UInt8 = 0
            guard read(terminal, &byte, 1) == 1 else { break }
            switch byte {
            case 0x0A, 0x0D, 0x04:
                guard let text = String(bytes: bytes, encoding: .utf8), !text.isEmpty else {
                    throw PumpCaller.refuse("No secret was typed.")
                }
                return text
            case 0x03: throw PumpCaller.refuse("Nothing was done.")
            case 0x15: bytes = []
            // A whole character goes: its last bytes are those that begin none.
            case 0x7F, 0x08: while let last = bytes.popLast(), last & 0xC0 == 0x80 {}
            default: bytes.append(byte)
            }
        }
        throw PumpCaller.refuse("The secret is too long.")
    }
}

/// `nabd pump operator`.
struct PumpOperatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator", abstract: "Who may command pumps.", subcommands: [Add.self])

    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what to put into operators.yaml for somebody, who types their secret twice."
        ).examples("nabd pump operator add layla")
        @Argument(help: "The id: a to z, 0 to 9 and -, beginning with a letter.") var id: String

        func run() throws {
            do throws(Operators.EntryFault) { try Operators.check(id: id) } catch {
                throw PumpCaller.refuse(error.words)
            }
            let secret = try SecretInput.typed("New secret of \(id): ")
            guard try SecretInput.typed("The same again: ") == secret else {
                throw PumpCaller.refuse("The two are not the same: nothing was made.")
            }
            do throws(Operators.EntryFault) { print(try Operators.lines(id: id, secret: secret)) } catch {
                throw PumpCaller.refuse(error.words)
            }
            PumpCaller.complain(
                "Put these lines under “operators:”, set the name and the roles (clinician, engineer). The file counts "
                    + "about 10 s after it was written, without a restart.")
        }
    }
}
