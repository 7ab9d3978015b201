import DevicePlans
import Foundation
import ProfileLanguage
import StrictYAML
import TestSupport
import Testing

/// What lint says of faults in every part of the language: the words are golden, since an author has nothing else to go
/// by.
@Suite struct LanguageFaultTests {
    static let base = """
        nabd: profile/1
        device: {manufacturer: XY, model: M, kind: rack of infusion pumps}
        provenance: [{document: manual, seen: here}]
        line: {serial: 9600, format: 8N1, slowest-reply: 500ms}
        vmds:
          pump: {label: "Pump {slot}", slots: ["1", "2"]}
        frames:
          message: {start: 0x02, end: 0x03, longest: 96, checksum: {sum8: 1.., encoding: hex}, split: ";"}
          enquiry: {start: 0x05, length: 1}
          wave: {start: 0x85, length: {byte: 1, type: uint8, adds: 3}, longest: 40, checksum: {xor8: 1..}, stuffing: \
        {0x80: [0x80, 0x00], 0x85: [0x80, 0x05]}}
        messages:
          curve: {in: wave, when: {byte: 2, is: 0x00}, length: 8}
          status: {in: message, text: "0S;{repeat}", repeat: {split: ",", each: "{key}={value}"}}
        fields:
          serial: {type: text}
          rate: {type: decimal, places: 1}
          co2: {in: curve, byte: 4, type: uint16, validity-when: {byte: 6, bit: 0, is: 1, validity: invalid}}
          unit: {in: curve, byte: 3, type: uint8}
          spo2: {in: status, key: SPO2, type: integer, strip: "%", missing: {"---": notAvailable}}
          mode: {in: status, key: MODE, type: text, table: {R: running, S: stopped}}
        requests:
          state: {send: "{slot}LE;r", reply: "{slot}C;{rate}", every: 2s, class: read, for-each: pump}
          who: {send: "0SN", reply: "0N;{serial}", class: read}
        session:
          identify: {field: serial}
          open: [who]
          answers: [{to: enquiry, send: {hex: "14"}, frame: none}]
        metrics:
          - {metric: MDC_FLOW_FLUID_PUMP_CURRENT, vmd: pump, from: rate, unit: mL/h, absolute: [0, 1200]}
          - {metric: MDC_PULS_OXIM_SAT_O2, from: spo2, unit: "%", every: 1s}
          - {metric: MDC_PUMP_MODE, from: mode, every: 1s}
        waveforms:
          - {metric: MDC_AWAY_CO2, from: co2, unit: {by: unit, 1: "mm[Hg]", 2: {unit: kPa, scale: 0.1}}, period: 50ms}
        commands:
          start:
            arguments: {new: {unit: mL/h, range: [0.1, 1200], step: 0.1}}
            steps: [{send: "1R;{new}", reply: "1C"}]
            class: effect
            requires: {mode: S}
            read-back: {new: rate}
            hazards: it starts

        """

