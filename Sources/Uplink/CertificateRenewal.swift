import DeviceModel
import Foundation
package import Logging
import Synchronization

/// Has this unit's certificate renewed when a third of its life is left, and tries again until it is. The file that it
/// changes is read again by whoever uses it.
package final class CertificateRenewal: Sendable {
    /// How often it is looked whether something is due. Unit: s.
    private static let lookEvery: Int64 = 10
    /// How often the server is asked which authorities it has, and how soon again when it did not answer.
    private static let compareEvery = (answered: Duration.seconds(86_400), failed: Duration.seconds(3600))

    private struct State {
        var renewal = RenewalState()
        var hasBegun = false
        /// From when on the certificate in use is to be renewed. Unit: s since 1970.
        var due: Int64?
        /// What is there and cannot be renewed, though it may be used.
        var obstacle: String?
        var difference: String?
        var compareAt: ContinuousClock.Instant?
    }

    private let enrolment: Enrolment
    private let now: @Sendable () -> Int64?
    private let logger: Logger
    private let state = Mutex(State())
    private let began = ContinuousClock.now

    /// - Parameters:
    ///   - service: where the certificate is used.
    ///   - now: `nil` while the clock is not set. Unit: s since 1970.
    ///   - meter: counts what goes over its connections.
    package init(
        _ settings: EnrolmentSettings, for service: UplinkEndpoint, meter: WireMeter, logger: Logger,
        now: @escaping @Sendable () -> Int64?
    ) {
        enrolment = Enrolment(settings, for: service, meter: meter)
        (self.logger, self.now) = (logger, now)
    }

    /// What a person must put right, or the certificate ends; `nil` when there is nothing.
    var concern: String? {
        state.withLock { state in
            state.obstacle ?? state.renewal.fault.flatMap { $0.isForPeople ? $0.description : nil }
        }
    }

    /// How far it is, for people.
    var report: JSON {
        let state = state.withLock { $0 }
        return .members([
            "due": state.due.map { .string(UTCTime.text(nanoseconds: $0 * 1_000_000_000)) },
            "failures": state.renewal.failures > 0 ? .integer(state.renewal.failures) : nil,
            "reason": state.renewal.fault.map { .string($0.description) },
            "authorities": state.difference.map(JSON.string),
        ])
    }

    /// Renews until the task is cancelled.
    package func run() async {
        // Where that cannot be done, a renewal says why.
        try? enrolment.tidy()
        while !Task.isCancelled {
            await look()
            let usual = ContinuousClock.now + .seconds(Self.lookEvery)
            let next = state.withLock { $0.renewal.until }.flatMap { $0 > .now ? $0 : nil }
            try? await Task.sleep(until: min(usual, next ?? usual), clock: .continuous)
        }
    }

    private func look() async {
        let span = enrolment.span
        let due = span.map { enrolment.settings.due(from: $0.from, to: $0.to) }
        let time = now()
        let obstacle = span == nil ? enrolment.obstacle : nil
        let step = state.withLock { state in
            (state.due, state.obstacle) = (due, obstacle)
            if let span, let time, !state.hasBegun {
                state.hasBegun = true
                state.renewal.begin(left: span.to - time, at: began, chance: .random(in: 0...1))
            }
            return state.renewal.step(due: due, now: time, at: .now)
        }
        switch step {
        case .waitForClock, .waitForCertificate: return
        case .rest: await compare()
        // Somebody enrols the unit: what was asked for with a password comes first.
        case .ask where enrolment.isFirstUnderWay: return
        case .ask: await renew(left: (span?.to ?? 0) - (time ?? 0), at: time ?? 0)
        }
    }

    /// - Parameters:
    ///   - left: of the certificate in use. Unit: s.
    ///   - time: unit: s since 1970.
    private func renew(left: Int64, at time: Int64) async {
        do throws(EnrolmentFault) {
            let done = try await enrolment.renew()
            let until = UTCTime.text(nanoseconds: Int64(done.end) * 1_000_000_000)
            let due = enrolment.settings.due(from: Int64(done.begin), to: Int64(done.end))
            let (isNew, fault) = state.withLock { state in
                let before = state.renewal.fault
                state.renewal.succeed(due: due, end: Int64(done.end), now: time, at: .now)
                return (before != state.renewal.fault, state.renewal.fault)
            }
            logger.notice(
                "the unit's certificate was renewed", metadata: ["until": "\(until)", "sha256": "\(done.digest)"])
            if isNew, let fault {
                logger.warning(
                    "the unit's new certificate is to be renewed already", metadata: ["reason": "\(fault.description)"])
            }
            tell(done.difference)
        } catch {
            // A stop is nobody's failure.
            guard !Task.isCancelled else { return }
            let isNew = state.withLock { state in
                let before = state.renewal.fault
                state.renewal.fail(error, left: left, at: .now, chance: .random(in: 0...1))
                return before?.description != error.description
            }
            guard isNew else { return }
            logger.warning(
                "the unit's certificate could not be renewed; it is tried again",
                metadata: ["reason": "\(error.description)"])
        }
    }

    /// Asks which authorities the server has, once a day: that one is about to change is better known before it has.
    private func compare() async {
        let isDue = state.withLock { state in state.compareAt.map { .now >= $0 } ?? true }
        guard isDue else { return }
        do throws(EnrolmentFault) {
            tell(try await enrolment.difference())
        } catch { state.withLock { $0.compareAt = .now + Self.compareEvery.failed } }
    }

    private func tell(_ difference: String?) {
        let isNew = state.withLock { state in
            defer { (state.difference, state.compareAt) = (difference, .now + Self.compareEvery.answered) }
            return state.difference != difference
        }
        guard isNew, let difference else { return }
        logger.warning(
            "the EST server's authorities are not those of this unit", metadata: ["what": "\(difference)"])
    }
}
