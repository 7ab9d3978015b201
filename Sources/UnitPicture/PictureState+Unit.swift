import CommandFacts
import Consultations
import Alarms
import DeviceModel
import JournalFolds
import Patients
import Scores

/// The parts of a picture as JSON.
extension PictureState {
    /// Which unit and session it is.
    var heading: [JSON.Member] {
        func member(_ name: String, _ value: JSON) -> JSON.Member { JSON.Member(name: name, value: value) }
        return [
            member("form", .integer(1)), member("unit", .shown(events.unit)), member("version", .shown(events.version)),
            member("mark", events.isTestData ? .string("test") : .null), member("zone", .string(settings.zone)),
            member("session", .string(events.session)),
            member("commitEvery", .number(DecimalText.render(settings.commitEvery / 1000, exponent: -3))),
        ]
    }

    // MARK: Beds

    /// Their ids, in their order.
    var beds: [String] { events.bindings.fold.beds.keys.sorted() }

    func bed(_ id: String) -> JSON {
        let fold = events.bindings.fold
        let binding = fold.openBinding(atBed: id)
        let configured = fold.beds[id]
        return .members([
            "bed": .string(id), "name": .shown(configured?.name), "nameArabic": .shown(configured?.nameArabic),
            "devices": .array((configured?.devices ?? []).map(JSON.string)),
            "preset": fold.presets[id].map(preset) ?? .null, "patient": binding.map(patient) ?? .null,
            "isLost": .bool(fold.lostBinding(atBed: id) != nil), "score": binding.flatMap { score(id, $0) } ?? .null,
            "entered": binding.map { entered(id, $0) } ?? .object([]),
            "off": .array(
                events.alarms.ledger.switchedOff.filter { $0.bed == id }.map {
                    .members(["alert": .shown($0.name), "metric": .shown($0.metric)])
                }.sorted { $0.text < $1.text }),
        ])
    }

    private func preset(_ choice: PresetChoice) -> JSON {
        .members([
            "preset": .string(choice.preset), "reviewed": .bool(choice.isReviewed),
            "limits": .array(choice.limits.map(Self.limits)),
        ])
    }

    /// Of each side the milder limit first, and the worse one where there is one.
    private static func limits(_ limits: WatchedLimits) -> JSON {
        func side(_ name: String, _ levels: [WatchedLimits.Level]) -> [JSON.Member] {
            ["", "Worse"].enumerated().flatMap { place, suffix -> [JSON.Member] in
                let level = levels.indices.contains(place) ? levels[place] : nil
                return [
                    JSON.Member(name: name + suffix, value: level.map { .string($0.value) } ?? .null),
                    JSON.Member(
                        name: "\(name)\(suffix)Priority", value: level.map { .string($0.priority.rawValue) } ?? .null),
                    JSON.Member(
                        name: "\(name)\(suffix)Delay",
                        value: level.map { .milliseconds($0.delay) } ?? .null),
                ]
            }
        }
        return .object(
            [
                JSON.Member(name: "metric", value: .string(limits.metric)),
                JSON.Member(name: "unit", value: .string(limits.unit)),
            ] + side("low", limits.low) + side("high", limits.high))
    }

    private func patient(_ binding: Binding) -> JSON {
        .members([
            "binding": .integer(binding.number),
            "since": (arrivals[binding.number] ?? nil).map(JSON.utc) ?? .null,
            "by": .array(binding.by.map(JSON.string)),
        ])
    }

    /// The one that was told since the patient is there; another one's is not shown.
    private func score(_ bed: String, _ binding: Binding) -> JSON? {
        guard isRecording, let told = events.scores[bed], told.number > binding.number else { return nil }
        let score = told.value
        return .members([
            "score": .string(score.score.uppercased()), "total": score.total.map { .integer($0) } ?? .null,
            "band": .shown(score.band), "scale": .shown(score.scale),
            "missing": .array(score.missing.map { .members(["part": .shown($0.name), "why": .shown($0.why)]) }),
            "parts": .object(
                score.parts.map {
                    JSON.Member(
                        name: $0.name, value: .members(["points": .integer($0.points), "value": .shown($0.value)]))
                }),
            "utc": .utc(told.utc),
        ])
    }

    /// What was entered since whoever is there came, whoever that was thought to be.
    private func entered(_ bed: String, _ binding: Binding) -> JSON {
        let root = events.bindings.fold.root(of: binding)
        let own = (events.entries[bed] ?? [:]).filter { $0.value.number > root }
        return .object(
            own.sorted { $0.key.rawValue < $1.key.rawValue }.map { item, told in
                JSON.Member(
                    name: item.rawValue,
                    value: .members([
                        "value": .string(told.value.value), "utc": .utc(told.utc),
                        "by": .array(told.value.by.map(JSON.string)),
                    ]))
            })
    }

    // MARK: Devices

