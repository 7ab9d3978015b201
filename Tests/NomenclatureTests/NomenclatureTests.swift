import DeviceModel
import Foundation
import Nomenclature
import StrictYAML
import TestSupport
import Testing

@Suite struct NomenclatureTests {
    private let shelf = NomenclatureShelf.names()

    @Test func theTablesAreInOrder() {
        #expect(shelf.findings == [])
        #expect(shelf.nomenclature.metrics.count > 800 && shelf.nomenclature.events.count > 450)
    }

    @Test func aNumberStandsWithItsProofAndOnlyBesideANameOfTheStandard() {
        for metric in shelf.nomenclature.metrics.values {
            #expect((metric.code == nil) == metric.referenceID.hasPrefix("NABD_"), "\(metric.referenceID)")
            #expect((metric.code == nil) == metric.proof.isEmpty, "\(metric.referenceID)")
        }
    }

    /// Numbers that public repositories made up, and one that two sources dispute.
    @Test func inventedNumbersAreNotHere() {
        let names = shelf.nomenclature
        #expect(!names.metrics.values.contains { $0.code == 157_985 })
        #expect(names.metric("MDC_PULS_OXIM_SAT_O2")?.code == 150_456)
        #expect(names.metric("MDC_AWAY_CO2_ET")?.code == 151_728)
        #expect(names.event("MDC_EVT_FLUID_LINE_AIR")?.code == 197_200)
        #expect(names.event("MDC_EVT_PUMP_GENERAL_ALARM")?.code == nil)
    }

    /// Known pairs of names and numbers of the project before the tables: none has changed.
    @Test(
        arguments: [
            ("MDC_ECG_HEART_RATE", 147842), ("MDC_RESP_RATE", 151562), ("MDC_PRESS_BLD_NONINV_SYS", 150021),
            ("MDC_TEMP", 150344),
            ("MDC_FLOW_FLUID_PUMP", 157784), ("MDC_FLOW_FLUID_PUMP_CURRENT", 158014),
            ("MDC_VOL_FLUID_DELIV_TOTAL", 157993),
            ("MDC_PUMP_INFUSING_STATUS", 184519), ("MDC_ATTR_VAL_BATT_CHARGE", 67996), ("MDC_TEMP_RECT", 188420),
        ] as [(String, UInt32)])
    func numbersAreThoseOfBefore(name: String, code: UInt32) { #expect(shelf.nomenclature.metric(name)?.code == code) }

    @Test func aNameThatHasANumberByNowIsFoundUnderItsOldName() {
        #expect(shelf.nomenclature.metric("NABD_PEEP")?.referenceID == "MDC_PRESS_AWAY_END_EXP_POS")
        #expect(shelf.nomenclature.event("NABD_APNEA")?.code == 199_680)
        #expect(shelf.nomenclature.metrics["NABD_PEEP"] == nil)
    }

    @Test func aFridgeHasNoBodyTemperature() throws {
        let temperature = try #require(shelf.nomenclature.metric("MDC_TEMP"))
        #expect(temperature.loinc[.patient] == "8310-5" && temperature.loinc[.unit] == nil)
        #expect(
            shelf.nomenclature.kinds["drug refrigerator"]?.class == .unit
                && shelf.nomenclature.kinds["patient monitor"]?.class == .patient)
    }

    private func read(_ text: String, by origin: NameOrigin = .site) -> (names: Nomenclature, findings: [String]) {
        let diagnostics = Diagnostics()
        var names = shelf.nomenclature
        let table = NomenclatureTable(path: "site.tsv", text: text, diagnostics)
        for row in table.rows { names.declare(row, by: origin, diagnostics) }
        return (names, diagnostics.all.map(\.description))
    }

    /// The limit comes before the content, and nothing is waited for.
    @Test func onlySmallRegularTablesAreRead() throws {
        let folder = try TemporaryFolder()
        #expect(mkfifo("\(folder.path)/a.tsv", 0o600) == 0)
        #expect(symlink("/dev/zero", "\(folder.path)/b.tsv") == 0)
        let large = try folder.write("c.tsv", "")
        #expect(truncate(large, off_t(1) << 31) == 0)
        let diagnostics = Diagnostics()
        var names = shelf.nomenclature
        names.read(folder: folder.path, by: .site, diagnostics)
        #expect(diagnostics.all.map(\.location.file).map { $0.suffix(5) } == ["a.tsv", "b.tsv", "c.tsv"])
        #expect(diagnostics.all.allSatisfy { $0.message.contains("cannot be read") })
    }

