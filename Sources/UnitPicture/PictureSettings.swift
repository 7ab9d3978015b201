/// What a picture says of the unit that its journal does not.
package struct PictureSettings: Sendable {
    /// The machine's boot: a session of another one is over, and its times are of another clock.
    package let bootID: String
    /// The unit's time zone, by its name in the tz database.
    package let zone: String
    /// How often the host commits. Unit: ns.
    package let commitEvery: Int64

    package init(bootID: String, zone: String, commitEvery: Int64) {
        (self.bootID, self.zone, self.commitEvery) = (bootID, zone, commitEvery)
    }
}

/// One moment by both clocks.
package struct PictureTime: Sendable, Hashable {
    /// Unit: ns of CLOCK_BOOTTIME.
    package let monotonic: Int64
    /// Unit: ns since 1970.
    package let utc: Int64

    package init(monotonic: Int64, utc: Int64) { (self.monotonic, self.utc) = (monotonic, utc) }
}

/// What a commit changed.
package struct PictureBeat: Sendable, Hashable {
    /// The JSON object `beat`, on one line.
    package let changes: [UInt8]
    /// Whether the picture must be sent anew, as a beat cannot say what is other now.
    package let isWhole: Bool
    /// The JSON object `waves` of what is new, by bed; under the empty text that of devices at no bed.
    package let waves: [String: [UInt8]]
}
