/// The version of this program.
package enum HostVersion {
    package static let text = "0.2.0"
}