    @Test func aSiteDeclaresItsOwnNames() throws {
        let (names, findings) = read(
            "# ours\nmetric\tmeasured-in\tdisplay\tdisplay-ar\tsystem\nHOSPITAL_WOUND_AREA\tcm2\tWound area\tمساحة "
                + "الجرح\turn:hospital:metric\n"
        )
        #expect(findings == [])
        let metric = try #require(names.metric("HOSPITAL_WOUND_AREA"))
        #expect(metric.system == "urn:hospital:metric" && metric.code == nil && metric.arabicDisplay == "مساحة الجرح")
        #expect(try names.fits(names.unit("mm2").get(), metric) && !names.fits(names.unit("mm").get(), metric))
    }

    /// One bad line costs its own name.
    @Test(
        arguments: [
            ("metric\tdisplay\tsystem\nMY_NAME\tMine\t\n", "site.tsv:2:14: error: a name of your own needs a “system”"),
            ("metric\tdisplay\nNABD_MINE\tMine\n", "site.tsv:2:1: error: NABD_ names are the project's"),
            (
                "metric\tdisplay\nMDC_MINE\tMine\n",
                "site.tsv:2:1: error: a name of the standard has a number and its proof"
            ),
            ("metric\tcode\tdisplay\nMDC_MINE\t150000\tMine\n", "site.tsv:2:10: error: expected a context-free code"),
            ("metric\tdisplay\tsystem\nmine\tMine\turn:a:b\n", "site.tsv:2:1: error: a name is capital letters"),
            (
                "metric\tdisplay\tmeasured-in\tsystem\nMY_NAME\tMine\tmmHg\turn:a:b\n",
                "site.tsv:2:14: error: “mmHg” is not a UCUM unit"
            ),
            (
                "metric\tdisplay\tsystem\tloinc\nMY_NAME\tMine\turn:a:b\tdog:1-2\n",
                "site.tsv:2:22: error: expected CLASS:CODE"
            ),
            (
                "metric\tdisplay\tsystem\tcategory\nMY_NAME\tMine\turn:a:b\twish\n",
                "site.tsv:2:22: error: expected measurement, setting, calculation"
            ),
            (
                "metric\tdisplay\tsystem\nMDC_TEMP\tMine\turn:a:b\n",
                "site.tsv:2:1: error: “MDC_TEMP” stands for something already"
            ),
            (
                "metric\tdisplay\tsystem\nNABD_PEEP\tMine\turn:a:b\n",
                "site.tsv:2:1: error: “NABD_PEEP” stands for something already"
            ),
            (
                "metric\tdisplay\tsystem\nMY_NAME\tMine\turn:a:b\tmore\n",
                "site.tsv:2:22: error: more columns than the first line names"
            ),
            ("metric\tdisplay\tdisplays\n", "site.tsv:1:16: error: unknown column “displays”"),
            ("thing\tdisplay\n", "site.tsv:1:1: error: the first line names the columns"),
            ("", "site.tsv:1:1: error: the table is empty"),
            ("kind\tclass\nrobot\tnobody\n", "site.tsv:2:7: error: expected whom its values are about"),
            (
                "atom\tprefixes\tis\n[me]\tno\t3 nothing\n",
                "site.tsv:2:9: error: “nothing” is not made of the atoms before it"
            ),
            ("unit\tdisplay\nmL/h\tmL/h\n", "site.tsv:2:1: error: the unit “mL/h” stands twice"),
        ])
    func whatIsNotInOrderIsToldAtItsPlace(text: String, finding: String) {
        let (names, findings) = read(
            text + (text.hasPrefix("metric\tdisplay\tsystem\n") ? "FINE_NAME\tFine\turn:a:b\n" : ""))
        #expect(findings.contains { $0.hasPrefix(finding) }, "\(findings)")
        if text.hasPrefix("metric\tdisplay\tsystem\n") { #expect(names.metric("FINE_NAME") != nil) }
    }
}
