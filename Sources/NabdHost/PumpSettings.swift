/// Where a unit has what lets its pumps be driven.
package struct PumpSettings: Sendable, Hashable {
    /// The folder with `policy.yaml`, `library.yaml`, `orders.yaml` and their signatures.
    package let rules: String
    /// The public key that they are signed with, as signify writes it.
    package let key: String
}

/// The way in for people: who they are, and where they ask.
package struct PeopleSettings: Sendable, Hashable {
    /// The file of those who may sign in.
    package let operators: String
    /// The Unix socket at which they ask.
    package let socket: String
}
