/// What a process of the host does. Between processes there is nothing but the journal's files, the
/// books, and the clock's file.
package enum HostRole: String, CaseIterable, Sendable {
    /// Reads the devices and keeps the journal; it opens no way to the network's services.
    case acquire
    /// Delivers what the journal holds; it touches no line and writes nothing of the record.
    case uplink
    /// Shows screens what the journal holds, and hands on what people ask there; it writes nothing.
    case console
    /// Asks the kernel how sure the wall clock is, for a process that may not.
    case clock
    /// Acquire, uplink and console in one process.
    case all

    package var acquires: Bool { self == .acquire || self == .all }
    var delivers: Bool { self == .uplink || self == .all }
    var shows: Bool { self == .console || self == .all }
}
