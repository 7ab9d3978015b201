/// How far a value may be relied on: the IEEE 11073 MeasurementValidity words, spelled out.
///
/// Raw values are stored in the journal; they are never renumbered.
@usableFromInline package enum Validity: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case valid = 0
    case validated = 1
    case ongoing = 2
    case questionable = 3
    case calibrationOngoing = 4
    case invalid = 5
    case overflow = 6
    case underflow = 7
    case notAvailable = 8

    /// The word in JSON lines and profiles.
    package var word: String {
        switch self {
        case .valid: "valid"
        case .validated: "validated"
        case .ongoing: "ongoing"
        case .questionable: "questionable"
        case .calibrationOngoing: "calibrationOngoing"
        case .invalid: "invalid"
        case .overflow: "overflow"
        case .underflow: "underflow"
        case .notAvailable: "notAvailable"
        }
    }

    package init?(word: String) {
        guard let match = Validity.allCases.first(where: { $0.word == word }) else { return nil }
        self = match
    }

    /// Whether a number with this validity may be read as the quantity.
    @inlinable package var carriesValue: Bool {
        switch self {
        case .valid, .validated, .questionable: true
        default: false
        }
    }
}

/// Why a sample is not plainly valid. Raw values are stored in the journal; they are never renumbered.
@usableFromInline package enum Reason: UInt8, Sendable, BitwiseCopyable, CaseIterable {
    case none = 0
    /// The device did not answer in time.
    case timedOut = 1
    /// The frame's checksum did not match.
    case checksumMismatch = 2
    /// Part of a longer message was lost.
    case frameLost = 3
    /// The message was whole but its content was not what the profile says.
    case malformed = 4
    /// The device answered that it cannot (a Modbus exception, an error reply).
    case deviceException = 5
    /// The line is closed, unplugged or unreachable.
    case disconnected = 6
    /// The device sent its code for "no value".
    case sentinel = 7
    /// A status bit of the device says that the value does not count.
    case deviceStatus = 8
    /// The value lies outside what the profile calls plausible. It is kept raw, never clamped.
    case implausible = 9
    /// A floating-point register held NaN or an infinity.
    case notANumber = 10
    /// The device's own serial number is not the one expected on this line.
    case wrongDevice = 11
    /// No fresh sample within three periods.
    case stale = 12
    /// The text was longer than a sample can hold.
    case tooLong = 13
    /// The number had more digits than the stream can hold exactly; it is never rounded.
    case tooPrecise = 14
    /// The message was whole but does not have this value.
    case absent = 15
    /// The device told a unit that the profile does not know.
    case unknownUnit = 16
    /// Two different answers came to one request: which device said which is not known.
    case conflictingReplies = 17
    /// The value changed by more than the profile calls possible between two samples. It is kept raw, never smoothed.
    case jump = 18
    /// What decides whether the value counts is not known now: it did not come, not lately, or it was garbled.
    case unknownStatus = 19
    /// A result that is not known to be of now: the device had it before, or its own time says so.
    case storedResult = 20
    /// What must move, so that the device is known to be behind its values, has not moved.
    case frozen = 21

    /// Whether it says of the line, and not of what the device said, that there is no value.
    package var isOfLink: Bool {
        switch self {
        case .timedOut, .disconnected, .stale: true
        default: false
        }
    }

    /// The word in JSON lines and profiles.
    package var word: String {
        switch self {
        case .none: "none"
        case .timedOut: "timedOut"
        case .checksumMismatch: "checksumMismatch"
        case .frameLost: "frameLost"
        case .malformed: "malformed"
        case .deviceException: "deviceException"
        case .disconnected: "disconnected"
        case .sentinel: "sentinel"
        case .deviceStatus: "deviceStatus"
        case .implausible: "implausible"
        case .notANumber: "notANumber"
        case .wrongDevice: "wrongDevice"
        case .stale: "stale"
        case .tooLong: "tooLong"
        case .tooPrecise: "tooPrecise"
        case .absent: "absent"
        case .unknownUnit: "unknownUnit"
        case .conflictingReplies: "conflictingReplies"
        case .jump: "jump"
        case .unknownStatus: "unknownStatus"
        case .storedResult: "storedResult"
        case .frozen: "frozen"
        }
    }

    package init?(word: String) {
        guard let match = Reason.allCases.first(where: { $0.word == word }) else { return nil }
        self = match
    }
}
