import Testing

@Suite("Placeholder") struct PlaceholderTests {
    @Test("builds") func builds() { #expect(1 + 1 == 2) }
}
