import KuraFormat
import TestSupport
import Testing

@Suite("Bodies of a log record") struct LogBodyTests {
    private func expectInvalid(_ field: String, _ body: LogBody) {
        var record = Example.record
        record.bodies = [body]
        #expect(throws: FormatError.invalidField(.logRecord, field: field)) {
            try Example.encoded(record)
        }
    }

    @Test("have at least one element where they say something of a list") func empty() {
        expectInvalid("members", .members(MembersBody(region: Example.region, replicas: [])))
        expectInvalid("runs", .runs(RunsBody(added: [], superseded: [])))
        expectInvalid("points", .drop(DropBody(points: [], time: 0, reason: "")))
        expectInvalid("points", .undrop(UndropBody(points: [], reason: "")))
        expectInvalid("points", .forget(ForgetBody(points: [])))
        expectInvalid("points", .hold(HoldBody(points: [], name: "h", reason: "")))
        expectInvalid("points", .release(ReleaseBody(points: [], name: "h")))
        expectInvalid("packs", .condemn(CondemnBody(packs: [])))
        expectInvalid("packs", .spare(SpareBody(packs: [])))
        expectInvalid("packs", .sweep(SweepBody(condemned: 1, packs: [])))
        expectInvalid("sweeps", .deleted(DeletedBody(sweeps: [])))
        expectInvalid("lost objects", .lost(LostBody(objects: [], reason: "")))
    }

    @Test("have no element twice") func twice() {
        let (a, id) = (Example.digest("a"), Example.vault)
        let run = RunsBody.Run(id: a, byteCount: 1, entries: 1, packs: 1)
        expectInvalid("members", .members(MembersBody(region: id, replicas: [id, id])))
        expectInvalid("runs", .runs(RunsBody(added: [run, run], superseded: [])))
        expectInvalid("superseded runs", .runs(RunsBody(added: [], superseded: [a, a])))
        expectInvalid("points", .forget(ForgetBody(points: [a, a])))
        expectInvalid("packs", .condemn(CondemnBody(packs: [a, a])))
        expectInvalid("sweeps", .deleted(DeletedBody(sweeps: [4, 4])))
        expectInvalid(
            "lost objects", .lost(LostBody(objects: [.init(.run, a), .init(.run, a)], reason: "")))
    }

    @Test("write lists in the one order that readers take") func order() throws {
        let packs = (0..<9).map { Example.digest("\($0)") }
        var record = Example.record
        record.bodies = [
            .condemn(CondemnBody(packs: packs)), .deleted(DeletedBody(sweeps: [7, 2])),
        ]
        #expect(
            try Example.encoded(record).record.bodies == [
                .condemn(CondemnBody(packs: packs.sorted())),
                .deleted(DeletedBody(sweeps: [2, 7])),
            ])
    }

    @Test("reject names and numbers out of range") func ranges() {
        let position = LogPosition(number: 5, digest: Example.digest("5"))
        expectInvalid(
            "name of a hold",
            .hold(HoldBody(points: [Example.digest("a")], name: "", reason: "")))
        expectInvalid("subject", .setting(SettingBody(subject: "", before: "", after: "")))
        expectInvalid(
            "condemned", .sweep(SweepBody(condemned: 0, packs: [Example.digest("a")])))
        expectInvalid(
            "rights",
            .key(
                KeyBody(
                    key: Example.publicKey("k"), rights: KeyBody.Rights(rawValue: 16),
                    rootSignature: Example.signature, name: "")))
        expectInvalid(
            "first", .adoption(AdoptionBody(tip: position, first: 6, refusedSettings: [])))
        for (reason, old) in [
            (RekeyBody.Reason.lost, Example.signature), (.planned, Signature.none),
        ] {
            expectInvalid(
                "signature of the old root key",
                .rekey(
                    RekeyBody(
                        rootKey: Example.publicKey("k"), reason: reason, oldSignature: old,
                        newSignature: Example.signature)))
        }
        var body = Example.vaultBody
        body.minCopies = 4
        expectInvalid("copies", .vault(body))
        body = Example.vaultBody
        body.pair = body.region
        expectInvalid("pair", .vault(body))
        body = Example.vaultBody
        body.chunkBytesMean = 5000
        expectInvalid("mean chunk size", .vault(body))
    }

    @Test("reject a key whose name is that of another") func keyName() throws {
        var record = Example.record
        record.bodies = [
            .key(
                KeyBody(
                    key: Example.publicKey("k"), rights: .write, rootSignature: Example.signature,
                    name: ""))
        ]
        var bytes = try Example.encoded(record).bytes
        // Behind the fields, the surface, the count, the head of the body, and its name.
        bytes[128 + 3 + 8 + 16] ^= 1
        #expect(throws: FormatError.invalidField(.logRecord, field: "name of a key")) {
            try LogRecord.decode(bytes)
        }
    }

    @Test("of a vault that needs what this code does not know are too new") func features() {
        var record = Example.record
        var body = Example.vaultBody
        body.requiredFeatures.append("time-travel")
        record.bodies = [.vault(body)]
        #expect(throws: FormatError.unsupportedFeature("time-travel")) {
            try Example.encoded(record)
        }
    }

    @Test("take points of more disks than version 1") func disks() throws {
        var point = Example.point
        point.disks = (0..<Limits.logDisksMax).map { number in
            var disk = point.disks[0]
            disk.name = "\(number)"
            return disk
        }
        #expect(try PointBody(bytes: point.encoded()).point == point)
        #expect(throws: FormatError.invalidField(.recoveryPoint, field: "disks")) {
            try RecoveryPoint.decode(point.encoded())
        }
        var disk = point.disks[0]
        disk.name = "one more"
        point.disks.append(disk)
        #expect(throws: FormatError.invalidField(.recoveryPoint, field: "disks")) {
            try PointBody(bytes: point.encoded())
        }
    }

    @Test("that are unknown have no number that is known") func unknown() {
        for type: UInt16 in 0...21 {
            #expect(UnknownBody(type: type, mustUnderstand: false, open: [], hidden: []) == nil)
        }
        #expect(UnknownBody(type: 22, mustUnderstand: false, open: [], hidden: []) != nil)
    }

    @Test("that are signed by the root key are good in one place alone") func rootSignatures() {
        let key = KeyBody(key: Example.publicKey("k"), rights: .write, name: "n")
        let rekey = RekeyBody(rootKey: Example.publicKey("k"), reason: .planned)
        let (a, b) = (Example.digest("a"), Example.digest("b"))
        let (vault, other) = (Example.vault, Example.region)
        #expect(
            key.bytesToSign(vault: vault, previous: a) != key.bytesToSign(vault: vault, previous: b)
        )
        #expect(
            key.bytesToSign(vault: vault, previous: a) != key.bytesToSign(vault: other, previous: a)
        )
        #expect(
            rekey.bytesToSign(vault: vault, previous: a)
                != rekey.bytesToSign(vault: vault, previous: b))
        var removed = key
        removed.isAdmitted = false
        #expect(
            key.bytesToSign(vault: vault, previous: a)
                != removed.bytesToSign(vault: vault, previous: a))
    }
}
