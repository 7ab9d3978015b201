import SampleJournal
import UnitPicture

/// The past of a unit, out of its journal: read anew for each question, on a thread of its own.
struct JournalPast: PastSource {
    let directory: String

    func read(path: String, parameters: [String: String], scope: HistoryScope) throws(Refusal) -> PastAnswer {
        let asked: HistoryRequest?
        do throws(HistoryFault) { asked = try HistoryRequest(path: path, parameters: parameters) } catch {
            throw Refusal(400, error.code, error.words)
        }
        guard let asked else { throw .unknown }
        return PastAnswer(type: asked.contentType, attachment: asked.attachment) { isCancelled, write in
            let reader = try JournalReader(directory: directory)
            do { try HistoryDocument(reader, scope: scope).answer(asked, isCancelled: isCancelled, write: write) } catch
            {
                guard let fault = error as? HistoryFault else { throw error }
                throw Refusal(400, fault.code, fault.words)
            }
        }
    }
}
