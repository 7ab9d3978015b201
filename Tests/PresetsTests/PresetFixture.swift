import Foundation
import Nomenclature
import StrictYAML
import TestSupport

@testable import Presets

/// A small preset that is in order, and how it is read with a change.
enum PresetFixture {
    static let names = NomenclatureShelf.names(besides: [Repository.path("device-profiles")]).nomenclature

    static let text = """
        nabd: preset/1
        name: fixture
        title: A fixture
        title-arabic: تجربة
        for: Nobody
        for-arabic: لا أحد
        reviewed:
        vitals:
          MDC_PULS_OXIM_SAT_O2: {name: SpO2, name-arabic: الأكسجين, unit: "%"}
          MDC_PRESS_BLD_NONINV_SYS: {name: systolic, name-arabic: الانقباضي, unit: "mm[Hg]"}
          MDC_PRESS_BLD_NONINV_DIA: {name: diastolic, name-arabic: الانبساطي, unit: "mm[Hg]"}
        limits:
          MDC_PULS_OXIM_SAT_O2:
            low:
            - {below: 90, priority: medium, harm: reversible, onset: prompt, delay: 15s, hysteresis: 2, proposed: true}
            - {below: 85, priority: high, harm: death, onset: prompt, delay: 10s, hysteresis: 1, proposed: true}
            high: {above: 99.5, priority: low, harm: minor, onset: prompt, delay: 60s, hysteresis: 0.5, proposed: true}
          MDC_PRESS_BLD_NONINV_SYS:
            low: {below: 90, priority: high, harm: death, onset: prompt, delay: 0s, hysteresis: 0, source: a book}
        missing:
          MDC_PULS_OXIM_SAT_O2: {of: bed, after: 30s, priority: medium, harm: death, onset: delayed, proposed: true}
        episodic:
          MDC_PRESS_BLD_NONINV_SYS:
            {every: 15min, grace: 5min, priority: low, harm: minor, onset: prompt, source: a book, proposed: [grace]}
          MDC_PRESS_BLD_NONINV_DIA: {with: MDC_PRESS_BLD_NONINV_SYS}
        score:
          news2:
            - {total: 5, priority: medium, harm: reversible, onset: prompt, source: a chart}
            - {total: 7, priority: high, harm: death, onset: prompt, source: a chart}
            - {part: 3, priority: medium, harm: reversible, onset: prompt, source: a chart}

        """

    static func read(_ text: String, name: String = "fixture.yaml", _ diagnostics: Diagnostics = Diagnostics())
        throws(InvalidFile) -> Preset
    {
        try Preset.read(path: name, text: text, names: names, diagnostics: diagnostics)
    }

    /// What is found in the fixture when one text stands for another.
    static func findings(_ old: String, _ new: String) -> [Diagnostic] {
        guard text.contains(old) else { return [] }
        let diagnostics = Diagnostics()
        do throws(InvalidFile) {
            _ = try read(text.replacing(old, with: new, maxReplacements: 1), diagnostics)
            return diagnostics.all
        } catch { return error.diagnostics }
    }

    static let shipped = ["cardiac", "emergency", "icu", "oncology-chair", "palliative", "stroke"]

    static func shipped(_ name: String, _ diagnostics: Diagnostics = Diagnostics()) throws(InvalidFile) -> Preset {
        try Preset.load(Repository.path("presets/\(name).yaml"), names: names, diagnostics: diagnostics)
    }
}
