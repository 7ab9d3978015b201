import Nomenclature
import Presets

/// What alarms of a bed say, in both languages: bed, vital, value, limit, device.
struct LimitWatchWords: Sendable {
    let bed: WatchedBed
    let vital: Preset.Vital
    /// The device's handle, and its part; `nil` where no single device is meant.
    let device: String?
    let vmd: String?

    private var behind: String { device.map { " (\($0)\(vmd.map { ", \($0)" } ?? ""))" } ?? "" }

    /// Units as an Arabic text has them. A sign behind a number stands without a space, or it would be shown on its
    /// other side.
    private static let arabicUnits = [
        "%": "%", "/min": " في الدقيقة", "{beat}/min": " في الدقيقة", "{breath}/min": " في الدقيقة",
        "mm[Hg]": " ملم زئبق", "kPa": " كيلوباسكال", "Cel": " درجة مئوية", "[degF]": " فهرنهايت",
    ]

    private func english(_ number: String) -> String {
        let unit = vital.unit.display
        return unit.hasPrefix("/") ? "\(number)\(unit)" : "\(number) \(unit)"
    }

    private func arabic(_ number: String) -> String {
        "\(number)\(Self.arabicUnits[vital.unit.ucum] ?? " \(vital.unit.display)")"
    }

    func limit(_ value: String, _ limit: LimitValue, isLow: Bool) -> (text: String, arabicText: String) {
        (
            "\(bed.name): \(vital.name) \(english(value)) \(isLow ? "below" : "above") \(english(limit.text))\(behind)",
            "\(bed.arabicName): \(vital.arabicName) \(arabic(value))، \(isLow ? "أقل من" : "أعلى من") "
                + "\(arabic(limit.text))\(behind)"
        )
    }

    func unconfirmed(isLow: Bool) -> (text: String, arabicText: String) {
        (
            "\(bed.name): \(vital.name) was too \(isLow ? "low" : "high"), and no valid value has come since\(behind)",
            "\(bed.arabicName): كانت قيمة \(vital.arabicName) \(isLow ? "منخفضة" : "مرتفعة") "
                + "ولم تصل أي قيمة صالحة بعدها\(behind)"
        )
    }

    func missing(after time: Int64) -> (text: String, arabicText: String) {
        let (english, arabic) = Self.words(time)
        if device == nil {
            return (
                "\(bed.name): no device here measures \(vital.name)",
                "\(bed.arabicName): لا يوجد جهاز هنا يقيس \(vital.arabicName)"
            )
        }
        return (
            "\(bed.name): no valid \(vital.name) for \(english)\(behind)",
            "\(bed.arabicName): \(vital.arabicName): لا توجد قيمة صالحة منذ \(arabic)\(behind)"
        )
    }

    func overdue(after time: Int64) -> (text: String, arabicText: String) {
        let (english, arabic) = Self.words(time)
        return (
            "\(bed.name): \(vital.name) not measured for \(english)\(behind)",
            "\(bed.arabicName): لم يتم قياس \(vital.arabicName) منذ \(arabic)\(behind)"
        )
    }

    func unwatched(_ cause: UnwatchedRule.Cause) -> (text: String, arabicText: String) {
        switch cause {
        case .noDevice:
            (
                "\(bed.name): no device here measures \(vital.name): its limits are not watched",
                "\(bed.arabicName): لا يوجد جهاز هنا يقيس \(vital.arabicName): هذه الحدود غير مراقَبة"
            )
        case .otherUnit(let device, let unit):
            (
                "\(bed.name): \(vital.name) comes in \(unit ?? "no unit"), not in \(vital.unit.display): its limits "
                    + "are not watched (\(device))",
                "\(bed.arabicName): \(vital.arabicName): القيمة بوحدة أخرى: هذه الحدود غير مراقَبة (\(device))"
            )
        }
    }

    /// A time in its largest unit that has it whole.
    static func words(_ nanoseconds: Int64) -> (english: String, arabic: String) {
        let seconds = nanoseconds / 1_000_000_000
        if seconds >= 60, seconds % 60 == 0 {
            return ("\(seconds / 60) min", arabic(seconds / 60, "دقيقة", "دقيقتين", "دقائق"))
        }
        return ("\(seconds) s", arabic(seconds, "ثانية", "ثانيتين", "ثوانٍ"))
    }

    /// A number with its noun: one and two have no number of their own, three to ten have the plural.
    private static func arabic(_ count: Int64, _ one: String, _ two: String, _ few: String) -> String {
        switch count {
        case 1: one
        case 2: two
        default: (3...10).contains(count % 100) ? "\(count) \(few)" : "\(count) \(one)"
        }
    }
}
