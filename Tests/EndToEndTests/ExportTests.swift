import TestSupport
import Testing

@Suite("Disks of a recovery point by NBD") struct ExportTests {
    /// Exports an item named d of one disk, runs shell lines beside it with $address, and ends it.
    private func exported(
        _ kura: Kura, _ lines: String, options: String = "--socket s", signal: String = "TERM"
    ) throws -> Kura.Outcome {
        try kura.shell(
            """
            rm -f address
            kura export d@latest \(options) --quiet >address 2>log & export=$!
            until [ -s address ]; do
                kill -0 $export || { cat log >&2; exit 99; }; sleep 0.01
            done
            address=$(head -n 1 address)
            not() { ! "$@"; }
            ( set -e
            \(lines)
            ); code=$?
            kill -\(signal) $export; wait $export; ended=$?
            cat log >&2
            [ $code = 0 ] || exit $code
            exit $ended
            """)
    }

    private func withPoint(_ body: (Kura) throws -> Void) throws {
        try Kura.inDirectory { kura in
            let disk = try kura.disk("d.img", byteCount: 6 << 20)
            #expect(try kura.run("backup", disk).code == 0)
            try body(kura)
        }
    }

    @Test(
        "qemu-img finds the disk identical, and qemu-io reads any place of it",
        .enabled("SKIP: there is no qemu-img or no qemu-io") {
            Programs.has("qemu-img", "qemu-io")
        })
    func qemu() throws {
        try withPoint { kura in
            let outcome = try exported(
                kura,
                """
                qemu-img compare -f raw -F raw $address d.img
                qemu-img convert -f raw -O raw $address copy && cmp copy d.img
                qemu-img map -f raw --output=json $address | grep -q '"zero": true'
                qemu-io -r -f raw -c 'read 12345 54321' $address | grep -q 'read 54321/54321'
                not qemu-io -r -f raw -c 'read 6M 1k' $address
                not qemu-io -f raw -c 'write 0 1k' $address
                qemu-img create -q -f qcow2 -F raw -b $address top.qcow2
                qemu-io -f qcow2 -c 'write -P 7 1M 64k' -c 'read -P 7 1M 64k' top.qcow2 >/dev/null
                """)
            #expect(outcome.code == 0, "\(outcome.error)")
            #expect(outcome.output.contains("Images are identical."))
        }
    }

    @Test(
        "libnbd and nbdkit read the disk over several connections",
        .enabled("SKIP: there is no nbdinfo, nbdcopy or nbdkit") {
            Programs.has("nbdinfo", "nbdcopy") && Programs.has("nbdkit")
        })
    func libnbd() throws {
        try withPoint { kura in
            let outcome = try exported(
                kura,
                """
                nbdinfo --json --list "$address" >list.json
                grep -q '"can_multi_conn": true' list.json
                grep -q '"is_read_only": true' list.json
                grep -q '"export-size": 6291456' list.json
                nbdinfo --map --totals "$address" | grep -q 'hole,zero'
                nbdcopy "$address" copy && cmp copy d.img
                nbdcopy --connections=4 --requests=64 --synchronous "$address" copy2
                cmp copy2 d.img
                # nbdkit ends its server with a signal, and threads of tests block all of them.
                python3 -c '
                import os, signal, sys
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.execvp(sys.argv[1], sys.argv[1:])
                ' nbdkit -r -U - nbd uri="$address" --run 'nbdcopy $uri copy3'
                cmp copy3 d.img
                """)
            #expect(outcome.code == 0, "\(outcome.error)\(outcome.output)")
        }
    }

    @Test("It ends with 0 when it is stopped, and takes its socket with it")
    func ends() throws {
        try withPoint { kura in
            for signal in ["TERM", "INT"] {
                let outcome = try exported(kura, "[ -S s ]", signal: signal)
                #expect(outcome.code == 0, "\(outcome.error)")
                #expect(try kura.shell("[ -e s ]").code == 1)
            }
            // A folder of its own, and a port.
            let folder = try exported(
                kura, "case $address in *kura-*/socket) ;; *) exit 1 ;; esac", options: "")
            #expect(folder.code == 0, "\(folder.error)")
            let port = try exported(
                kura, "case $address in nbd://127.0.0.1:*/d.img) ;; *) exit 1 ;; esac",
                options: "--port 0")
            // It warns that every user of the machine can connect.
            #expect(port.code == 3, "\(port.error)")
            let jobs = try kura.run("job", "list", "--json").json()["jobs"] as? [[String: Any]]
            #expect(jobs?.prefix(4).allSatisfy { $0["status"] as? String == "Completed" } == true)
        }
    }

    @Test(
        "A point of which something is lost gives the rest, and says what it cannot give",
        .enabled("SKIP: there is no qemu-io") { Programs.has("qemu-io") })
    func damage() throws {
        try withPoint { kura in
            #expect(
                try kura.shell(
                    """
                    for pack in $(find home/regions -path '*/packs/*' -size +1M); do
                        chmod u+w $pack
                        dd if=/dev/zero of=$pack bs=1k seek=20 count=40 conv=notrunc status=none
                    done
                    """
                ).code == 0)
            let outcome = try exported(
                kura,
                """
                not qemu-img compare -f raw -F raw $address d.img
                for at in $(seq 0 64 6080); do
                    qemu-io -r -f raw -c "read ${at}k 64k" $address >>reads 2>&1 || true
                done
                grep -q 'read 65536/65536' reads
                grep -q 'read failed' reads
                """)
            #expect(outcome.code == 12, "\(outcome.error)")
            #expect(outcome.error.contains("good copy"))
        }
    }

    @Test("What cannot be is an error before anything listens")
    func refusals() throws {
        try withPoint { kura in
            for (options, code) in [
                ("--disk absent --socket s", 10), ("--socket s --port 1", 64), ("--port 70000", 64),
                ("--socket d.img", 1), ("--socket nowhere/s", 1),
                ("--socket \(String(repeating: "x", count: 200))", 64),
            ] as [(String, Int32)] {
                let outcome = try kura.shell("kura export d@latest \(options)")
                #expect(outcome.code == code, "\(options): \(outcome.error)")
            }
            #expect(try kura.shell("[ -e s ]").code == 1)
        }
    }
}
