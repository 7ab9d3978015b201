import DeviceModel

extension JournalWriter {
    /// Something that happened, on its way to the journal.
    public struct Event {
        public let kind: String
        public let device: String?
        /// Further members; never patient data.
        public let body: JSON
        /// Unit: ns of the monotonic clock.
        public let monotonic: Int64

        public init(_ kind: String, device: String? = nil, body: KeyValuePairs<String, JSON?> = [:], monotonic: Int64) {
            self.init(kind, device: device, members: JSON.members(body), monotonic: monotonic)
        }

        /// - Parameter members: an object.
        public init(_ kind: String, device: String?, members: JSON, monotonic: Int64) {
            self.kind = kind
            self.device = device
            body = members
            self.monotonic = monotonic
        }
    }
}
