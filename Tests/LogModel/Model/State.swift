/// What a record of the log says.
package enum Body: UInt8 {
    case none
    /// A recovery point that needs one content; `packs` are listed by it.
    case point
    /// The point that is record `argument` is dropped.
    case drop
    /// `doomed` are condemned; `packs` are listed.
    case condemn
    /// `doomed`, condemned before, may be deleted.
    case sweep
    /// The member at place `argument` is now the one with id `doomed`.
    case members
}

/// A record, decided or only proposed. Two proposals of one writer are two records.
struct Record {
    var packs: Packs = 0
    var doomed: UInt16 = 0
    var body: UInt8 = 0
    var number: UInt8 = 0
    /// The record that it names as number - 1.
    var previous: UInt8 = 0
    var argument: UInt8 = 0
}

/// What one replica holds. Values are records, 0 where there is no object.
struct Replica {
    var packs: Packs = 0
    /// vote/number.ballot: a record or a blank.
    var votes = PerBallot(repeating: 0)
    /// vote/number.ballot.claim: its owner.
    var claims = PerBallot(repeating: 0)
    var log = PerNumber(repeating: 0)
    /// The same numbers in segments.
    var packed = PerNumber(repeating: 0)
    /// whole/number: the highest.
    var mark: UInt8 = 0
    /// The id of the replica. A replica that lost everything gets a new one.
    var id: UInt8 = 1
    var isUp: UInt8 = 1
    var unused: UInt8 = 0

    static let blank: UInt8 = 255

    @inline(__always)
    static func slot(_ number: UInt8, _ ballot: UInt8) -> Int {
        Int(number) * Capacity.ballots + Int(ballot)
    }
}

/// A put that arrives later than its sender believes, or a second time.
struct Flight {
    var what: UInt8 = 0
    var replica: UInt8 = 0
    var number: UInt8 = 0
    var ballot: UInt8 = 0
    var value: UInt8 = 0
    var unused: UInt8 = 0
}

/// What an actor does next. The word says which object it puts or reads.
package enum Phase: UInt8 {
    /// It does nothing any more.
    case done
    /// Reads the log of one replica.
    case learn
    /// Puts a pack.
    case upload
    /// Puts vote/n.0.
    case zero
    /// Puts vote/n.b.claim.
    case claim
    /// Puts a blank, or reads what stands there.
    case close
    /// Puts vote/n.b.
    case propose
    /// Puts log/n, which decides where there is one member.
    case single
    /// Puts log/n, which is decided.
    case spread
    /// Deletes packs that were swept.
    case delete
    /// Lists packs that stand in a replica.
    case list
    /// Writes segments and removes what they and the log make superfluous.
    case pack
    /// Copies to a replica what it does not have.
    case catchUp
    /// A reader: reads the mark and the log of one replica.
    case look
    /// A reader: reads a pack in it.
    case follow
}

package enum Kind: UInt8, Sendable {
    case none
    case prune
    /// Makes recovery points.
    case writer
    /// Drops a point, then makes one.
    case dropper
    case packer
    case catcher
    case reader
    /// Replaces members that lost everything.
    case admin
}

/// One process, with what it knows.
struct Actor {
    /// Prune: packs that it wants to condemn or has condemned.
    var doomed: Packs = 0
    var kind: UInt8 = 0
    var phase: UInt8 = 0
    /// Every life of an actor claims under a name of its own.
    var owner: UInt8 = 0
    var jobs: UInt8 = 0
    /// It has folded the records to this number.
    var known: UInt8 = 0
    /// The number to which it had folded when its session began.
    var base: UInt8 = 0
    var ballot: UInt8 = 0
    /// The record that it made for known + 1, and the one that it now wants decided.
    var own: UInt8 = 0
    var value: UInt8 = 0
    /// Replicas that it still has to put to, to check after the put, and that took it.
    var todo: Places = 0
    var check: Places = 0
    var took: Places = 0
    /// Replicas in which another object stands.
    var refused: Places = 0
    /// How many ballots it has closed in each replica.
    var closed = PerReplica<UInt8>(repeating: 0)
    /// What it found there: the highest ballot above 0 with its record, and what stands in ballot
    /// 0.
    var bestBallot = PerReplica<UInt8>(repeating: 0)
    var best = PerReplica<UInt8>(repeating: 0)
    var zero = PerReplica<UInt8>(repeating: 0)
    var content: UInt8 = 0
    /// Packs + 1.
    var relies: UInt8 = 0
    var uploaded: UInt8 = 0
    /// The ids of the replicas that took the pack.
    var holders = PerReplica<UInt8>(repeating: 0)
    var packsMade: UInt8 = 0
    var attempts: UInt8 = 0
    /// Prune: 0 condemns, 1 sweeps, 2 deletes.
    var stage: UInt8 = 0
    /// Prune: the number of its condemnation or sweep. Reader: the replica, and the mark there.
    var number: UInt8 = 0
    var replica: UInt8 = 0
    /// The newest member record that it knows to be durable in a majority of the new members.
    var durable: UInt8 = 0
    var index: UInt8 = 0
}

/// All there is: what replicas hold, what actors know, what is under way, and what really happened.
package struct State {
    var replicas = PerReplica<Replica>(repeating: Replica())
    var records = PerRecord<Record>(repeating: Record())
    var actors = PerActor<Actor>(repeating: Actor())
    var flights = PerFlight<Flight>(repeating: Flight())
    var contents = PerPack(repeating: 0)
    /// The decided records. No actor reads them.
    var chain = PerNumber(repeating: 0)
    /// What was acknowledged, and in which replicas it was whole then and has to be.
    var acknowledged = PerNumber(repeating: 0)
    var copies = PerNumber(repeating: 0)
    /// How many faults of each kind may still happen.
    var awayLeft: UInt8 = 0
    var unclearLeft: UInt8 = 0
    var lateLeft: UInt8 = 0
    var lossLeft: UInt8 = 0
    var killsLeft: UInt8 = 0
    /// Set where an actor had no place left for a record, a pack or a ballot.
    var isFull: UInt8 = 0

    /// Equal for equal states, and different for different ones but for a chance of one in 2^64.
    @inline(__always)
    func hash() -> UInt64 {
        withUnsafeBytes(of: self) { bytes in
            var first: UInt64 = 0x9E37_79B9_7F4A_7C15
            var second: UInt64 = 0xC2B2_AE3D_27D4_EB4F
            var offset = 0
            while offset + 16 <= bytes.count {
                let a = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                let b = bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
                first = Self.mix(first ^ a, 0xD6E8_FEB8_6659_FD93)
                second = Self.mix(second ^ b, 0xA076_1D64_78BD_642F)
                offset += 16
            }
            while offset < bytes.count {
                first = Self.mix(first ^ UInt64(bytes[offset]), 0xE703_7ED1_A0B4_28DB)
                offset += 1
            }
            return Self.mix(first, second | 1)
        }
    }

    @inline(__always)
    private static func mix(_ value: UInt64, _ factor: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: factor)
        return product.high ^ product.low &+ value
    }
}
