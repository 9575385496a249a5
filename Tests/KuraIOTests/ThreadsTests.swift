import Glibc
import KuraIO
import Synchronization
import Testing

/// What several threads write down, in the order in which they do.
private final class Log<Entry: Sendable>: Sendable {
    private let stored = Mutex<[Entry]>([])

    var entries: [Entry] { stored.withLock { $0 } }

    func append(_ entry: Entry) { stored.withLock { $0.append(entry) } }
}

@Suite("Threads", .timeLimit(.minutes(1))) struct ThreadsTests {
    @Test("returns what each thread made, in the order of their numbers")
    func map() {
        // The first one ends last.
        let latch = Latch(3)
        let made = Threads.map(4) { number -> Int? in
            if number == 0 { latch.wait() } else { latch.signal() }
            return number == 2 ? nil : number * number
        }
        #expect(made == [0, 1, nil, 9])
    }

    @Test("run every index once", arguments: [0, 1, 2, 7, 50])
    func run(_ count: Int) {
        let log = Log<Int>()
        Threads.run(count) { log.append($0) }
        #expect(log.entries.sorted() == Array(0..<count))
    }

    @Test("run all bodies at the same time")
    func together() {
        // Each waits for all others, so one after the other they would never end.
        let latch = Latch(5)
        Threads.run(5) { _ in
            latch.signal()
            latch.wait()
        }
    }

    @Test("run a single body on the calling thread")
    func single() {
        let caller = pthread_self()
        let log = Log<Bool>()
        Threads.run(1) { _ in log.append(pthread_equal(pthread_self(), caller) != 0) }
        #expect(log.entries == [true])
    }

    @Test("there is at least one processor, and not more than the machine has")
    func processors() {
        #expect(1...sysconf(Int32(_SC_NPROCESSORS_CONF)) ~= Threads.processorCount)
    }
}

@Suite("Serial worker", .timeLimit(.minutes(1))) struct SerialWorkerTests {
    @Test("runs jobs in the order they were given")
    func order() {
        let worker = SerialWorker()
        let log = Log<Int>()
        for index in 0..<1000 { worker.submit { log.append(index) } }
        worker.stop()
        #expect(log.entries == Array(0..<1000))
    }

    @Test("runs one job at a time, on a thread that is not the caller's")
    func oneThread() {
        let worker = SerialWorker()
        let log = Log<pthread_t>()
        Threads.run(4) { _ in
            for _ in 0..<50 { worker.submit { log.append(pthread_self()) } }
        }
        worker.stop()
        #expect(log.entries.count == 200)
        #expect(Set(log.entries).count == 1)
        #expect(!log.entries.contains(pthread_self()))
    }

    @Test("drains: everything given so far is done")
    func drain() {
        let worker = SerialWorker()
        let log = Log<Int>()
        for round in 1...20 {
            for index in 0..<10 { worker.submit { log.append(index) } }
            worker.drain()
            #expect(log.entries.count == round * 10)
        }
        worker.stop()
    }

    @Test("draining waits for the job that runs, not only for those that wait")
    func drainWaits() {
        let worker = SerialWorker()
        let (started, proceed) = (Latch(1), Latch(1))
        let log = Log<String>()
        worker.submit {
            started.signal()
            proceed.wait()
            log.append("job")
        }
        started.wait()
        Threads.run(2) { index in
            if index == 0 {
                worker.drain()
                log.append("drained")
            } else {
                proceed.signal()
            }
        }
        worker.stop()
        #expect(log.entries == ["job", "drained"])
    }

    @Test("drains and stops at once when there is nothing to do")
    func idle() {
        let worker = SerialWorker()
        worker.drain()
        worker.stop()
    }
}

@Suite("Latch", .timeLimit(.minutes(1))) struct LatchTests {
    @Test("tells who gave the last signal")
    func last() {
        let latch = Latch(3)
        #expect(!latch.signal())
        #expect(!latch.signal())
        #expect(latch.signal())
        #expect(!latch.signal())
        latch.wait()
    }

    @Test("lets everybody through once it is open, and from the start for no signals")
    func open() {
        Latch(0).wait()
        let latch = Latch(1)
        Threads.run(4) { index in
            if index == 3 { latch.signal() }
            latch.wait()
            latch.wait()
        }
    }

    @Test("a wait whose time is over tells that it is not open")
    func endOfTime() {
        let latch = Latch(1)
        #expect(!latch.wait(until: Clock.steady() - 1))
        #expect(!latch.wait(until: Clock.steady() + 1_000_000))
        latch.signal()
        #expect(latch.wait(until: Clock.steady() - 1))
    }

    @Test("lets nobody through before the last signal")
    func closed() {
        for _ in 0..<50 {
            let latch = Latch(3)
            let signals = Atomic<Int>(0)
            let log = Log<Int>()
            Threads.run(6) { index in
                if index < 3 {
                    latch.wait()
                    log.append(signals.load(ordering: .relaxed))
                } else {
                    signals.add(1, ordering: .relaxed)
                    latch.signal()
                }
            }
            #expect(log.entries == [3, 3, 3])
        }
    }
}