    func device(_ handle: String) -> JSON {
        let device = events.devices.devices[handle]
        // Of a session that is over nothing is known to answer.
        let link = isRecording ? device?.link ?? .awaited : .awaited
        return .members([
            "device": .string(handle), "bed": layout.bedOfDevice[handle].map(JSON.string) ?? .null,
            "profile": .shown(device?.profile), "manufacturer": .shown(device?.manufacturer),
            "model": .shown(device?.model), "link": .string(link.word), "hint": .shown(link.hint),
            "since": device.map { .utc($0.since) } ?? .null,
            "isPump": .bool(layout.pumps.contains { $0.place.device == handle }),
        ])
    }

    var pumps: JSON {
        .array(
            layout.pumps.map { pump in
                .object(
                    [
                        JSON.Member(name: "device", value: .string(pump.place.device)),
                        JSON.Member(name: "vmd", value: .shown(pump.place.vmd)),
                        JSON.Member(
                            name: "bed", value: layout.bedOfDevice[pump.place.device].map(JSON.string) ?? .null),
                    ]
                        + PumpStreams.Part.allCases.map { part in
                            JSON.Member(name: part.rawValue, value: pump.parts[part].map { .integer($0) } ?? .null)
                        })
            })
    }

    // MARK: Alarms, commands, far sessions

    /// All that stand. Of a session that is over nobody knows whether they hold.
    var alarms: JSON {
        .array(
            events.alarms.ledger.standing.map { alarm in
                let record = alarm.record
                return .members([
                    "instance": .shown(record.instance), "bed": .shown(record.bed), "device": .shown(record.device),
                    "vmd": .shown(record.vmd), "metric": .shown(record.metric), "alert": .shown(record.name),
                    "priority": .string(alarm.priority.rawValue), "nature": .string(alarm.nature.rawValue),
                    "text": .shown(record.text), "textArabic": .shown(record.arabicText),
                    "presence": .string(alarm.presence.rawValue), "activation": .string(alarm.activation.rawValue),
                    "unconfirmed": .bool(alarm.isUnconfirmed || !isRecording), "escalated": .bool(alarm.isEscalated),
                    "count": .integer(alarm.count), "began": .utc(alarm.began),
                    "until": isRecording ? alarm.pausedUntil.map(JSON.milliseconds) ?? .null : .null,
                    "acknowledgedBy": .array(alarm.acknowledgedBy.map(JSON.shown)),
                ])
            })
    }

    /// Those that are open, each as blind as the desk shows it. What is being prepared ends with its session.
    var commands: JSON {
        let history = events.commands.history
        return .array(
            history.ledger.open.sorted { $0.key < $1.key }.compactMap { number, command in
                guard isRecording || command.state.isOpen, let trace = history.traces[number] else { return nil }
                let pump = command.content.pump
                let view = trace.view(number: number, state: command.state, device: events.pumps[pump] ?? pump.text)
                return .members([
                    "number": .integer(number), "device": .shown(view.device),
                    "bed": layout.bedOfDevice[view.device].map(JSON.string) ?? .null,
                    "command": .shown(view.command), "stage": .string(view.stage.rawValue),
                    "people": .integer(view.people), "needed": .integer(view.needed),
                    "since": .milliseconds(view.since),
                    "entries": view.entries.map { entries in
                        .array(
                            entries.map {
                                .members([
                                    "name": .shown($0.name), "quantity": .string($0.quantity), "unit": .shown($0.unit),
                                ])
                            })
                    } ?? .null,
                ])
            })
    }

    /// Far clinicians who may look now, and whether they do. The host says of each that it is over when it is.
    var consultations: JSON {
        .array(
            events.consultations.open(at: .min).map { open in
                .members([
                    "consultation": .integer(open.number), "clinician": .shown(open.grant.name),
                    "bed": open.grant.bed.map(JSON.string) ?? .null, "until": .milliseconds(open.untilUTC),
                    "by": .array(open.grant.by.map(JSON.string)), "viewers": .integer(open.visits.count),
                ])
            })
    }
}

extension PictureLayout.Stream {
    /// How a screen knows the stream.
    var json: JSON {
        descriptor.json(number: number).adding([
            "staleAfter": isResult ? .null : .milliseconds(descriptor.staleAfter)
        ])
    }
}

extension StreamDescriptor {
    /// What may pass between a sample and the commit that has it, and on its way to a screen. Unit: ns.
    private static let play: Int64 = 500_000_000

    private var kind: String { isWaveform ? "wave" : form == .text ? "text" : "number" }

    /// What a screen calls it, by its number in the journal.
    func json(number: Int64) -> JSON {
        .members([
            "n": .integer(number), "device": .string(device), "vmd": .shown(vmd), "metric": .shown(metric),
            "label": .shown(name?.display ?? metric), "labelArabic": .shown(name?.arabicDisplay), "unit": .shown(unit),
            "kind": .string(kind), "category": .string((name?.category ?? .measurement).rawValue),
            "period": .milliseconds(periodNanoseconds),
        ])
    }

    /// How old its newest sample may be, where it is no result: three periods, and what a sample needs to be seen.
    /// Unit: ns.
    var staleAfter: Int64 { min(periodNanoseconds, Int64.max / 8) * 3 + Self.play }
}
