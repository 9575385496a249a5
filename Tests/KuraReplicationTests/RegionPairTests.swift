import KuraReplication
import Testing

@Suite("Azure's pairs of regions") struct RegionPairTests {
    @Test("pair Japan East and Japan West") func japan() {
        #expect(RegionPairs.pair(of: "japaneast") == "japanwest")
        #expect(RegionPairs.pair(of: "japanwest") == "japaneast")
    }

    @Test("go one way for some") func oneWay() {
        let oneWay = RegionPairs.names.filter { name in
            RegionPairs.pair(of: name).flatMap(RegionPairs.pair) != name
        }
        #expect(
            oneWay == ["brazilsouth", "brazilsoutheast", "usgovarizona", "westindia", "westus3"])
    }

    @Test("never pair a region with itself, and only with regions that have a pair") func sound() {
        for name in RegionPairs.names {
            let pair = RegionPairs.pair(of: name)
            #expect(pair != name)
            #expect(pair.flatMap(RegionPairs.pair) != nil, "\(name)")
        }
        #expect(RegionPairs.names.count == 57)
    }

    @Test("know no other names") func unknown() {
        #expect(RegionPairs.pair(of: "local") == nil)
        #expect(RegionPairs.pair(of: "JapanEast") == nil)
    }
}
