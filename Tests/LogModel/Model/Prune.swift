/// Collection: condemn, sweep, delete.
extension Model {
    mutating func startPrune(_ actor: inout Actor) {
        actor.stage = 0
        actor.doomed = 0
        if scenario.orphans {
            set(&actor, .list, todo: fold(to: actor.known).memberPlaces)
        } else {
            listed(&actor)
        }
    }

    /// Collects the names of packs that stand in one replica.
    mutating func list(_ actor: inout Actor, _ replica: Int) {
        actor.doomed |= state.replicas[replica].packs
        actor.todo &= ~.only(replica)
        if actor.todo == 0 { listed(&actor) }
    }

    /// Decides what is garbage: packs that no live point needs, and packs of no record.
    mutating func listed(_ actor: inout Actor) {
        let fold = fold(to: actor.known)
        let orphans = actor.doomed & ~fold.listed & ~fold.swept
        let left = actor.doomed & fold.swept
        actor.doomed = spared(fold, (fold.listed | orphans) & ~fold.condemned, with: 0)
        if actor.doomed != 0 { return prepare(&actor) }
        if scenario.repacks, fold.points != 0, startRepack(&actor, fold) { return }
        // What an earlier prune condemned and did not sweep, or swept and did not delete.
        if fold.condemned != 0 {
            actor.doomed = fold.condemned
            actor.stage = 1
            prepare(&actor)
        } else if left != 0 {
            actor.doomed = left
            actor.number = actor.known
            startDelete(&actor)
        } else {
            endJob(&actor)
        }
    }

    /// Puts a pack with the content of one that is needed, which is condemned then.
    private mutating func startRepack(_ actor: inout Actor, _ fold: Fold) -> Bool {
        let point = fold.points.trailingZeroBitCount
        let old = packs(of: state.records[point].argument, in: fold.listed & ~fold.condemned)
        guard old != 0 else { return false }
        actor.doomed = .only(old.trailingZeroBitCount)
        actor.content = state.records[point].argument
        startUpload(&actor)
        return true
    }

    /// - Returns: those of the packs that may be condemned: every live point finds its content
    /// elsewhere,   also in `extra`.
    private func spared(_ fold: Fold, _ candidates: Packs, with extra: Packs) -> Packs {
        var doomed = candidates
        var points = fold.points
        while points != 0 {
            let content = state.records[points.trailingZeroBitCount].argument
            points &= points - 1
            let there = packs(of: content, in: (fold.listed | extra) & ~fold.condemned)
            guard there & ~doomed == 0 else { continue }
            let needed = packs(of: content, in: doomed & there)
            if needed != 0 { doomed &= ~.only(needed.trailingZeroBitCount) }
        }
        return doomed
    }

    mutating func prepareCondemn(_ actor: inout Actor) {
        let fold = fold(to: actor.known, base: actor.base)
        let moved: Packs = actor.uploaded == 0 ? 0 : .only(Int(actor.uploaded) - 1)
        var doomed = actor.doomed
        if without != .condemnChecks {
            if moved & (fold.condemned | fold.sweptSinceBase) != 0 { return endJob(&actor) }
            doomed = spared(fold, doomed & ~fold.condemned & ~fold.swept, with: moved)
            guard doomed != 0 else { return endJob(&actor) }
        }
        actor.doomed = doomed
        propose(&actor, Record(packs: moved, doomed: doomed, body: Body.condemn.rawValue))
    }

    /// What was listed again since is spared: it is condemned no longer.
    mutating func prepareSweep(_ actor: inout Actor) {
        if without != .sweepChecks { actor.doomed &= fold(to: actor.known).condemned }
        guard actor.doomed != 0 else { return endJob(&actor) }
        propose(&actor, Record(doomed: actor.doomed, body: Body.sweep.rawValue))
    }

    mutating func startDelete(_ actor: inout Actor) {
        set(&actor, .delete, todo: fold(to: actor.known).memberPlaces)
    }

    mutating func delete(_ actor: inout Actor, in replica: Int) {
        actor.todo &= ~.only(replica)
        if state.replicas[replica].mark >= actor.number || without == .wholeBeforeDeleted {
            state.replicas[replica].packs &= ~actor.doomed
            expectWhole(replica)
        }
        if actor.todo == 0 { endJob(&actor) }
    }
}
