/// A quantity of a command, as it is shown.
package struct EntryView: Sendable, Hashable, Codable {
    package let name: String
    package let quantity: String
    /// As people read it.
    package let unit: String

    package init(_ name: String, _ quantity: String, unit: String) {
        (self.name, self.quantity, self.unit) = (name, quantity, unit)
    }
}

/// What a pump told, as it is shown.
package struct ReadingView: Sendable, Hashable, Codable {
    package let field: String
    package let value: String
    /// As people read it; `nil` for a word.
    package let unit: String?

    package init(_ field: String, _ value: String, unit: String? = nil) {
        (self.field, self.value, self.unit) = (field, value, unit)
    }
}

/// A command as anybody may see it.
///
/// Until as many people as it needs have entered it, each blind, no view holds what was entered (C-11): there is no way
/// to make one that does, here or from a line.
package struct CommandView: Sendable, Hashable {
    package enum Stage: String, Sendable, Hashable, Codable, CaseIterable {
        case draft
        case verified
        case intended
        case sent
        case acknowledged
        case uncertain
        case ended
    }

    package let number: Int64
    /// The pump's handle, or its key where the configuration has it no more.
    package let device: String
    package let command: String
    package let stage: Stage
    /// How many people have entered it alike; a second one who entered something else does not count.
    package let people: Int
    /// How many must.
    package let needed: Int
    /// `nil` where nobody may see them yet.
    package let entries: [EntryView]?
    /// Since when it is in this stage. Unit: ns of the boot clock.
    package let since: Int64
    /// What has to come next, in a sentence; `nil` after its end.
    package let waitsFor: String?
    /// What the pump showed when it was entered; empty where that is not known.
    package let atEntry: [ReadingView]
    /// What the pump showed last, behind that.
    package let readings: [ReadingView]
    /// How it ended, in a word (`confirmed`, `rejected`, `notInEffect`, `withdrawn` …); `nil` before.
    package let end: String?

    /// - Parameter entries: left out of the view where it must be blind.
    package init(
        number: Int64, device: String, command: String, stage: Stage, people: Int, needed: Int = 2,
        entries: [EntryView]?, since: Int64, waitsFor: String? = nil, atEntry: [ReadingView] = [],
        readings: [ReadingView] = [], end: String? = nil
    ) {
        (self.number, self.device, self.command, self.stage) = (number, device, command, stage)
        (self.people, self.needed, self.since, self.waitsFor) = (people, needed, since, waitsFor)
        (self.atEntry, self.readings, self.end) = (atEntry, readings, end)
        self.entries = stage == .draft || people < needed ? nil : entries
    }
}

extension CommandView: Codable {
    private enum CodingKeys: String, CodingKey {
        case number, device, command, stage, people, needed, entries, since, waitsFor, atEntry, readings, end
    }

    /// By the one initialiser: a line cannot make a view of what nobody may see yet.
    package init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            number: try members.decode(Int64.self, forKey: .number),
            device: try members.decode(String.self, forKey: .device),
            command: try members.decode(String.self, forKey: .command),
            stage: try members.decode(Stage.self, forKey: .stage),
            people: try members.decode(Int.self, forKey: .people),
            needed: try members.decode(Int.self, forKey: .needed),
            entries: try members.decodeIfPresent([EntryView].self, forKey: .entries),
            since: try members.decode(Int64.self, forKey: .since),
            waitsFor: try members.decodeIfPresent(String.self, forKey: .waitsFor),
            // A host of before does not tell it.
            atEntry: try members.decodeIfPresent([ReadingView].self, forKey: .atEntry) ?? [],
            readings: try members.decode([ReadingView].self, forKey: .readings),
            end: try members.decodeIfPresent(String.self, forKey: .end))
    }

    package func encode(to encoder: any Encoder) throws {
        var members = encoder.container(keyedBy: CodingKeys.self)
        try members.encode(number, forKey: .number)
        try members.encode(device, forKey: .device)
        try members.encode(command, forKey: .command)
        try members.encode(stage, forKey: .stage)
        try members.encode(people, forKey: .people)
        try members.encode(needed, forKey: .needed)
        try members.encodeIfPresent(entries, forKey: .entries)
        try members.encode(since, forKey: .since)
        try members.encodeIfPresent(waitsFor, forKey: .waitsFor)
        if !atEntry.isEmpty { try members.encode(atEntry, forKey: .atEntry) }
        try members.encode(readings, forKey: .readings)
        try members.encodeIfPresent(end, forKey: .end)
    }
}
