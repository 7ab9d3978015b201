import DeviceModel
import Nomenclature
import StrictYAML

/// The keys of profile and vector files, each said once: the reader refuses what is not here, and the schema and the
/// reference page are made from it.
package enum Grammar {
    package indirect enum Shape: Sendable {
        case text
        case number
        case whole(ClosedRange<Int>)
        /// `500ms`, `1s`, `5min`. Unit of the bounds: ns.
        case duration(ClosedRange<Int64>)
        /// A byte as a number, text, or a list of these.
        case bytes
        /// `3` or `0..6`.
        case span(ClosedRange<Int>)
        case truth
        case word([String])
        case part(Part)
        case list(Shape)
        case oneOrMore(Shape)
        /// A mapping whose keys the author chooses.
        case named(Shape)
        case either([Shape])
        /// Nothing: takes an inherited key away.
        case none
    }

    package struct Key: Sendable {
        package let name: String
        package let shape: Shape
        package let isRequired: Bool
        /// In a few words, for editors and the reference page.
        package let meaning: String

        init(_ name: String, _ shape: Shape, required: Bool = false, _ meaning: String) {
            self.name = name
            self.shape = shape
            isRequired = required
            self.meaning = meaning
        }
    }

    package struct Part: Sendable {
        package let name: String
        package let meaning: String
        package let keys: [Key]
        package let keyNames: [String]

        init(_ name: String, _ meaning: String, _ keys: [Key]) {
            self.name = name
            self.meaning = meaning
            self.keys = keys
            keyNames = keys.map(\.name)
        }
    }

    static let validities = [
        "questionable", "invalid", "notAvailable", "overflow", "underflow", "ongoing", "calibrationOngoing",
    ]
    /// In place of a field: each message tells another result.
    static let eachMessage = "each-message"
    /// In place of a count: as many as there are.
    static let rest = "rest"
    static let code: Shape = .oneOrMore(.either([.text, .number]))

    package static let profile = Part(
        "profile", "A device: one file, read from top to bottom.",
        [
            Key("nabd", .word(["profile/1"]), required: true, "what the file is"),
            Key(
                "extends", .text,
                "the profile `vendor/model` that this one changes: mappings merge key by key, lists and scalars "
                    + "replace, `~` takes a key away"
            ),
            Key("device", .part(device), required: true, "what the device is"),
            Key("provenance", .list(.part(provenance)), required: true, "where the facts come from"),
            Key(
                "names", .list(.part(name)),
                "names of the profile's own, in the form of the tables under `nomenclature/`"),
            Key("line", .part(line), required: true, "how bytes are carried"),
            Key("vmds", .named(.part(vmd)), "devices within the device"),
            Key(
                "frames", .named(.part(frame)),
                "where a message starts and ends, and whether it is whole; tried in this order"),
            Key("messages", .named(.either([.text, .part(message)])), "what the device sends unasked"),
            Key("fields", .named(.part(field)), "what is where"),
            Key("requests", .named(.part(request)), "what is asked, and how the answer is known"),
            Key("session", .part(session), "what must be said to begin, to stay and to end"),
            Key("metrics", .list(.part(metric)), "what the fields mean"),
            Key("waveforms", .list(.part(waveform)), "fields that are samples of a curve"),
            Key("heartbeat", .oneOrMore(.part(heartbeat)), "what moves as long as the device is behind its values"),
            Key("alerts", .list(.part(alert)), "conditions somebody should know of"),
            Key("commands", .named(.part(command)), "what may be changed, within what limits; declared only"),
            Key(
                "simulate", .named(.either([.text, .number, .part(simulated)])),
                "what a player of the device sends, by field or metric"),
        ])

    static let name = Part(
        "name", "A name of the profile's own: one of `metric`, `event`, `unit` and `kind`, and what it says.",
        [
            Key("metric", .text, "what is measured"), Key("event", .text, "what may happen"),
            Key("unit", .text, "a UCUM expression"),
            Key("kind", .text, "what a device is"),
            Key("system", .text, "a URI that says whose name it is, such as `urn:hospital:metric`"),
            Key("measured-in", .text, "units of its quantities, separated by blanks, or `text`"),
            Key("category", .word(MetricCategory.allCases.map(\.rawValue)), "how its value comes about (measurement)"),
            Key("display", .text, "what a person reads"), Key("display-ar", .text, "what a nurse reads, in Arabic"),
            Key(
                "class", .word(DeviceClass.allCases.map(\.rawValue)), "whom the values of this kind of device are about"
            ),
            Key("loinc", .text, "CLASS:CODE, separated by blanks"),
            Key("code", .text, "of a name of the standard: its number"),
            Key("proof", .text, "where the number was seen"), Key("formerly", .text, "names that it once had"),
        ])

    static let device = Part(
        "device", "What the device is.",
        [
            Key("manufacturer", .text, required: true, "who makes it"),
            Key("model", .text, required: true, "its name, with the protocol's variant"),
            Key("kind", .text, required: true, "what it is in words, such as `syringe pump`"),
            Key(
                "use", .word(["training"]),
                "no treatment is given with it: it is driven only where the site's policy is for training"),
        ])

    static let provenance = Part(
        "provenance", "A source of facts.",
        [
            Key("document", .text, required: true, "what it is: manual and page, or which facts"),
            Key("seen", .text, required: true, "where it was seen"),
            Key("firmware", .text, "the firmware it speaks of"),
            Key("unverified", .truth, "nothing independent confirms it; the host says so at its start"),
        ])

    static let line = Part(
        "line", "Either a serial protocol (`serial`, `tcp`) or Modbus (`modbus`).",
        [
            Key("serial", .whole(Bounds.baud), "baud rate of a serial protocol"),
            Key("tcp", .whole(Bounds.port), "the TCP port of a serial protocol"),
            Key("modbus", .word(names(Words.modbus)), "Modbus, and in which frames"),
            Key("baud", .whole(Bounds.baud), "baud rate of Modbus RTU"),
            Key("format", .text, "data bits, parity, stop bits: 8N1, 7E1, 8O2"),
            Key("flow", .word(names(Words.flow)), "flow control (none)"),
            Key("dtr", .word(names(Words.level)), "level of DTR while the line is open"),
            Key("rts", .word(names(Words.level)), "level of RTS while the line is open"),
            Key(
                "rs-485", .word(names(Words.level)),
                "whether the port's driver switches the direction of an RS-485 line by RTS"),
            Key("unit", .whole(Bounds.modbusUnit), "Modbus unit (1); 0 on TCP only"),
            Key("port", .whole(Bounds.port), "TCP port of Modbus TCP (502)"),
            Key(
                "turnaround", .duration(Bounds.turnaround),
                "silence the device needs between its reply and the next request; serial and Modbus"),
            Key("slowest-reply", .duration(Bounds.slowestReply), "the longest it may take to answer (1s)"),
            Key("quiet", .duration(Bounds.quiet), "serial: a frame interrupted for this long is abandoned"),
            Key(
                "pause-after-opening", .duration(Bounds.pauseAfterOpening),
                "what the device needs between the opening of the line and the first question (none)"),
            Key("never-read", .list(.part(neverRead)), "registers that no merged read may touch"),
            Key(
                "longest-read", .whole(Bounds.longestRead),
                "Modbus: the most registers or bits that the device answers in one read (125)"),
            Key(
                "widen", .word(names(Words.consent)),
                "Modbus RTU: whether registers behind a read may be read along, to tell late answers apart (yes)"),
        ])

    static let neverRead = Part(
        "never-read", "Registers of one kind.",
        ["input", "holding", "coil", "discrete"].map { Key($0, .span(Bounds.address), "addresses such as 16..31") })

    static let vmd = Part(
        "vmd", "A device within the device.",
        [
            Key("label", .text, required: true, "what a person reads; may hold `{slot}`"),
            Key("unit", .whole(Bounds.serialUnit), "the Modbus unit under which it answers"),
            Key(
                "slots", .list(.text),
                "the places of a rack as the device calls them: one virtual device each, named `vmd-slot`"),
        ])

    static let frame = Part(
        "frame", "Where a message starts and ends. Positions count plain bytes from the frame's first, 0.",
        [
            Key(
                "start", .bytes,
                "the bytes it starts with; without them a frame with `end` begins after the end of the one before"),
            Key(
                "length", .either([.whole(Bounds.frameBytes), .part(lengthField)]),
                "its length, or where that stands"),
            Key("end", .bytes, "the bytes it ends with"),
            Key(
                "longest", .whole(Bounds.frameBytes),
                "more bytes are no frame; required where the length is not fixed"),
            Key("checksum", .part(checksum), "how its wholeness is told"),
            Key("continued-by", .bytes, "the `after` mark that says that the message goes on in the next frame"),
            Key("abort", .bytes, "this byte aborts a frame"),
            Key(
                "stuffing", .named(.bytes),
                "by plain byte: the two bytes that stand for it on the wire, after the start"),
            Key("high-bits", .part(highBits), "bit i of one byte is bit 7 of the i-th of some others"),
            Key("valid-when", .oneOrMore(.part(byteTest)), "what must hold in every such frame"),
            Key("bytes-with", .part(byteKind), "it is made only of such bytes; others are another stream, interleaved"),
            Key(
                "number", .part(frameNumber),
                "a running number: the same one twice is a repetition, answered and not read"),
            Key("from", .word(names(Words.from)), "who sends it (device)"),
            Key(
                "split", .either([.bytes, .word(["blanks"])]),
                "what separates the items of a message; `blanks` for runs of spaces"),
            Key("of", .text, "for a packet: the frame it is made of"),
            Key("count", .whole(Bounds.packetFrames), "for a packet: how many"),
            Key("first-when", .part(byteTest), "for a packet: how its first frame is known"),
        ])

    static let lengthField = Part(
        "length", "The number in the frame that tells its length.",
        [
            Key("byte", .whole(Bounds.lengthByte), required: true, "where it stands"),
            Key("type", .word(names(Words.lengthType)), required: true, "how it is written"),
            Key("digits", .whole(Bounds.lengthDigits), "digits of a decimal length"),
            Key("adds", .whole(Bounds.lengthAdds), required: true, "the whole frame is the number plus this"),
        ])

    static let checksum = Part(
        "checksum", "ALGORITHM: COVERAGE (`0..3`, `1..` to the byte before it, or `payload`), and how it is written.",
        ChecksumAlgorithm.allCases.map { Key($0.rawValue, .text, "covers these bytes") } + [
            Key(
                "encoding", .word(names(Words.encoding)),
                "how it is written (raw: more significant byte first)"),
            Key("digits", .whole(Bounds.checksumDigits), "digits of a decimal checksum"),
            Key(
                "at", .whole(Bounds.frameByte),
                "the byte where it stands; without it, last before the end mark"),
            Key("after", .oneOrMore(.bytes), "the mark right before it, or a list of marks of which one stands there"),
            Key("over", .word(names(Words.over)), "computed before stuffing or after it (plain)"),
        ])

    static let highBits = Part(
        "high-bits", "Where bit 7 of some bytes stands.",
        [
            Key("in", .whole(Bounds.frameByte), required: true, "the byte that carries the bits"),
            Key("of", .span(Bounds.frameByte), required: true, "the bytes whose bit 7 they are"),
        ])

    static let frameNumber = Part(
        "number", "The running number of frames.",
        [
            Key("byte", .whole(Bounds.frameByte), required: true, "where it stands"),
            Key("restarts-with", .text, "the frame with which counting begins anew"),
        ])

    static let byteTest = Part(
        "byte test", "A condition on bytes.",
        [
            Key("byte", .span(Bounds.frameByte), required: true, "the byte, or bytes that all must pass"),
            Key("bit", .whole(Bounds.byteBit), "the bit; then `is` is 0 or 1"),
            Key("is", .oneOrMore(.either([.number, .text])), required: true, "the value, or one of these values"),
        ])

    static let byteKind = Part(
        "kind of byte", "Which bytes a stream is made of.",
        [
            Key("bit", .whole(Bounds.byteBit), "the bit; then `is` is 0 or 1"),
            Key("is", .oneOrMore(.either([.number, .text])), required: true, "the value, or one of these values"),
        ])

    static let message = Part(
        "message", "One kind of message. A text alone is its `text`.",
        [
            Key("in", .text, "the frame that carries it (the first one the device sends)"),
            Key("when", .oneOrMore(.part(byteTest)), "how it is known among others"),
            Key("length", .span(Bounds.frameBytes), "bytes of the whole plain frame: 28 or 28..40"),
            Key("text", .text, "the payload as it looks, with {holes}"),
            Key("split", .either([.bytes, .word(["blanks"])]), "what separates its items, instead of the frame's"),
            Key("repeat", .part(records), "records that follow each other: the payload, or the hole {repeat}"),
            Key(
                "parts", .part(parts),
                "of an answer with binary records: how some of them may come in messages before it"),
        ])

    static let parts = Part(
        "parts", "Messages with records of the answer that follows them. Where one is missing, the answer is none.",
        [
            Key("when", .oneOrMore(.part(byteTest)), required: true, "how they are known"),
            Key("length", .span(Bounds.frameBytes), "bytes of the whole plain frame"),
            Key(
                "from", .whole(Bounds.frameByte), required: true,
                "the byte where their records, or the outermost list, begin"),
            Key("number", .whole(Bounds.frameByte), required: true, "the byte that counts them, from 1"),
            Key("last-when", .part(byteTest), required: true, "how the last before the answer is known"),
            Key("same", .part(sameNumber), "the number by which all of one answer belong together"),
        ])

    static let sameNumber = Part(
        "number of an answer", "Bytes that are the same in every part of an answer and in the answer itself.",
        [
            Key("part", .span(Bounds.frameByte), required: true, "where they stand in a part"),
            Key("answer", .span(Bounds.frameByte), required: true, "where they stand in the answer, as many"),
        ])

    static let records = Part(
        "repeat", "Records within a message.",
        [
            Key("split", .either([.bytes, .word(["blanks"])]), "what separates them"),
            Key(
                "stride", .either([.whole(Bounds.recordBytes), .part(recordLength)]),
                "or how many bytes each has; of binary records also where each says so itself"),
            Key("each", .text, "a record of text as it looks: {key}, {value}, {slot} and fields; or `key-at`"),
            Key("split-each", .either([.bytes, .word(["blanks"])]), "what separates the items of one record"),
            Key(
                "key-at", .span(Bounds.frameByte),
                "of binary records: the bytes of a record, or of an entry of the index, that say what it is"),
            Key("index", .part(recordIndex), "of binary records: where each stands, in place of `from`"),
            Key(
                "from", .whole(Bounds.frameByte),
                "of binary records: the byte where they, or the outermost list, begin; they end with the payload"),
            Key(
                "lists", .list(.whole(Bounds.bytesBeforeList)),
                "lists around binary records, outermost first: how many bytes stand before each list in the item of "
                    + "the list around it. A list is the number of its items, the number of its bytes, two bytes "
                    + "each, and its items"),
            Key(
                "attributes", .named(.word(names(Words.holding))),
                "by number: the attributes that hold a record or a list of records. The items of the innermost list "
                    + "are then attributes: number, number of bytes, two bytes each, and value"),
        ])

    static let recordLength = Part(
        "length of a record", "The number in a record that tells its length.",
        [
            Key("byte", .whole(Bounds.recordByte), required: true, "where it stands"),
            Key("type", .word(names(Words.countType)), required: true, "how it is written"),
            Key("times", .whole(Bounds.bytesEach), "the bytes that each counts (1)"),
            Key(
                "adds", .whole(Bounds.recordAdds), required: true,
                "the whole record is so many times the number, and this many bytes more"),
        ])

    static let recordIndex = Part(
        "index", "Entries at a fixed place that say where records stand.",
        [
            Key("bytes", .span(Bounds.frameByte), required: true, "the bytes of the frame that the entries fill"),
            Key("stride", .whole(Bounds.recordBytes), required: true, "how many bytes each entry has"),
            Key(
                "place", .part(recordPlace), required: true, "the number in an entry that tells where its record begins"
            ),
            Key("ends-with", .number, "the key of the entry with which the index ends early"),
        ])

    static let recordPlace = Part(
        "place of a record", "The number in an entry of the index.",
        [
            Key("byte", .whole(Bounds.recordByte), required: true, "where it stands in the entry"),
            Key("type", .word(names(Words.countType)), required: true, "how it is written"),
            Key(
                "adds", .whole(Bounds.frameByte), required: true,
                "the record begins at the byte of the frame that is the number plus this"),
        ])
}

extension Grammar {
    static func names<Value>(_ words: some Sequence<(key: String, value: Value)>) -> [String] { words.map(\.key) }
}

extension YAMLMapping {
    /// Reports every key that the part does not have.
    func allow(_ part: Grammar.Part) { allow(part.keyNames) }
}
