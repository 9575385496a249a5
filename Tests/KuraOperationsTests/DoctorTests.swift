import KuraFormat
import KuraIO
import KuraOperations
import KuraVault
import SystemPackage
import TestSupport
import Testing

@Suite("What the doctor says of the clock") struct DoctorTests {
    private func clock(_ kura: Subscription) throws -> HealthCheck {
        try #require(kura.operations.examine().first { $0.name == "clock" })
    }

    @Test("A clock is compared with points, with files, and with what it said before")
    func comparisons() throws {
        try withTemporaryDirectory { directory in
            let house = try Household(directory)
            let kura = try house.subscription()
            #expect(try clock(kura).status == .ok)
            let point = try house.latest().point.time
            let hour: Int64 = 3_600_000_000_000
            let behind = try clock(kura.at(point - 49 * hour))
            #expect(behind.status == .warning)
            #expect(behind.detail.hasPrefix("the clock is 2 days behind the newest "))
            let ahead = try clock(kura.at(point + 32 * 24 * hour))
            #expect(ahead.detail == "the clock is 32 days ahead of the newest recovery point")
            var past = ClockReading(ofMachineAt: Clock.now())
            past.wall -= 10 * 24 * hour + hour
            try kura.catalog().remember(past)
            #expect(try clock(kura).detail.hasPrefix("the clock is 10 days ahead of what it "))
        }
    }

    @Test("Without any point the files of a replica tell that a clock is behind")
    func files() throws {
        try withTemporaryDirectory { directory in
            let estate = try Estate(directory)
            let yesterday = Clock.now() - 25 * 3_600_000_000_000
            #expect(
                try clock(estate.subscription.at(yesterday)).detail
                    == "the clock is 1 day behind the newest file of a replica")
        }
    }
}
