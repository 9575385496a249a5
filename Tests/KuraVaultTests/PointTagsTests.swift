import KuraVault
import Testing

@Suite("Tags of recovery points") struct PointTagsTests {
    @Test(
        "say until when a point is kept, whatever year they name",
        arguments: [
            ("retain-until:2026-12-24T00:00:00Z", 1_798_070_400_000_000_000),
            ("retain-until:9999-12-31T23:59:59Z", Int64.max),
            ("retain-until:0001-01-01T00:00:00Z", Int64.min),
            ("retain-until:99999999999999-01-01T00:00:00Z", nil), ("retain-until:soon", nil),
            ("daily", nil),
        ] as [(String, Int64?)])
    func retainUntil(tag: String, expected: Int64?) {
        #expect(PointTags.retainUntil(["daily", tag]) == expected)
    }
}
