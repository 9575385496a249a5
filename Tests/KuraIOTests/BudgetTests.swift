import KuraIO
import Testing

@Suite("Budget") struct BudgetTests {
    @Test("without a limit there are as many buffers as are fastest")
    func unlimited() {
        #expect(Budget().buffers(7, of: 32 << 20) == 7)
        #expect(Budget(threads: 1).buffers(7, of: 32 << 20) == 7)
    }

    @Test("buffers fit into the memory, or into their share of it")
    func limited() {
        let budget = Budget(bufferBytes: 100 << 20)
        #expect(budget.buffers(7, of: 32 << 20) == 3)
        #expect(budget.buffers(7, of: 32 << 20, share: 2) == 1)
        #expect(budget.buffers(2, of: 32 << 20) == 2)
    }

    @Test("an operation has the buffers that it cannot work without")
    func least() {
        #expect(Budget(bufferBytes: 1).buffers(7, of: 32 << 20) == 1)
        #expect(Budget(bufferBytes: 1).buffers(7, of: 32 << 20, atLeast: 2) == 2)
    }

    @Test("threads are not more than the budget has")
    func threads() {
        #expect(Budget(threads: 2).threads == 2)
        #expect(Budget(threads: 2).threads(waiting: 3) == 2)
        #expect(Budget(threads: 9).threads(waiting: 3) == 3)
        let small = Budget(bufferBytes: 64 << 20)
        #expect(small.threads(waiting: 3) == 3)
        #expect(small.threads(waiting: 3, eachHolding: 32 << 20) == 2)
        #expect(Budget().threads == Threads.processorCount)
    }
}
