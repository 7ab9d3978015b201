/// Where the text of a field stands, and so what it can be.
struct TextRoom {
    private struct Place {
        /// The most characters; `nil` where nothing tells.
        let width: Int?
        /// What ends the text, and so never stands in it.
        let ends: [Separator]
    }

    /// One for each message, or kind of record, that holds the field.
    private let places: [Place]

    init(_ field: FieldDescription, in profile: DeviceProfile) {
        switch field.place {
        case .registers(let source):
            let width = source.space == .identification ? Self.longestObject : source.registers * 2
            places = [Place(width: width, ends: [])]
        case .hole:
            places = profile.messages.flatMap { message in
                let frame = profile.frames[message.frame]
                return [
                    message.template.flatMap { Self.place(field.name, $0, nil, frame) },
                    message.records.flatMap { Self.place(field.name, $0.each, $0.division, frame) },
                ].compactMap { $0 }
            }
        case .keyed(let name, _):
            places = profile.messages.filter { $0.name == name }.compactMap { message in
                message.records.flatMap { Self.place("value", $0.each, $0.division, profile.frames[message.frame]) }
            }
        case .slices, .record, .attribute: places = []
        }
    }

    /// The longest object of the device identification that an answer has room for. Unit: bytes. Source: MODBUS
    /// Application Protocol V1.1b3, 6.21: 253 bytes, less nine before it.
    private static let longestObject = 244

    private static func place(
        _ name: String, _ template: Template, _ division: MessageDescription.Records.Division?, _ frame: FrameFormat
    ) -> Place? {
        for item in template.items {
            let at = item.firstIndex { if case .hole(name, _) = $0 { true } else { false } }
            guard let at, case .hole(_, let width) = item[at] else { continue }
            var ends = template.separator.map { [$0] } ?? []
            if case .separator(let separator)? = division { ends.append(separator) }
            // The first that stands behind it ends it; the last of an item is looked for from the item's end.
            if width == nil, at + 1 < item.count - 1, case .literal(let text) = item[at + 1], !text.isEmpty {
                ends.append(.mark(text))
            }
            if frame.length == nil, !frame.end.isEmpty, frame.stuffing.isEmpty, frame.checksum?.after.isEmpty ?? true {
                ends.append(.mark(frame.end))
            }
            var most = frame.continuedBy == nil ? max(0, frame.longest - frame.overhead) : nil
            if case .stride(let bytes)? = division { most = bytes }
            return Place(width: width ?? most, ends: ends)
        }
        return nil
    }

    /// The most characters; `nil` where nothing tells.
    var width: Int? { places.contains { $0.width == nil } ? nil : places.compactMap(\.width).max() }

    /// Why the text can never be this; `nil` when it can.
    ///
    /// - Parameters:
    ///   - bytes: without spaces around them.
    ///   - text: as the author writes it.
    func fault(_ bytes: [UInt8], _ text: String, _ name: String) -> String? {
        let faults = places.map { fault(bytes, needs: bytes.count, text, name, $0) }
        return faults.contains(nil) ? nil : faults.compactMap { $0 }.first
    }

    /// Why the text can never hold this; `nil` when it can. The spaces around a text are never looked at, so that
    /// something stands before and behind those that are.
    func fault(holding text: String, _ name: String) -> String? {
        let bytes = Array(text.utf8)
        let needs = bytes.count + (bytes.first == 0x20 ? 1 : 0) + (bytes.last == 0x20 ? 1 : 0)
        let faults = places.map { fault(bytes, needs: needs, text, name, $0) }
        return faults.contains(nil) ? nil : faults.compactMap { $0 }.first
    }

    private func fault(_ bytes: [UInt8], needs: Int, _ text: String, _ name: String, _ place: Place) -> String? {
        if let end = place.ends.first(where: { $0.stands(in: bytes) }) {
            let mark = end.text.debugDescription.dropFirst().dropLast()
            return "“\(text)” holds “\(mark)”, which ends “\(name)” before it"
        }
        guard let width = place.width, needs > width else { return nil }
        return needs > bytes.count
            ? "“\(text)” is never found in the \(width) characters of “\(name)”: spaces around a text are not looked at"
            : "“\(text)” is longer than the \(width) characters of “\(name)”"
    }
}

extension Separator {
    fileprivate func stands(in bytes: [UInt8]) -> Bool {
        bytes.indices.contains { length(bytes, at: $0, before: bytes.count) > 0 }
    }
}
