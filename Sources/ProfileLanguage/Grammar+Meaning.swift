extension Grammar {
    static let field = Part(
        "field",
        "A value: a hole of a template by its name, the record with a `key`, bytes `in` something, or registers.",
        [
            Key("in", .text, "the frame, packet, message or request that holds it"),
            Key("key", .either([.text, .number]), "the record with this key; of binary records also `any`"),
            Key(
                "attribute", .whole(Bounds.attribute),
                "of binary records: the attribute beside the record in the same list; without `key` the one of its "
                    + "number"
            ),
            Key("frame", .whole(Bounds.frameOfPacket), "in a packet: which frame, from 1"),
            Key("byte", .whole(Bounds.frameByte), "the byte, from 0"),
            Key("bits", .span(Bounds.registerBit), "bits of the byte or register: 3 or 0..6"),
            Key(
                "join", .list(.either([.part(slice), .part(registerPart)])),
                "parts put together, the most significant first"),
            Key(
                "count", .either([.whole(Bounds.samples), .word([rest])]),
                "so many values follow each other; `rest` for as many as the record has"),
            Key("type", .word(types), "how it is written"),
            Key("places", .whole(Bounds.places), "of a decimal or a medfloat: digits kept after the point (3)"),
            Key("input", .whole(Bounds.address), "register read with function 4"),
            Key("holding", .whole(Bounds.address), "register read with function 3"),
            Key("coil", .whole(Bounds.address), "bit read with function 1"),
            Key("discrete", .whole(Bounds.address), "bit read with function 2"),
            Key(
                "identification", .whole(Bounds.object), "object of the device identification, read with function 43/14"
            ),
            Key("registers", .whole(Bounds.textRegisters), "of a text in registers: how many"),
            Key("words", .word(names(Words.order)), "order of two or four registers (high-first)"),
            Key("bytes", .word(names(Words.order)), "order of the two bytes of each register (high-first)"),
            Key("every", .duration(Bounds.period), "time between two reads of registers no metric names"),
            Key("vmd", .text, "the virtual device whose registers these are"),
            Key("strip", .oneOrMore(.text), "texts taken off either end where they stand"),
            Key("missing", .named(.word(validities)), "the values that mean none, and which validity that is"),
            Key("table", .named(.text), "words for codes"),
            Key("otherwise", .text, "the word for a code that is not in the table"),
            Key("validity-when", .oneOrMore(.part(gate)), "what makes the value count less"),
        ])

    static let slice = Part(
        "part", "Bits of one byte.",
        [
            Key("frame", .whole(Bounds.frameOfPacket), "in a packet: which frame, from 1"),
            Key("byte", .whole(Bounds.frameByte), required: true, "the byte, from 0"),
            Key("bits", .span(Bounds.registerBit), "its bits (all)"),
        ])

    static let registerPart = Part(
        "part of registers", "Bits of one register.",
        [
            Key("input", .whole(Bounds.address), "register read with function 4"),
            Key("holding", .whole(Bounds.address), "register read with function 3"),
            Key("bits", .span(Bounds.registerBit), "its bits (all)"),
        ])

    /// Registers named where they are measured.
    static let registers = Part(
        "registers", "A Modbus value.",
        field.keys.filter {
            [
                "input", "holding", "coil", "discrete", "identification", "join", "registers", "words", "bytes", "type",
                "bits",
                "missing", "table", "otherwise",
            ].contains($0.name)
        })

    static let gate = Part(
        "validity-when", "A test on bytes, or on another field of the message, and the validity it gives.",
        [
            Key("byte", .span(Bounds.frameByte), "the byte"),
            Key("bit", .whole(Bounds.fieldBit), "the bit of the byte or field"),
            Key("field", .text, "or another field"), Key("is", code, "the value or values"),
            Key("is-not", code, "all values but these"),
            Key("has", .text, "the text contains this"), Key("present", .truth, "it is in the message"),
            Key("validity", .word(validities), required: true, "how far the value then counts"),
        ])

    static let request = Part(
        "request", "What is asked.",
        [
            Key(
                "send", .either([.text, .part(binary), .list(.either([.text, .part(binary), .part(pause)]))]),
                required: true,
                "the payload: text with {fields} and {function(field):encoding}, or {hex: …}; or a list of these with "
                    + "{pause: …} between"
            ),
            Key(
                "frame", .text,
                "the frame that carries it (the first one from the host, else the first); `none` for the bytes as "
                    + "they are"
            ),
            Key("reply", .either([.text, .part(message)]), required: true, "the answer as a message, or `none`"),
            Key(
                "refusal", .either([.text, .part(message)]),
                "the answer by which the device says that it will not, or cannot: its values are then invalid"),
            Key("every", .duration(Bounds.period), "time between two; without it only a step of the session"),
            Key(
                "class", .word(names(Words.requestClass)), required: true, "what saying it does"
            ),
            Key("retries", .whole(Bounds.retries), "how often it is said again when unanswered (0)"),
            Key("for-each", .text, "said once for every slot of this rack"),
        ])

    static let pause = Part(
        "pause", "A while in which nothing is sent.",
        [Key("pause", .duration(Bounds.pause), required: true, "how long")])

    static let binary = Part("bytes", "Bytes as they are.", [Key("hex", .text, required: true, "hexadecimal pairs")])

    static let session = Part(
        "session", "What must be said to begin, to stay and to end.",
        [
            Key(
                "identify",
                .part(
                    Part(
                        "identify", "Who the device is.", [Key("field", .text, required: true, "its own serial number")]
                    )),
                "the device's identity"),
            Key("open", .list(.text), "requests said in order when the line opens and after the device fell silent"),
            Key("close", .list(.text), "requests said when the host stops"),
            Key("answers", .list(.part(answer)), "what the host must say back"),
            Key("control-lost-when", .part(condition), "how the device says that it no longer obeys"),
            Key("when-silent", .part(silence), "what the device does when the host says nothing any more"),
        ])

    static let silence = Part(
        "silence", "What a device does that hears nothing from the host. Leave it out where nobody knows.",
        [
            Key("does", .word(names(Words.silence)), required: true, "whether what it was doing goes on"),
            Key("after", .duration(Bounds.silence), "how long it waits; of a device that stops"),
        ])

    static let answer = Part(
        "answer", "What is said back, at once.",
        [
            Key("to", .text, required: true, "a frame, a message, or `damage`"),
            Key("send", .either([.text, .part(binary)]), required: true, "the payload"),
            Key("frame", .text, "the frame that carries it; `none` for the bytes as they are"),
        ])

    static let condition = Part(
        "condition",
        "A test on a field. Codes are those before `table`. One that can never be so, or always is, is refused.",
        [
            Key("field", .text, required: true, "the field"), Key("is", code, "one of these values"),
            Key("is-not", code, "none of these"),
            Key("bit", .whole(Bounds.fieldBit), "this bit is set"), Key("has", .text, "the text contains this"),
            Key("present", .truth, "it is in the message"),
            Key("above", .number, "greater, in the metric's unit"), Key("below", .number, "less, in the metric's unit"),
        ])

    static let sign = Part(
        "sign", "The sign of a number in a field of its own: the state in which the number is less than nothing.",
        condition.keys + [
            Key(
                "positive", code,
                "beside `is`: the values that say that it is not; any other one makes the number invalid")
        ])

    private static let metricKeys = [
        Key("metric", .text, required: true, "IEEE 11073 reference identifier, or a NABD_ name"),
        Key(
            "from", .either([.text, .part(registers)]), required: true,
            "the field; for Modbus perhaps the registers themselves"),
        Key("scale", .text, "what one count is worth: 0.1, 1e-7, 1/256 (1)"),
        Key("offset", .number, "added to it, in the metric's unit: a whole number of scales"),
        Key(
            "unit", .either([.text, .named(.either([.text, .part(unitByCode)]))]),
            "UCUM; or {by: FIELD, CODE: unit, CODE: {unit, scale}}; none for words"),
        Key("plausible", .list(.number), "outside it a value is questionable"),
        Key("absolute", .list(.number), "outside it a value is invalid"),
        Key(
            "negative-when", .part(sign),
            "the state of another field in which the number is less than nothing, such as S or W"),
        Key("plus", .list(.part(addend)), "other fields of the same message that are added"),
        Key(
            "exponent", .part(exponent), "a field of the same message that says by which power of ten the number counts"
        ),
        Key(
            "wraps-at", .number,
            "of a counter: how many numbers it has (its greatest and one more), as it is read, before `scale`; for "
                + "`jump`"),
        Key(
            "jump", .number,
            "a value that differs by more than this from the one before is questionable; in the metric's unit"),
        Key("vmd", .text, "the virtual device it belongs to"),
    ]

    static let addend = Part(
        "addend", "Another field that is added.",
        [
            Key("field", .text, required: true, "the field"),
            Key("times", .whole(Bounds.times), "how many of this field's numbers one of its is, whatever digits (1)"),
        ])

    static let exponent = Part(
        "exponent", "A power of ten that the device tells.",
        [
            Key("field", .text, required: true, "the field with the power"),
            Key(
                "range", .list(.number), required: true,
                "the least and the greatest that is believed, such as [-3, "
                    + "3]"),
        ])

    static let unitByCode = Part(
        "unit by code", "A unit the device tells.",
        [
            Key("unit", .text, required: true, "UCUM"), Key("scale", .text, "what one count is then worth"),
            Key("plausible", .list(.number), "limits in this unit"),
            Key("absolute", .list(.number), "limits in this unit"),
        ])

    static let metric = Part(
        "metric", "What a field means.",
        metricKeys + [
            Key("every", .duration(Bounds.period), "time between two values, where no request decides it"),
            Key("episodic", .truth, "a result, not a periodic sample: it does not become stale"),
            Key("taken-at", .part(takenAt), "of a result: its own time"),
            Key(
                "new-when", .oneOrMore(.text),
                "of a result: the field, or fields, of which one differs in another result; or `each-message`"),
        ])

    static let takenAt = Part(
        "taken-at", "The result's own time, by the device's clock.",
        [
            Key("field", .text, required: true, "the text that tells it, in the same message or record"),
            Key(
                "format", .text, required: true,
                "YYYY, YY, MM, DD, hh, mm, ss and what stands between; `*` for what follows; or `unix`"),
            Key(
                "within", .duration(Bounds.resultAge), required: true,
                "a result that is older, or younger than now by more, is questionable"),
        ])

    static let heartbeat = Part(
        "heartbeat", "A field that must move; until it has, and when it has not for too long, values are invalid.",
        [
            Key("field", .text, required: true, "a counter, a clock"),
            Key("changes-within", .duration(Bounds.heartbeat), required: true, "the longest time between two changes"),
            Key("vmd", .text, "the virtual device that it vouches for (all)"),
        ])

    static let waveform = Part(
        "waveform", "A curve.",
        metricKeys + [Key("period", .duration(Bounds.samplePeriod), required: true, "time between two samples")])

    static let alert = Part(
        "alert", "A condition of the device.",
        [
            Key("alert", .text, required: true, "MDC_EVT_… with a verified number, or a NABD_ name"),
            Key("when", .part(condition), required: true, "when it holds"),
            Key(
                "priority", .word(names(Words.priority)), required: true,
                "how urgent it is"),
            Key("text", .text, required: true, "what an engineer reads"),
            Key("text-ar", .text, required: true, "what a nurse reads, in Arabic"),
        ])

    static let command = Part(
        "command", "What may be changed.",
        [
            Key("arguments", .named(.part(argument)), "what the operator gives"),
            Key("steps", .list(.part(step)), required: true, "what is sent, in order; each once"),
            Key("class", .word(names(Words.commandClass)), required: true, "whether saying it twice does it twice"),
            Key("kind", .word(names(Words.commandKind)), "what it does; without it nobody can ask for it"),
            Key(
                "requires", .named(.either([code, .part(requirement)])),
                "by field: the values that allow it, told soon enough, or a condition"),
            Key("ask", .text, "the request whose answer is the reading back"),
            Key("settles", .duration(Bounds.settling), "how long the device takes to show what it did (0 s)"),
            Key(
                "read-back", .named(.either([.text, .part(expectation)])),
                "what must show that it was done: ARGUMENT: FIELD, or FIELD: {is: …} or {is-not: …}"),
            Key(
                "within", .duration(Bounds.readBack),
                "how soon the read-back shows it; what does not show it by then has an unknown outcome"),
            Key(
                "measurement", .part(measurement),
                "of a trigger that measures somebody and acts on them by that, such as a cuff's start"),
            Key("hazards", .text, required: true, "what can go wrong"),
        ])

    static let measurement = Part(
        "measurement", "How often a measurement may be begun; a site's policy only tightens it.",
        [
            Key(
                "least-pause", .duration(Bounds.measurementPause), required: true,
                "from one beginning to the next at least"),
            Key("most-per-hour", .whole(Bounds.measurementsPerHour), required: true, "the most in any hour"),
        ])

    static let argument = Part(
        "argument", "What the operator gives.",
        [
            Key("unit", .text, required: true, "UCUM"),
            Key("range", .list(.number), required: true, "the device's own limits"),
            Key("step", .text, required: true, "the smallest change it can make"),
            Key("places", .whole(Bounds.argumentPlaces), "digits sent after the point (as the step's)"),
            Key("digits", .whole(Bounds.argumentDigits), "the most digits the device takes"),
            Key("scale", .text, "sent as a whole number of these"),
        ])

    static let step = Part(
        "step", "One transmission.",
        [
            Key(
                "send", .either([.text, .part(binary)]),
                "of a serial protocol: the payload, with {arguments} and {fields}"),
            Key("reply", .either([.text, .part(message)]), "the answer that says it was taken; `none`"),
            Key("frame", .text, "the frame that carries it"),
            Key(
                "write", .named(.either([.text, .part(written)])),
                "of Modbus: what the registers or coils hold then, FIELD: ARGUMENT, or FIELD: {is: …}; several fields "
                    + "follow each other"),
            Key(
                "function", .whole(Bounds.writing),
                "of Modbus: 5, 6, 15 or 16 (5 for one coil, 6 for one register, else 15 and 16)"),
            Key(
                "refused", .either([.text, .part(message), .list(.whole(Bounds.proof))]),
                "the answer that proves that nothing was done; leave it out where the device proves nothing; of Modbus "
                    + "the exceptions that do ([1, 2, 3])"),
            Key(
                "class", .word(names(Words.stepClass)),
                "`read` changes nothing, and a request may send it too; `prepare` may be said again; `effect` is what "
                    + "the command is for (effect)"),
        ])

    static let written = Part(
        "written value", "What a register or a coil is to hold.",
        [Key("is", .either([.text, .number]), required: true, "the number, or its bits as 0x…; 0 or 1 of a coil")])

    static let requirement = Part(
        "requirement", "What must be true of the device. Codes are those before `table`.",
        condition.keys.filter { $0.name != "field" } + [
            Key(
                "within", .duration(Bounds.requirementAge),
                "how old what tells it may be (until the next answer must have come, 2 s at least)"),
            Key(
                "alike", .truth,
                "of numbers in bits, with `is`: these are one value, and which of them is told makes no difference "
                    + "(no)"),
        ])

    static let expectation = Part(
        "read-back", "The state afterwards: one of the two.",
        [Key("is", code, "one of these values"), Key("is-not", code, "none of these")])

    static let simulated = Part(
        "simulated value", "A value as a function of time, in the unit of the metric that shows it.",
        [
            Key("low", .number, "one end of a swing"), Key("high", .number, "the other end"),
            Key("period", .duration(Bounds.simulated), "of one swing, or of a recording's sample"),
            Key("start", .number, "where growth begins"), Key("per-hour", .number, "how much it grows"),
            Key("pulse-rate", .text, "the field with the rate of a pulse wave"),
            Key("file", .text, "a recording beside the profile, one number a line"),
        ])

    /// The types of fields, each once.
    private static var types: [String] {
        let words =
            names(Words.binaryTypes) + names(Words.registerTypes) + names(Words.joinedTypes) + names(Words.textTypes)
        return words.enumerated().filter { words.firstIndex(of: $0.element) == $0.offset }.map(\.element)
    }
}
