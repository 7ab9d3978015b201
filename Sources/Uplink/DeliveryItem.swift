import DeviceModel
import FHIRMapping
import SampleJournal

/// A resource to be delivered, where it comes from, and what it refers to.
struct DeliveryItem {
    enum Content {
        /// The host, a device, a part of it, or a metric.
        case description(FHIRResource)
        /// - unfiled: an alarm as the device's own, for a service that does not take its patient.
        case event(FHIRResource, device: String?, subject: String?, unfiled: FHIRResource? = nil)
        case run(SampleRun, of: StreamDescriptor, session: String)
        /// The newest value of a run, as a quantity.
        case newest(FHIRResource, of: StreamDescriptor, subject: String?)
        /// As it was sent before, when the journal does not have it any more.
        case kept(url: String, json: String)
    }

    let resource: FHIRResource
    let origin: DeliveryOrigin
    /// The stream whose description it refers to.
    let stream: StreamDescriptor?
    /// The device that it is about.
    let device: String?
    /// The patient whose description it refers to, by the digest.
    let subject: String?
    /// An alarm that is filed under a patient, as the device's own.
    let unfiled: FHIRResource?
    let bytes: Int
    private let run: SampleRun?
    private let session: String
    private let window: Int64

    var url: String { resource.url }
    var isDescription: Bool { origin == .description }

    init(_ content: Content, window: Int64 = 0, _ mapper: FHIRMapper, origin: DeliveryOrigin) {
        self.origin = origin
        self.window = window
        let made: FHIRResource
        switch content {
        case .description(let resource):
            (made, stream, device, subject, unfiled) = (resource, nil, nil, nil, nil)
            (run, session) = (nil, "")
        case .event(let resource, let device, let subject, let unfiled):
            (made, stream, self.device, self.subject, self.unfiled) = (resource, nil, device, subject, unfiled)
            (run, session) = (nil, "")
        case .run(let run, let stream, let session):
            made = mapper.observation(run, of: stream, session: session, window: window)
            (self.stream, device, subject, unfiled) = (stream, stream.device, run.filing.subject, nil)
            (self.run, self.session) = (run, session)
        case .newest(let resource, let stream, let subject):
            (made, self.stream, device, self.subject, unfiled) = (resource, stream, stream.device, subject, nil)
            (run, session) = (nil, "")
        case .kept(let url, let json):
            (made, stream, device, subject) = (FHIRResource(url: url, text: json), nil, nil, nil)
            (unfiled, run, session) = (nil, nil, "")
        }
        // As text it takes a tenth of the room.
        let text = made.json.text
        resource = FHIRResource(url: made.url, text: text)
        bytes = text.utf8.count
    }

    /// The two halves of an observation that is more than a service takes; `nil` where there is nothing to cut.
    func halves(_ mapper: FHIRMapper) -> [DeliveryItem]? {
        guard let run, let stream, let (first, second) = run.halves(period: stream.periodNanoseconds) else {
            return nil
        }
        return [first, second].map {
            DeliveryItem(.run($0, of: stream, session: session), window: window, mapper, origin: origin)
        }
    }

    /// The same as the device's own, under its address; `nil` for what is no alarm that is filed under a patient.
    var asUnfiled: DeliveryItem? { unfiled.map { DeliveryItem(self, as: $0) } }

    private init(_ other: DeliveryItem, as resource: FHIRResource) {
        let text = resource.json.text
        (self.resource, origin, bytes) = (FHIRResource(url: resource.url, text: text), other.origin, text.utf8.count)
        (stream, device, subject, unfiled) = (other.stream, other.device, nil, nil)
        (run, session, window) = (nil, other.session, other.window)
    }

    func parked(_ cause: ParkedResource.Cause, _ reason: String, utc: Int64) -> ParkedResource {
        ParkedResource(
            url: url, cause: cause, reason: reason, origin: origin,
            resource: cause == .refused ? resource.json.text : "",
            utc: utc)
    }
}
