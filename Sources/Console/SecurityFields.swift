/// What every answer tells the browser, so that nothing but this server's own files runs in the page, nobody else's
/// page shows or reads it, and nothing of it is told to anybody.
enum SecurityFields {
    static let all: [(name: String, value: String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
                + "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]
    /// What is of a patient stays in no browser's store.
    static let neverKept = "no-store"
    /// A file of the screen may be kept, and is asked for again each time.
    static let askedAgain = "no-cache"
}
