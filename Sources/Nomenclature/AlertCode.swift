/// Codes of alerts and their facets.
package enum AlertCode {
    /// `MDC_EVT_ALARM`, the container of an alert in a FHIR Observation.
    package static let container: (referenceID: String, code: UInt32) = ("MDC_EVT_ALARM", 196616)
    /// `MDC_ATTR_EVENT_PHASE`: start, update or end.
    package static let phase: UInt32 = 68481
    /// Alert priority.
    package static let priority: UInt32 = 68484

    /// Verified alert conditions. A condition without a verified number carries a `NABD_` name.
    package static let conditions: [String: UInt32] = [
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
