import KuraIO
import Synchronization
import Testing

@Suite("Cancellation", .timeLimit(.minutes(1))) struct CancellationTests {
    /// Long enough that a test which reaches it has hung.
    private static var farAway: Int64 { Clock.steady() + 600_000_000_000 }

    @Test("a child is cancelled with its parent, and so is a child of the child")
    func descends() {
        let parent = Cancellation()
        let child = parent.child()
        let grandchild = child.child()
        #expect(!child.isCancelled && !grandchild.isCancelled)
        parent.cancel()
        #expect(child.isCancelled && grandchild.isCancelled)
    }

    @Test("a child that is cancelled leaves its parent and the other children alone")
    func alone() {
        let parent = Cancellation()
        let (child, other) = (parent.child(), parent.child())
        child.cancel()
        #expect(child.isCancelled)
        #expect(!parent.isCancelled && !other.isCancelled)
    }

    @Test("a child of what was cancelled is cancelled from the start")
    func late() {
        let parent = Cancellation()
        parent.cancel()
        #expect(parent.child().isCancelled)
    }

    @Test("a parent does not keep a child alive that is over")
    func forgotten() {
        let parent = Cancellation()
        weak var child: Cancellation?
        do {
            let made = parent.child()
            child = made
            #expect(child != nil)
        }
        #expect(child == nil)
        parent.cancel()
    }

    @Test("cancelling the parent ends a wait for the child")
    func endsWait() {
        let parent = Cancellation()
        let child = parent.child()
        let results = Threads.map(2) { number -> Bool in
            if number == 0 { return child.wait(until: Self.farAway) }
            parent.cancel()
            return true
        }
        #expect(results == [true, true])
    }

    @Test("a wait whose time is over tells that nothing was cancelled")
    func endOfTime() {
        let cancellation = Cancellation()
        #expect(!cancellation.wait(until: Clock.steady() - 1))
        #expect(!cancellation.wait(until: Clock.steady() + 1_000_000))
        cancellation.cancel()
        #expect(cancellation.wait(until: Self.farAway))
    }

    @Test("a handler runs once, for a cancellation amid the work or before it, and not after it")
    func handlers() {
        let count = Atomic<Int>(0)
        let cancellation = Cancellation()
        cancellation.notifying({ count.add(1, ordering: .relaxed) }, during: {})
        cancellation.notifying(
            { count.add(10, ordering: .relaxed) },
            during: {
                cancellation.cancel()
                cancellation.cancel()
            })
        cancellation.notifying({ count.add(100, ordering: .relaxed) }, during: {})
        #expect(count.load(ordering: .relaxed) == 110)
    }
}

@Suite("Calls that may hang", .timeLimit(.minutes(1))) struct BoundedCallsTests {
    private static let hour: Int64 = 3_600_000_000_000

    /// Makes a call that hangs until the latch opens, and waits for it until it has begun.
    private func hang(_ place: String, _ latch: Latch) -> Int? {
        let (begun, cancellation) = (Latch(1), Cancellation())
        let answer = Mutex<Int?>(0)
        Threads.run(2) { number in
            if number == 1 {
                begun.wait()
                return cancellation.cancel()
            }
            let value = BoundedCalls.run(in: place, within: Self.hour, cancellation) {
                begun.signal()
                latch.wait()
                return 1
            }
            answer.withLock { $0 = value }
        }
        return answer.withLock { $0 }
    }

    @Test("a call that answers gives its value, from any number of threads")
    func answers() {
        let values = Threads.map(4) { number in
            (0..<50).map { round in
                BoundedCalls.run(in: "answers", within: Self.hour, Cancellation()) {
                    number * 100 + round
                }
            }
        }
        #expect(values == (0..<4).map { number in (0..<50).map { number * 100 + $0 } })
    }

    @Test("a cancellation ends the wait for a call that hangs")
    func cancelled() {
        let latch = Latch(1)
        #expect(hang("cancelled", latch) == nil)
        latch.signal()
    }

    @Test("a place that hangs is not called again while it does, and other places go on")
    func hangs() {
        let latch = Latch(1)
        let calls = Atomic<Int>(0)
        #expect(hang("hangs", latch) == nil)
        for _ in 0..<3 {
            let value = BoundedCalls.run(in: "hangs", within: 0, Cancellation()) {
                calls.add(1, ordering: .relaxed).newValue
            }
            #expect(value == nil)
        }
        #expect(BoundedCalls.run(in: "other", within: Self.hour, Cancellation()) { 2 } == 2)
        latch.signal()
        #expect(BoundedCalls.run(in: "hangs", within: Self.hour, Cancellation()) { 3 } == 3)
        #expect(calls.load(ordering: .relaxed) == 0)
    }

    @Test("a call within a call of the same place does not wait for itself")
    func nested() {
        let value = BoundedCalls.run(in: "nested", within: Self.hour, Cancellation()) {
            BoundedCalls.run(in: "nested", within: Self.hour, Cancellation()) { 1 }
        }
        #expect(value == .some(1))
    }
}
