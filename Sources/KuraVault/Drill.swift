public import KuraFormat
public import KuraIO
internal import Glibc
internal import KuraReplication
internal import KuraStore
internal import Synchronization
public import SystemPackage

/// What a drill found out: whether, how fast and how much a vault comes back without its active
/// region.
public struct DrillReport: Sendable {
    public var vault: String
    /// The region that it was restored from.
    public var region: String
    /// The newest recovery point that was there.
    public var id: RecoveryPointID
    public var point: RecoveryPoint
    /// How much newer the vault's newest committed point is, in nanoseconds: the achieved RPO.
    public var lag: Int64
    /// Age of the point that was restored, in nanoseconds.
    public var age: Int64
    /// From the start of the drill until every disk was on stable storage: the achieved RTO.
    public var seconds: Double
    /// Bytes of the disks that were restored.
    public var bytes: UInt64 = 0
    /// Whether the disks were compared, byte by byte, with what the active region restores.
    public var isCompared = false
    /// Why not, or what it was compared with.
    public var comparison = ""
    /// Disks whose restored bytes are not those of the active region.
    public var differing: [String] = []
}

extension Subscription {
    /// Takes the active region of a vault out, in thought only, and restores the newest point that
    /// the other region has. Reads both regions, writes to neither.
    ///
    /// - Parameter scratch: an existing directory with room for the disks; what is restored there
    ///   is removed again.
    public func drill(
        _ place: VaultPlace, scratch: FilePath, threads: Int = Threads.processorCount,
        progress: Progress = Progress(), cancellation: Cancellation = Cancellation()
    ) throws(KuraError) -> DrillReport {
        guard place.record.pair != nil else {
            throw KuraError(
                .refused, "vault \(place.name) is \(place.record.redundancy.name): without a paired "
                    + "region there is nothing to drill",
                remedy: "run: kura vault set-redundancy \(place.name) grs --convert")
        }
        guard place.isPassiveReachable, let passive = place.passive else {
            throw KuraError(
                .replicaMissing, "region \(place.passiveName ?? "") cannot be reached, so nothing "
                    + "could be restored from it", remedy: "mount its disks")
        }
        let directory = scratch.appending("kura-drill-\(UniqueID.random())")
        try withKuraErrors { try LocalFileSystem().makeDirectory(directory) }
        defer { Self.remove(directory) }
        let start = Clock.steady()
        let vault = Vault(region: passive, record: place.record)
        let newest = try vault.heldPoints().isEmpty
            ? nil : vault.recoveryPoints().max { $0.point.time < $1.point.time }
        guard let newest else {
            throw KuraError(
                .refused, "no recovery point of vault \(place.name) is in region \(passive.name): "
                    + "nothing would come back",
                remedy: "run: kura replicate --vault \(place.name)")
        }
        var report = DrillReport(
            vault: place.name, region: passive.name, id: newest.id, point: newest.point,
            lag: Clock.elapsed(
                from: newest.point.time, to: try newestCommitted(of: place, newest.point.time)),
            age: Clock.elapsed(from: newest.point.time, to: Clock.now()), seconds: 0)
        for (number, disk) in newest.point.disks.enumerated() {
            try Self.restore(
                disk, of: vault, to: Self.file(number, in: directory), threads, progress, cancellation)
            report.bytes += disk.byteCount
        }
        report.seconds = Double(Clock.steady() - start) / 1e9
        try compare(&report, place, directory, threads, cancellation)
        return report
    }

    private static func file(_ number: Int, in directory: FilePath) -> FilePath {
        directory.appending("disk-\(number)")
    }

    /// Time of the newest point that was acknowledged, wherever it is.
    private func newestCommitted(
        of place: VaultPlace, _ known: Int64
    ) throws(KuraError) -> Int64 {
        let waiting = try waitingPoints(of: place) ?? []
        return waiting.map(\.time).max().map { max($0, known) } ?? known
    }

    private static func restore(
        _ disk: DiskRecord, of vault: Vault, to path: FilePath, _ threads: Int,
        _ progress: Progress, _ cancellation: Cancellation
    ) throws(KuraError) {
        try withKuraErrors {
            let target = try TargetFile(path, byteCount: disk.byteCount, overwrite: false)
            do {
                _ = try vault.restore(
                    disk, to: .file(target), threads: threads, progress: progress,
                    cancellation: cancellation)
                try target.finish()
            } catch {
                target.abandon()
                throw error
            }
        }
    }

