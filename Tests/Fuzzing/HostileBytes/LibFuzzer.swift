// What libFuzzer calls, in the program that Tools/fuzz links; nothing else does.
import Glibc

/// The decoder that KURA_FUZZ_DECODER names.
private let decoder: HostileDecoder = {
    let name = environment("KURA_FUZZ_DECODER")
    guard let found = HostileDecoder.all.first(where: { $0.name == name }) else {
        fatalError("KURA_FUZZ_DECODER names no decoder: \(name)")
    }
    return found
}()

private func environment(_ name: String) -> String {
    getenv(name).map { String(cString: $0) } ?? ""
}

/// With an empty KURA_FUZZ_DECODER, lists the decoders: name, longest input, allocation in MiB.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutableRawPointer?, _: UnsafeMutableRawPointer?) -> CInt {
    guard environment("KURA_FUZZ_DECODER").isEmpty else { return 0 }
    for decoder in HostileDecoder.all {
        print(decoder.name, decoder.inputBytesMax, decoder.allocationBytesMax >> 20)
    }
    exit(0)
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    do {
        try decoder.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
