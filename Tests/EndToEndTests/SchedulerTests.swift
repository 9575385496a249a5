import TestSupport
import Testing

@Suite("The scheduler as a service") struct SchedulerTests {
    /// Starts the scheduler, waits for its first line, and sends it a signal.
    private func stopped(_ kura: Kura, by signal: String) throws -> Kura.Outcome {
        try kura.shell(
            """
            kura scheduler run 2>log & scheduler=$!
            until grep -q started log; do sleep 0.01; done
            kill -\(signal) $scheduler; wait $scheduler; code=$?
            cat log; exit $code
            """)
    }

    @Test("tells of its start, and ends with 0 when a service manager stops it")
    func terminated() throws {
        try Kura.inDirectory { kura in
            let outcome = try stopped(kura, by: "TERM")
            #expect(outcome.code == 0)
            #expect(outcome.output.hasPrefix("scheduler started: it looks every 30 s"))
            #expect(outcome.output.hasSuffix("scheduler stopped\n"))
        }
    }

    @Test("ends with 130 when a person interrupts it")
    func interrupted() throws {
        try Kura.inDirectory { kura in
            // A shell starts what runs behind it with SIGINT ignored; Kura listens all the same.
            let outcome = try stopped(kura, by: "INT")
            #expect(outcome.code == 130)
        }
    }
}
