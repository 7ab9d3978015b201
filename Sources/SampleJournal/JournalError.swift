/// Why the journal cannot be used, in words that tell what to do.
package enum JournalError: Error, CustomStringConvertible {
    /// Another process writes this journal.
    case heldByAnother(directory: String)
    case booksHeldByAnother(directory: String)
    /// `cause` is the database's own error, when it has one.
    case cannotCreate(path: String, reason: String, cause: (any Error)? = nil)
    case notAJournal(directory: String)
    /// It is there, and this user has no right to read it.
    case mayNotBeRead(path: String)
    /// The file was written by another version.
    case otherVersion(found: Int, known: Int)
    /// SQLite did not take a setting that durability rests on.
    case settingRefused(setting: String, found: String)
    /// There is no room, and what room was reserved is for events.
    case diskFull(directory: String)
    /// What is on the disk now is not what was read at the start, when nothing could be written.
    case changedMeanwhile(directory: String)

    package var description: String {
        switch self {
        case .heldByAnother(let directory):
            "the journal in \(directory) is written by another process: one journal has one host; stop the other first"
        case .booksHeldByAnother(let directory):
            "the books in \(directory) are kept by another process: one journal has one uplink; stop the other first"
        case .cannotCreate(let path, let reason, _):
            "\(path) cannot be created or opened (\(reason)): \(FileOwner.suspicion(path))check the owner "
                + "of it and of its folder, and the disk"
        case .notAJournal(let directory):
            "there is no journal in \(directory): give the folder that “journal: directory” names"
        case .mayNotBeRead(let path):
            "\(path) may not be read by this user: the journal is for the host's user and its group; become one of the "
                + "group, or use sudo"
        case .otherVersion(let found, let known):
            "the journal is of version \(found); this program knows version \(known): keep its folder, and give "
                + "another under “journal: directory”"
        case .settingRefused(let setting, let found):
            "SQLite did not accept \(setting) (it says \(found)): the journal would not survive a power cut, so it is "
                + "not used"
        case .changedMeanwhile(let directory):
            "the journal in \(directory) is not the one that was there when the host started on a read-only disk "
                + "(another host wrote it, another disk was mounted, or it could not be read then): start the host anew"
        case .diskFull(let directory):
            "the disk of \(directory) is full: make room; samples wait in memory, events still find room"
        }
    }
}