@Suite("Pool", .timeLimit(.minutes(1))) struct PoolTests {
    @Test("never lends an element to two threads")
    func exclusive() {
        let pool = Pool([0, 1, 2])
        let held = Mutex<Set<Int>>([])
        let log = Log<Bool>()
        Threads.run(8) { _ in
            for _ in 0..<200 {
                let element = pool.take()
                log.append(held.withLock { $0.insert(element).inserted })
                _ = held.withLock { $0.remove(element) }
                pool.give(element)
            }
        }
        #expect(log.entries.count == 1600)
        #expect(log.entries.allSatisfy { $0 })
    }

    @Test("makes those wait who find nothing, until somebody gives")
    func waits() {
        let pool = Pool(["only"])
        let element = pool.take()
        let started = Latch(1)
        let log = Log<String>()
        Threads.run(2) { index in
            if index == 0 {
                started.signal()
                let borrowed = pool.take()
                log.append("taken")
                pool.give(borrowed)
            } else {
                started.wait()
                log.append("given")
                pool.give(element)
            }
        }
        #expect(log.entries == ["given", "taken"])
    }

    @Test("wakes everybody who waits")
    func wakes() {
        let pool = Pool<Int>([])
        let log = Log<Int>()
        Threads.run(5) { index in
            if index < 4 {
                log.append(pool.take())
            } else {
                for element in 0..<4 { pool.give(element) }
            }
        }
        #expect(log.entries.sorted() == [0, 1, 2, 3])
    }
}

@Suite("Ticker", .timeLimit(.minutes(1))) struct TickerTests {
    @Test("calls again and again until it is stopped")
    func ticks() {
        let latch = Latch(3)
        let count = Atomic<Int>(0)
        withTicker(everyMilliseconds: 1) {
            count.add(1, ordering: .relaxed)
            latch.signal()
        } while: {
            latch.wait()
        }
        #expect(count.load(ordering: .relaxed) >= 3)
    }

    @Test("stops at once, however long the interval")
    func stops() {
        let called = Log<Bool>()
        let ticker = Ticker(everyMilliseconds: 3_600_000) { called.append(true) }
        ticker.stop()
        #expect(called.entries.isEmpty)
    }

    @Test("stops only after a call that runs has ended")
    func stopWaits() {
        let (entered, proceed) = (Latch(1), Latch(1))
        let log = Log<String>()
        let ticker = Ticker(everyMilliseconds: 1) {
            entered.signal()
            proceed.wait()
            log.append("call")
        }
        entered.wait()
        Threads.run(2) { index in
            if index == 0 {
                ticker.stop()
                log.append("stopped")
            } else {
                proceed.signal()
            }
        }
        #expect(log.entries.last == "stopped")
        #expect(log.entries.contains("call"))
    }

    private func withTicker(
        everyMilliseconds interval: Int64, _ body: @escaping @Sendable () -> Void,
        while work: () -> Void
    ) {
        let ticker = Ticker(everyMilliseconds: interval, body)
        work()
        ticker.stop()
    }
}

@Suite("Small parts") struct SmallPartsTests {
    @Test("a buffer has its size and lies on a page boundary", arguments: [1, 4096, 1_000_001])
    func buffer(_ byteCount: Int) {
        let buffer = AlignedBuffer(byteCount: byteCount)
        #expect(buffer.byteCount == byteCount)
        #expect(Int(bitPattern: buffer.base) % 4096 == 0)
        buffer.base.storeBytes(of: 1, toByteOffset: byteCount - 1, as: UInt8.self)
    }

    @Test("wall time is that of the system, and steady time never goes back")
    func clock() {
        let seconds = Int64(time(nil))
        #expect(abs(Clock.now() / 1_000_000_000 - seconds) < 60)
        let first = Clock.steady()
        #expect(Clock.steady() >= first)
    }

    @Test("a process knows itself and its machine")
    func process() {
        #expect(Process.id == UInt32(getpid()))
        #expect(!Process.hostName.isEmpty)
    }
}
