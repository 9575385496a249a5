import Foundation
import SystemPackage
import TestSupport
import Testing

/// What is known to be there and cannot be read is never passed over.
@Suite("Never green when blind") struct BlindTests {
    /// A home whose vault is in region east, with one point of item a, and machine-free.
    private func vaultInEast(_ kura: Kura) throws {
        let line = """
            mkdir disks-0 disks-1 disks-2
            kura region add east --replica disks-0 --replica disks-1 --replica disks-2 &&
            kura vault create gold --region east && kura list
            """
        let made = try kura.shell(line)
        #expect(made.code == 0, "\(made.error)")
        #expect(try kura.run("backup", kura.disk("a.img"), "--vault", "gold").code == 0)
    }

    private static let commands = [
        ["verify"], ["verify", "--level", "chunks"], ["list"], ["stats"], ["vault", "list"],
        ["vm", "list"], ["scheduler", "tick"], ["doctor"], ["repairs"], ["audit"],
        ["show", "a@latest"], ["restore", "a@latest", "--output", "out.img"],
    ]

    @Test("Every command says so and ends with 12 while no disk of a region is mounted")
    func nothingMounted() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            let moved = "mkdir away && mv disks-? away && mkdir disks-0 disks-1 disks-2"
            #expect(try kura.shell(moved).code == 0)
            for command in Self.commands {
                let outcome = try kura.run(command)
                #expect(outcome.code == 12, "\(command): \(outcome.output) \(outcome.error)")
                let text = outcome.output + outcome.error
                #expect(text.contains("east"), "\(command): \(text)")
                #expect(!text.contains("no damage was found\n"), "\(command)")
            }
            let back = "rmdir disks-? && mv away/* ."
            #expect(try kura.shell(back).code == 0)
            #expect(try kura.run("verify").code == 0)
            #expect(try kura.run("list").code == 0)
        }
    }

    @Test("One replica that is away makes a list end with 3, and verify counts its copies")
    func oneReplicaAway() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            #expect(try kura.shell("mv disks-1 away").code == 0)
            let list = try kura.run("list")
            #expect(list.code == 3)
            #expect(list.error.contains("replica 1 of region east"))
            let verify = try kura.run("verify", "--json")
            #expect(verify.code == 12)
            let found = try verify.json()
            let copies = try #require(found["copies"] as? Int)
            #expect(found["proven_copies"] as? Int == copies / 3 * 2)
        }
    }

    @Test("A recovery point that was removed everywhere is missed, until it is dropped")
    func pointsGone() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            let other = try kura.disk("b.img", seed: 2)
            #expect(try kura.run("backup", other, "--vault", "gold").code == 0)
            let id = try kura.run("list", "--item", "a", "--quiet").output
                .trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try kura.shell("rm -f disks-?/vaults/*/points/\(id)").code == 0)
            for command in [["list"], ["verify"], ["stats"], ["doctor"], ["show", "a@latest"]] {
                let outcome = try kura.run(command)
                #expect(outcome.code == 12, "\(command): \(outcome.error)")
            }
            let restore = try kura.run("restore", "a@latest", "--output", "out.img")
            #expect(restore.code == 12)
            #expect(restore.error.contains("in no replica"))
            #expect(try kura.run("list", "--quiet").output.split(separator: "\n").count == 1)
            #expect(try kura.run("prune", "--drop", id).code == 0)
            let after = try kura.run("list")
            #expect(after.code == 0, "\(after.error)")
        }
    }

    @Test("A vault whose record is damaged in every replica is missed beside another vault")
    func damagedRecord() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            #expect(
                try kura.run("vault", "create", "silver", "--region", "east", "--copies", "1").code
                    == 0)
            #expect(try kura.run("list").code == 0)
            let line = """
                for f in disks-0/vaults/*/vault; do
                id=$(basename $(dirname $f)); [[ -e disks-1/vaults/$id ]] && continue
                chmod u+w $f; printf X | dd of=$f bs=1 seek=60 conv=notrunc; done
                """
            #expect(try kura.shell(line).code == 0)
            for command in [["verify"], ["list"], ["vault", "list"], ["doctor"]] {
                let outcome = try kura.run(command)
                #expect(outcome.code == 12, "\(command): \(outcome.error)")
                #expect((outcome.output + outcome.error).contains("vault silver cannot be read"))
            }
            let second = try kura.run("vault", "create", "silver", "--region", "east")
            #expect(second.code == 1)
            #expect(second.error.contains("cannot be read now"))
            #expect(try kura.run("verify", "--vault", "silver").code == 12)
        }
    }

    /// A part of a home that is known, and the shell line that takes it away.
    enum Loss: String, CaseIterable, Sendable {
        case replica, identity, allReplicas, point, packInOne, packEverywhere, record, newerRecord
        case runEverywhere, entry, pointOfWhichOnlyReceiptsTell

        var line: String {
            let vaults = "disks-?/vaults"
            let pack = "$(cd disks-0/vaults/*/packs && find . -type f -size +9k | head -1)"
            return switch self {
            case .replica: "mv disks-1 away"
            case .identity: "chmod u+w disks-1/replica; : >disks-1/replica"
            case .allReplicas: "mkdir away && mv disks-? away && mkdir disks-0 disks-1 disks-2"
            case .point: "rm -f \(vaults)/*/points/*"
            case .packInOne: "rm -f disks-1/vaults/*/packs/\(pack)"
            case .packEverywhere: "p=\(pack); rm -f disks-?/vaults/*/packs/$p"
            case .record:
                "for f in \(vaults)/*/vault; do chmod u+w $f; printf X | "
                    + "dd of=$f bs=1 seek=60 conv=notrunc; done"
            // The version stands behind the magic of 8 bytes, and the seal at the end.
            case .newerRecord:
                """
                for f in \(vaults)/*/vault; do
                chmod u+w $f; printf '\\x63' | dd of=$f bs=1 seek=8 conv=notrunc
                n=$(($(stat -c %s $f) - 32)); seal=$(head -c $n $f | sha256sum | head -c 64)
                printf "$(sed 's/../\\\\x&/g' <<<$seal)" | dd of=$f bs=1 seek=$n conv=notrunc
                done
                """
            case .runEverywhere: "rm -f \(vaults)/*/index/*"
            case .entry: "rm -f \(vaults)/*/journal/*"
            case .pointOfWhichOnlyReceiptsTell: "rm -f home/catalog* \(vaults)/*/points/*"
            }
        }

        /// Commands that speak of what is gone.
        var witnesses: [[String]] {
            let all = [["verify"], ["list"], ["stats"], ["vault", "list"], ["doctor"]]
            return self == .runEverywhere ? [["verify"]] : all
        }
    }

    @Test(
        "A command ends with 0 only if everything that it speaks of was there",
        arguments: Loss.allCases)
    func losses(_ loss: Loss) throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            for command in loss.witnesses {
                #expect([0, 3].contains(try kura.run(command).code), "\(command)")
            }
            _ = try kura.shell(loss.line)
            for command in loss.witnesses {
                let outcome = try kura.run(command)
                let isPartly = [.replica, .identity, .packInOne].contains(loss)
                let codes: [Int32] = isPartly ? [3, 12, 1] : [12]
                #expect(
                    codes.contains(outcome.code),
                    "\(loss) \(command): \(outcome.code) \(outcome.output) \(outcome.error)")
                if loss == .newerRecord {
                    let text = outcome.output + outcome.error
                    #expect(
                        !text.contains("there is no vault") && !text.contains("damaged"), "\(text)")
                }
            }
        }
    }

    @Test("Settings that went back with all replicas are missed, and the newer ones still hold")
    func settingsGone() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            let line = """
                kura backup '\(disk)' && cp -a home/regions snapshot &&
                kura policy update DefaultPolicy --daily 99 && rm -rf home/regions &&
                mv snapshot home/regions
                """
            let prepared = try kura.shell(line)
            #expect(prepared.code == 0, "\(prepared.error)")
            for command in [["policy", "list"], ["policy", "show", "DefaultPolicy"], ["list"]] {
                let outcome = try kura.run(command)
                #expect(outcome.code == 12, "\(command): \(outcome.output)")
                #expect(outcome.error.contains("UpdateProtectionPolicy of policy/DefaultPolicy"))
            }
            #expect(try kura.run("policy", "list").output.contains("99 days"))
        }
    }

    @Test("A list ends with 3 while a point is not in a replica that is back")
    func behind() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            let line = """
                mv disks-1 away; kura backup '\(try kura.disk("b.img", seed: 2))' --vault gold
                test $? = 3 && mv away disks-1
                """
            #expect(try kura.shell(line).code == 0)
            let list = try kura.run("list")
            #expect(list.code == 3)
            #expect(list.error.contains(": not in every replica"), "\(list.error)")
            #expect(try kura.run("replicate").code == 0)
            #expect(try kura.run("list").code == 0)
        }
    }

    @Test("Without a catalog the receipts tell of a point that no replica has")
    func receipts() throws {
        try Kura.inDirectory { kura in
            try vaultInEast(kura)
            let id = try kura.run("list", "--quiet").output
                .trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try kura.shell("rm -f home/catalog* disks-?/vaults/*/points/*").code == 0)
            let restore = try kura.run("restore", "a@latest", "--output", "out.img")
            #expect(restore.code == 12)
            #expect(restore.error.contains("in no replica"), "\(restore.error)")
            #expect(try kura.run("show", id).code == 12)
            #expect(try kura.run("prune", "--drop", id).code == 0)
            #expect(try kura.run("list").code == 0)
        }
    }

    @Test("A backup over packs that are gone stores them again, and can be restored")
    func missingPacks() throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("a.img")
            #expect(try kura.run("backup", disk).code == 0)
            let remove = "find '\(kura.home)/regions' -path '*packs/*/*' -type f -delete"
            #expect(try kura.shell(remove).code == 0)
            let list = try kura.run("list")
            #expect(list.output.contains("0/3") || list.output.contains("0 of 3"), "\(list.output)")
            let backup = try kura.run("backup", disk)
            #expect(backup.code == 3, "\(backup.error)")
            let restore = try kura.run("restore", "a@latest", "--output", kura.home + "-out")
            #expect(restore.code == 0, "\(restore.error)")
            #expect(try kura.bytes(kura.home + "-out") == kura.bytes(disk))
            #expect(try kura.run("verify", "--level", "chunks").code == 0)
        }
    }
}
