/// How large a model can become. Everything has a fixed place, so that a state is a run of bytes
/// that can be copied, compared and hashed.
package enum Capacity {
    package static let replicas = 3
    /// Numbers of records are 1 to 15; place 0 is unused.
    package static let numbers = 16
    package static let ballots = 8
    package static let actors = 8
    /// How often an actor can make a record.
    package static let attempts = 10
    /// Record 0 means "none"; record 1 and 2 are the history that a scenario may begin with.
    package static let records = 3 + actors * attempts
    package static let packs = 16
    /// How many packs an actor can make. Actors 0 to 3 can.
    package static let packsOfOne = 4
    /// How many puts can be under way that their senders do not know of.
    package static let flights = 4
    /// How many records a segment has.
    package static let segment = 2
}

typealias PerReplica<Element> = InlineArray<3, Element>
typealias PerNumber = InlineArray<16, UInt8>
typealias PerBallot = InlineArray<128, UInt8>
typealias PerActor<Element> = InlineArray<8, Element>
typealias PerRecord<Element> = InlineArray<83, Element>
typealias PerPack = InlineArray<16, UInt8>
typealias PerFlight<Element> = InlineArray<4, Element>

/// A set of replicas: bit r is replica r.
typealias Places = UInt8
/// A set of packs.
typealias Packs = UInt16

extension FixedWidthInteger {
    @inline(__always)
    func has(_ index: Int) -> Bool { self >> Self(index) & 1 == 1 }

    @inline(__always)
    static func only(_ index: Int) -> Self { 1 << Self(index) }
}
