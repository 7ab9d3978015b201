/// Whether this program can command a pump at all. The package's trait `Commands` decides it when it is built.
package enum CommandPath {
    #if Commands
    package static let isBuilt = true
    #else
    package static let isBuilt = false
    #endif

    /// What whoever asks a program without it for a command is told.
    package static let lacking =
        "this is the monitor-only build of Nabd: it has no command path, only reads, and drives no pump; to command "
        + "pumps the unit needs the usual package, which is built with the trait “Commands”"
}
