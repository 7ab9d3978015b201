import DeviceModel

/// Every bound and every word of the language, each said once: the grammar shows it and the reader reads by it. What
/// depends on the rest of a file, such as a byte within its frame, is narrower there.
extension Grammar {
    enum Bounds {
        /// How many entries a part of a profile has at most, with those that it inherits.
        static let entries: KeyValuePairs<String, Int> = [
            "provenance": 256, "names": 2000, "vmds": 256, "frames": 32, "messages": 512, "fields": 2000,
            "requests": 256, "metrics": 2000, "waveforms": 64, "heartbeat": 64, "alerts": 512, "commands": 64,
            "simulate": 4000,
        ]

        // The line.
        static let baud = 300...921_600
        static let port = 1...65535
        /// 0 is the device itself, on TCP only.
        static let modbusUnit = 0...255
        static let serialUnit = 1...255
        static let turnaround: ClosedRange<Int64> = 0...10_000_000_000
        static let slowestReply: ClosedRange<Int64> = 1_000_000...60_000_000_000
        static let pauseAfterOpening: ClosedRange<Int64> = 0...60_000_000_000
        static let quiet: ClosedRange<Int64> = 1_000_000...60_000_000_000
        static let longestRead = 1...RegisterSource.longestRead

        // Frames and messages.
        static let frameBytes = 1...FrameFormat.limit
        static let frameByte = 0...(FrameFormat.limit - 1)
        static let lengthByte = 0...64
        static let lengthDigits = 1...5
        static let lengthAdds = -64...64
        static let checksumDigits = 3...5
        static let packetFrames = 2...256
        static let frameOfPacket = 1...256
        static let byteBit = 0...7
        static let bitValue = 0...1
        static let recordBytes = 1...256
        static let recordByte = 0...255
        static let bytesBeforeList = 0...256
        static let recordAdds = 0...4096
        static let bytesEach = 1...8
        static let attribute = 0...65535

        // Fields.
        static let samples = 2...256
        static let places = 0...9
        static let address = 0...65535
        static let object = 0...255
        static let textRegisters = 1...20
        static let registerBit = 0...15
        static let fieldBit = 0...63

        // Times.
        static let period: ClosedRange<Int64> = 10_000_000...3_600_000_000_000
        static let samplePeriod: ClosedRange<Int64> = 100_000...1_000_000_000
        static let pause: ClosedRange<Int64> = 1_000_000...5_000_000_000
        static let silence: ClosedRange<Int64> = 100_000_000...3_600_000_000_000
        static let resultAge: ClosedRange<Int64> = 1_000_000_000...86_400_000_000_000
        static let heartbeat: ClosedRange<Int64> = 100_000_000...3_600_000_000_000
        static let readBack: ClosedRange<Int64> = 10_000_000...600_000_000_000
        static let settling: ClosedRange<Int64> = 0...60_000_000_000
        static let requirementAge: ClosedRange<Int64> = 100_000_000...60_000_000_000
        static let simulated: ClosedRange<Int64> = 1...86_400_000_000_000

        // Requests, metrics and commands.
        static let retries = 0...5
        static let times = 1...1_000_000_000
        static let argumentPlaces = 0...6
        static let measurementPause: ClosedRange<Int64> = 1_000_000_000...3_600_000_000_000
        /// At most what the program itself lets be done to a device in an hour.
        static let measurementsPerHour = 1...12
        static let argumentDigits = 1...9
        /// Functions of Modbus, of which ``RegisterWrite/functions`` write.
        static let writing = 5...16
        /// Exceptions of Modbus that can prove that nothing was done.
        static let proof = 1...4

        // Vectors.
        static let step = 1...16
        static let repetitions = 1...100_000
    }

