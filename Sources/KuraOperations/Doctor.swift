internal import KuraFormat
public import KuraIO
internal import KuraReplicas
internal import KuraStore
internal import KuraVault
internal import SystemPackage

/// One thing that was checked, and what to do where it is not as it should be.
public struct HealthCheck: Sendable {
    public enum Status: String, Sendable {
        case ok, warning, failed
        /// Something that should be there is not.
        case absent
    }

    public var name: String
    public var status: Status
    public var detail: String
    public var remedy: Remedy?
}

extension Operations {
    /// Looks at what backups depend on. Writes and removes one small file in each replica.
    public func examine() -> [HealthCheck] {
        var checks: [HealthCheck] = []
        for region in subscription.regions {
            for replica in region.replicas { checks += examine(replica, of: region) }
            checks.append(devices(of: region))
            checks += vaultChecks(of: region)
        }
        checks.append(clock())
        checks.append(memory())
        return checks
    }

    /// Whether everything is there that the home knows of.
    private func memory() -> HealthCheck {
        check("what the home knows") {
            let absences = try subscription.absences(packs: true)
            guard let first = absences.first(where: { !$0.isElsewhere }) ?? absences.first else {
                return (.ok, "every region, vault and recovery point is there", nil)
            }
            let more = absences.count > 1 ? "; and \(absences.count - 1) more" : ""
            return (first.isElsewhere ? .warning : .absent, first.message + more, first.remedy)
        }
    }

    private func examine(_ replica: Replica, of region: Region) -> [HealthCheck] {
        let name = "\(region.name)/replica-\(replica.ordinal)"
        if let problem = region.problems[replica.ordinal] {
            return [
                HealthCheck(
                    name: "\(name): identity", status: .failed, detail: problem.message,
                    remedy: problem.remedy)
            ]
        }
        let fileSystem = LocalFileSystem()
        return [
            HealthCheck(
                name: "\(name): identity", status: .ok, detail: replica.place, remedy: nil),
            check("\(name): permissions") {
                let status = try fileSystem.status(replica.store.directory)
                guard status.owner == Process.userID else {
                    return (
                        .warning,
                        "owned by user \(status.owner), this is user "
                            + "\(Process.userID)", .advice("chown it, or run Kura as its owner")
                    )
                }
                guard status.mode & 0o077 == 0 else {
                    return (
                        .warning, "others may enter it (mode \(String(status.mode, radix: 8)))",
                        .advice("run: chmod 700 \(replica.place)")
                    )
                }
                return (.ok, "only its owner may enter it", nil)
            },
            check("\(name): free space") {
                let free = try fileSystem.freeBytes(replica.store.directory)
                let detail = "\(free >> 20) MiB free"
                return free < Self.freeBytesMin
                    ? (.warning, detail, .advice("free space, or move the replica"))
                    : (.ok, detail, nil)
            },
            check("\(name): flush") {
                let start = Clock.steady()
                let directory = replica.store.directory
                let probe = directory.appending("doctor-\(Process.id)")
                try fileSystem.publish(
                    Array("a probe of this directory\n".utf8), as: probe,
                    temporary: directory.appending("doctor-\(Process.id).new"), replacing: true)
                let milliseconds = (Clock.steady() - start) / 1_000_000
                try fileSystem.remove(probe)
                return (.ok, "a small file is durable in \(milliseconds) ms", nil)
            },
        ]
    }

    /// Warn below this much free space: about 30 packs.
    private static let freeBytesMin: UInt64 = 1 << 30

    private func check(
        _ name: String, _ body: () throws -> (HealthCheck.Status, String, Remedy?)
    ) -> HealthCheck {
        do {
            let (status, detail, remedy) = try body()
            return HealthCheck(name: name, status: status, detail: detail, remedy: remedy)
        } catch {
            let error = KuraError(error)
            return HealthCheck(
                name: name, status: .failed, detail: error.message, remedy: error.remedy)
        }
    }

    /// Copies on one device do not survive that device.
    private func devices(of region: Region) -> HealthCheck {
        check("\(region.name): devices") {
            var devices: Set<UInt64> = []
            for replica in region.available {
                devices.insert(try LocalFileSystem().status(replica.store.directory).device)
            }
            let count = region.available.count
            guard devices.count == count else {
                return (
                    .warning,
                    "\(count) replicas share \(devices.count) device(s): the loss of "
                        + "one device may take all copies",
                    .advice("put each replica on a disk of its own")
                )
            }
            return (.ok, "\(count) replicas on \(devices.count) devices", nil)
        }
    }

    private func vaultChecks(of region: Region) -> [HealthCheck] {
        do throws(KuraError) {
            return try region.vaults().flatMap { record in
                let vault = Vault(region: region, record: record)
                return [
                    sessions(of: vault), copies(of: vault), points(of: vault), repairs(of: vault),
                ]
            }
        } catch {
            return [
                HealthCheck(
                    name: "\(region.name): vaults", status: .failed, detail: error.message,
                    remedy: error.remedy)
            ]
        }
    }

    /// A vault with a pair is looked at in both regions.
    private func name(_ vault: Vault) -> String {
        let place = vault.record.pair == nil ? "" : " in \(vault.region.name)"
        return "vault \(vault.record.name)\(place)"
    }

