import ArgumentParser
import DeviceModel
import Foundation
import NabdHost
import SampleJournal
import Uplink

extension UplinkCommand {
    /// Gets this unit's first certificate.
    struct Enrol: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make this unit's key here, and get its first certificate for it from the EST server.",
            discussion: """
                The configuration's “uplink” has an “est” for it. The operator of that server gives a password that is \
                good once; it is read from a file, or from standard input, and is no argument. The key does not leave \
                this machine. Later certificates are got by the uplink itself.
                """
        ).examples(
            "nabd uplink enrol --password-file -", "nabd uplink enrol --password-file /run/once.txt --user mobile-7")
        @OptionGroup var place: Place
        @Option(
            help: ArgumentHelp(
                "The file with the one-time password, which only its owner may read; - is standard input.",
                valueName: "file"))
        var passwordFile: String
        @Option(help: "The name that the password is for; otherwise the one that the certificate is asked for.")
        var user: String?
        @Flag(help: "In the place of a certificate that is there.") var again = false

        /// Unit: bytes.
        private static let longest = 200

        func run() async throws {
            let unit = try place.file.load(faultsCost: .itsPart)
            guard let endpoint = unit.uplink, let settings = endpoint.enrolment else {
                throw Failure(.usage, "this unit is not enrolled: “uplink” has no “est” in its configuration")
            }
            guard ClockJudge(file: unit.clockFile).now() != .unknown else {
                throw Failure(.unavailable, "this unit's clock is not set, and certificates have dates: set it first")
            }
            let enrolment = Enrolment(settings, for: endpoint)
            if let span = enrolment.span, !again {
                let end = UTCTime.text(nanoseconds: span.to * 1_000_000_000)
                throw Failure(
                    .usage,
                    "there is a certificate until \(end), which the uplink renews by itself: give --again to have "
                        + "another in its place")
            }
            let name = user ?? settings.subject
            guard !name.isEmpty, !name.contains(":") else {
                throw Failure(.usage, "--user takes a name without a colon")
            }
            let done = try await ask(enrolment, name, try password())
            let end = UTCTime.text(nanoseconds: Int64(done.end) * 1_000_000_000)
            print("“\(settings.subject)” has a certificate until \(end) in \(endpoint.clientCertificate)")
            print("SHA-256 \(done.digest)")
            if let difference = done.difference { print("warning: \(difference)") }
        }

        private func ask(_ enrolment: Enrolment, _ user: String, _ password: String) async throws -> Enrolment.Done {
            let patience = EnrolmentPatience(from: .now)
            while true {
                do throws(EnrolmentFault) { return try await enrolment.enrol(user: user, password: password) } catch {
                    guard let pause = patience.pause(after: error, at: .now) else {
                        throw Failure(.unavailable, error.description)
                    }
                    print(error.description)
                    try await Task.sleep(for: pause)
                }
            }
        }

        private func password() throws -> String {
            let text: String?
            if passwordFile == "-" {
                text =
                    isatty(STDIN_FILENO) == 1
                    ? try SecretInput.typed("One-time password: ") : SecretInput.line(within: .seconds(60))
            } else {
                guard let facts = FileFacts(path: passwordFile), facts.isRegular else {
                    throw Failure(.unavailable, "there is no readable file \(passwordFile)")
                }
                guard facts.rightsOfOthers == 0, facts.rightsOfGroup == 0 else {
                    throw Failure(
                        .unavailable,
                        "others than its owner may read or write \(passwordFile): take that right away with “chmod 600 "
                            + "\(passwordFile)”, and ask for another password if others were here")
                }
                let bytes = try? FileHandle(forReadingFrom: URL(fileURLWithPath: passwordFile)).read(
                    upToCount: Self.longest + 2)
                text = bytes.flatMap { String(data: $0, encoding: .utf8) }
            }
            let password = text.map { $0.hasSuffix("\r\n") || $0.hasSuffix("\n") ? String($0.dropLast()) : $0 } ?? ""
            guard !password.isEmpty, password.utf8.count <= Self.longest, !password.contains(where: \.isNewline) else {
                throw Failure(
                    .unavailable, "expected the one-time password as one line of at most \(Self.longest) bytes")
            }
            return password
        }
    }
}