    /// What is replaced, with what, and the first error (or else the first warning) that must be told.
    static let faults: [(String, String, String)] = [
        ("longest: 96, ", "", "8:12: error: “longest” is missing: how many bytes are too many?"),
        (
            "sum8: 1..", "sum9: 1..",
            "8:61: error: unknown key “sum9”; expected sum8, inverted-sum8, zero-sum8, sum16, xor8, crc8, "
                + "crc16-ccitt-false, crc16-xmodem, crc16-x25, crc16-modbus, encoding, digits, at, after, over — did "
                + "you mean “sum8”?"
        ),
        ("sum8: 1..", "sum8: 9..2", "8:67: error: expected bytes such as 3 or 0..6, within 0 to 95, found “9..2”"),
        ("encoding: hex}", "encoding: decimal}", "8:60: error: “digits” is missing: how many digits has the checksum?"),
        (
            "start: 0x05, length: 1", "length: 1",
            "9:12: error: nobody can tell where a frame starts: it has neither “start”, nor “end”, nor “valid-when”"
        ),
        (
            "start: 0x05, length: 1", #"end: "\r\n", length: 1"#,
            "9:34: error: the frame's marks and its checksum alone are 2 bytes"
        ),
        ("adds: 3}", "adds: 99}", "10:60: error: what is added is 99, expected -64 to 64"),
        (
            "type: uint8, adds", "type: uint9, adds",
            "10:47: error: expected the length's type (uint8, uint16, uint16le, decimal), found “uint9” — did you "
                + "mean “uint8”?"
        ),
        ("0x80: [0x80, 0x00]", "0x80: [0x80]", "10:117: error: expected two bytes on the wire, found 1"),
        (
            "stuffing: {0x80", "high-bits: {in: 1, of: 2..12}, stuffing: {0x80",
            "10:111: error: at most seven other bytes have their high bits in one"
        ),
        ("{in: wave, when", "{in: wafe, when", "12:15: error: there is no frame “wafe” — did you mean “wave”?"),
        (
            "length: 8}", "length: 80}",
            "12:56: error: expected the frame's bytes such as 3 or 0..6, within 1 to 40, found “80”"
        ),
        (
            ", length: 8}", "}",
            "17:13: error: “length” is missing in “curve”: which frames are long enough for the field?"
        ),
        (
            "{key}={value}", "{value}",
            "13:73: error: a record has one {key} by which its value is known, and at most one {value}"
        ),
        ("{split: \",\", each", "{each", "13:54: error: records are told apart either by “split” or by “stride”"),
        ("0S;{repeat}", "0S;{key}", "13:11: error: {key} stands in “each” of “repeat” only"),
        ("{repeat}\", repeat", "{reprate}\", repeat", "13:11: error: there is no field “reprate”"),
        ("byte: 4, type", "byte: 7, type", "17:35: error: 2 bytes at 7 end beyond the frame's 8 bytes"),
        ("byte: 4, type", "join: [], type", "17:26: error: expected at least one part, found an empty list"),
        ("bit: 0, is: 1, val", "bit: 0, is: 2, val", "17:80: error: the bit's value is 2, expected 0 to 1"),
        (
            "validity: invalid}", "validity: wrong}",
            "17:93: error: expected a validity (questionable, invalid, notAvailable, overflow, underflow, ongoing, "
                + "calibrationOngoing), found “wrong”"
        ),
        (
            "key: SPO2", "kez: SPO2",
            "19:22: error: unknown key “kez”; expected in, key, attribute, frame, byte, bits, join, count, type, "
                + "places, input, holding, coil, discrete, identification, registers, words, bytes, every, vmd, strip, "
                + "missing, table, otherwise, validity-when — did you mean “key”?"
        ),
        (
            "in: status, key: SPO2", "in: statsu, key: SPO2",
            "19:14: error: there is no message or request “statsu” with “repeat” — did you mean “status”?"
        ),
        (
            "type: decimal, places: 1", "type: number",
            "16:16: error: expected the type (text, decimal, hex, integer, degrees-minutes, hours-minutes), found "
                + "“number”"
        ),
        (
            "serial: {type: text}", "serial: {type: text, places: 2}",
            "15:32: error: “places” belongs to decimal text, “medfloat16” and “medfloat32”"
        ),
        (
            "{slot}C;{rate}", "{slot}C;{rate}{serial}",
            "22:38: error: nobody can tell where the value before {serial} ends: give one of them a width"
        ),
        (
            "{slot}C;{rate}", "{slot}C;{rate:0}",
            "22:38: error: “{rate:0}”: expected a width of 1 to 4096 after the colon"
        ),
        (
            "{slot}C;{rate}", "{slot}C;{ratte}",
            "16:9: error: no message and no request's reply names the field “rate”, so it can never be read"
        ),
        (
            "for-each: pump", "for-each: pumps",
            "22:90: error: there is no virtual device “pumps” with “slots” — did you mean “pump”?"
        ),
        (
            "class: read}\nsession", "class: effect, retries: 1}\nsession",
            "23:68: error: what has an effect is said once, ever; leave “retries” out"
        ),
        ("open: [who]", "open: [whom]", "26:10: error: there is no request “whom” — did you mean “who”?"),
        (
            "to: enquiry", "to: enquirry",
            "27:18: error: there is no frame or message “enquirry” — did you mean “enquiry”?"
        ),
        ("hex: \"14\"", "hex: \"1\"", "27:39: error: expected hexadecimal pairs such as 01 81 1F"),
        (
            "field: serial}\n  open", "field: serail}\n  open",
            "25:21: error: there is no field “serail” — did you mean “serial”?"
        ),
        ("by: unit,", "by: unti,", "33:50: error: there is no field “unti” — did you mean “unit”?"),
        (
            "2: {unit: kPa", "2: {unit: mL",
            "33:79: error: MDC_AWAY_CO2 is measured in mm[Hg]; “mL” is another quantity, expected one such as mm[Hg], "
                + "cm[H2O], kPa, hPa, mbar, Pa, [psi]"
        ),
        (
            "period: 50ms", "period: 50",
            "33:106: error: expected the period as a time with its unit, found “50” — write it as 500ms, 1s or 5min"
        ),
        ("range: [0.1, 1200]", "range: [1200, 0.1]", "36:42: error: the lower limit is not below the upper one"),
        ("step: 0.1}", "step: 0.1, places: 0}", "36:61: error: a step of 0.1 cannot be written in what is sent"),
        (
            "range: [0.1, 1200], step: 0.1", "range: [0.1, 1200], step: 0.1, digits: 3",
            "36:42: error: 1200 does not fit into 3 digits"
        ),
        ("requires: {mode: S}", "requires: {mood: S}", "39:16: error: there is no field “mood” — did you mean “mode”?"),
        (
            "read-back: {new: rate}", "read-back: {old: rate}",
            "40:17: error: the command has no argument “old”; a state is written FIELD: {is: …}"
        ),
        (
            "steps: [{send", "steps: [{sent",
            "37:14: error: unknown key “sent”; expected send, reply, frame, write, function, refused, class — "
                + "did you mean “send”?"
        ),
        ("    hazards: it starts\n", "", "36:5: error: “hazards” is missing"),
        (
            "    requires: {mode: S}\n", "",
            "36:5: warning: “start” has an effect and requires nothing: in which state of the device is it allowed?"
        ),
        (
            "    read-back: {new: rate}\n", "",
            "36:5: warning: “start” has no “read-back”: nothing will show that it was done"
        ),
        (
            "period: 50ms", "period: 5ms",
            "4:7: error: the line cannot carry this: at these periods the device takes 174 % of its time, at most 80 "
                + "% are "
                + "allowed — read less often, or at a higher baud rate"
        ),
        (
            "every: 2s", "every: 10ms",
            "4:7: error: the line cannot carry this: at these periods the device takes 522 % of its time, at most 80 "
                + "% are "
                + "allowed — read less often, or at a higher baud rate"
        ),
        ("from: mode, every", "from: mode, unit: \"1\", every", "31:47: error: text has no unit"),
        (
            "unit: \"%\", every: 1s", "unit: \"%\", offset: 0.5, every: 1s",
            "30:67: error: the offset is not a whole number of scales, so that the value could not be kept exactly"
        ),
        ("absolute: [0, 1200]}", "absolute: [0]}", "29:88: error: expected two limits such as [-40, 80]"),
        ("slots: [\"1\", \"2\"]", "slots: [\"1\", \"1\"]", "6:39: error: a slot is named twice"),
        ("text: \"0S;{repeat}\"", "text: \"0S;{repeat\"", "13:31: error: a “{” without its “}”"),
        (
            "missing: {\"---\": notAvailable}", "missing: {\"---\": absent}",
            "19:77: error: expected a validity (questionable, invalid, notAvailable, overflow, underflow, ongoing, "
                + "calibrationOngoing), found “absent”"
        ),
        (
            "validity-when: {byte: 6, bit: 0, is: 1,", "validity-when: {field: spo2, is: 1,",
            "17:8: error: “spo2” is in another message than “co2”: what it says is of another moment"
        ),
        (
            "format: 8N1", "format: 8N1, flow: fast",
            "4:41: error: expected the flow control (none, rts-cts, xon-xoff), found “fast”"
        ),
    ]

    @Test func theProfileWithoutFaultsIsClean() { #expect(diagnostics(Self.base).isEmpty) }

    @Test(arguments: faults)
    func eachFaultIsToldInTheseWords(replaced: String, with: String, told: String) {
        #expect(Self.base.contains(replaced))
        let found = diagnostics(Self.base.replacingFirst(replaced, with: with))
        let first = found.first { $0.severity == .error } ?? found.first { $0.severity == .warning }
        #expect(
            first?.description == "profile.yaml:\(told)", "all: \(found.map(\.description).joined(separator: "\n"))")
    }

    private func diagnostics(_ text: String) -> [Diagnostic] {
        let collected = Diagnostics()
        do throws(InvalidFile) {
            _ = try DeviceProfile.load(try YAMLFile(path: "profile.yaml", text: text, diagnostics: collected))
            return collected.all
        } catch {
            return collected.all.isEmpty ? error.diagnostics : collected.all
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ old: String, with new: String) -> String {
        guard let range = firstRange(of: old) else { return self }
        return replacingCharacters(in: range, with: new)
    }
}
