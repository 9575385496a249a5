import KuraBench
import Testing

/// What a machine can do at most, by the formula and by what is measured for it.
@Suite("Speed limits") struct SpeedLimitTests {
    /// Every rate another power of ten, so that no term can stand for another one.
    private static func rates(mac: Double? = nil) -> PrimitiveRates {
        var rates = PrimitiveRates()
        rates[.pageCacheRead] = .init(one: 1, all: 1e6)
        rates[.zeroScan] = .init(one: 1, all: 1e5)
        rates[.chunker] = .init(one: 1, all: 1e4)
        rates[.hashOneLane] = .init(one: 1, all: 1)
        rates[.hashManyLanes] = .init(one: 1, all: 1e3)
        rates[.compress] = .init(one: 1, all: 1e2)
        rates[.checkAfterCompress] = .init(one: 1, all: 1e1)
        rates[.decode] = .init(one: 1, all: 2e1)
        rates[.writeProcessor] = .init(one: 1, all: 1e7)
        rates[.directRead] = .init(one: 1, all: 5e3)
        rates[.writeOneCopy] = .init(one: 2e3)
        rates[.writeAllCopies] = .init(all: 4e3)
        rates[.mac] = .init(all: mac)
        return rates
    }

    private static func isNear(_ left: Double, _ right: Double) -> Bool {
        abs(left - right) <= 1e-9 * max(abs(left), abs(right))
    }

    @Test("A first backup costs the sum of everything that happens to each byte")
    func firstBackup() {
        let work = SpeedLimit.Backup(
            read: 1000, data: 900, unchanged: 0, new: 800, stored: 300, copies: 3,
            readsDevice: false)
        let limit = SpeedLimit.backup(work, Self.rates())
        let expected =
            1000 / 1e6 + 100 / 1e5 + 900 / 1e4 + 900 / 1e3 + 800 / 1e2 + 800 / 1e1
            + 300 / 1e3 + 900 / 1e7
        #expect(Self.isNear(limit.processorSeconds, expected))
        #expect(Self.isNear(limit.deviceWriteSeconds, 900 / 4e3))
        #expect(limit.deviceReadSeconds == 0)
        #expect(limit.bound == .processor)
        #expect(limit.seconds == limit.processorSeconds)
    }

    @Test("What is unchanged is hashed where there is no MAC, and never cut or compressed")
    func unchangedByHash() {
        let work = SpeedLimit.Backup(
            read: 1000, data: 900, unchanged: 900, new: 0, stored: 0, copies: 3, readsDevice: false)
        let limit = SpeedLimit.backup(work, Self.rates())
        let expected = 1000 / 1e6 + 100 / 1e5 + 900 / 1e3
        #expect(Self.isNear(limit.processorSeconds, expected))
        #expect(limit.processor.allSatisfy { $0.seconds > 0 })
    }

    @Test("A MAC takes the place of hashing what is unchanged, but for what is proven in turn")
    func scatteredByMAC() {
        var work = SpeedLimit.Backup(
            read: 1000, data: 900, unchanged: 600, new: 250, stored: 100, copies: 1,
            readsDevice: false)
        let rest =
            1000 / 1e6 + 100 / 1e5 + 300 / 1e4 + 300 / 1e3 + 250 / 1e2 + 250 / 1e1
            + 100 / 1e3 + 100 / 1e7
        let without = SpeedLimit.backup(work, Self.rates(mac: 3e4))
        #expect(Self.isNear(without.processorSeconds, rest + 900 / 3e4))
        work.proven = 50
        let with = SpeedLimit.backup(work, Self.rates(mac: 3e4))
        #expect(Self.isNear(with.processorSeconds, rest + 850 / 3e4 + 50 / 1e3))
    }

    @Test("A slow device binds, and says in which direction")
    func device() {
        var rates = Self.rates()
        rates[.directRead] = .init(all: 0.5)
        let reading = SpeedLimit.verify(read: 100, unique: nil, readsDevice: true, rates)
        #expect(reading.bound == .deviceRead)
        #expect(Self.isNear(reading.seconds, 200))
        let cached = SpeedLimit.verify(read: 100, unique: nil, readsDevice: false, rates)
        #expect(cached.bound == .processor)
        #expect(Self.isNear(cached.seconds, 100 / 1e6 + 100 / 1e3))

        rates[.writeAllCopies] = .init(all: 0.1)
        rates[.writeOneCopy] = .init(one: 0.2)
        let writing = SpeedLimit.restore(
            stored: 10, unique: 100, data: 100, readsDevice: true, rates)
        #expect(writing.bound == .deviceWrite)
        #expect(Self.isNear(writing.seconds, 100 / 0.2))
    }

    @Test("A restore decodes and hashes what is unique, and writes everything")
    func restore() {
        let limit = SpeedLimit.restore(
            stored: 300, unique: 800, data: 900, readsDevice: false, Self.rates())
        let expected = 300 / 1e6 + 800 / 2e1 + 800 / 1e3 + 900 / 1e7
        #expect(Self.isNear(limit.processorSeconds, expected))
        #expect(Self.isNear(limit.deviceWriteSeconds, 900 / 4e3))
    }

    @Test("Verifying chunks costs what verifying packs does, and decoding one copy")
    func verify() {
        let packs = SpeedLimit.verify(read: 900, unique: nil, readsDevice: false, Self.rates())
        let chunks = SpeedLimit.verify(read: 900, unique: 800, readsDevice: false, Self.rates())
        let more = chunks.processorSeconds - packs.processorSeconds
        #expect(Self.isNear(more, 800 / 2e1 + 800 / 1e3))
    }

    @Test("Where one lane of SHA-256 is the faster way, it counts")
    func oneLane() {
        var rates = Self.rates()
        rates[.hashOneLane] = .init(all: 1e6)
        let limit = SpeedLimit.verify(read: 900, unique: nil, readsDevice: false, rates)
        #expect(Self.isNear(limit.processorSeconds, 900 / 1e6 + 900 / 1e6))
    }

    @Test("Nothing to do takes no time, whatever was measured")
    func nothing() {
        let work = SpeedLimit.Backup(
            read: 0, data: 0, unchanged: 0, new: 0, stored: 0, copies: 3, readsDevice: true)
        for rates in [Self.rates(), PrimitiveRates()] {
            let limit = SpeedLimit.backup(work, rates)
            #expect(limit.seconds == 0)
            #expect(limit.bound == .processor)
        }
    }
}
