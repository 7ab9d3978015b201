/// How sure a code's number is, from the sources it was cross-checked in.
///
/// The text of ISO/IEEE 11073-10101 itself was not available to the project: every number here comes from public vendor material.
public enum CodeProof: String, Sendable {
    /// A vendor's published nomenclature, recomputed (partition × 65536 + term).
    case vendorTable = "vendor nomenclature"
    /// Captured or published messages of a vendor's gateway.
    case vendorCapture = "vendor capture"
    /// Two or more independent public sources agree.
    case crossChecked = "cross-checked"
    /// One public sample only.
    case singleSample = "single public sample"
    /// A name of the project's own; it has no number.
    case own = "project's own name"
}

/// What a metric means: a reference identifier with its number, where the number is known.
public struct MetricCode: Sendable, Hashable {
    /// The IEEE 11073 reference identifier (`MDC_…`), or a name of the project's own (`NABD_…`).
    public let referenceID: String
    /// The context-free code (partition × 65536 + term); `nil` for names of the project's own.
    public let code: UInt32?
    public let dimension: Dimension
    /// The LOINC code, only where it was checked against a published FHIR package or value set.
    public let loinc: String?
    public let proof: CodeProof
    /// What a person reads.
    public let display: String

    /// Code system of `MDC_` codes in FHIR.
    public static let system = "urn:iso:std:iso:11073:10101"
    /// Code system of the project's own names.
    public static let ownSystem = "urn:nabd:metric"
    /// Names of the project's own start with this.
    public static let ownPrefix = "NABD_"

    init(
        _ referenceID: String, _ code: UInt32?, _ dimension: Dimension, _ proof: CodeProof, _ display: String, loinc: String? = nil
    ) {
        self.referenceID = referenceID
        self.code = code
        self.dimension = dimension
        self.loinc = loinc
        self.proof = proof
        self.display = display
    }

    /// The code with this reference identifier, or `nil` when the table has none.
    public static func named(_ referenceID: String) -> MetricCode? { byReferenceID[referenceID] }

    private static let byReferenceID = Dictionary(uniqueKeysWithValues: all.map { ($0.referenceID, $0) })

    /// The codes a profile may use. A reference identifier whose number could not be verified is left out on purpose: a profile names
    /// such a metric with a `NABD_` name until the number is known, so that no guessed number ever leaves the unit.
    public static let all: [MetricCode] = vitalSigns + pump + unitSensors

