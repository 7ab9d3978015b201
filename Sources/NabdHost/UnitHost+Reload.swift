import DevicePlans
import LineEngine
import Fieldbus
import Foundation
import Synchronization
import DeviceModel
import Logging
import Observability
import ProfileLanguage
import RealTime
import Sampling
import UnixSignals

/// The configuration read anew while the host runs: on SIGHUP.
extension UnitHost {
    /// Waits for the word until it is cancelled.
    func reloadWhenTold() async {
        guard let reading else { return }
        for await _ in await UnixSignalsSequence(trapping: .sighup) {
            let manager = ServiceManager()
            manager?.tell(.reloading(at: MonotonicClock().now()))
            do { await reload(try reading()) } catch {
                logger.error(
                    "the configuration cannot be read: the host goes on as it is",
                    metadata: ["reason": "\(error)"])
                await refuse("\(error)")
            }
            await tellReady(manager)
        }
    }

    /// A manager whose queue is full is told a moment later; until then it waits.
    private func tellReady(_ manager: ServiceManager?) async {
        guard let manager, recorder.totals.isUnderWay else { return }
        while !Task.isCancelled, !manager.tell(.ready) { try? await Task.sleep(for: .milliseconds(100)) }
    }

    private func refuse(_ reason: String) async {
        let event = UnitEvent.settingRefused(
            device: nil, setting: "nabd", reason: reason, at: MonotonicClock().now())
        try? await recorder.change(LineChange(events: [event], alerts: [(.settingRefused, nil, true)]))
    }

    /// Opens and closes what changed; every other line goes on undisturbed.
    func reload(_ read: UnitConfiguration) async {
        let before = configuration
        let names = desk?.drivenLines ?? []
        let driven = before.lines.map(\.address).filter { names.contains($0.description) }
        let plan = UnitReload(from: before, to: read, driven: Set(driven))
        for sentence in plan.waiting { logger.warning("\(sentence)") }
        for handle in plan.kept {
            logger.error("the new entry is faulty: the device goes on as it was", metadata: ["device": "\(handle)"])
        }
        let begun = plan.begun.map { LineWorker(address: $0.address, plans: $0.plans) }
        let ended = workers.filter { plan.ended.contains($0.address) }
        do {
            // The journal first: what it does not know is not read.
            try await recorder.change(LineChange(added: begun, alerts: alerts(before, plan.configuration)))
            // What has ended gives no more signs of life, and owes none.
            running.withLock { running in running.workers.removeAll { worker in ended.contains { $0 === worker } } }
            await Self.stop(ended)
            try await recorder.change(
                LineChange(
                    removed: ended, events: events(plan),
                    unit: plan.changesBeds || plan.changesFar ? plan.configuration : nil))
        } catch {
            logger.error("the configuration is not taken", metadata: ["reason": "\(error)"])
            return
        }
        let started = begun.filter(start)
        running.withLock { running in
            running.configuration = plan.configuration
            running.workers += started
        }
        keepProfiles()
        var lines: Logger.Metadata = [:]
        if !plan.begun.isEmpty { lines["opened"] = "\(plan.begun.map(\.address.description).joined(separator: " "))" }
        if !plan.ended.isEmpty { lines["closed"] = "\(plan.ended.map(\.description).joined(separator: " "))" }
        logger.notice(
            "the configuration was read anew\(lines.isEmpty ? ": no line was opened or closed for it" : "")",
            metadata: lines)
    }

    /// Ends lines, on a thread of its own: a port may be slow to close, and nobody else is to wait for it.
    private static func stop(_ workers: [LineWorker]) async {
        guard !workers.isEmpty else { return }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                for worker in workers { worker.askToStop() }
                for worker in workers { worker.stop() }
                continuation.resume()
            }
        }
    }

    /// Returns whether it runs.
    private func start(_ worker: LineWorker) -> Bool {
        do {
            worker.recorder.beat.give(at: MonotonicClock().now())
            try worker.start(priority: configuration.realTimePriority)
            return true
        } catch {
            logger.critical(
                "a line cannot be read: the system gives it no thread",
                metadata: ["line": "\(worker.address)", "reason": "\(error)"])
            return false
        }
    }

    private func events(_ plan: UnitReload) -> [UnitEvent] {
        let now = MonotonicClock().now()
        return plan.released.map { .deviceReleased($0, at: now) }
            + plan.configuration.devices.filter { plan.configured.contains($0.plan.handle) }.map {
                .configured($0, at: now)
            } + plan.configuration.refused.map { .refused($0, at: now) }
    }

    /// The alerts that a configuration stands for, against those of the one before.
    private func alerts(_ before: UnitConfiguration, _ after: UnitConfiguration) -> [(AlertKind, String?, Bool)] {
        let now = after.refused.map(\.alert)
        let gone: [(alert: AlertKind, device: String?)] =
            (before.refused.map(\.alert) + [(.settingRefused, nil)]).filter { old in
                !now.contains { $0 == old }
            }
        return gone.map { ($0.alert, $0.device, false) } + now.map { ($0.alert, $0.device, true) }
    }
}
