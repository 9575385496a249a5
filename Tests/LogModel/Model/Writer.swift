/// What writers do: sessions that put packs and commit points, and those that drop points or
/// replace members.
extension Model {
    // MARK: - Sessions

    /// Relies on a pack that is listed, or puts one.
    mutating func startBackup(_ actor: inout Actor) {
        actor.content = (actor.index + actor.jobs) % scenario.contents
        let fold = fold(to: actor.known)
        let known = packs(of: actor.content, in: fold.listed & ~fold.condemned)
        if known != 0 {
            actor.relies = UInt8(known.trailingZeroBitCount + 1)
            prepare(&actor)
        } else {
            startUpload(&actor)
        }
    }

    mutating func startUpload(_ actor: inout Actor) {
        guard actor.packsMade < Capacity.packsOfOne - 1 else {
            state.isFull |= 4
            set(&actor, .done)
            return
        }
        if actor.relies == 0, actor.uploaded == 0, actor.kind != Kind.prune.rawValue {
            actor.content = (actor.index + actor.jobs) % scenario.contents
        }
        let pack = Int(actor.index) * Capacity.packsOfOne + Int(actor.packsMade)
        actor.packsMade += 1
        actor.relies = 0
        actor.uploaded = UInt8(pack + 1)
        actor.holders = .init(repeating: 0)
        state.contents[pack] = actor.content
        set(&actor, .upload, todo: fold(to: actor.known).memberPlaces)
        if without == .packsBeforeVotes { uploaded(&actor) }
    }

    mutating func upload(_ actor: inout Actor, to replica: Int, _ way: Action.Way) {
        let pack = actor.uploaded - 1
        guard put(.pack, at: replica, number: 0, value: pack, way: way) != nil else { return }
        actor.todo &= ~.only(replica)
        actor.took |= .only(replica)
        actor.holders[replica] = state.replicas[replica].id
        if actor.todo == 0 { uploaded(&actor) }
    }

    mutating func uploaded(_ actor: inout Actor) {
        if without == .baseBeforeUpload, actor.kind == Kind.writer.rawValue {
            set(&actor, .learn)
        } else {
            prepare(&actor)
        }
    }

    // MARK: - Records

    /// Checks what the actor wants against the records to `known`, and proposes it as the next one.
    mutating func prepare(_ actor: inout Actor) {
        if makesMembersDurable(&actor) || putsPackAgain(&actor) { return }
        switch Kind(rawValue: actor.kind) {
        case .writer: preparePoint(&actor)
        case .dropper: prepareDrop(&actor)
        case .prune: actor.stage == 0 ? prepareCondemn(&actor) : prepareSweep(&actor)
        case .admin: prepareMembers(&actor)
        default: endJob(&actor)
        }
    }

    /// The pack has to be in the required copies of those that are members now: one that took it
    /// may have been replaced since.
    private mutating func putsPackAgain(_ actor: inout Actor) -> Bool {
        guard actor.uploaded != 0, actor.kind != Kind.prune.rawValue || actor.stage == 0,
            without != .packsInMembers, without != .packsBeforeVotes
        else { return false }
        let fold = fold(to: actor.known)
        var missing: Places = 0
        for replica in 0..<Capacity.replicas where fold.members[replica] != 0 {
            if actor.holders[replica] != fold.members[replica] { missing |= .only(replica) }
        }
        let copies = fold.memberPlaces.nonzeroBitCount - missing.nonzeroBitCount
        guard copies < scenario.required else { return false }
        var isStale = false
        for replica in 0..<Capacity.replicas where missing.has(replica) {
            if actor.holders[replica] != 0 { isStale = true }
            actor.holders[replica] = 0
        }
        if isStale {
            // Perhaps the log names the new ids by now.
            set(&actor, .learn)
            return true
        }
        set(&actor, .upload, todo: missing)
        actor.took = fold.memberPlaces & ~missing
        return true
    }

    private mutating func preparePoint(_ actor: inout Actor) {
        let fold = fold(to: actor.known, base: actor.base)
        var record = Record(body: Body.point.rawValue, argument: actor.content)
        if actor.uploaded != 0 {
            record.packs = .only(Int(actor.uploaded) - 1)
            if fold.sweptSinceBase & record.packs != 0, without != .commitChecks {
                return startUpload(&actor)
            }
        } else {
            let relied: Packs = .only(Int(actor.relies) - 1)
            if without == .commitChecks {
            } else if fold.listed & relied == 0 {
                return startUpload(&actor)
            } else if fold.condemned & relied != 0 {
                record.packs = relied
            }
        }
        propose(&actor, record)
    }

    private mutating func prepareDrop(_ actor: inout Actor) {
        let fold = fold(to: actor.known)
        guard fold.points != 0 else { return endJob(&actor) }
        propose(
            &actor,
            Record(
                body: Body.drop.rawValue, argument: UInt8(fold.points.trailingZeroBitCount)))
    }

    /// A member whose replica has another id than the log says lost everything: the new id takes
    /// its place.
    private mutating func prepareMembers(_ actor: inout Actor) {
        let fold = fold(to: actor.known)
        for replica in 0..<Capacity.replicas where fold.members[replica] != 0 {
            let there = state.replicas[replica]
            guard there.isUp == 1, there.id != fold.members[replica] else { continue }
            return propose(
                &actor,
                Record(
                    doomed: UInt16(there.id), body: Body.members.rawValue,
                    argument: UInt8(replica)))
        }
        endJob(&actor)
    }

    /// The actor's record is decided, and it has told every replica in reach.
    mutating func committed(_ actor: inout Actor) {
        guard actor.kind == Kind.prune.rawValue else { return endJob(&actor) }
        actor.own = 0
        actor.value = 0
        actor.number = actor.known
        if actor.stage == 0, without != .sweptBeforeDeleted {
            actor.stage = 1
            prepare(&actor)
        } else {
            startDelete(&actor)
        }
    }
}
