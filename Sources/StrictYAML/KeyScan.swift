/// Looks for keys that are more than a word, before the library takes the text apart: it compares keys with all that
/// aliases in them stand for, which may be a hundred million values.
///
/// It takes the text as bytes and finds more rather than less: within quotes and comments too.
enum KeyScan {
    struct Fault {
        let line: Int
        let column: Int
        let message: String
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private static func isName(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
        default: byte >= 0x80
        }
    }

    static func fault(_ text: [UInt8]) -> Fault? {
        var line = 1
        var start = 0
        /// Whether an alias stands in this line.
        var hasAlias = false
        var place = 0
        func found(_ message: String) -> Fault { Fault(line: line, column: place - start + 1, message: message) }
        while place < text.count {
            let byte = text[place]
            switch byte {
            case 0x0A: (line, start, hasAlias) = (line + 1, place + 1, false)
            case UInt8(ascii: "*"):
                var end = place + 1
                while end < text.count, isName(text[end]) { end += 1 }
                if end > place + 1 {
                    hasAlias = true
                    if isKey(text, from: end) { return found("an alias is no key: write the key as a word") }
                }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if hasAlias, isKey(text, from: place + 1) {
                    return found("a key is one word: nothing in brackets with an alias may stand before a “:”")
                }
            case UInt8(ascii: "?"):
                let begins = place == 0 || isBlank(text[place - 1]) || "\n,[{".utf8.contains(text[place - 1])
                let isAlone =
                    place + 1 == text.count || isBlank(text[place + 1]) || "\n*&![{".utf8.contains(text[place + 1])
                if begins, isAlone { return found("a “?” by itself would begin a key: write the key as a word") }
            default: break
            }
            place += 1
        }
        return nil
    }

    private static func isKey(_ text: [UInt8], from place: Int) -> Bool {
        var place = place
        while place < text.count, isBlank(text[place]) { place += 1 }
        return place < text.count && text[place] == UInt8(ascii: ":")
    }
}
