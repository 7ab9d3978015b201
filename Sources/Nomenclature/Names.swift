package import DeviceModel

/// What a metric's name says: its number, its quantity and its words.
package struct MetricName: Sendable, Hashable {
    /// The IEEE 11073 reference identifier (`MDC_…`), a name of the project's own (`NABD_…`), or one that a site or a
    /// profile declares.
    package let referenceID: String
    /// The context-free code (partition × 65536 + term); `nil` where no number is verified.
    package let code: UInt32?
    /// The code system of a name without a number, a URI.
    package let system: String
    /// The units of the quantities it is measured in; empty when the table leaves it open. Values in any unit of these
    /// quantities fit.
    package let measuredIn: [String]
    /// Whether its values are words.
    package let isText: Bool
    package let category: MetricCategory
    /// Where its number was seen, and how many sources agree; empty without a number.
    package let proof: String
    /// What a person reads, in English and in Arabic; `nil` where no Arabic words are known.
    package let display: String
    package let arabicDisplay: String?
    /// LOINC codes by the class of the device, only where the pair was checked.
    package let loinc: [DeviceClass: String]
}

/// Whom the values of a device are about.
package enum DeviceClass: String, Sendable, CaseIterable {
    case patient
    /// A specimen or a preparation.
    case laboratory
    /// The mobile unit itself: its fridge, its power, its position.
    case unit
}

/// What a kind of device is to its readers.
package struct DeviceKind: Sendable, Hashable {
    package let `class`: DeviceClass
    /// Its type as a whole device in ISO/IEEE 11073-10101; `nil` where no number is verified.
    package let type: DeviceType?
}

/// A type of device with its context-free code.
package struct DeviceType: Sendable, Hashable {
    /// Such as `MDC_DEV_PUMP_INFUS_MDS`.
    package let referenceID: String
    package let code: UInt32
}

/// A condition that an alert may name.
package struct EventName: Sendable, Hashable {
    package let referenceID: String
    /// The context-free code; `nil` where no number is verified, or where two sources differ.
    package let code: UInt32?
    package let system: String
    package let proof: String
    package let display: String
    package let arabicDisplay: String?
}

/// A unit of measure as the records service reads it.
package struct UnitOfMeasure: Sendable, Hashable {
    /// The case-sensitive UCUM code, such as `mm[Hg]`.
    package let ucum: String
    /// What a person reads beside a number, such as `mmHg`.
    package let display: String
    /// The IEEE 11073-10101 unit code, where one was cross-checked; `nil` otherwise, never a guess.
    package let code: UInt32?
    package let quantity: Quantity
}