    private static func remove(_ directory: FilePath) {
        let fileSystem = LocalFileSystem()
        do throws(IOError) {
            for name in try fileSystem.list(directory) {
                try fileSystem.remove(directory.appending(name))
            }
        } catch {
            // It is scratch space, and its name says whose.
            return
        }
        rmdir(directory.string)
    }

    // MARK: Comparing

    private func compare(
        _ report: inout DrillReport, _ place: VaultPlace, _ directory: FilePath, _ threads: Int,
        _ cancellation: Cancellation
    ) throws(KuraError) {
        let checked = "every chunk was compared with its SHA-256 on the way"
        guard place.isActiveReachable, let active = place.active else {
            report.comparison = "\(checked); region \(place.activeName) cannot be reached"
            return
        }
        let vault = Vault(region: active, record: place.record)
        for (number, disk) in report.point.disks.enumerated() {
            let path = Self.file(number, in: directory)
            do throws(KuraError) {
                let equal = try Self.isEqual(path, disk, in: vault, threads, cancellation)
                if !equal { report.differing.append(disk.name) }
            } catch {
                if error.code == .interrupted { throw error }
                report.comparison = "\(checked); region \(active.name) could not restore "
                    + "\(disk.name): \(error.message)"
                return
            }
        }
        report.isCompared = true
        report.comparison = "byte by byte with what region \(active.name) restores"
    }

    /// Whether a file holds what a vault restores a disk to. The disk comes through a pipe, so that
    /// the scratch space holds it once.
    private static func isEqual(
        _ path: FilePath, _ disk: DiskRecord, in vault: Vault, _ threads: Int,
        _ cancellation: Cancellation
    ) throws(KuraError) -> Bool {
        let file = try withKuraErrors { try LocalFileSystem().openForReading(path) }
        defer { LocalFileSystem().close(file) }
        let ends = try withKuraErrors { try FileDescriptor.pipe() }
        let outcome = Mutex<(error: KuraError?, isEqual: Bool)>((nil, false))
        Threads.run(2) { number in
            do throws(KuraError) {
                if number == 0 {
                    defer { close(ends.writeEnd.rawValue) }
                    let stream = OutputStream(
                        descriptor: ends.writeEnd.rawValue, name: "the drill's pipe")
                    _ = try vault.restore(
                        disk, to: .stream(stream), threads: threads, cancellation: cancellation)
                } else {
                    let equal = try holds(path, file, ends.readEnd)
                    outcome.withLock { $0.isEqual = equal }
                }
            } catch {
                outcome.withLock { $0.error = $0.error ?? error }
            }
        }
        close(ends.readEnd.rawValue)
        let (error, isEqual) = outcome.withLock { $0 }
        if let error { throw error }
        return isEqual
    }

    /// Whether a file holds exactly the bytes of a stream. Reads the stream to its end in any case,
    /// or whoever writes it would wait for ever.
    private static func holds(
        _ path: FilePath, _ file: OpenFile, _ stream: FileDescriptor
    ) throws(KuraError) -> Bool {
        let (wanted, found) = (AlignedBuffer(byteCount: 1 << 20), AlignedBuffer(byteCount: 1 << 20))
        var offset: UInt64 = 0
        var isEqual = true
        return try withKuraErrors {
            while true {
                let count = try stream.read(into: wanted.bytes)
                if count == 0 { break }
                let part = UnsafeMutableRawBufferPointer(rebasing: found.bytes[..<count])
                if isEqual {
                    do throws(IOError) {
                        let read = try LocalFileSystem().read(file, path, at: offset, into: part)
                        isEqual = read == count
                            && memcmp(part.baseAddress!, wanted.bytes.baseAddress!, count) == 0
                    } catch {
                        // What cannot be read back is not what was restored.
                        isEqual = false
                    }
                }
                offset += UInt64(count)
            }
            return try isEqual && LocalFileSystem().status(path).byteCount == offset
        }
    }
}
