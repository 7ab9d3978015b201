import Fieldbus
import Alarms
import DeviceModel
import LineEngine
import Observability
import RealTime
import SampleJournal
import Sampling
import Uplink

extension UnitHost {
    /// What has been counted so far, and how old what is known is, for Prometheus.
    var metrics: MetricsText {
        var text = summary.metrics
        let (picture, now) = (recorder.totals.picture, MonotonicClock().now())
        text.family("nabd_build_info", .gauge, "1; the version of the host.")
        text.sample("nabd_build_info", ["version": HostVersion.text], 1)
        text.family("nabd_alerts", .gauge, "Alerts that hold, of the host and of its devices.")
        for priority in AlertPriority.allCases {
            let count = picture.alerts.count { $0.priority == priority }
            text.sample("nabd_alerts", ["priority": priority.rawValue], Double(count))
        }
        text.family(
            "nabd_device_newest_value_age_seconds", .gauge,
            "How long ago the newest value that counts came from the device; NaN before the first.")
        for line in picture.lines {
            for device in line.worker.devices {
                let newest = line.newestValue(of: device)
                text.sample(
                    "nabd_device_newest_value_age_seconds",
                    ["line": line.worker.address.description, "device": device],
                    newest.map { Double(max(0, now - $0)) / 1e9 } ?? .nan)
            }
        }
        guard let state = view?.now else { return text }
        text.family(
            "nabd_uplink_nothing_stored_seconds", .gauge,
            "For how long nothing could be stored at the records service; 0 while it can.")
        text.sample(
            "nabd_uplink_nothing_stored_seconds", [:],
            state.failingSince.map { Double(max(0, now - $0)) / 1e9 } ?? 0)
        text.family(
            "nabd_uplink_month_bytes", .gauge, "Bytes that went to and from the records service in this month, UTC.")
        text.sample("nabd_uplink_month_bytes", [:], Double(state.month.bytes))
        if let limit = configuration.uplinkLimits.bytesPerMonth {
            text.family("nabd_uplink_month_limit_bytes", .gauge, "Bytes that may go in a month.")
            text.sample("nabd_uplink_month_limit_bytes", [:], Double(limit))
        }
        text.family(
            "nabd_uplink_withheld_seconds", .gauge,
            "Waveforms that the policy does not send, of all devices together; they stay in the journal.")
        text.sample("nabd_uplink_withheld_seconds", [:], Double(state.withheld) / 1e9)
        text.family(
            "nabd_uplink_lane_behind_seconds", .gauge,
            "How old the oldest of the lane is that has not gone; NaN where that is not known.")
        for (lane, note) in state.lanes {
            text.sample(
                "nabd_uplink_lane_behind_seconds", ["lane": lane.rawValue], note.behind.map(Double.init) ?? .nan)
        }
        text.family("nabd_uplink_lane_stored_total", .counter, "FHIR resources of the lane that were stored.")
        for (lane, note) in state.lanes {
            text.sample("nabd_uplink_lane_stored_total", ["lane": lane.rawValue], Double(note.stored ?? 0))
        }
        return text
    }
}

extension HostSummary {
    /// What has been counted so far.
    fileprivate var metrics: MetricsText {
        var text = MetricsText()
        func one(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: Double) {
            text.family(name, kind, help)
            text.sample(name, [:], value)
        }
        one("nabd_samples_total", .counter, "Samples recorded.", Double(samples))
        one("nabd_events_total", .counter, "Events recorded.", Double(events))
        one("nabd_gaps_total", .counter, "Times that something was not sampled.", Double(gaps))
        one("nabd_journal_bytes", .gauge, "Size of the journal's files.", Double(journalBytes))
        one("nabd_journal_problem", .gauge, "1 while the journal cannot be written.", journalProblem == nil ? 0 : 1)
        one(
            "nabd_resources_stored_total", .counter, "FHIR resources stored at the records service.",
            Double(resourcesStored))
        one(
            "nabd_resources_parked", .gauge, "FHIR resources that the records service does not take now.",
            Double(resourcesParked))
        text.family("nabd_line_utilisation_ratio", .gauge, "Share of the line's time that is taken, since the start.")
        for line in lines { text.sample("nabd_line_utilisation_ratio", ["line": line.line], line.utilisation) }
        text.family(
            "nabd_line_missed_deadlines_total", .counter,
            "Periods that passed without a reading because the line or its thread was late.")
        for line in lines {
            text.sample("nabd_line_missed_deadlines_total", ["line": line.line], Double(line.missedDeadlines))
        }
        text.family("nabd_line_lateness_seconds", .summary, "How late the line's thread woke, since the start.")
        for line in lines {
            for (quantile, value) in [("0.5", line.latenessMedian), ("0.99", line.latenessP99)] {
                text.sample(
                    "nabd_line_lateness_seconds", ["line": line.line, "quantile": quantile],
                    value.map { Double($0) / 1e9 } ?? .nan)
            }
            text.sample("nabd_line_lateness_seconds_count", ["line": line.line], Double(line.wakeUps))
        }
        for (position, count) in LinkCount.allCases.enumerated() {
            let name = "nabd_device_\(count.name)_total"
            text.family(name, .counter, count.help)
            for line in lines {
                for device in line.devices {
                    text.sample(
                        name, ["line": line.line, "device": device.handle], Double(device.counts[position].value))
                }
            }
        }
        return text
    }
}
