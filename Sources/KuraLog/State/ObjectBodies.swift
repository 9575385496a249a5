internal import KuraFormat

/// What records do to runs, packs and lost objects.
extension Application {
    /// That no run lists a swept pack cannot be seen here: the log does not say what runs list.
    mutating func apply(_ body: RunsBody) throws {
        for run in body.added {
            guard try state.runs[run.id.bytes] == nil else { throw StateRule.runExists(run.id) }
        }
        for id in body.superseded {
            guard try state.runs[id.bytes] != nil else { throw StateRule.runNotLive(id) }
            try remove(id.bytes, from: \.runs)
            try find(LostBody.Object(.run, id))
        }
        for run in body.added {
            try put(RunEntry(run: run, number: number).entry, in: \.runs)
        }
    }

    mutating func apply(_ body: CondemnBody) throws {
        for id in body.packs {
            if let pack = try state.pack(id) {
                throw pack.swept == nil ? StateRule.condemned(id) : .swept(id)
            }
            try put(PackEntry(pack: id, condemned: number).entry, in: \.packs)
        }
    }

    mutating func apply(_ body: SpareBody) throws {
        for id in body.packs {
            _ = try condemned(id)
            try remove(id.bytes, from: \.packs)
        }
    }

    /// A pack that was spared since is not condemned any longer, so no sweep takes it.
    mutating func apply(_ body: SweepBody) throws {
        for id in body.packs {
            var pack = try condemned(id)
            // The record that condemns does not sweep: others have to see it first.
            guard pack.condemned == body.condemned, pack.condemned < number else {
                throw StateRule.condemnedElsewhere(id, record: pack.condemned)
            }
            pack.swept = number
            try put(pack.entry, in: \.packs)
        }
    }

    private func condemned(_ id: PackID) throws -> PackEntry {
        guard let pack = try state.pack(id) else { throw StateRule.notCondemned(id) }
        guard pack.swept == nil else { throw StateRule.swept(id) }
        return pack
    }

    mutating func apply(_ body: DeletedBody) throws {
        let packs = try state.outgoingPacks()
        for sweep in body.sweeps {
            let swept = packs.filter { $0.swept == sweep }
            guard !swept.isEmpty, sweep < number else { throw StateRule.noSuchSweep(sweep) }
            for pack in swept {
                try remove(pack.pack.bytes, from: \.packs)
                try find(LostBody.Object(.pack, pack.pack))
            }
        }
    }

    mutating func apply(_ body: LostBody) throws {
        for object in body.objects {
            switch object.kind {
            case .pack:
                if try state.pack(object.name)?.swept != nil {
                    throw StateRule.swept(object.name)
                }
            case .point:
                guard try state.names[object.name.bytes] != nil else {
                    throw StateRule.unknownPoint(object.name)
                }
            case .run:
                guard try state.runs[object.name.bytes] != nil else {
                    throw StateRule.runNotLive(object.name)
                }
            }
            guard try state.lost(object) == nil else {
                throw StateRule.lostAlready(object.name)
            }
            try put(LostEntry(object: object, number: number).entry, in: \.lost)
        }
    }

    /// An object that is gone is no longer lost.
    mutating func find(_ object: LostBody.Object) throws {
        guard try state.lost(object) != nil else { return }
        try remove(object.key, from: \.lost)
    }
}
