/// Why there is no new certificate, each in a sentence that says who must do what. Nothing of it is the server's text.
package enum EnrolmentFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// Nothing came back, or what answers there is not to be trusted.
    case way(String)
    /// The server asks for patience, or has a fault of its own. Unit: s.
    case notNow(status: Int, retryAfter: Int64?)
    /// The server has the request, and somebody or something there has to release it. Unit: s.
    case pending(retryAfter: Int64)
    case refused(status: Int, isFirst: Bool)
    case redirected
    case otherContent
    case unreadable(CertificateText)
    case wrongKey
    case severalForTheKey
    case otherAuthority
    case notYetValid
    case expired
    case otherName(String)
    case notForClients
    case weak
    case ofAuthority
    case noLonger
    /// The records service answers who shows the former certificate, and does not so answer who shows the new one.
    case notTaken
    /// The records service answered who showed the former certificate, and then nothing that says whether it takes the
    /// new one.
    case unproved
    /// The process ends.
    case stopped
    /// The certificate that was given is to be renewed already.
    case dueAtOnce
    /// The unit's certificate is over: its renewal may be refused for that.
    case former(String)
    /// What is done on this machine failed.
    case files(String)

    /// What of an answer cannot be read.
    package enum CertificateText: Error, Sendable, Equatable {
        case tooLong, noBase64, noCertificatesOnly, tooMany, none, unreadableCertificate
    }

    /// Whether a person must do something; otherwise it is worth waiting.
    package var isForPeople: Bool {
        switch self {
        case .way, .notNow, .pending, .unproved, .stopped: false
        default: true
        }
    }

    /// How long the server asks for patience. Unit: s.
    package var retryAfter: Int64? {
        switch self {
        case .notNow(_, let retryAfter): retryAfter
        case .pending(let retryAfter): retryAfter
        default: nil
        }
    }

    package var description: String {
        switch self {
        case .way(let reason): "no certificate: \(reason)"
        case .notNow(let status, _): "no certificate: the EST server answers HTTP \(status)"
        case .pending(let time):
            "the EST server has the request and gives nothing yet: the same is asked for again in \(time) s"
        case .refused(401, true):
            "the EST server does not take the one-time password (HTTP 401): is it this unit's, and not used up?"
        case .refused(401, false), .refused(403, false):
            "the EST server does not renew this unit's certificate: its operator must allow it, or enrol the unit "
                + "again with a new password (“nabd uplink enrol --again”)"
        case .refused(let status, _):
            "the EST server refuses (HTTP \(status)): are “server” and “subject” as its operator has them?"
        case .redirected: "the EST server sends this unit elsewhere, which it does not follow: correct “server”"
        case .otherContent: "what answers is no EST server: its answer is of another type than certificates"
        case .unreadable(let what): "the answer of the EST server \(Self.words(what))"
        case .wrongKey: "the certificate that the EST server gave is not for the key that this unit made"
        case .severalForTheKey: "the EST server gave more than one certificate for the key that this unit made"
        case .otherAuthority:
            "the certificate that the EST server gave is not signed by an authority that this unit trusts "
                + "(“authority”)"
        case .notYetValid:
            "the certificate that the EST server gave is not valid yet: this unit's clock is behind, or that "
                + "server's is ahead"
        case .expired:
            "the certificate that the EST server gave is over: this unit's clock is ahead, or that server's is behind"
        case .otherName(let name): "the certificate that the EST server gave is for another name than “\(name)”"
        case .notForClients: "the certificate that the EST server gave is not for TLS client authentication"
        case .weak: "the certificate that the EST server gave, or one above it, has a weak key or a weak signature"
        case .ofAuthority: "the certificate that the EST server gave is one of an authority, not of a unit"
        case .noLonger: "the certificate that the EST server gave lasts no longer than the one in use"
        case .notTaken:
            "the records service does not take the certificate that the EST server gave, and takes the former: its "
                + "operator must know both servers"
        case .unproved:
            "the records service was not heard to take the certificate that the EST server gave, and answers the "
                + "former: the new one is not put in place until it is"
        case .stopped: "no certificate: this process was stopped before it was in place"
        case .dueAtOnce:
            "the certificate that the EST server gave is to be renewed already, as this unit's clock has it: is the "
                + "clock ahead? If it is right, the operator must have certificates begin when they are signed"
        case .former(let reason):
            "this unit's certificate is over and could not be renewed: enrol the unit again with a new password "
                + "(“nabd uplink enrol --again”) — \(reason)"
        case .files(let reason): reason
        }
    }

    private static func words(_ what: CertificateText) -> String {
        switch what {
        case .tooLong: "is longer than what is read of one"
        case .noBase64: "is no base64"
        case .noCertificatesOnly: "is no list of certificates (PKCS #7, certs-only)"
        case .tooMany: "has more certificates than are read"
        case .none: "has no certificate in it"
        case .unreadableCertificate: "has a certificate in it that cannot be read"
        }
    }
}
