import KuraFormat
import KuraIO
import KuraStore
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("What is believed of the clock") struct ClockHistoryTests {
    private static let hour: Int64 = 3_600_000_000_000
    private static let day = 24 * hour
    private static let wall: Int64 = 1_800_000_000_000_000_000

    private func jump(
        boot: String = "b", uptime: Int64, wall: Int64, last: String = "b"
    ) -> Duration? {
        ClockHistory(last: ClockReading(boot: last, uptime: 10 * Self.day, wall: Self.wall))
            .jump(now: ClockReading(boot: boot, uptime: uptime, wall: Self.wall + wall))
    }

    @Test("Within one boot the clock runs as the kernel counts, three days up or down")
    func sameBoot() {
        #expect(jump(uptime: 11 * Self.day, wall: Self.day) == nil)
        #expect(jump(uptime: 411 * Self.day, wall: 401 * Self.day) == nil)
        #expect(jump(uptime: 11 * Self.day, wall: 4 * Self.day) == nil)
        #expect(jump(uptime: 11 * Self.day, wall: -2 * Self.day) == nil)
        let ahead = jump(uptime: 11 * Self.day, wall: 4 * Self.day + 1)
        #expect(ahead == .nanoseconds(3 * Self.day + 1))
        let behind = jump(uptime: 11 * Self.day, wall: -2 * Self.day - 1)
        #expect(behind == .nanoseconds(-3 * Self.day - 1))
    }

    @Test("From boot to boot it may have stood for a month, and gone back for a day")
    func otherBoot() {
        #expect(jump(boot: "c", uptime: 0, wall: 31 * Self.day) == nil)
        #expect(jump(boot: "c", uptime: 0, wall: -Self.day) == nil)
        let ahead = jump(boot: "c", uptime: 99 * Self.day, wall: 31 * Self.day + 1)
        #expect(ahead == .nanoseconds(31 * Self.day + 1))
        #expect(jump(boot: "c", uptime: 0, wall: -Self.day - 1) == .nanoseconds(-Self.day - 1))
        // A container that was started again, and a kernel that gives its boots no name.
        #expect(jump(uptime: Self.day, wall: 20 * Self.day) == nil)
        #expect(jump(boot: "", uptime: 11 * Self.day, wall: 20 * Self.day, last: "") == nil)
    }

    @Test(
        "Times at the ends of 64 bits are too far, and no trap",
        arguments: [
            (Int64.min, Int64.max), (.max, .min), (.min, 0), (0, .min), (.max, 0), (0, .max),
        ])
    func extremes(last: Int64, now: Int64) {
        for boot in ["b", "c"] {
            let history = ClockHistory(last: ClockReading(boot: "b", uptime: 0, wall: last))
            #expect(history.jump(now: ClockReading(boot: boot, uptime: 0, wall: now)) != nil)
        }
    }

    @Test("The kernel names the boot and counts its time")
    func machine() {
        let reading = ClockReading(ofMachineAt: Self.wall)
        #expect(!reading.boot.isEmpty && reading.uptime > 0 && reading.wall == Self.wall)
    }

    private func home(_ directory: FilePath) throws -> Subscription {
        try Subscription.open(
            home: directory.appending("home"), create: .defaults, context: .test())
    }

    /// Makes one recovery point at a time.
    private func addPoint(at time: Int64, to kura: Subscription) throws {
        var request = BackupRequest(
            item: "web",
            disks: [
                BackupRequest.Disk(name: "os", source: MemorySource(name: "os", [1, 2, 3]))
            ])
        request.time = time
        _ = try kura.place(named: Subscription.defaultVault).writing().backup(request)
    }

    @Test("A clock that jumps is in doubt, and not believed the second time either")
    func jumped() throws {
        try withTemporaryDirectory { directory in
            let kura = try home(directory)
            try kura.observeClock()
            #expect(try kura.clockDoubt() == nil)
            var past = ClockReading(ofMachineAt: Clock.now())
            past.wall -= 1000 * Self.day + Self.hour
            try kura.catalog().remember(past)
            for _ in 0..<2 {
                #expect(
                    try kura.clockDoubt()
                        == "the clock is 1000 days ahead of what it should be by the time when the "
                        + "scheduler last looked at it")
                try kura.observeClock()
                try addPoint(at: Clock.now(), to: kura)
            }
            #expect(try kura.catalog().clockHistory() == ClockHistory(last: past))
            try kura.trustClock()
            #expect(try kura.clockDoubt() == nil)
        }
    }

    @Test("Without a history the newest recovery point counts, from before the first look on")
    func records() throws {
        try withTemporaryDirectory { directory in
            let kura = try home(directory)
            #expect(try kura.clockDoubt() == nil)
            try addPoint(at: Clock.now() - 100 * Self.day - Self.hour, to: kura)
            let doubt = "the clock is 100 days ahead of the newest recovery point"
            #expect(try kura.clockDoubt() == doubt)
            try kura.observeClock()
            try addPoint(at: Clock.now(), to: kura)
            #expect(try kura.clockDoubt() != nil)
            try kura.trustClock()
            #expect(try kura.clockDoubt() == nil)
        }
    }

    @Test("A time that the caller names is compared with the points, and leaves no history")
    func given() throws {
        try withTemporaryDirectory { directory in
            let kura = try home(directory)
            try addPoint(at: Self.wall, to: kura)
            func at(_ time: Int64, isConfirmed: Bool = false) -> Subscription {
                var context = kura.context
                context.clock = .fixed(time)
                if isConfirmed { context.clock = context.clock.confirmed() }
                return kura.onBehalf(of: context)
            }
            #expect(try at(Self.wall + 31 * Self.day).clockDoubt() == nil)
            #expect(
                try at(Self.wall + 32 * Self.day).clockDoubt()
                    == "the clock is 32 days ahead of the newest recovery point")
            #expect(
                try at(Self.wall - 26 * Self.hour).clockDoubt()
                    == "the clock is 1 day behind the newest recovery point")
            #expect(try at(Self.wall + 32 * Self.day, isConfirmed: true).clockDoubt() == nil)
            try at(Self.wall).observeClock()
            try at(Self.wall).trustClock()
            #expect(try kura.catalog().clockHistory() == nil)
        }
    }

    @Test(
        "Durations are told in the largest unit that fits",
        arguments: [
            (0, "0 seconds"), (1, "1 second"), (119, "1 minute"), (7200, "2 hours"),
            (86_399, "23 hours"), (86_400, "1 day"), (999_999_999, "11574 days"),
        ] as [(Int, String)])
    func words(seconds: Int, text: String) {
        #expect(Duration.seconds(seconds).inWords == text)
    }
}
