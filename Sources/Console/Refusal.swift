import Foundation

/// Why a request is not answered, in words for whoever sees them, and what it is called.
package struct Refusal: Error, Sendable, Hashable {
    /// An HTTP status code.
    package let status: Int
    /// Shape: letters only.
    package let code: String
    package let words: String

    package init(_ status: Int, _ code: String, _ words: String) {
        (self.status, self.code, self.words) = (status, code, words)
    }

    /// `{"failure": words, "code": code}`.
    package var document: [UInt8] { Self.document(code: code, words: words) }

    package static func document(code: String, words: String) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(["failure": words, "code": code])
        return data.map(Array.init) ?? Array(#"{"code":"failure","failure":"It cannot be said."}"#.utf8)
    }
}

extension Refusal {
    static let foreignHost = Refusal(
        421, "host", "This server is not reached by that name: write the name into “hosts” of “console”.")
    static let foreignSite = Refusal(403, "site", "Another site asks for this: open the screen by its own address.")
    static let method = Refusal(405, "method", "That cannot be done here: pages are read, and one thing is asked.")
    static let target = Refusal(414, "target", "The address is too long.")
    static let malformed = Refusal(400, "request", "The request cannot be read.")
    static let unknown = Refusal(404, "unknown", "There is nothing at this address.")
    static let notJSON = Refusal(415, "type", "What is asked must come as JSON from the screen itself.")
    static let tooLarge = Refusal(413, "body", "What was entered is too long.")
    static let tooManyScreens = Refusal(
        503, "screens", "So many screens are open already: \(ConsoleLimits.screens). Close one.")
    static let tooManyHistories = Refusal(
        503, "busy", "Too much is being read out of the past: try again in a moment.")
    static let tooManyAsks = Refusal(
        503, "busy", "Too much is being asked just now, and nothing was done: try again in a moment.")
    static let tooManyStops = Refusal(
        503, "busy", "So many pumps are being stopped that this one was not told. Stop it by its own STOP key now.")
    static let nobodyAsked = Refusal(
        503, "people", "This unit has no way in for people: nothing can be asked here.")
    static let ending = Refusal(503, "ending", "The server of the screens is being stopped.")
}
