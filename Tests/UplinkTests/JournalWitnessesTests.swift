import Crypto
import CryptoExtras
import DeviceModel
import FHIRMapping
import Foundation
import GRDB
import Nomenclature
import SwiftASN1
import TestSupport
import Testing
import X509

@testable import SampleJournal
@testable import Uplink

/// The chain of events against what was delivered of it (B7).
@Suite struct JournalWitnessesTests {
    private let folder: TemporaryFolder
    private var directory: String { "\(folder.path)/journal" }

    init() throws { folder = try TemporaryFolder() }

    /// A journal of some events, and what a service was given of them.
    private func delivered(_ count: Int) throws -> String {
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 1, utc: 1)
        for number in 1...count {
            try writer.record(
                [.init(.clockStepped(milliseconds: Int64(number), at: Int64(number)))], now: Int64(number),
                utcOffset: 0, quality: .unknown)
        }
        try writer.finish(now: 100, utc: 100, quality: .unknown)
        return try given(everySecond: true)
    }

    /// What a service has, a resource a line.
    private func given(everySecond: Bool) throws -> String {
        let reader = try JournalReader(directory: directory)
        let mapper = FHIRMapper(
            unit: try reader.unit() ?? "", name: "", isTestData: true, names: Nomenclature())
        let lines = try reader.events(after: 0, limit: 1_000).filter { !everySecond || $0.id % 2 == 0 }.map { event in
            mapper.event(
                event.recorded, name: event.kind, id: event.id, session: event.session, device: event.device,
                utc: event.utc, line: event.line, hash: event.hash
            ).json.text
        }
        return try folder.write("given-\(UUID().uuidString).ndjson", lines.joined(separator: "\n"))
    }

    private func report(_ file: String) throws -> JournalWitnesses.Report {
        try JournalWitnesses(readingFrom: file).compare(with: JournalReader(directory: directory))
    }

    /// Writes the journal anew from one event on, so that all of it fits in itself.
    private func rewrite(event number: Int64, body: String) throws {
        let path = JournalFiles(directory: directory).newest(.events).path
        try DatabaseQueue(path: path).write { db in
            var previous = try Row.fetchOne(db, sql: "SELECT hash FROM anchor")?.bytes("hash") ?? EventRecord.noHash
            for row in try Row.fetchAll(db, sql: "SELECT * FROM events ORDER BY id") {
                let old = EventRecord(row)
                let event = EventRecord(
                    id: old.id, session: old.session, monotonicNanoseconds: old.monotonicNanoseconds, utc: old.utc,
                    quality: old.quality, device: old.device, kind: old.kind, body: old.id == number ? body : old.body,
                    hash: [])
                let whole = event.with(hash: event.expectedHash(after: previous))
                try db.execute(
                    sql: "UPDATE events SET body = ?, hash = ?, checksum = ? WHERE id = ?",
                    arguments: [whole.body, Data(whole.hash), whole.checksum, whole.id])
                previous = whole.hash
            }
        }
    }

    @Test func whatWasDeliveredAgrees() throws {
        let file = try delivered(20)
        let found = try report(file)
        #expect(found.agreeing == 10)
        #expect(found.faults.isEmpty)
        // The end of the record may not have been delivered: that is no fault, and is told.
        let newest = try JournalReader(directory: directory).newestEvent()
        #expect(found.newest == newest && found.newestAgreeing == newest - newest % 2)
    }

    @Test func aRewrittenJournalFitsInItselfAndNotWithItsWitness() throws {
        let file = try delivered(20)
        try rewrite(event: 7, body: #"{"stepMilliseconds":0}"#)
        #expect(try JournalReader(directory: directory).verify().faults.isEmpty, "by itself it is whole")
        let found = try report(file)
        #expect(found.agreeing == 3, "what lies before it")
        #expect(found.faults.count == 7)
        #expect(found.faults.first?.contains("event 8 is another than was delivered") == true)
    }

    /// The unit's own word: nothing was ever delivered.
    @Test func aSignedWitnessTellsARewrittenJournal() throws {
        _ = try delivered(20)
        let keys: [(pem: String, key: Certificate.PrivateKey)] = [
            { ($0.pemRepresentation, .init($0)) }(P256.Signing.PrivateKey()),
            { ($0.pemRepresentation, .init($0)) }(P384.Signing.PrivateKey()),
            { ($0.pemRepresentation, .init($0)) }(try _RSA.Signing.PrivateKey(keySize: .bits2048)),
        ]
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 200, utc: 200)
        var certificates: [String] = []
        for (number, (pem, key)) in keys.enumerated() {
            let name = try DistinguishedName { CommonName("unit-\(number)") }
            let certificate = try Certificate(
                version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: Date() - 60,
                notValidAfter: Date() + 60, issuer: name, subject: name, extensions: .init(), issuerPrivateKey: key)
            certificates.append(try folder.write("\(number).pem", certificate.serializeAsPEM().pemString))
            let event = try WitnessSignature.event(
                for: JournalReader(directory: directory), key: try folder.write("\(number).key", pem),
                certificate: certificates[number], at: 300)
            try writer.record([.init(try #require(event))], now: 300, utcOffset: 0, quality: .unknown)
        }
        try writer.finish(now: 400, utc: 400, quality: .unknown)
        func check(_ number: Int) throws -> WitnessSignature.Report {
            try WitnessSignature.check(JournalReader(directory: directory), certificate: certificates[number])
        }
        for number in keys.indices { #expect(try check(number) == .init(agreeing: 1, others: 2, faults: [])) }
        try rewrite(event: 7, body: #"{"stepMilliseconds":0}"#)
        #expect(try JournalReader(directory: directory).verify().faults.isEmpty, "by itself it is whole")
        for number in keys.indices {
            let report = try check(number)
            #expect(report.agreeing == 0 && report.faults.count == 1)
            #expect(report.faults[0].contains("does not witness the chain up to event \(20 + number)"))
        }
    }

    /// The pair of a unit that renews itself is one file; one that changes meanwhile signs nothing.
    @Test func aPairInOneFileSignsAndAMixedOneDoesNot() async throws {
        _ = try delivered(3)
        let authority = try MadeCertificate("authority", isAuthority: true)
        func pair(_ name: String) async throws -> String {
            let request = try EnrolmentRequest(subject: DistinguishedName { CommonName(name) })
            let path = "\(folder.path)/\(name).pem"
            let certificate = try MadeCertificate(name, by: authority, for: request.publicKey).certificate
            try await IdentityFile(path).put([certificate, authority.certificate], request.key)
            return path
        }
        let (one, other) = (try await pair("one"), try await pair("other"))
        let reader = try JournalReader(directory: directory)
        #expect(try WitnessSignature.event(for: reader, key: one, certificate: one, at: 300) != nil)
        #expect(throws: WitnessSignature.Fault.self) {
            try WitnessSignature.event(for: reader, key: one, certificate: other, at: 300)
        }
        let writer = try JournalWriter(directory: directory, bootID: "b", now: 200, utc: 200)
        let event = try WitnessSignature.event(for: reader, key: one, certificate: one, at: 300)
        try writer.record([.init(try #require(event))], now: 300, utcOffset: 0, quality: .unknown)
        try writer.finish(now: 400, utc: 400, quality: .unknown)
        let report = try WitnessSignature.check(JournalReader(directory: directory), certificate: one)
        #expect(report == .init(agreeing: 1, others: 0, faults: []))
    }

    @Test func aJournalCutShortIsFound() throws {
        _ = try delivered(20)
        let file = try given(everySecond: false)
        let path = JournalFiles(directory: directory).newest(.events).path
        try DatabaseQueue(path: path).write { try $0.execute(sql: "DELETE FROM events WHERE id > 15") }
        #expect(
            try JournalReader(directory: directory).verify().faults == [
                "events: they end with event 15, and the samples know of 20: cut off"
            ])
        try DatabaseQueue(path: JournalFiles(directory: directory).newest(.samples).path).write {
            try $0.execute(sql: "UPDATE about SET value = 15 WHERE name = 'events'")
        }
        #expect(try JournalReader(directory: directory).verify().faults.isEmpty, "by itself it is whole")
        #expect(try report(file).faults.count == 5)
    }

    @Test func aBeheadedJournalIsFound() throws {
        _ = try delivered(20)
        let file = try given(everySecond: false)
        let path = JournalFiles(directory: directory).newest(.events).path
        func cut(before first: Int64, anchor: [UInt8]) throws {
            try DatabaseQueue(path: path).write { db in
                try db.execute(sql: "DELETE FROM events WHERE id < ?", arguments: [first])
                try db.execute(sql: "UPDATE anchor SET hash = ?", arguments: [Data(anchor)])
                try db.execute(sql: "UPDATE about SET value = ? WHERE name = 'first'", arguments: [first])
            }
        }
        let tenth = try #require(try JournalReader(directory: directory).events(after: 9, limit: 1).first)
        try cut(before: 11, anchor: tenth.hash)
        let pruned = try report(file)
        #expect(pruned.agreeing == 10 && pruned.gone == 10 && pruned.faults.isEmpty, "as after pruning")
        try cut(before: 11, anchor: [UInt8](repeating: 9, count: 32))
        #expect(try report(file).faults == ["event 11 does not hang on event 10 as that was delivered"])
        try cut(before: 30, anchor: tenth.hash)
        #expect(try report(file).faults.count == 1, "none of it is there")
    }

    @Test func whatIsNoWitnessIsTold() throws {
        let file = try delivered(4)
        let other = try folder.write("other.json", #"{"resourceType":"Bundle","entry":[{"resource":{"id":"a"}}]}"#)
        #expect(try report(other).faults.first?.contains("names no event of this journal") == true)
        let half = try folder.write("half.ndjson", try String(contentsOfFile: file, encoding: .utf8) + "\n{\"a\":")
        #expect(throws: JournalError.self) { _ = try report(half) }
        #expect(throws: JournalError.self) { _ = try report("/nowhere") }
        let value = EventWitness(unit: "u", number: 9, hash: [UInt8](repeating: 7, count: 32))
        let (digits, others) = (String(repeating: "07", count: 32), String(repeating: "0g", count: 32))
        for text in ["", "u:9", "u:0:\(digits)", "u:9:\(others)"] { #expect(EventWitness(text) == nil) }
        #expect(EventWitness("u:9:\(digits)") == value)
    }
}
