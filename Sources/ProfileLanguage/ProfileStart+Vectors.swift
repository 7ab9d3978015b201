/// The vectors of a start: a value of each metric, each value that means none.
extension ProfileStart {
    private struct Proof {
        let name: String
        /// `hex` or `text`, and what stands there.
        let form: String
        let bytes: String
        let expect: String

        static func hex(_ name: String, _ bytes: String, _ expect: String) -> Proof {
            Proof(name: name, form: "hex", bytes: bytes, expect: expect)
        }

        static func text(_ name: String, _ bytes: String, _ expect: String) -> Proof {
            Proof(name: name, form: "text", bytes: bytes, expect: expect)
        }

        var text: String {
            """
              - name: \(name)
                kind: derived
                source: "made for this start"
                bytes: {\(form): "\(bytes)"}
                expect: {\(expect)}

            """
        }
    }

    var vectors: String {
        """
          # captured, specified (printed in the manual), simulated (from another program), derived (from a published \
        algorithm). Never invent a captured one.

        """ + proofs.map(\.text).joined()
    }

    private var proofs: [Proof] {
        let none = "{validity: notAvailable, reason: sentinel}"
        switch kind {
        case .stream:
            return [
                .hex("two-frames", "01 00 61 07 69 01 00 62 08 6B", "MDC_PULS_OXIM_SAT_O2: [97, 98]"),
                .hex("no-value", "01 00 FF 07 07 01 00 FF 08 08", "MDC_PULS_OXIM_SAT_O2: \(none)"),
            ]
        case .text:
            let payload = "STAT;R;12.50;ml/h"
            let sum = ChecksumAlgorithm.xor8.compute(Array(payload.utf8) + [3])
            let digits = String(sum, radix: 16, uppercase: true)
            let bytes = "\\x02\(payload)\\x03\(digits.count == 1 ? "0" : "")\(digits)\\r"
            return [
                .text("infusing", bytes, "MDC_FLOW_FLUID_PUMP_CURRENT: 12.5, MDC_PUMP_INFUSING_STATUS: infusing")
            ]
        case .binary:
            return [
                .hex("120-mmHg", "3E 05 02 B0 04 F9", "MDC_PRESS_CUFF: 120"),
                .hex("no-value", "3E 05 02 FF FF 43", "MDC_PRESS_CUFF: \(none)"),
            ]
        case .lines:
            return [
                .text(
                    "values", "\\r\\nSPO2=097% PR=72\\r\\n", "MDC_PULS_OXIM_SAT_O2: 97, MDC_PULS_OXIM_PULS_RATE: 72"),
                .text(
                    "no-values", "\\r\\nSPO2=---% PR=---\\r\\n",
                    "MDC_PULS_OXIM_SAT_O2: \(none), MDC_PULS_OXIM_PULS_RATE: \(none)"),
            ]
        case .modbusRTU:
            let asked = "01 04 00 01 00 01 60 0A -> 01 04 02"
            return [
                .hex("30.5-degrees", "\(asked) 01 31 79 74", "MDC_TEMP: 30.5"),
                .hex("broken-probe", "\(asked) 7F FF D9 40", "MDC_TEMP: \(none)"),
            ]
        case .modbusTCP:
            let asked = "00 01 00 00 00 06 01 04 00 01 00 01 -> 00 01 00 00 00 05 01 04 02"
            return [
                .hex("30.5-degrees", "\(asked) 01 31", "MDC_TEMP: 30.5"),
                .hex("broken-probe", "\(asked) 7F FF", "MDC_TEMP: \(none)"),
            ]
        }
    }
}
