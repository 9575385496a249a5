internal import KuraFormat

/// What records do to recovery points.
extension Application {
    mutating func apply(_ body: PointBody) throws {
        let id = body.id
        guard head.settings.state == .usable else { throw StateRule.deletedVault }
        // The id of the vault is the digest of record 1, which no point in it can name.
        guard body.point.vault == head.vault else { throw StateRule.pointOfOtherVault(id) }
        guard !body.point.item.utf8.contains(0) else { throw StateRule.itemName }
        guard try state.names[id.bytes] == nil else { throw StateRule.pointExists(id) }
        let index = UInt16(clamping: self.body ?? 0)
        try put(PointEntry(body, number: number, body: index).entry, in: \.points)
        let name = NameEntry(
            id: id, item: body.point.item, sequence: body.point.sequence,
            original: body.original)
        try put(name.entry, in: \.names)
        if let entry = name.originalEntry { try put(entry, in: \.names) }
    }

    /// Changes the entry of a point that has to be there.
    private mutating func change(
        _ id: RecoveryPointID, _ change: (inout PointEntry) throws -> Void
    ) throws {
        guard var point = try state.point(id) else { throw StateRule.unknownPoint(id) }
        try change(&point)
        try put(point.entry, in: \.points)
    }

    mutating func apply(_ body: DropBody) throws {
        let drop = PointEntry.Drop(number: number, time: body.time, reason: body.reason)
        for id in body.points {
            try change(id) { point in
                guard point.drop == nil else { throw StateRule.dropped(id) }
                guard point.holds.isEmpty else { throw StateRule.held(id) }
                point.drop = drop
            }
        }
    }

    mutating func apply(_ body: UndropBody) throws {
        for id in body.points {
            try change(id) { point in
                guard point.drop != nil else { throw StateRule.notDropped(id) }
                point.drop = nil
            }
        }
    }

    mutating func apply(_ body: ForgetBody) throws {
        for id in body.points {
            guard let name = try state.name(of: id), let point = try state.point(id) else {
                throw StateRule.unknownPoint(id)
            }
            guard point.drop != nil else { throw StateRule.notDropped(id) }
            guard point.holds.isEmpty else { throw StateRule.held(id) }
            try remove(point.key, from: \.points)
            try remove(id.bytes, from: \.names)
            if let entry = name.originalEntry { try remove(entry.key, from: \.names) }
            try find(LostBody.Object(.point, id))
        }
    }

    mutating func apply(_ body: HoldBody) throws {
        let hold = PointEntry.Hold(name: body.name, reason: body.reason)
        let name = Array(body.name.utf8)
        for id in body.points {
            try change(id) { point in
                let index = point.holds.firstIndex { !Array($0.name.utf8).isBefore(name) }
                if let index, Array(point.holds[index].name.utf8) == name {
                    throw StateRule.heldAlready(id, body.name)
                }
                guard point.holds.count < VaultState.holdsMax else {
                    throw StateRule.tooManyHolds(id)
                }
                point.holds.insert(hold, at: index ?? point.holds.count)
            }
        }
    }

    mutating func apply(_ body: ReleaseBody) throws {
        let name = Array(body.name.utf8)
        for id in body.points {
            try change(id) { point in
                guard let index = point.holds.firstIndex(where: { Array($0.name.utf8) == name })
                else { throw StateRule.noSuchHold(id, body.name) }
                point.holds.remove(at: index)
            }
        }
    }
}
