import DeviceModel

extension Grammar {
    package static let vectorFile = Part(
        "vectors", "Known bytes with what they mean: the proof beside a profile.",
        [
            Key("nabd", .word(["vectors/1"]), required: true, "what the file is"),
            Key("vectors", .list(.part(vector)), required: true, "the proofs"),
        ])

    static let vector = Part(
        "vector", "Bytes of the device, or what the host sends, or both.",
        [
            Key("name", .text, required: true, "what it proves"),
            Key(
                "kind", .word(names(Words.vectorKind)), required: true,
                "where the bytes come from; an invented one is never called captured"),
            Key("source", .text, required: true, "document, program or algorithm"),
            Key("bytes", .part(vectorBytes), "what the device sends; for Modbus the request and the reply"),
            Key("sends", .part(vectorSends), "what the host sends"),
            Key(
                "now", .text,
                "the civil time at which the bytes come, as 2026-11-28T13:54:10: by it results are of now or not"),
            Key("unit", .whole(Bounds.serialUnit), "the Modbus unit, where it is not the profile's"),
            Key("scale", .named(.text), "by metric: another scale"),
            Key("units", .named(.whole(Bounds.serialUnit)), "by virtual device: another Modbus unit"),
            Key(
                "expect",
                .either([
                    .word(["nothing", "refused"]),
                    .named(.either([.text, .number, .list(.text), .part(expectedSample)])),
                ]),
                "by metric, or vmd/metric: the values; `refused` for bytes that are not the answer to `sends`"),
            Key("alerts", .list(.text), "the alerts that hold at the end"),
        ])

    static let vectorBytes = Part(
        "bytes of a vector", "Bytes.",
        [
            Key("hex", .text, "hexadecimal pairs, `->` and # comments between them"), Key("text", .text, "text"),
            Key("file", .text, "a capture file beside the vectors, as `nabd profile try --record` writes it"),
        ])

    static let vectorSends = Part(
        "sends", "Something said, and its bytes.",
        [
            Key("request", .text, "the request"), Key("command", .text, "or the command"),
            Key("step", .whole(Bounds.step), "the command's step (1)"),
            Key(
                "with", .named(.either([.text, .number])), "the values it needs: fields of the session, arguments, slot"
            ),
            Key("hex", .text, "hexadecimal pairs"),
            Key("text", .text, "text"),
        ])

    static let expectedSample = Part(
        "expectation", "A sample without a value, or many alike.",
        [
            Key("validity", .word(Validity.allCases.map(\.word)), "how far it counts"), Key("reason", .text, "why"),
            Key("value", .text, "the one value that counts so far"),
            Key("unit", .text, "the unit of that value"),
            Key("repeat", .text, "the same value so often"),
            Key("count", .whole(Bounds.repetitions), "how often"),
        ])
}
