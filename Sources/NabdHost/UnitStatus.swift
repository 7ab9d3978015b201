import Fieldbus
import Nomenclature
import Presets
import ProfileLanguage
import DevicePlans
package import SampleJournal
import Sampling
import Alarms
package import DeviceModel
import Foundation
import LineEngine
import RealTime
import Uplink

/// How a running host is, as it tells at its socket: one document for people, for programs and for the live table. Its
/// members are documented in docs/operations.md.
package struct UnitStatus: Sendable {
    /// The word at the host's socket.
    package static let word = "status"
    /// The form's name, in the member `nabd`.
    package static let form = "status/1"

    /// Values older than three periods and half a second are not of now. Unit: ns.
    private static let play: Int64 = 500_000_000

    let summary: HostSummary
    let picture: RecordedPicture
    let uplink: UplinkView.State?
    /// `nil` before the first.
    let examination: UnitExamination?
    let configuration: UnitConfiguration
    /// Unit: ns of the monotonic clock.
    let now: Int64
    /// Unit: ns since 1970.
    let utc: Int64
    let clock: ClockQuality
    let health: UnitHealth

    // MARK: The document

    package var json: JSON {
        .members([
            "nabd": .string(Self.form), "unit": .string(configuration.unit), "version": .string(HostVersion.text),
            "testData": configuration.isTestData ? .bool(true) : nil,
            "time": .string(UTCTime.text(nanoseconds: utc)), "clock": .string(clock.word),
            "health": .members([
                "state": .string(health.state.rawValue), "reasons": .array(health.reasons.map(JSON.string)),
            ]),
            "devices": .array(picture.lines.flatMap(devices)),
            "alerts": .array(picture.alerts.map(alert)),
            "unwatched": picture.unwatched.isEmpty
                ? nil : .array(picture.unwatched.flatMap { unwatched(at: $0.bed, $0.limits) }),
            "lines": .array(summary.lines.map { .members($0.members) }),
            "journal": journal, "uplink": uplink.map(delivery) ?? .null,
            "examined": examination.map { .string(UTCTime.text(nanoseconds: $0.utc)) },
            "certificates": examination.map(certificates), "findings": examination.map(findings),
            "presets": .array(configuration.presets.values.sorted { $0.name < $1.name }.map(preset)),
            "scheduling": summary.scheduling.map(JSON.string), "memory": summary.memory.map { .string($0.rawValue) },
        ])
    }

    private func milliseconds(since time: Int64) -> JSON { .integer(max(0, now - time) / 1_000_000) }

    private func alert(_ alarm: Alarm) -> JSON {
        let alert = alarm.record
        return .members([
            "device": alert.device.map(JSON.string), "vmd": alert.vmd.map(JSON.string),
            "bed": alert.bed.map(JSON.string),
            "alert": .string(alert.name), "priority": .string(alarm.priority.rawValue),
            "text": alert.text.map(JSON.string), "textArabic": alert.arabicText.map(JSON.string),
            "metric": alert.metric.map(JSON.string), "instance": alert.instance.map(JSON.string),
            "began": .string(UTCTime.text(nanoseconds: alarm.began)),
            "acknowledgedBy": alarm.acknowledgedBy.isEmpty
                ? nil : .array(alarm.acknowledgedBy.map(JSON.string)),
            "presence": .string(alarm.presence.rawValue), "activation": .string(alarm.activation.rawValue),
            "unconfirmed": alarm.isUnconfirmed ? .bool(true) : nil,
            "escalated": alarm.isEscalated ? .bool(true) : nil,
            "heldMilliseconds": picture.alertsBegan[alarm.condition].map(milliseconds)
                ?? .integer(max(0, utc &- alarm.began) / 1_000_000),
        ])
    }

    private func unwatched(at bed: String, _ limits: [UnwatchedLimit]) -> [JSON] {
        limits.map {
            .members([
                "bed": .string(bed), "metric": .string($0.metric), "text": .string($0.text),
                "textArabic": .string($0.arabicText),
            ])
        }
    }

    private var journal: JSON {
        .members([
            "samples": .integer(summary.samples), "events": .integer(summary.events), "gaps": .integer(summary.gaps),
            "bytes": .integer(summary.journalBytes), "limitBytes": .integer(configuration.retention.limit),
            "problem": summary.journalProblem.map(JSON.string),
        ])
    }

    private func preset(_ preset: Preset) -> JSON {
        .members([
            "preset": .string(preset.name), "title": .string(preset.title), "titleArabic": .string(preset.arabicTitle),
            "reviewed": .bool(preset.review != nil),
        ])
    }

    private func delivery(_ state: UplinkView.State) -> JSON {
        .members([
            "server": configuration.destination.map(JSON.string), "stored": .integer(state.stored),
            "parked": .integer(state.parked),
            "nothingStoredMilliseconds": state.failingSince.map(milliseconds),
            "monthBytes": .integer(state.month.bytes),
            "monthLimitBytes": configuration.uplinkLimits.bytesPerMonth.map(JSON.integer),
            "sent": .string(state.stage.rawValue), "problem": state.problem.map(JSON.string),
            "identity": state.concern.map(JSON.string),
            "lastStored": state.report?.lastStored.map { .string(UTCTime.text(nanoseconds: $0)) },
            "waitingBehindParked": state.report.map { .integer($0.waitingBehindParked) },
            "mayNotRead": state.report?.mayNotRead == true ? .bool(true) : nil,
            "lanes": state.report?.lanesAsJSON,
        ])
    }

    private func certificates(_ examination: UnitExamination) -> JSON {
        .array(
            examination.certificates.map { certificate in
                .members([
                    "certificate": .string(certificate.which.rawValue),
                    "expires": certificate.expiry.map { .string(UTCTime.text(nanoseconds: Int64($0) * 1_000_000_000)) }
                        ?? .null,
                    "daysLeft": certificate.daysLeft(at: utc).map { .integer($0) } ?? .null,
                ])
            })
    }

    /// What is not as it should be.
    private func findings(_ examination: UnitExamination) -> JSON {
        .array(
            examination.findings.filter { $0.severity != .good }.map { finding in
                .members([
                    "what": .string(finding.what), "severity": .string(finding.severity.rawValue),
                    "words": .string(finding.words),
                ])
            })
    }

    private func devices(of line: RecordedPicture.Line) -> [JSON] {
        line.worker.devices.enumerated().map { index, handle in
            let device = configuration.devices.first { $0.plan.handle == handle }
            let streams = line.worker.streams.indices.filter { line.worker.streams[$0].device == handle }
            let episodic = Set(
                (device?.plan.profile.metrics ?? []).filter(\.isEpisodic).map(\.name.referenceID))
            return .members([
                "device": .string(handle), "profile": device.map { .string($0.plan.profile.name) },
                "line": .string(line.worker.address.description),
                "link": .string(line.links[index].word),
                "hint": (line.links[index].hint ?? refusal(handle, line)).map(JSON.string),
                "values": .array(
                    streams.filter { !line.worker.streams[$0].isWaveform }.map { stream in
                        let descriptor = line.worker.streams[stream]
                        return value(
                            line.newest[stream], of: descriptor, isEpisodic: episodic.contains(descriptor.metric))
                    }),
                "waveforms": .array(streams.compactMap { waveform(line, $0) }),
            ])
        }
    }

    /// What is to be looked at of a device that answers and has given nothing yet, since it refuses what is asked.
    private func refusal(_ handle: String, _ line: RecordedPicture.Line) -> String? {
        let refuses = picture.alerts.contains {
            $0.record.device == handle && $0.record.name == AlertKind.registersRefused.rawValue
        }
        guard refuses, line.newestValue(of: handle) == nil else { return nil }
        return "it refuses what is asked: is it this model, and this address?"
    }

    private func naming(_ stream: StreamDescriptor) -> JSON {
        .members([
            "vmd": stream.vmd.map(JSON.string), "metric": .string(stream.metric),
            "display": .string(stream.name?.display ?? stream.metric),
            "displayArabic": stream.name?.arabicDisplay.map(JSON.string), "unit": stream.unit.map(JSON.string),
        ])
    }

    /// What is not of now, or does not count, has no value here: its age and the reason say what there is.
    private func value(_ record: SampleRecord, of stream: StreamDescriptor, isEpisodic: Bool) -> JSON {
        let time = record.monotonicNanoseconds
        guard time > 0 else { return naming(stream).adding(["value": .null, "reason": .string("awaited")]) }
        let isStale = !isEpisodic && now - time > 3 * stream.periodNanoseconds + Self.play
        let counts = record.validity.carriesValue && !isStale
        let text: String? = if case .text = stream.form { record.textValue } else { nil }
        let reason = isStale ? Reason.stale : record.reason
        let value = counts ? stream.json(bits: record.bits, text: text) : .null
        return naming(stream).adding([
            "value": value, "text": value.shown.map(JSON.string),
            "validity": .string(isStale ? Validity.notAvailable.word : record.validity.word),
            "reason": reason == .none ? nil : .string(reason.word),
            "ageMilliseconds": milliseconds(since: time),
        ])
    }

    private func waveform(_ line: RecordedPicture.Line, _ index: Int) -> JSON? {
        guard let sweep = line.sweep(ofStream: index) else { return nil }
        let stream = line.worker.streams[index]
        return naming(stream).adding([
            "columnNanoseconds": .integer(RecordedPicture.Sweep.columnTime),
            "columns": .array(
                sweep.columns(until: now).map { record in
                    guard let record, record.validity.carriesValue else { return .null }
                    return stream.json(bits: record.bits, text: nil)
                }),
        ])
    }
}

