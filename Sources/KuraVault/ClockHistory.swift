internal import KuraFormat
package import KuraIO
internal import KuraStore

/// What the machine's clock said at one moment, beside what cannot be set by mistake: which boot of
/// the machine it was, and for how long that had run.
package struct ClockReading: Equatable, Sendable {
    /// The kernel's name of the boot; empty where it is not known.
    package var boot: String
    /// Nanoseconds since the boot.
    package var uptime: Int64
    /// Nanoseconds since 1970.
    package var wall: Int64

    package init(boot: String, uptime: Int64, wall: Int64) {
        self.boot = boot
        self.uptime = uptime
        self.wall = wall
    }

    /// This machine's, now.
    /// - Parameter wall: what the clock says.
    package init(ofMachineAt wall: Int64) {
        // From files: what sets the clock of one process only does not change them.
        let boot = KernelText.read("/proc/sys/kernel/random/boot_id").split(separator: "\n").first
        let uptime = KernelText.read("/proc/uptime").split(separator: " ").first.flatMap {
            Double($0)
        }
        self.init(
            boot: uptime == nil ? "" : String(boot ?? ""),
            uptime: uptime.flatMap { Int64(exactly: ($0 * 1e9).rounded()) } ?? 0, wall: wall)
    }
}

/// The clock as the scheduler last saw it and believed it.
///
/// A wrong clock makes every recovery point look old, so a prune under it would leave one of each
/// item. What a clock says is believed when it agrees with what it said before.
package struct ClockHistory: Equatable, Sendable {
    package var last: ClockReading

    package init(last: ClockReading) { self.last = last }

    private static let day: Int64 = 86_400_000_000_000
    /// Within one boot, in which the kernel counts the time.
    private static let driftMax = 3 * day
    /// From one boot to another one. Machines are switched off for weeks.
    package static let pauseMax = 31 * day
    package static let setBackMax = day

    /// How far the clock is ahead of what it should say (behind: negative), where that is too far
    /// to be believed; else nil.
    package func jump(now: ClockReading) -> Duration? {
        // A container's uptime begins anew although the machine's boot is the same.
        guard !last.boot.isEmpty, last.boot == now.boot, last.uptime <= now.uptime else {
            return Self.gap(from: last.wall, to: now.wall)
        }
        let passed = Clock.elapsed(from: last.uptime, to: now.uptime)
        let (expected, overflow) = last.wall.addingReportingOverflow(passed)
        let distance = Self.distance(from: overflow ? .max : expected, to: now.wall)
        return -Self.driftMax...Self.driftMax ~= distance ? nil : .nanoseconds(distance)
    }

    /// How far one time is from an earlier one, where that is too far to be a pause; else nil.
    package static func gap(from earlier: Int64, to now: Int64) -> Duration? {
        let distance = distance(from: earlier, to: now)
        return -setBackMax...pauseMax ~= distance ? nil : .nanoseconds(distance)
    }

    /// Nanoseconds, negative where `end` is the earlier one; as far as 64 bits count.
    private static func distance(from start: Int64, to end: Int64) -> Int64 {
        start <= end ? Clock.elapsed(from: start, to: end) : -Clock.elapsed(from: end, to: start)
    }
}

extension Catalog {
    private static let clockKey = "clock"

    /// Nil where the clock was not looked at yet.
    package func clockHistory() throws(KuraError) -> ClockHistory? {
        guard let text = try value(Self.clockKey) else { return nil }
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let uptime = Int64(parts[1]), let wall = Int64(parts[2]) else {
            return nil
        }
        return ClockHistory(
            last: ClockReading(boot: String(parts[0]), uptime: uptime, wall: wall))
    }

    package func remember(_ reading: ClockReading) throws(KuraError) {
        try setValue("\(reading.boot) \(reading.uptime) \(reading.wall)", for: Self.clockKey)
    }
}

extension Subscription {
    /// Why the clock is in doubt, for people; nil when it is believed.
    ///
    /// The machine's clock is compared with the history; without one, or where the caller named
    /// the time, the newest recovery point of all vaults must be near.
    package func clockDoubt() throws(KuraError) -> String? {
        let now = context.clock.now()
        switch context.clock.source {
        case .confirmed: return nil
        case .given: return try recordDoubt(now)
        case .machine:
            guard let history = knownClockHistory() else { return try recordDoubt(now) }
            return history.jump(now: ClockReading(ofMachineAt: now)).map {
                "the clock is \(Self.words(for: $0)) what it should be by the time when the "
                    + "scheduler last looked at it"
            }
        }
    }

    /// Remembers what the machine's clock says, unless that is in doubt. For the scheduler, before
    /// it makes anything.
    package func observeClock() throws(KuraError) {
        guard context.clock.source == .machine else { return }
        let (catalog, reading) = (
            try catalog(), ClockReading(ofMachineAt: context.clock.now())
        )
        if let history = try catalog.clockHistory() {
            guard history.jump(now: reading) == nil else { return }
        } else if let newest = try newestPointTime(),
            ClockHistory.gap(from: newest, to: reading.wall) != nil
        {
            // Points that are made under a wrong clock must not make it look right afterwards.
            return try catalog.remember(ClockReading(boot: "", uptime: 0, wall: newest))
        }
        try catalog.remember(reading)
    }

    /// Believes the machine's clock from now on. Call it after the user confirmed it.
    package func trustClock() throws(KuraError) {
        guard context.clock.source == .machine else { return }
        try catalog().remember(ClockReading(ofMachineAt: context.clock.now()))
    }

    /// The time of the newest recovery point of the vaults that can be read, in nanoseconds since
    /// 1970; nil where there is none.
    package func newestPointTime() throws(KuraError) -> Int64? {
        var newest: Int64?
        for vault in try vaults() {
            do throws(KuraError) {
                let times = try pointTimes(of: vault)
                newest = (times + [newest].compactMap(\.self)).max()
            } catch {
                // What cannot be read says nothing of the clock.
                continue
            }
        }
        return newest
    }

    /// Of the newest of each item; without a catalog, of all.
    private func pointTimes(of vault: Vault) throws(KuraError) -> [Int64] {
        do throws(KuraError) {
            return try catalog().pointCounts(of: vault).values.map(\.newest)
        } catch {
            return try vault.recoveryPoints().map(\.point.time)
        }
    }

    /// Without a catalog there is none.
    private func knownClockHistory() -> ClockHistory? {
        do throws(KuraError) {
            return try catalog().clockHistory()
        } catch {
            return nil
        }
    }

    private func recordDoubt(_ now: Int64) throws(KuraError) -> String? {
        guard let newest = try newestPointTime(),
            let gap = ClockHistory.gap(from: newest, to: now)
        else { return nil }
        return "the clock is \(Self.words(for: gap)) the newest recovery point"
    }

    private static func words(for gap: Duration) -> String {
        gap < .zero ? "\((.zero - gap).inWords) behind" : "\(gap.inWords) ahead of"
    }
}

extension Duration {
    /// The largest unit that fits, rounded down: "3 days", "1 hour".
    package var inWords: String {
        let seconds = components.seconds
        let units: [(length: Int64, name: String)] = [
            (86_400, "day"), (3600, "hour"), (60, "minute"),
        ]
        let unit = units.first { $0.length <= seconds } ?? (1, "second")
        let count = seconds / unit.length
        return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
    }
}
