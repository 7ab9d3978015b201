/// What a process of the host does. Between processes there is nothing but the journal's files and the books.
package enum HostRole: String, CaseIterable, Sendable {
    /// Reads the devices and keeps the journal; it opens no way to the network's services.
    case acquire
    /// Delivers what the journal holds; it touches no line and writes nothing of the record.
    case uplink
    /// Both in one process.
    case all

    package var acquires: Bool { self != .uplink }
    var delivers: Bool { self != .acquire }
}
