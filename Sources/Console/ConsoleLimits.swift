/// What a screen's server takes at most, and why so much.
package enum ConsoleLimits {
    /// Screens at once: a unit has a few, and each costs a copy of every beat in memory.
    package static let screens = 16
    /// Of far clinicians, apart: they take no place of the unit's own.
    package static let farScreens = 8
    /// Connections at once. A browser opens up to six to one host; beyond this the one that has been idle longest is
    /// closed for the new one.
    package static let connections = 64
    /// A request's body. Unit: bytes. The longest line that the people's socket takes.
    package static let body = 16 << 10
    /// A request's target, path and query. Unit: bytes. 32 streams and two times take less than 1 KiB.
    package static let target = 2 << 10
    /// A request's head, its target included. Unit: bytes. What browsers send is below 2 KiB.
    package static let head = 16 << 10
    /// Fields of a head.
    package static let fields = 64
    /// How long a whole request may take to come, its head and then its body, and how long a connection may be idle.
    /// Unit: s.
    package static let patience: Int64 = 10
    /// How long a client may take nothing of what it is sent. Unit: s. Its buffer is full by then.
    package static let standing: Int64 = 10
    /// What the system keeps of what a client has not taken. Unit: bytes. More would hide for minutes that a screen
    /// stands.
    package static let sendBuffer = 64 << 10

    /// How long what a screen has not taken may wait before waves are left out, and before the screen is closed.
    /// Unit: ns. The page says after 2 s without a beat that the server is lost; nobody reads what is 5 s old.
    package static let wavesWait: Int64 = 1_000_000_000
    package static let beatsWait: Int64 = 5_000_000_000
    /// And how much of it. Unit: bytes. 8 beds of 4 waves are about 32 kB a second; a picture is below 256 KiB.
    package static let wavesBytes = 256 << 10
    package static let queueBytes = 2 << 20

    /// Without a commit, a beat comes all the same. Unit: ms.
    package static let beatEvery = 500

    /// Answers out of the past at once: each reads the disk, which the host writes to. Others wait, so many.
    package static let histories = 2
    package static let historiesWaiting = 14

    /// Asks at the people's socket at once, stops apart. The socket takes eight callers.
    package static let asks = 4
    /// Stops at once: each is followed for up to 33 s, and is told to the pump before that.
    package static let stops = 8

    /// The screen's files together, one of them, and how many. Unit: bytes.
    package static let filesBytes = 8 << 20
    package static let fileBytes = 2 << 20
    package static let files = 128
}
