import Glibc

/// A small seeded generator (SplitMix64): the same seed gives the same numbers everywhere.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    public mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: next().littleEndian) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

/// Runs a property for many seeds. An error names its seed; KURA_SEED=N runs that one alone.
///
/// All seeds of a test come from one number of the system, so that every run looks elsewhere. It is
/// printed before, because an expectation that fails does not come here; KURA_BASE=N runs the same
/// seeds again. KURA_ROUNDS=N runs N times as many.
public func forAll(
    cases: Int, test: String = #function,
    _ property: (UInt64, inout SeededGenerator) throws -> Void
) throws {
    if let chosen = getenv("KURA_SEED"), let seed = UInt64(String(cString: chosen)) {
        var generator = SeededGenerator(seed: seed)
        return try property(seed, &generator)
    }
    let base =
        getenv("KURA_BASE").flatMap { UInt64(String(cString: $0)) }
        ?? .random(in: 0...UInt64.max)
    print("\(test): KURA_BASE=\(base)")
    var seeds = SeededGenerator(seed: base)
    let rounds = getenv("KURA_ROUNDS").flatMap { Int(String(cString: $0)) } ?? 1
    for _ in 0..<(cases * rounds) {
        let seed = seeds.next()
        var generator = SeededGenerator(seed: seed)
        do {
            try property(seed, &generator)
        } catch {
            print("KURA_SEED=\(seed)")
            throw error
        }
    }
}
