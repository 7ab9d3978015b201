import DeviceModel
import Foundation
import Patients
import Testing

@testable import SampleJournal
@testable import UnitPicture

private let second = PictureUnit.second
private let other = String(repeating: "b2", count: 32)

/// What of a former patient is left at a bed: nothing that stands as of now.
@Suite struct PicturePatientsTests {
    private func value(_ unit: PictureUnit, _ stream: StreamDescriptor) throws -> String? {
        let picture = PictureClient.object(try unit.reader().whole(now: unit.time))
        let streams = try #require(picture["streams"] as? [[String: Any]])
        let number = streams.first { $0["metric"] as? String == stream.metric }?["n"] as? Int
        let row = try #require((picture["values"] as? [[Any]])?.first { $0[0] as? Int == number })
        return row[2] as? String
    }

    private func move(_ unit: PictureUnit) throws {
        try unit.say([
            .configured(bed: "chair-1", ConfiguredBed(name: "Chair 1", nameArabic: "كرسي 1", devices: ["pump"])),
            .configured(
                bed: "chair-2",
                ConfiguredBed(name: "Chair 2", nameArabic: "كرسي 2", devices: ["monitor", "oximeter"])),
        ])
    }

    private func unbind(_ unit: PictureUnit, _ bed: String = "chair-1") throws {
        let open = try #require(unit.bindings.openBinding(atBed: bed))
        try unit.say([.unbound(bed: bed, binding: open.number, by: ["layla"])])
    }

    @Test func theNewestValueGoesWithItsPatient() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        unit.now += second
        unit.sample(PictureUnit.saturation, 97)
        try unit.commit()
        #expect(try value(unit, PictureUnit.saturation) == "97")
        unit.now += second
        try unbind(unit)
        #expect(try value(unit, PictureUnit.saturation) == nil, "whoever it was of is not there any more")
        unit.now += second
        try unit.bind("chair-1", other)
        #expect(try value(unit, PictureUnit.saturation) == nil)
        unit.now += second
        unit.sample(PictureUnit.saturation, 88)
        try unit.commit()
        #expect(try value(unit, PictureUnit.saturation) == "88")
    }

    /// One who came before what was said of it has what was measured since.
    @Test func anArrivalThatIsSaidLateKeepsWhatWasMeasuredSince() throws {
        let unit = try PictureUnit()
        let since = Moment(session: unit.writer.sessionKey, nanoseconds: unit.now)
        unit.now += second
        unit.sample(PictureUnit.saturation, 97)
        try unit.commit()
        unit.now += second
        try unit.bind("chair-1", since: since)
        #expect(try value(unit, PictureUnit.saturation) == "97")
    }

    @Test func theNewestValueStaysAtTheBedWhereItWasMeasured() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        try unit.bind("chair-2", other)
        unit.now += second
        unit.sample(PictureUnit.saturation, 97)
        try unit.commit()
        unit.now += second
        try move(unit)
        #expect(try value(unit, PictureUnit.saturation) == nil, "it was measured at the other bed")
        unit.now += second
        unit.sample(PictureUnit.saturation, 88)
        try unit.commit()
        #expect(try value(unit, PictureUnit.saturation) == "88")
    }

    /// A reload that leaves a device where it is takes nothing from its bed.
    @Test func whereOnlyAnotherBedIsConfiguredAnewTheValueStays() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        unit.now += second
        unit.sample(PictureUnit.saturation, 97)
        try unit.commit()
        unit.now += second
        try unit.say([
            .configured(bed: "chair-2", ConfiguredBed(name: "Chair 2", nameArabic: "كرسي 2", devices: []))
        ])
        #expect(try value(unit, PictureUnit.saturation) == "97")
    }

    @Test func theLastSecondsOfACurveAreThePatientsOwn() throws {
        let unit = try PictureUnit()
        try unit.bind("chair-1")
        func record(seconds: Int) throws {
            for _ in 0..<(4 * seconds) {
                unit.now += second / 4
                unit.wave(PictureUnit.pleth)
                try unit.commit()
            }
        }
        func times() throws -> [Double] {
            let reader = try unit.reader()
            var client = PictureClient()
            client.load(reader.whole(now: unit.time), waves: [reader.waves(of: "chair-1")])
            return client.waves.values.flatMap(\.values).map(\.time)
        }
        try record(seconds: 3)
        #expect(try times().count > 100)
        try unbind(unit)
        try unit.bind("chair-1", other)
        let came = Double(unit.now) / 1_000_000
        #expect(try times().isEmpty)
        try record(seconds: 2)
        let told = try times()
        #expect(told.count > 50 && told.allSatisfy { $0 >= came })
    }

    /// Whoever shows one bed begins anew where somebody else is there, or another device.
    @Test func aChangeOfPatientOrDevicesIsAWholePicture() throws {
        let unit = try PictureUnit()
        let reader = try unit.reader()
        func isWhole() throws -> Bool {
            unit.now += second
            return try reader.take(now: unit.time).isWhole
        }
        try unit.say([.entered(bed: "chair-1", BedEntry(item: "consciousness", value: "A", by: ["layla"]))])
        #expect(try !isWhole())
        try unit.bind("chair-1")
        #expect(try isWhole())
        try unbind(unit)
        #expect(try isWhole())
        try move(unit)
        #expect(try isWhole())
    }
}
