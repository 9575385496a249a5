/// The state of a vault: the fold of its records to one number.
struct Fold {
    /// Packs that the state needs: listed by a record and not swept.
    var listed: Packs = 0
    var condemned: Packs = 0
    /// All that were ever swept, and those swept by records above the base.
    var swept: Packs = 0
    var sweptSinceBase: Packs = 0
    /// Records that are live points.
    var points: UInt128 = 0
    /// Ids of the members; 0 where a place has none.
    var members = PerReplica<UInt8>(repeating: 0)

    var memberPlaces: Places {
        var places: Places = 0
        for replica in 0..<Capacity.replicas where members[replica] != 0 {
            places |= .only(replica)
        }
        return places
    }

    var majority: Int { memberPlaces.nonzeroBitCount / 2 + 1 }
}

extension Model {
    /// - Parameter base: Records above it count for `sweptSinceBase`.
    func fold(to number: UInt8, base: UInt8 = 0) -> Fold {
        var fold = Fold()
        for replica in 0..<Capacity.replicas where scenario.members.has(replica) {
            fold.members[replica] = 1
        }
        guard number > 0 else { return fold }
        for index in 1...Int(number) {
            add(Int(state.chain[index]), to: &fold, isAboveBase: index > Int(base))
        }
        return fold
    }

    func add(_ index: Int, to fold: inout Fold, isAboveBase: Bool) {
        let record = state.records[index]
        switch Body(rawValue: record.body) {
        case .point:
            fold.listed |= record.packs
            fold.condemned &= ~record.packs
            fold.points |= .only(index)
        case .drop: fold.points &= ~.only(Int(record.argument))
        case .condemn:
            fold.listed |= record.packs
            fold.condemned |= record.doomed
        case .sweep:
            fold.listed &= ~record.doomed
            fold.condemned &= ~record.doomed
            fold.swept |= record.doomed
            if isAboveBase { fold.sweptSinceBase |= record.doomed }
        case .members: fold.members[Int(record.argument)] = UInt8(record.doomed)
        case .some(.none), nil: break
        }
    }

    /// - Returns: those of these packs that hold this content.
    func packs(of content: UInt8, in packs: Packs) -> Packs {
        var matching: Packs = 0
        for pack in 0..<Capacity.packs where packs.has(pack) && state.contents[pack] == content {
            matching |= .only(pack)
        }
        return matching
    }

    /// - Returns: whether every live point finds its content in these packs.
    func everyPoint(of fold: Fold, isIn packs: Packs) -> Bool {
        var points = fold.points
        while points != 0 {
            let index = points.trailingZeroBitCount
            points &= points - 1
            if self.packs(of: state.records[index].argument, in: packs) == 0 { return false }
        }
        return true
    }
}
