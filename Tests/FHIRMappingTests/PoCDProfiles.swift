import DeviceModel
import Nomenclature

/// What the profiles of HL7's PoCD guide ask of a resource, as far as it is written down here.
///
/// Source: StructureDefinitions in HL7's repository of the guide (R4, drafts of January 2022): cardinalities, types,
/// targets of references, fixed systems, invariants, and which elements must be supported. The ballot 1.0.0-ballot3
/// itself was not at hand; a later draft may ask for more. Not looked at: extensions, value sets beyond their system,
/// the compound and channel profiles (nothing is made by them), and all that FHIR R4 asks by itself, which validators
/// look at in the bench tests.
enum PoCDProfiles {
    /// In which ways an example is not as its profile has it, each in words that stay the same for all like it.
    static func deviations(_ example: ResourceKinds.Example) -> Set<String> {
        guard let profile = example.profile else { return [] }
        let found: [String?]
        switch profile {
        case .mdsDevice: found = mds(example.json)
        case .vmdDevice: found = vmd(example.json)
        case .numericMetric, .arrayMetric, .enumerationMetric: found = metric(example.json, profile)
        case .numeric, .array, .enumeration: found = observation(example.json, profile)
        }
        return Set(found.compactMap(\.self).map { "\(profile.rawValue).\($0)" })
    }

    /// Elements that must be supported and that no example of a profile has.
    static func unsupported(_ examples: [ResourceKinds.Example]) -> Set<String> {
        var missing: Set<String> = []
        for profile in ResourceKinds.Profile.allCases {
            let all = examples.filter { $0.profile == profile }.map(\.json)
            for element in mustSupport(profile) where !all.contains(where: { has($0, element) }) {
                missing.insert("\(profile.rawValue).\(element): must be supported, is never sent")
            }
        }
        return missing
    }

    // MARK: Devices

    private static func mds(_ json: JSON) -> [String?] {
        [
            json["identifier"] == nil && json["udiCarrier"] == nil ? "identifier: neither it nor udiCarrier" : nil,
            standard(json["type"], "type"), target(json["parent"], "parent", ["Device"], isNeeded: false),
        ]
    }

    private static func vmd(_ json: JSON) -> [String?] {
        [
            standard(json["type"], "type"), target(json["parent"], "parent", ["Device"]),
            json["patient"] == nil ? nil : "patient: must not be there",
            json["location"] == nil ? nil : "location: must not be there",
        ]
    }

    private static func metric(_ json: JSON, _ profile: ResourceKinds.Profile) -> [String?] {
        var found = [
            standard(json["type"], "type"), target(json["source"], "source", ["Device"]),
            target(json["parent"], "parent", ["Device"]),
            // The guide's tree has a channel between: none is made here.
            "parent: is no channel",
        ]
        if profile == .enumerationMetric {
            found.append(json["unit"] == nil ? nil : "unit: must not be there")
        } else if json["unit"] != nil {
            found.append(standard(json["unit"], "unit"))
        }
        return found
    }

    // MARK: Observations

    private static func observation(_ json: JSON, _ profile: ResourceKinds.Profile) -> [String?] {
        let values = members(json).filter { $0.hasPrefix("value") }
        let allowed: Set<String> =
            switch profile {
            case .numeric: ["valueQuantity", "valueRatio"]
            case .array: ["valueSampledData"]
            default: ["valueCodeableConcept", "valueString"]
            }
        let times = members(json).filter { $0.hasPrefix("effective") }
        var found = values.filter { !allowed.contains($0) }.map { Optional("value[x]: \($0)") }
        found += [
            standard(json["code"], "code"), target(json["subject"], "subject", ["Patient", "Device"]),
            target(json["device"], "device", ["DeviceMetric"]),
            times.isSubset(of: ["effectiveDateTime", "effectivePeriod"]) && !times.isEmpty
                ? nil : "effective[x]: none, or of another type",
            values.isEmpty && json["dataAbsentReason"] == nil ? "value[x]: neither it nor dataAbsentReason" : nil,
            json["valueQuantity"].flatMap { $0["value"] == nil ? "valueQuantity.value: none" : nil },
            ucum(json["valueQuantity"], "valueQuantity"), ucum(json["valueSampledData"]?["origin"], "value origin"),
        ]
        return found
    }

    private static func ucum(_ quantity: JSON?, _ name: String) -> String? {
        guard let quantity else { return nil }
        return quantity["system"] == .string("http://unitsofmeasure.org") ? nil : "\(name): its system is not UCUM"
    }

    // MARK: Parts

    private static func members(_ json: JSON) -> Set<String> {
        guard case .object(let members) = json else { return [] }
        return Set(members.map(\.name))
    }

    /// A concept with a coding of ISO/IEEE 11073-10101: asked for wherever there is an appropriate code.
    private static func standard(_ concept: JSON?, _ name: String) -> String? {
        guard let concept else { return "\(name): none" }
        guard case .array(let codings) = concept["coding"],
            codings.contains(where: { $0["system"] == .string(Nomenclature.standardSystem) })
        else { return "\(name): no coding of the standard's" }
        return nil
    }

    private static func target(_ reference: JSON?, _ name: String, _ types: [String], isNeeded: Bool = true) -> String?
    {
        guard let reference else { return isNeeded ? "\(name): none" : nil }
        guard case .string(let text) = reference["reference"], types.contains(where: { text.hasPrefix("\($0)/") })
        else { return "\(name): refers to something else" }
        return nil
    }

    /// A path of members: `meta.security`; a name that ends in `[x]` is any of its types.
    private static func has(_ json: JSON, _ path: String) -> Bool {
        let names = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard let name = names.first else { return true }
        let begins = name.hasSuffix("[x]") ? String(name.dropLast(3)) : nil
        let found = members(json).filter { member in begins.map { member.hasPrefix($0) } ?? (member == name) }
        guard names.count > 1 else { return !found.isEmpty }
        return found.contains { json[$0].map { has($0, names[1]) } ?? false }
    }

    private static func mustSupport(_ profile: ResourceKinds.Profile) -> [String] {
        let parts = [
            "identifier", "udiCarrier", "status", "statusReason", "manufacturer", "serialNumber", "deviceName",
            "modelNumber", "partNumber", "type", "version", "safety", "parent",
        ]
        let metrics = [
            "type", "source", "parent", "operationalStatus", "category", "measurementPeriod", "calibration",
        ]
        let observations = [
            "meta.security", "status", "category", "subject", "effective[x]", "value[x]", "dataAbsentReason",
            "interpretation", "bodySite", "device",
        ]
        return switch profile {
        case .mdsDevice: parts + ["patient", "location"]
        case .vmdDevice: parts
        case .numericMetric, .arrayMetric: metrics + ["unit"]
        case .enumerationMetric: metrics
        case .numeric, .array: observations + ["code", "referenceRange"]
        case .enumeration: observations
        }
    }
}
