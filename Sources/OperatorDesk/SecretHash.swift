import Crypto
import CryptoExtras
import Foundation
import NIOCore
import NIOFoundationCompat

/// A secret, kept so that it can be recognised and not told: by scrypt, with a salt of its own.
///
/// As text: `scrypt$N$r$p$salt$hash`, numbers in decimal digits, the rest in base64.
struct SecretHash: Sendable, Hashable {
    /// What a guess costs. Memory: 128 · N · r bytes.
    struct Cost: Sendable, Hashable {
        let rounds: Int
        let blockSize: Int
        let parallelism: Int

        /// 16 MiB and about 0.1 s, where a new one is made.
        static let usual = Cost(rounds: 1 << 14, blockSize: 8, parallelism: 1)

        /// At least the usual one, and no more than a PC beside a pump can spare at once: 128 MiB, about 4 s.
        static func isAllowed(_ cost: Cost, least: Cost) -> Bool {
            (least.rounds...1 << 16).contains(cost.rounds) && cost.rounds & (cost.rounds - 1) == 0
                && (least.blockSize...16).contains(cost.blockSize)
                && (least.parallelism...4).contains(cost.parallelism)
        }
    }

    /// Why a text is no such hash; never what stands in it.
    enum Fault: Error, Sendable, Hashable, CaseIterable {
        case notTheForm
        case weak
        case notMade

        var words: String {
            switch self {
            case .notTheForm: "this is no secret as `nabd pump operator add` prints it: make a new one"
            case .weak:
                "the secret is kept too weakly, or too costly to check (N is a power of 2 from 16384 to 65536, r 8 to "
                    + "16, p 1 to 4, a salt of 16 to 64 bytes): make a new one with `nabd pump operator add`"
            case .notMade: "the secret cannot be made: there is too little memory"
            }
        }
    }

    static let hashLength = 32
    static let saltLengths = 16...64

    let cost: Cost
    let salt: [UInt8]
    let hash: [UInt8]

    /// - Parameter least: lower in tests only.
    init(_ text: String, least: Cost = .usual) throws(Fault) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "scrypt", let rounds = Self.number(parts[1]),
            let blockSize = Self.number(parts[2]), let parallelism = Self.number(parts[3]),
            let salt = Self.bytes(parts[4]), let hash = Self.bytes(parts[5])
        else { throw .notTheForm }
        cost = Cost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)
        (self.salt, self.hash) = (salt, hash)
        guard Cost.isAllowed(cost, least: least), Self.saltLengths.contains(salt.count),
            hash.count == Self.hashLength
        else { throw .weak }
    }

    /// A new one, with a salt by chance.
    init(of secret: String, cost: Cost = .usual) throws(Fault) {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltLengths.lowerBound).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        guard let key = Self.derived(secret, salt, cost) else { throw .notMade }
        (self.cost, self.salt, hash) = (cost, salt, Self.bytes(of: key))
    }

    var text: String {
        "scrypt$\(cost.rounds)$\(cost.blockSize)$\(cost.parallelism)$\(Data(salt).base64EncodedString())"
            + "$\(Data(hash).base64EncodedString())"
    }

    /// Takes as long for a wrong secret as for the right one. Blocks for about 0.1 s.
    func isOf(_ secret: String) -> Bool {
        guard let key = Self.derived(secret, salt, cost) else { return false }
        return key == SymmetricKey(data: hash)
    }

    private static func derived(_ secret: String, _ salt: [UInt8], _ cost: Cost) -> SymmetricKey? {
        try? KDF.Scrypt.deriveKey(
            from: Array(secret.utf8), salt: salt, outputByteCount: hashLength, rounds: cost.rounds,
            blockSize: cost.blockSize, parallelism: cost.parallelism)
    }

    private static func bytes(of key: SymmetricKey) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeContiguousBytes(key)
        return Array(buffer.readableBytesView)
    }

    private static func number(_ text: String) -> Int? {
        Int(text).flatMap { String($0) == text && $0 > 0 ? $0 : nil }
    }

    /// In the one form that base64 gives it.
    private static func bytes(_ text: String) -> [UInt8]? {
        Data(base64Encoded: text).flatMap { $0.base64EncodedString() == text ? Array($0) : nil }
    }
}
