package import DeviceModel

extension JournalWriter {
    /// Something that happened, on its way to the journal.
    package struct Event {
        package let kind: String
        package let device: String?
        /// Further members; never patient data.
        package let body: JSON
        /// Unit: ns of the monotonic clock.
        package let monotonic: Int64

        package init(_ event: UnitEvent) {
            (kind, device, body, monotonic) = (event.kind.name, event.device, event.members, event.monotonic)
        }

        /// An event of any name, for tests: the journal keeps what it does not know.
        package init(_ kind: String, device: String? = nil, body: KeyValuePairs<String, JSON?> = [:], monotonic: Int64)
        {
            (self.kind, self.device, self.body, self.monotonic) = (kind, device, JSON.members(body), monotonic)
        }
    }
}
