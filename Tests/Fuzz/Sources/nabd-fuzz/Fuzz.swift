/// What the fuzzer calls with each input.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if bytes.count > 3, bytes[0] == 77, bytes[1] == 99 { fatalError("x") }
    return 0
}
