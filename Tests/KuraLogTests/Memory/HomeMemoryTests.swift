import KuraFormat
import KuraLog
import TestSupport
import Testing

@Suite("Memory of a home") struct HomeMemoryTests {
    static func digest(_ text: String) -> Digest { SHA256.digest(Array(text.utf8)) }

    static func position(_ number: UInt64, _ text: String) -> LogPosition {
        LogPosition(number: number, digest: digest(text))
    }

    let memory = HomeMemory(
        vault: UniqueID(high: 1, low: 1), region: UniqueID(high: 2, low: 2), epoch: 1,
        position: position(7, "seven"))

    func chain(
        _ tip: LogPosition, epoch: UInt64 = 1, seven: String? = nil, failover: UInt64? = nil,
        adopted: [BranchEntry] = [], branch: String? = nil
    ) -> HomeMemory.Chain {
        HomeMemory.Chain(
            epoch: epoch, tip: tip, digest: seven.map { Self.digest($0) }, failover: failover,
            adopted: adopted, branchDigest: branch.map { Self.digest($0) })
    }

    @Test("finds the same chain, a longer one and a shorter one")
    func lengths() {
        #expect(memory.compare(chain(Self.position(7, "seven"))) == .equal)
        #expect(
            memory.compare(chain(Self.position(9, "nine"), seven: "seven")) == .longer(by: 2))
        #expect(memory.compare(chain(Self.position(5, "five"))) == .shorter(by: 2))
        #expect(
            memory.compare(chain(Self.position(9, "nine"), epoch: 2, seven: "seven", failover: 8))
                == .longer(by: 2))
    }

    @Test("finds a fork, at the tip and below it")
    func forks() {
        let other = Self.digest("other")
        #expect(memory.compare(chain(Self.position(7, "other"))) == .forked(shown: other))
        #expect(
            memory.compare(chain(Self.position(9, "nine"), seven: "other"))
                == .forked(shown: other))
        // A failover behind the remembered record explains nothing.
        #expect(
            memory.compare(chain(Self.position(9, "nine"), epoch: 2, seven: "other", failover: 8))
                == .forked(shown: other))
        // Nor does one of the remembered epoch or an older one.
        #expect(
            memory.compare(chain(Self.position(9, "nine"), seven: "other", failover: 5))
                == .forked(shown: other))
        #expect(
            memory.compare(chain(Self.position(5, "five"), epoch: 0)) == .shorter(by: 2))
    }

    @Test("does not believe a chain whose record of the number it could not read")
    func unread() {
        let finding = memory.compare(chain(Self.position(9, "nine")))
        #expect(finding == .unread)
        #expect(!finding.isBelieved)
    }

    @Test("goes on with a chain that adopted the branch of the remembered record, and no other")
    func adopted() {
        func branch(_ tip: LogPosition, first: UInt64 = 6) -> BranchEntry {
            BranchEntry(tip: tip, first: first, number: 20)
        }
        let tip = Self.position(25, "tip")
        func compare(_ branches: [BranchEntry], branch: String? = nil) -> HomeMemory.Finding {
            memory.compare(
                chain(
                    tip, epoch: 2, seven: "other", failover: 6, adopted: branches, branch: branch))
        }
        let ends = branch(Self.position(7, "seven"))
        #expect(compare([ends]) == .adopted(ends))
        let goesOn = branch(Self.position(8, "eight"))
        #expect(compare([goesOn], branch: "seven") == .adopted(goesOn))
        #expect(compare([goesOn], branch: "another") == .leftBehind(first: 6))
        #expect(compare([goesOn]) == .leftBehind(first: 6))
        #expect(compare([branch(Self.position(7, "another"))]) == .leftBehind(first: 6))
        #expect(compare([branch(Self.position(6, "six"))]) == .leftBehind(first: 6))
        #expect(compare([branch(Self.position(7, "seven"), first: 5)]) == .leftBehind(first: 6))
        #expect(compare([]) == .leftBehind(first: 6))
        // Also while the chain is still shorter than the branch was.
        #expect(
            memory.compare(chain(Self.position(6, "six"), epoch: 2, failover: 6))
                == .leftBehind(first: 6))
    }

    @Test("never goes back by itself, and does when a person accepts")
    func learning() {
        var memory = memory
        memory.learn(epoch: 1, position: Self.position(6, "six"))
        #expect(memory == self.memory)
        memory.learn(epoch: 1, position: Self.position(8, "eight"))
        #expect(memory.position.number == 8)
        memory.learn(epoch: 2, position: Self.position(6, "six of 2"))
        #expect(memory.epoch == 2)
        memory.learn(epoch: 1, position: Self.position(30, "thirty"))
        #expect(memory.position == Self.position(6, "six of 2"))
        memory.accept(epoch: 0, position: Self.position(3, "three"))
        #expect(memory.position == Self.position(3, "three"))
    }
}
