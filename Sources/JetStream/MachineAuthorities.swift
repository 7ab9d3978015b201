import Glibc

/// The library trusts the authorities of the machine beside the one that it is given, and cannot be told otherwise.
/// OpenSSL, which it goes by, finds those where these two variables say.
package enum MachineAuthorities {
    private static let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
    private static let nowhere = "/dev/null"

    /// Has the process find none of them. At its beginning: variables are changed while nobody else reads them.
    package static func leaveOut() { for name in variables { setenv(name, nowhere, 1) } }

    /// Whether the process finds none: without that no connection is made.
    static var areLeftOut: Bool { variables.allSatisfy { name in getenv(name).map { String(cString: $0) } == nowhere } }
}