    private static let vitalSigns: [MetricCode] = [
        MetricCode("MDC_ECG_HEART_RATE", 147842, .frequency, .crossChecked, "Heart rate from ECG", loinc: "8867-4"),
        MetricCode("MDC_PULS_OXIM_PULS_RATE", 149530, .frequency, .crossChecked, "Pulse rate from oximetry", loinc: "8867-4"),
        MetricCode("MDC_PULS_RATE", 149514, .frequency, .vendorTable, "Pulse rate", loinc: "8867-4"),
        MetricCode("MDC_BLD_PULS_RATE_INV", 149522, .frequency, .vendorTable, "Pulse rate from invasive pressure", loinc: "8867-4"),
        MetricCode("MDC_PULS_OXIM_SAT_O2", 150456, .fraction, .crossChecked, "Oxygen saturation by pulse oximetry", loinc: "2708-6"),
        MetricCode("MDC_PULS_OXIM_PERF_REL", 150448, .fraction, .vendorTable, "Perfusion index"),
        MetricCode("MDC_PULS_OXIM_PLETH", 150452, .count, .vendorTable, "Plethysmogram"),
        MetricCode("MDC_RESP_RATE", 151562, .frequency, .vendorTable, "Respiration rate", loinc: "9279-1"),
        MetricCode("MDC_CO2_RESP_RATE", 151594, .frequency, .singleSample, "Respiration rate from CO2", loinc: "9279-1"),
        MetricCode("MDC_AWAY_CO2_ET", 151728, .pressure, .vendorTable, "End-tidal CO2"),
        MetricCode("MDC_CONC_AWAY_CO2_ET", 151708, .fraction, .singleSample, "End-tidal CO2 fraction"),
        MetricCode("MDC_CONC_AWAY_O2_INSP", 152196, .fraction, .vendorTable, "Inspired oxygen fraction"),
        MetricCode("MDC_PRESS_BLD_NONINV_SYS", 150021, .pressure, .crossChecked, "Systolic pressure, cuff", loinc: "8480-6"),
        MetricCode("MDC_PRESS_BLD_NONINV_DIA", 150022, .pressure, .crossChecked, "Diastolic pressure, cuff", loinc: "8462-4"),
        MetricCode("MDC_PRESS_BLD_NONINV_MEAN", 150023, .pressure, .crossChecked, "Mean pressure, cuff", loinc: "8478-0"),
        MetricCode("MDC_PRESS_BLD_ART_SYS", 150033, .pressure, .crossChecked, "Systolic arterial pressure"),
        MetricCode("MDC_PRESS_BLD_ART_DIA", 150034, .pressure, .crossChecked, "Diastolic arterial pressure"),
        MetricCode("MDC_PRESS_BLD_ART_MEAN", 150035, .pressure, .crossChecked, "Mean arterial pressure"),
        MetricCode("MDC_PRESS_BLD_VEN_CENT", 150084, .pressure, .crossChecked, "Central venous pressure"),
        MetricCode("MDC_TEMP", 150344, .temperature, .singleSample, "Temperature", loinc: "8310-5"),
        MetricCode("MDC_TEMP_CORE", 150368, .temperature, .vendorTable, "Core temperature", loinc: "8310-5"),
        MetricCode("MDC_TEMP_SKIN", 150388, .temperature, .vendorTable, "Skin temperature"),
        MetricCode("MDC_TEMP_RECT", 188420, .temperature, .vendorTable, "Rectal temperature"),
        MetricCode("MDC_ECG_ELEC_POTL", 131328, .electricPotential, .crossChecked, "ECG"),
        MetricCode("MDC_ECG_ELEC_POTL_I", 131329, .electricPotential, .crossChecked, "ECG lead I"),
        MetricCode("MDC_ECG_ELEC_POTL_II", 131330, .electricPotential, .crossChecked, "ECG lead II"),
        MetricCode("MDC_ECG_ELEC_POTL_III", 131389, .electricPotential, .crossChecked, "ECG lead III"),
        MetricCode("MDC_ECG_ELEC_POTL_V", 131395, .electricPotential, .vendorTable, "ECG lead V"),
        MetricCode("MDC_ECG_ELEC_POTL_V1", 131331, .electricPotential, .vendorTable, "ECG lead V1"),
        MetricCode("MDC_AWAY_CO2", 151724, .pressure, .vendorTable, "CO2 waveform"),
        MetricCode("MDC_RESP", 151552, .impedance, .vendorTable, "Respiration waveform"),
    ]

