import DeviceModel
import SampleJournal

/// Conditions of the journal itself that are alerts: the record is what everybody relies on.
///
/// The priorities are proposed here and have not been reviewed by a clinician.
enum JournalAlert: String, CaseIterable {
    case failing = "NABD_JOURNAL_FAILING"
    case incomplete = "NABD_JOURNAL_INCOMPLETE"
    case shedding = "NABD_JOURNAL_SHEDDING"
    case overLimit = "NABD_JOURNAL_OVER_LIMIT"

    private var priority: String {
        switch self {
        case .failing, .incomplete: "high"
        case .shedding, .overLimit: "medium"
        }
    }

    private var text: String {
        switch self {
        case .failing: "Values are not being stored: the disk of this unit takes nothing"
        case .incomplete: "Stored values are missing: the record was deleted, damaged or replaced by an older one"
        case .shedding: "The store is full: the oldest waveforms that were not sent are being given up"
        case .overLimit: "The store is full and nothing may be given up"
        }
    }

    private var arabicText: String {
        switch self {
        case .failing: "لا يتم حفظ القيم: قرص هذه الوحدة لا يقبل الكتابة"
        case .incomplete: "قيم محفوظة مفقودة: حُذف السجل أو تلف أو استُبدل بنسخة أقدم"
        case .shedding: "امتلأ المخزن: يجري التخلي عن أقدم الإشارات التي لم تُرسل"
        case .overLimit: "امتلأ المخزن ولا يُسمح بالتخلي عن أي شيء"
        }
    }

    func event(holds: Bool, instance: String, at time: Int64) -> JournalWriter.Event {
        JournalWriter.Event(
            holds ? "alertStart" : "alertEnd",
            body: [
                "alert": .string(rawValue), "priority": .string(priority), "text": .string(text), "textArabic": .string(arabicText),
                "instance": .string(instance),
            ], monotonic: time)
    }
}

extension JournalIncident {
    /// The event that tells of it, and the words for the log.
    func event(at time: Int64) -> (event: JournalWriter.Event, words: String) {
        switch self {
        case .setAside(let file, let reason):
            (
                JournalWriter.Event("journalSetAside", body: ["file": .string(file), "reason": .string(reason)], monotonic: time),
                "a file of the journal cannot be opened; it was set aside as \(file), and a new one begun: \(reason)"
            )
        case .failed(let file, let reason):
            (
                JournalWriter.Event("journalFileFailed", body: ["file": .string(file), "reason": .string(reason)], monotonic: time),
                "\(file) could not be written or synced; it is left as it is, and a new one was begun: \(reason)"
            )
        case .gap(let part, let known, let found):
            (
                JournalWriter.Event(
                    "journalGap", body: ["part": .string(part), "known": .integer(known), "found": .integer(found)], monotonic: time),
                "the journal lacks \(part) that had been recorded (number \(found) of \(known)): it was deleted, or an older copy put in its place"
            )
        case .gone(let file):
            (
                JournalWriter.Event("journalGap", body: ["file": .string(file)], monotonic: time),
                "\(file) was taken away under the running host, with what was in it; a new one was begun"
            )
        case .pruned(let file, let bytes, let cause):
            (
                JournalWriter.Event(
                    "journalPruned", body: ["file": .string(file), "bytes": .integer(bytes), "cause": .string(cause)], monotonic: time),
                "\(file) went away: its content is delivered"
            )
        case .shed(let file, let content, let samples, let bytes):
            (
                JournalWriter.Event(
                    "samplesShed",
                    body: ["file": .string(file), "content": .string(content), "figure": .integer(samples), "bytes": .integer(bytes)], monotonic: time),
                "the journal is at its limit: \(samples) samples (\(content)) of \(file) that were not delivered are given up"
            )
        }
    }

    /// The alert it raises; `nil` for what is as it should be.
    var alert: JournalAlert? {
        switch self {
        case .setAside, .gap, .gone: .incomplete
        case .shed: .shedding
        case .failed, .pruned: nil
        }
    }
}
