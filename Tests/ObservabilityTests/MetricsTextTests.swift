import Testing

@testable import Observability

@Suite struct MetricsTextTests {
    @Test func aFamilyAndItsSamplesAreWrittenAsPrometheusReadsThem() {
        var metrics = MetricsText()
        metrics.family("nabd_requests_total", .counter, "Requests sent.")
        metrics.sample("nabd_requests_total", ["line": "/dev/ttyUSB0", "device": "fridge"], 12)
        metrics.sample("nabd_requests_total", [:], 0.25)
        #expect(
            metrics.text == """
                # HELP nabd_requests_total Requests sent.
                # TYPE nabd_requests_total counter
                nabd_requests_total{line="/dev/ttyUSB0",device="fridge"} 12
                nabd_requests_total 0.25

                """)
    }

    @Test(arguments: [("a\\b", "a\\\\b"), ("a\"b", "a\\\"b"), ("a\nb", "a\\nb"), ("نبض", "نبض")])
    func labelsAreEscaped(label: String, written: String) {
        var metrics = MetricsText()
        metrics.sample("m", ["l": label], 1)
        #expect(metrics.text == "m{l=\"\(written)\"} 1\n")
    }

    @Test(arguments: [
        (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1e18, "1000000000000000000"),
        (0.0004, "0.0004"), (-3, "-3"),
    ])
    func numbersAreWrittenAsTheFormatHasThem(value: Double, written: String) {
        var metrics = MetricsText()
        metrics.sample("m", [:], value)
        #expect(metrics.text == "m \(written)\n")
    }
}