    enum Words {
        static let modbus: KeyValuePairs<String, (transport: LineDescription.Transport, isASCII: Bool)> = [
            "rtu": (.modbusRTU, false), "ascii": (.modbusRTU, true), "tcp": (.modbusTCP, false),
        ]
        static let flow: KeyValuePairs<String, LineDescription.FlowControl> = [
            "none": .none, "rts-cts": .hardware, "xon-xoff": .software,
        ]
        static let level: KeyValuePairs<String, Bool> = ["on": true, "off": false]
        static let consent: KeyValuePairs<String, Bool> = ["yes": true, "no": false]
        static let lengthType = all(FrameFormat.LengthType.self)
        /// Numbers within records, which are binary.
        static let countType = lengthType.filter { $0.value != .decimal }
        static let encoding = all(ChecksumEncoding.self)
        static let over: KeyValuePairs<String, Bool> = ["plain": false, "wire": true]
        static let from: KeyValuePairs<String, Bool> = ["host": true, "device": false]
        static let holding = all(BinaryRecords.Holding.self)
        static let order: KeyValuePairs<String, Bool> = ["high-first": false, "low-first": true]
        static let requestClass = all(RequestDescription.Class.self)
        /// What is only read is a request.
        static let commandClass = requestClass.filter { $0.value != .read }
        static let stepClass = all(CommandDescription.Step.Class.self)
        static let commandKind = all(CommandDescription.Kind.self)
        static let priority = all(AlertDescription.Priority.self)
        static let silence = all(SessionDescription.Silence.Deed.self)
        static let vectorKind = all(VectorFile.Kind.self)

        /// Numbers in the text of a message.
        static let textTypes: KeyValuePairs<String, FieldType> = [
            "text": .text, "decimal": .decimal(places: 3), "hex": .hex, "integer": .decimal(places: 0),
            "degrees-minutes": .degreesMinutes, "hours-minutes": .sexagesimal,
        ]
        /// Numbers in bytes: how many bytes, and whether the less significant come first.
        static let binaryTypes: KeyValuePairs<String, (bytes: Int, type: FieldType, isLowFirst: Bool)> = [
            "uint8": (1, .bits(signed: false), false), "int8": (1, .bits(signed: true), false),
            "uint16": (2, .bits(signed: false), false), "int16": (2, .bits(signed: true), false),
            "uint24": (3, .bits(signed: false), false), "int24": (3, .bits(signed: true), false),
            "uint32": (4, .bits(signed: false), false), "int32": (4, .bits(signed: true), false),
            "uint64": (8, .bits(signed: false), false), "int64": (8, .bits(signed: true), false),
            "uint16le": (2, .bits(signed: false), true), "int16le": (2, .bits(signed: true), true),
            "uint24le": (3, .bits(signed: false), true), "int24le": (3, .bits(signed: true), true),
            "uint32le": (4, .bits(signed: false), true), "int32le": (4, .bits(signed: true), true),
            "uint64le": (8, .bits(signed: false), true), "int64le": (8, .bits(signed: true), true),
            "float32": (4, .float32, false), "float32le": (4, .float32, true), "float64": (8, .float64, false),
            "float64le": (8, .float64, true), "bcd8": (1, .bcd, false), "bcd16": (2, .bcd, false),
            "bcd32": (4, .bcd, false), "sign-magnitude8": (1, .signMagnitude, false),
            "sign-magnitude16": (2, .signMagnitude, false), "sign-magnitude16le": (2, .signMagnitude, true),
            "medfloat16": (2, .medicalFloat(places: 3), false), "medfloat32": (4, .medicalFloat(places: 3), false),
            "medfloat16le": (2, .medicalFloat(places: 3), true), "medfloat32le": (4, .medicalFloat(places: 3), true),
        ]
        /// Registers: how many; 0 where the field says it.
        static let registerTypes: KeyValuePairs<String, (registers: Int, type: FieldType)> = [
            "uint16": (1, .bits(signed: false)), "int16": (1, .bits(signed: true)), "uint32": (2, .bits(signed: false)),
            "int32": (2, .bits(signed: true)), "uint64": (4, .bits(signed: false)), "int64": (4, .bits(signed: true)),
            "float32": (2, .float32), "float64": (4, .float64), "bcd16": (1, .bcd), "bcd32": (2, .bcd),
            "sign-magnitude16": (1, .signMagnitude), "sign-magnitude32": (2, .signMagnitude), "text": (0, .text),
        ]
        /// Registers that are joined.
        static let joinedTypes: KeyValuePairs<String, FieldType> = [
            "unsigned": .bits(signed: false), "signed": .bits(signed: true), "sign-magnitude": .signMagnitude,
            "bcd": .bcd, "float32": .float32, "float64": .float64,
        ]

        private static func all<Word: CaseIterable & RawRepresentable<String>>(_ type: Word.Type)
            -> [(key: String, value: Word)]
        { type.allCases.map { ($0.rawValue, $0) } }
    }
}
