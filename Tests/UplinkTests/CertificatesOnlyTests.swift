import Crypto
import Foundation
import TestSupport
import Testing
import X509

@testable import Uplink

/// What an EST server answers: read strictly, with limits, and without harm whatever it is.
@Suite struct CertificatesOnlyTests {
    private let authority: MadeCertificate
    private let unit: MadeCertificate

    init() throws {
        authority = try MadeCertificate("authority", isAuthority: true)
        unit = try MadeCertificate("mobile-7", by: authority)
    }

    private func read(_ bytes: [UInt8]) -> Result<[Certificate], EnrolmentFault.CertificateText> {
        do throws(EnrolmentFault.CertificateText) {
            return .success(try CertificatesOnly.certificates(inSigned: bytes))
        } catch { return .failure(error) }
    }

    private func readText(_ text: [UInt8]) -> Result<[Certificate], EnrolmentFault.CertificateText> {
        do throws(EnrolmentFault.CertificateText) {
            return .success(try CertificatesOnly.certificates(in: text))
        } catch { return .failure(error) }
    }

    @Test func certificatesAreReadInTheirOrder() throws {
        let answer = Made.answer([try unit.bytes, try authority.bytes, try unit.bytes], lists: [])
        #expect(read(answer) == .success([unit.certificate, authority.certificate]))
        let text = Data(answer).base64EncodedString(options: .lineLength76Characters)
        #expect(readText(Array(text.utf8)) == .success([unit.certificate, authority.certificate]))
    }

    @Test func whatIsNoListOfCertificatesIsRefused() throws {
        let one = [try unit.bytes]
        let wrong: [[UInt8]] = [
            Made.answer(one, type: 1), Made.answer(one, type: 3), Made.answer(one, version: 0),
            Made.answer(one, version: 4), Made.answer(one, content: Made.value(0xA0, Made.value(0x04, [1]))),
            Made.answer(one, signers: Made.value(0x30, [])), Made.answer(one, beside: Made.value(0x05, [])),
            Made.answer(one, behind: [0]), Made.answer(one, behind: Made.answer(one)), [], [0x30], [0x30, 0x80],
            Made.value(0x30, []), try unit.bytes, (0..<200).reduce([]) { deep, _ in Made.value(0x30, deep) },
        ]
        for (number, bytes) in wrong.enumerated() {
            #expect(read(bytes) == .failure(.noCertificatesOnly), "\(number)")
        }
        #expect(read(Made.answer([])) == .failure(.none))
        #expect(read(Made.answer([Made.value(0x30, [0x05, 0x00])])) == .failure(.unreadableCertificate))
    }

    @Test func thereAreLimits() throws {
        let small = try unit.bytes
        #expect(read(Made.answer(Array(repeating: small, count: 16))) == .success([unit.certificate]))
        #expect(read(Made.answer(Array(repeating: small, count: 17))) == .failure(.tooMany))
        let long = [UInt8](repeating: UInt8(ascii: "A"), count: CertificatesOnly.limit + 1)
        #expect(readText(long) == .failure(.tooLong))
        #expect(readText(Array(long.dropLast())) == .failure(.noCertificatesOnly))
    }

    @Test(arguments: ["", " \r\n", "====", "AA=A", "AAA", "A-_A", "AA\u{0}A", "<html>"])
    func whatIsNoBase64IsRefused(text: String) {
        #expect(readText(Array(text.utf8)) == .failure(.noBase64))
    }

    /// Whatever is changed in an answer, it is refused or the certificate in it is the one that was given.
    @Test func noDamageMakesAnotherCertificate() async throws {
        let whole = Made.answer([try unit.bytes, try authority.bytes])
        var random = SeededGenerator(seed: 47)
        var (refused, unharmed) = (0, 0)
        for round in 0..<6000 {
            let damaged = Self.damage(whole, &random)
            guard case .success(let found) = read(damaged) else {
                refused += 1
                continue
            }
            let terms = IssuedCertificate.Terms(
                key: unit.certificate.publicKey, name: "mobile-7", authorities: [authority.certificate], between: [],
                inUse: nil, now: MadeCertificate.now)
            do throws(EnrolmentFault) {
                let issued = try await IssuedCertificate(found, terms)
                #expect(issued.chain == [unit.certificate], "round \(round)")
                unharmed += 1
            } catch { refused += 1 }
        }
        #expect(refused > 4000 && unharmed > 50, "\(refused) refused, \(unharmed) unharmed")
    }

    private static func damage(_ whole: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = whole
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 1: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            case 2: bytes.insert(bytes[place], at: place)
            case 3: bytes.removeSubrange(place..<min(bytes.count, place + 4))
            case 4: bytes = Array(bytes[..<max(1, place)])
            default:
                let from = Int.random(in: 0..<bytes.count, using: &random)
                bytes.insert(contentsOf: bytes[from..<min(bytes.count, from + 40)], at: place)
            }
            if bytes.isEmpty { bytes = [0x30] }
        }
        return bytes
    }

    /// Neither nesting nor lengths without end: values of BER that were put together at random.
    @Test func valuesAtRandomDoNoHarm() {
        var random = SeededGenerator(seed: 7030)
        for _ in 0..<3000 { _ = read(Self.value(depth: 0, &random)) }
    }

    private static func value(depth: Int, _ random: inout SeededGenerator) -> [UInt8] {
        let tags: [UInt8] = [0x30, 0x31, 0xA0, 0xA1, 0x02, 0x06, 0x05, 0x1F, 0x3F, 0x00]
        let tag = tags[Int.random(in: 0..<tags.count, using: &random)]
        guard tag & 0x20 != 0, depth < 60 else {
            return Made.value(tag, (0..<Int.random(in: 0...4, using: &random)).map { UInt8($0) })
        }
        let content = (0..<Int.random(in: 0...2, using: &random)).flatMap { _ in value(depth: depth + 1, &random) }
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return [tag, 0x80] + content + [0, 0]
        case 1: return [tag, 0x84, 0x7F, 0xFF, 0xFF, 0xFF] + content
        default: return Made.value(tag, Array(content.prefix(60_000)))
        }
    }
}
