import KuraIO
import Testing

@Suite("Clock") struct ClockTests {
    @Test(
        "tells how long ago any instant was that a record can hold",
        arguments: [
            (0, 5, 5), (5, 0, 0), (7, 7, 0), (-3, 4, 7), (Int64.min, Int64.max, Int64.max),
            (Int64.max, Int64.min, 0), (Int64.min, 0, Int64.max),
        ] as [(Int64, Int64, Int64)])
    func elapsed(start: Int64, end: Int64, expected: Int64) {
        #expect(Clock.elapsed(from: start, to: end) == expected)
    }
}
