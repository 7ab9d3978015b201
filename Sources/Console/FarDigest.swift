import Crypto

/// SHA-256 as it names a certificate.
enum FarDigest {
    /// 64 hexadecimal digits.
    static func text(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
