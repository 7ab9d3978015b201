/// The words of scores that a nurse reads, in both languages.
package struct ScoreWords: Sendable, Hashable {
    package let english: String
    package let arabic: String

    package init(_ english: String, _ arabic: String) { (self.english, self.arabic) = (english, arabic) }

    /// For whom NEWS2 is. Source: the chart's own limits.
    package static let whom = ScoreWords(
        "NEWS2 is for adults only, and not in pregnancy.", "مقياس NEWS2 للبالغين فقط، ولا يُستخدم أثناء الحمل.")
}

extension ScoreName {
    package var words: ScoreWords {
        switch self {
        case .news2: ScoreWords("NEWS2", "NEWS2")
        case .esas: ScoreWords("ESAS symptoms", "أعراض ESAS")
        }
    }
}

extension ScorePart {
    package var words: ScoreWords {
        switch self {
        case .respiration: ScoreWords("Respiration rate", "معدل التنفس")
        case .saturation: ScoreWords("Oxygen saturation", "تشبع الأكسجين")
        case .oxygen: ScoreWords("Air or oxygen", "هواء أو أكسجين")
        case .systolic: ScoreWords("Systolic blood pressure", "ضغط الدم الانقباضي")
        case .pulse: ScoreWords("Pulse", "النبض")
        case .consciousness: ScoreWords("Consciousness", "الوعي")
        case .temperature: ScoreWords("Temperature", "درجة الحرارة")
        }
    }
}

extension ScoreItem {
    package var words: ScoreWords {
        switch self {
        case .consciousness: ScorePart.consciousness.words
        case .oxygen: ScorePart.oxygen.words
        case .respiration: ScorePart.respiration.words
        case .saturationScale: ScoreWords("Scale for the oxygen saturation", "سلّم تشبع الأكسجين")
        case .pain: ScoreWords("Pain", "الألم")
        case .tiredness: ScoreWords("Tiredness (lack of energy)", "التعب (قلة الطاقة)")
        case .drowsiness: ScoreWords("Drowsiness (feeling sleepy)", "النعاس")
        case .nausea: ScoreWords("Nausea", "الغثيان")
        case .appetite: ScoreWords("Lack of appetite", "قلة الشهية")
        case .breath: ScoreWords("Shortness of breath", "ضيق النفس")
        case .depression: ScoreWords("Depression (feeling sad)", "الاكتئاب (الشعور بالحزن)")
        case .anxiety: ScoreWords("Anxiety (feeling nervous)", "القلق (الشعور بالتوتر)")
        case .wellbeing: ScoreWords("Wellbeing (how one feels overall)", "الحالة العامة (الشعور بوجه عام)")
        case .other: ScoreWords("Another problem", "مشكلة أخرى")
        }
    }

    /// What one of its ``values`` means.
    package func words(of value: String) -> ScoreWords {
        switch (self, value) {
        case (.consciousness, "A"): ScoreWords("Alert", "يقظ")
        case (.consciousness, "C"): ScoreWords("New confusion", "تشوش جديد")
        case (.consciousness, "V"): ScoreWords("Responds to voice", "يستجيب للصوت")
        case (.consciousness, "P"): ScoreWords("Responds to pain", "يستجيب للألم")
        case (.consciousness, "U"): ScoreWords("Unresponsive", "لا يستجيب")
        case (.oxygen, "air"): ScoreWords("Air", "هواء")
        case (.oxygen, "oxygen"): ScoreWords("Oxygen", "أكسجين")
        case (.respiration, let breaths): ScoreWords("\(breaths)/min", "\(breaths) في الدقيقة")
        case (.saturationScale, "1"): ScoreWords("Scale 1", "السلّم 1")
        case (.saturationScale, "2"):
            ScoreWords("Scale 2: 88–92 % is aimed at, as a clinician said", "السلّم 2: الهدف 88–92 % بقرار طبي")
        case (_, Self.notSaid): ScoreWords("Not said", "لم يُذكر")
        default: ScoreWords(value, value)
        }
    }
}

extension NEWS2Band {
    package var words: ScoreWords {
        switch self {
        case .low: ScoreWords("Low (0–4)", "منخفض (0–4)")
        case .singleThree:
            ScoreWords("A single part scores 3: urgent ward review", "جزء واحد نقاطه 3: مراجعة عاجلة في القسم")
        case .medium: ScoreWords("Medium (5–6): urgent response", "متوسط (5–6): استجابة عاجلة")
        case .high: ScoreWords("High (7 or more): emergency response", "مرتفع (7 فأكثر): استجابة طارئة")
        }
    }
}

extension ScoreGap {
    /// - Parameter now: by the same clock as its time. Unit: ns.
    package func words(at now: Int64) -> ScoreWords {
        func minutes(since time: Int64) -> Int64 { max(0, now &- time) / 60_000_000_000 }
        switch self {
        case .neverMeasured: return ScoreWords("never measured", "لم يُقَس")
        case .stale(let since):
            return ScoreWords(
                "stale: measured \(minutes(since: since)) min ago", "قديم: قِيس قبل \(minutes(since: since)) د")
        case .notValid: return ScoreWords("the newest value is not valid", "أحدث قيمة غير صالحة")
        case .neverEntered: return ScoreWords("never entered", "لم يُدخل")
        case .expired(let since):
            return ScoreWords(
                "expired: entered \(minutes(since: since)) min ago",
                "انتهت صلاحيته: أُدخل قبل \(minutes(since: since)) د")
        case .notSaid: return ScoreWords("the patient did not say", "لم يذكره المريض")
        case .needs(let part):
            return ScoreWords(
                "counts only with: \(part.words.english)", "لا يُحسب دون: \(part.words.arabic)")
        }
    }
}

extension ScoreResult {
    /// One line: the total and what it asks for, or that it is incomplete and for want of what.
    package var words: ScoreWords {
        let name = score.words
        switch outcome {
        case .complete(let total, let band):
            let (english, arabic) = band.map { (" · \($0.words.english)", " · \($0.words.arabic)") } ?? ("", "")
            return ScoreWords("\(name.english) \(total)\(english)", "\(name.arabic) \(total)\(arabic)")
        case .incomplete(let missing):
            let all = missing.map { ($0.title, $0.gap.words(at: time)) }
            return ScoreWords(
                "\(name.english) incomplete: "
                    + all.map { "\($0.0.english) (\($0.1.english))" }.joined(separator: ", "),
                "\(name.arabic) غير مكتمل: " + all.map { "\($0.0.arabic) (\($0.1.arabic))" }.joined(separator: "، "))
        }
    }
}

extension ScoreResult.Missing {
    package var title: ScoreWords { ScoreTitles.words(name) }
}
