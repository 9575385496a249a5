import KuraFormat
import KuraIO
import KuraLog
import KuraReplicas
import Synchronization
import TestSupport
import Testing

/// Several programs at once, one call at a time, in an order that a seed draws. KURA_SEED=N runs
/// one order alone, KURA_ROUNDS=N runs N times as many.
@Suite("Whatever the order of calls")
struct ScheduleTests {
    /// What a program that writes does: some commits, each tried until it is there.
    private static func write(
        _ jobs: Int, _ number: Int, _ program: Program, in world: World, required: Int = 1
    ) {
        let log = world.open(program)
        for job in 0..<jobs {
            for _ in 0..<4 {
                do throws(KuraError) {
                    _ = try log.read()
                    let note = "\(number).\(job)"
                    try log.add(note, required: required, in: world)
                    break
                } catch {
                    log.identifyReplicas()
                }
            }
        }
    }

    private static func expectLeft(_ world: World, _ seed: UInt64) throws {
        world.away = []
        try world.expectSound(isWhole: false, isRead: false, "KURA_SEED=\(seed)")
        try world.expectGoesOn(isWhole: false, "KURA_SEED=\(seed)")
    }

    @Test("writers that meet each other all get through", arguments: [3, 2, 1])
    func writers(_ members: Int) throws {
        try forAll(cases: 60) { seed, generator in
            try World.with(members: members) { world throws in
                let scheduler = Scheduler(seed: seed)
                let count = Int.random(in: 2...3, using: &generator)
                scheduler.run(
                    (0..<count).map { number in
                        let program = ScheduledProgram(number, scheduler)
                        return { Self.write(2, number, program, in: world) }
                    })
                let notes = try world.readAll().tip.state.notes
                #expect(notes.count == 1 + 2 * count, "KURA_SEED=\(seed)")
                #expect(Set(notes).count == notes.count, "KURA_SEED=\(seed)")
                #expect(world.committed.count == 2 * count, "KURA_SEED=\(seed)")
                try world.expectSound("KURA_SEED=\(seed)")
            }
        }
    }

    @Test("faults lose nothing that was acknowledged", arguments: [3, 2, 1])
    func faults(_ members: Int) throws {
        try forAll(cases: 120) { seed, generator in
            try World.with(members: members) { world throws in
                let scheduler = Scheduler(seed: seed)
                let programs = (0..<3).map {
                    ScheduledProgram($0, scheduler, faults: Int(seed % 12))
                }
                for _ in 0..<2 where members > 1 {
                    let replica = Int.random(in: 0..<members, using: &generator)
                    scheduler.addEvent(oneIn: 40) { world.away.insert(replica) }
                    scheduler.addEvent(oneIn: 80) { world.away.remove(replica) }
                }
                let victim = programs[Int.random(in: 0..<3, using: &generator)]
                scheduler.addEvent(oneIn: 60) { victim.die() }
                scheduler.run(
                    programs.enumerated().map { number, program in
                        { Self.write(2, number, program, in: world) }
                    })
                try Self.expectLeft(world, seed)
            }
        }
    }

    @Test("packing beside commits hides no record", arguments: [1, 3])
    func packing(_ members: Int) throws {
        try forAll(cases: 10) { seed, generator in
            // Three records before the end of the range, so that it is complete in the middle.
            let world = try World.full(members: members, cutTo: 1024 - 3)
            let scheduler = Scheduler(seed: seed)
            let start = try world.readAll().tip
            let writers = (0..<2).map { ScheduledProgram($0, scheduler, faults: Int(seed % 5)) }
            let packer = ScheduledProgram(2, scheduler)
            var all: [@Sendable () -> Void] = writers.enumerated().map { number, program in
                { Self.write(3, number, program, in: world, from: start) }
            }
            all.append {
                let log = world.open(packer, from: start)
                for _ in 0..<6 {
                    do throws(KuraError) {
                        _ = try log.read()
                        for replica in log.replicas { _ = try log.pack(replica) }
                    } catch {
                        continue
                    }
                }
            }
            scheduler.run(all)
            let log = try world.opened()
            for index in 0..<members { _ = try log.pack(world.replica(index)) }
            try Self.expectLeft(world, seed)
        }
    }

    @Test("a replica that is replaced costs nothing but its copies")
    func replaced() throws {
        try forAll(cases: 100) { seed, generator in
            try World.with { world throws in
                let scheduler = Scheduler(seed: seed)
                let lost = Int.random(in: 0..<3, using: &generator)
                scheduler.addEvent(oneIn: 30) { world.replace(lost) }
                let writers = (0..<2).map { ScheduledProgram($0, scheduler, faults: Int(seed % 6)) }
                let admin = ScheduledProgram(2, scheduler)
                var all: [@Sendable () -> Void] = writers.enumerated().map { number, program in
                    { Self.write(2, number, program, in: world) }
                }
                all.append { Self.replaceMembers(admin, in: world) }
                scheduler.run(all)
                // The replica may have been lost when the others had done all they do.
                Self.replaceMembers(Program(), in: world)
                try Self.expectLeft(world, seed)
            }
        }
    }

    /// Puts replicas whose ids no record names in the place of members that no replica has.
    static func replaceMembers(_ program: Program, in world: World) {
        for _ in 0..<6 {
            let log = world.open(program)
            do throws(KuraError) {
                _ = try log.read()
                let ids = log.replicas.map(\.id)
                guard ids.count == world.places.count else { continue }
                let commit = try log.commit { tip throws(KuraError) in
                    if Set(ids) == Set(tip.state.members) { return nil }
                    let body = MembersBody(region: world.region, replicas: ids)
                    return Proposal(World.draft("members", [.members(body)]), required: 1)
                }
                if let commit { world.record(commit) }
            } catch {
                continue
            }
        }
    }

    private static func write(
        _ jobs: Int, _ number: Int, _ program: Program, in world: World,
        from start: LogTip<TestFold>
    ) {
        let log = world.open(program, from: start)
        for job in 0..<jobs {
            for _ in 0..<4 {
                do throws(KuraError) {
                    try log.add("\(number).\(job)", in: world)
                    break
                } catch {
                    log.identifyReplicas()
                }
            }
        }
    }

    @Test("a seed alone makes an order")
    func seeds() throws {
        var events: [[String]] = []
        for _ in 0..<2 {
            try World.with { world throws in
                let scheduler = Scheduler(seed: 7)
                let programs = (0..<3).map { ScheduledProgram($0, scheduler, faults: 5) }
                scheduler.run(
                    programs.enumerated().map { number, program in
                        { Self.write(2, number, program, in: world) }
                    })
                events.append(
                    programs.flatMap { program in
                        program.events.map { "\($0.call) \($0.key.suffix(24)) \($0.replica)" }
                            .filter { !$0.contains("whole") }
                    })
            }
        }
        #expect(events[0].count > 50)
        #expect(events[0].count == events[1].count)
    }
}