    private static let pump: [MetricCode] = [
        MetricCode("MDC_FLOW_FLUID_PUMP", 157784, .amountFlow, .crossChecked, "Programmed rate"),
        MetricCode("MDC_FLOW_FLUID_PUMP_CURRENT", 158014, .amountFlow, .vendorCapture, "Current rate"),
        MetricCode("MDC_VOL_FLUID_TBI", 157884, .volume, .crossChecked, "Volume to be infused"),
        MetricCode("MDC_VOL_FLUID_TBI_REMAIN", 157872, .volume, .vendorCapture, "Volume remaining"),
        MetricCode("MDC_VOL_FLUID_DELIV_TOTAL", 157993, .volume, .vendorCapture, "Volume delivered"),
        MetricCode("MDC_VOL_FLUID_DELIV_SEGMENT", 157992, .volume, .vendorCapture, "Volume delivered in this segment"),
        MetricCode("MDC_RATE_DOSE", 157924, .doseRate, .vendorCapture, "Dose rate"),
        MetricCode("MDC_CONC_DRUG", 157760, .concentration, .vendorCapture, "Drug concentration"),
        MetricCode("MDC_TIME_PD_REMAIN", 157916, .duration, .vendorCapture, "Time remaining"),
        MetricCode("MDC_DRUG_NAME_LABEL", 184514, .text, .vendorCapture, "Drug label"),
        MetricCode("MDC_PUMP_INFUSING_STATUS", 184519, .text, .vendorCapture, "Infusing status"),
        MetricCode("MDC_PUMP_MODE", 184504, .text, .vendorCapture, "Pump mode"),
        MetricCode("NABD_PUMP_PRESSURE", nil, .pressure, .own, "Infusion line pressure"),
        MetricCode("NABD_PUMP_ALARM_TEXT", nil, .text, .own, "Pump alarm text"),
        MetricCode("NABD_PUMP_TIME_LEFT", nil, .text, .own, "Time left as the pump words it"),
        MetricCode("NABD_SYRINGE", nil, .text, .own, "Syringe"),
    ]

    private static let unitSensors: [MetricCode] = [
        MetricCode("MDC_ATTR_VAL_BATT_CHARGE", 67996, .fraction, .vendorCapture, "Battery charge"),
        MetricCode("MDC_ATTR_TIME_BATT_REMAIN", 67976, .duration, .vendorCapture, "Battery time remaining"),
        MetricCode("NABD_RELATIVE_HUMIDITY", nil, .fraction, .own, "Relative humidity"),
        MetricCode("NABD_LATITUDE", nil, .angle, .own, "Latitude"),
        MetricCode("NABD_LONGITUDE", nil, .angle, .own, "Longitude"),
        MetricCode("NABD_ALTITUDE", nil, .length, .own, "Altitude"),
        MetricCode("NABD_COURSE", nil, .angle, .own, "Course over ground"),
        MetricCode("NABD_GROUND_SPEED", nil, .speed, .own, "Speed over ground"),
        MetricCode("NABD_GNSS_FIX", nil, .count, .own, "Position fix"),
        MetricCode("NABD_GNSS_SATELLITES", nil, .count, .own, "Satellites in use"),
        MetricCode("NABD_BATTERY_VOLTAGE", nil, .electricPotential, .own, "Battery voltage"),
        MetricCode("NABD_BATTERY_CURRENT", nil, .electricCurrent, .own, "Battery current"),
        MetricCode("NABD_BATTERY_TEMPERATURE", nil, .temperature, .own, "Battery temperature"),
    ]
}

/// Codes of alerts and their facets.
public enum AlertCode {
    /// `MDC_EVT_ALARM`, the container of an alert in a FHIR Observation.
    public static let container: (referenceID: String, code: UInt32) = ("MDC_EVT_ALARM", 196616)
    /// `MDC_ATTR_EVENT_PHASE`: start, update or end.
    public static let phase: UInt32 = 68481
    /// Alert priority.
    public static let priority: UInt32 = 68484

    /// Verified alert conditions. A condition without a verified number carries a `NABD_` name.
    public static let conditions: [String: UInt32] = [
        "MDC_EVT_FLUID_LINE_OCCL": 196940,
        "MDC_EVT_BATT_LO": 196802,
        "MDC_EVT_FLOW_LO": 196950,
        "MDC_EVT_HI_GT_LIM": 196650,
        "MDC_EVT_LO_LT_LIM": 196672,
        "MDC_EVT_PUMP_GENERAL_ALARM": 196670,
        "MDC_EVT_VOL_INFUS_NEAR_COMP": 197334,
        "MDC_EVT_PUMP_DELIV_START": 197288,
        "MDC_EVT_PUMP_DELIV_COMP": 197292,
    ]
}
