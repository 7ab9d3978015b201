/// How long what a score is made of counts.
///
/// The chart says nothing of it. These figures are proposed here and have not been reviewed by a clinician.
package struct ScoreTimes: Sendable, Hashable {
    /// Of what a device says again and again.
    package let continuous: Duration
    /// Of a pressure that is measured by a cuff, and of a pulse counted so.
    package let cuff: Duration
    package let temperature: Duration
    /// Of consciousness, of what the patient breathes, and of breaths that somebody counted.
    package let entry: Duration
    /// Of a symptom: the form asks how the patient feels now.
    package let symptom: Duration

    /// Each of the times lies in it.
    package static let range: ClosedRange<Duration> = .seconds(1)...(.seconds(86_400))

    package static let proposed = ScoreTimes()

    private init() {
        (continuous, cuff, temperature) = (.seconds(60), .seconds(1800), .seconds(3600))
        (entry, symptom) = (.seconds(3600), .seconds(43_200))
    }

    /// `nil` when one of them is not in ``range``.
    package init?(
        continuous: Duration, cuff: Duration, temperature: Duration, entry: Duration, symptom: Duration
    ) {
        guard [continuous, cuff, temperature, entry, symptom].allSatisfy(Self.range.contains) else { return nil }
        (self.continuous, self.cuff, self.temperature) = (continuous, cuff, temperature)
        (self.entry, self.symptom) = (entry, symptom)
    }

    func mostAge(_ part: ScorePart, _ source: ScorePart.Source) -> Duration {
        part == .temperature ? temperature : source.isEpisodic ? cuff : continuous
    }

    /// `nil` for what holds as long as the patient is the same.
    func mostAge(_ item: ScoreItem) -> Duration? {
        switch item {
        case .consciousness, .oxygen, .respiration: entry
        case .saturationScale: nil
        case .pain, .tiredness, .drowsiness, .nausea, .appetite, .breath, .depression, .anxiety, .wellbeing, .other:
            symptom
        }
    }
}