    private func sessions(of vault: Vault) -> HealthCheck {
        check("\(name(vault)): sessions") {
            let dead = vault.interruptedSessions().count
            guard dead == 0 else {
                return (
                    .warning, "\(dead) left by a process that died, or in a replica that failed",
                    .advice("back up into the vault: the next backup finishes them")
                )
            }
            return (.ok, "\(vault.openSessions().count) at work", nil)
        }
    }

    private func copies(of vault: Vault) -> HealthCheck {
        check("\(name(vault)): copies") {
            let holders = try vault.wholeCopies()
            let copies = Int(vault.record.copies)
            let behind = holders.count { $0.value.count < copies }
            guard behind == 0 else {
                return (
                    .warning,
                    "\(behind) of \(holders.count) recovery points are in fewer than "
                        + "\(copies) replicas",
                    .steps([.advice("bring the replicas back"), .vault(.replicate())])
                )
            }
            return (.ok, "every recovery point is in \(copies) of \(copies) replicas", nil)
        }
    }

    private func points(of vault: Vault) -> HealthCheck {
        check("\(name(vault)): points") {
            let broken = try vault.lackingPoints()
            guard let first = broken.first else {
                return (.ok, "no chunk is known to be missing", nil)
            }
            let item = try vault.recoveryPoint(first).item
            let others =
                broken.count > 1 ? " and \(broken.count - 1) more need chunks" : " needs chunks"
            return (
                .warning, "recovery point \(first.short) of \(item)\(others) that no replica has",
                .anyOf([
                    .advice(
                        "back up \(item) again: chunks that its disks still have are stored again"),
                    .point(.drop(first.short)),
                ])
            )
        }
    }

    /// Warn from this many repairs of one directory within this time on.
    private static let repairsSince: Int64 = 30 * 24 * 3600 * 1_000_000_000
    private static let repairsMax = 3

    /// A directory that needs repair again and again is on a failing disk.
    private func repairs(of vault: Vault) -> HealthCheck {
        check("\(name(vault)): repairs") {
            let ledger = try vault.repairs()
            // Files that were not there do not count: the replica may have been away.
            let recent = vault.counters(ledger, since: context.clock.now() - Self.repairsSince)
                .map { $0.repairs - $0.missing }
            let all = vault.counters(ledger).map { $0.repairs - $0.missing }
            for ordinal in all.indices {
                let others = all.indices.filter { $0 != ordinal }.map { all[$0] }.max() ?? 0
                let path = vault.region.replicas[ordinal].place
                let remedy = Remedy.steps([
                    .vault(.showRepairs), .advice("check the disk of \(path), or replace it"),
                ])
                if recent[ordinal] >= Self.repairsMax {
                    return (
                        .warning,
                        "replica \(ordinal) needed \(recent[ordinal]) repairs in the "
                            + "last 30 days", remedy
                    )
                }
                if all[ordinal] >= Self.repairsMax, all[ordinal] > 2 * others {
                    return (
                        .warning,
                        "replica \(ordinal) needed \(all[ordinal]) repairs, the others "
                            + "\(others) at most", remedy
                    )
                }
            }
            return (.ok, "\(all.reduce(0, +)) so far", nil)
        }
    }

    /// Recovery points are ordered without the clock, but schedules, policies and people go by it.
    private func clock() -> HealthCheck {
        check("clock") {
            let now = context.clock.now()
            let doubt = try clockBehind(now) ?? subscription.clockDoubt()
            guard let doubt else { return (.ok, "it agrees with everything that has a time", nil) }
            return (
                .warning, doubt,
                .advice("set the clock; while it is wrong, points expire too early or too late")
            )
        }
    }

    /// Nil where the clock is not behind any recovery point or any change in a replica.
    private func clockBehind(_ now: Int64) throws(KuraError) -> String? {
        let point = try subscription.newestPointTime() ?? .min
        let file = newestChange()
        let behind = Clock.elapsed(from: now, to: max(point, file))
        guard behind > Self.clockStepMax else { return nil }
        return "the clock is \(Duration.nanoseconds(behind).inWords) behind the newest "
            + (point < file ? "file of a replica" : "recovery point")
    }

    /// When something was last put into a folder of a vault, in nanoseconds since 1970.
    private func newestChange() -> Int64 {
        var newest = Int64.min
        for vault in subscription.regions.flatMap(vaultsThatCanBeRead) {
            for replica in vault.replicas {
                for folder in [Layout.points, Layout.sessions, Layout.journal] {
                    do throws(IOError) {
                        let name = Layout.vault(vault.id).folder(folder).key
                        let path = replica.store.directory.pushing(FilePath(name))
                        newest = max(newest, try LocalFileSystem().status(path).modified)
                    } catch {
                        // It was not made yet, or another check says what is wrong with it.
                        continue
                    }
                }
            }
        }
        return newest
    }

    private func vaultsThatCanBeRead(_ region: Region) -> [Vault] {
        do throws(KuraError) {
            return try region.vaults().map { Vault(region: region, record: $0) }
        } catch {
            return []
        }
    }
}