extension DeliveryReport {
    /// The lanes as `nabd uplink status` and the status document tell them.
    package var lanesAsJSON: JSON {
        .array(
            lanes.map { lane in
                .members([
                    "lane": .string(lane.lane.rawValue),
                    "behindSeconds": lane.behind.map { .integer($0 / 1_000_000_000) },
                    lane.lane.isOfSamples ? "backlogSeconds" : "backlogEvents": lane.backlog.map(JSON.integer),
                    "stored": lane.note.stored.map(JSON.integer),
                    "storedPerMinute": lane.note.perMinute.map(JSON.integer),
                    "secondsLeft": lane.note.left.map(JSON.integer),
                    "lastStored": lane.note.lastStored.map { .string(UTCTime.text(nanoseconds: $0)) },
                    "lastError": lane.note.error.map(JSON.string),
                    "lastErrorTime": lane.note.errorTime.map { .string(UTCTime.text(nanoseconds: $0)) },
                    "policy": lane.policy.map(JSON.string),
                    "withheldSeconds": lane.withheld.map { .integer($0 / 1_000_000_000) },
                ])
            })
    }
}

extension JSON {
    /// A value with its digits, for a reader that would lose them.
    fileprivate var shown: String? {
        switch self {
        case .number(let text), .string(let text): text
        default: nil
        }
    }
}

extension RecordedPicture.Link {
    /// The word in the status document.
    var word: String {
        switch self {
        case .awaited: "awaited"
        case .answering: "answering"
        case .silent: "silent"
        case .wrongDevice: "wrongDevice"
        }
    }

    var hint: String? { if case .silent(let hint) = self, !hint.isEmpty { hint } else { nil } }
}
