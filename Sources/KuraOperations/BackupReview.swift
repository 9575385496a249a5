internal import KuraFormat
internal import KuraIO
internal import KuraImages
internal import KuraStore
internal import KuraVault
internal import SystemPackage

extension Operations {
    /// How far clocks may differ, and be set back, in their daily work, in nanoseconds.
    static let clockStepMax: Int64 = 60_000_000_000

    /// What keeps a backup from making a point that is of no use.
    func review(
        _ request: ItemBackup, of prepared: PreparedDisks, for job: OperationJob
    ) -> BackupRequest.Review {
        let review = BackupReview(request: request, prepared: prepared, job: job)
        let time = prepared.time ?? context.clock.now()
        return BackupRequest.Review { newest throws(KuraError) in
            if let newest {
                review.warnOfClock(at: time, newest)
                review.warnOfOtherDisks(than: newest)
            }
            for disk in prepared.disks { try review.check(disk, before: newest) }
        } disks: { read, newest throws(KuraError) in
            for disk in read {
                try review.checkSize(
                    disk.byteCount, of: disk.name, at: disk.source, before: newest)
            }
        }
    }
}

/// The rules for one backup. What they throw is `refused`.
private struct BackupReview: Sendable {
    let request: ItemBackup
    let prepared: PreparedDisks
    let job: OperationJob

    /// Before anything is read of a disk.
    func check(
        _ disk: BackupRequest.Disk, before newest: RecoveryPoint?
    ) throws(KuraError) {
        let previous = newest?.disks.first { $0.name == disk.name }
        try checkFormat(of: disk, before: previous)
        try checkMachine(of: disk)
        if let byteCount = disk.source.knownByteCount {
            try checkSize(byteCount, of: disk.name, at: disk.source.name, before: newest)
        }
        if request.isItemDerived, let origin = disk.origin, let previous {
            warnOfOther(origin, previous)
        }
    }

    /// Throws for an image in a format that is not read. A disk of which there are raw points
    /// already was raw from the start: what looks like a header there, its guest may have written,
    /// and must not end its backups.
    private func checkFormat(
        of disk: BackupRequest.Disk, before previous: DiskRecord?
    ) throws(KuraError) {
        let reading = prepared.readings[disk.name] ?? request.reading
        guard reading.format != .raw, !prepared.images.contains(disk.name) else { return }
        let name = disk.source.name
        let before = previous.map { DiskOrigin($0.source).format } ?? .raw
        guard let format = try disk.source.imageFormat() else {
            guard before == .raw else {
                throw KuraError(
                    .refused,
                    "\(name) does not look like an image; disk \(disk.name) of the newest recovery "
                        + "point was in a \(before.rawValue) image", remedy: prepared.rawRemedy)
            }
            if previous == nil { try checkName(name) }
            return
        }
        if format.isCompression {
            job.warn(
                Warning(
                    "\(name) is compressed by \(format.rawValue): little of it will be "
                        + "deduplicated, and a restore gives the compressed file",
                    remedy: .advice("decompress it first")))
        } else if previous != nil, before == .raw {
            job.warn(
                Warning(
                    "\(name) looks like a \(format.rawValue) image; its bytes were taken as they "
                        + "are, like those of earlier points of disk \(disk.name)",
                    remedy: .advice(
                        "if it was converted, name its format: then the disk in it is backed up")))
        } else {
            throw KuraError(
                .refused, "\(name) is a \(format.rawValue) image, not the bytes of a disk",
                remedy: .anyOf([
                    .advice("convert it first: qemu-img convert -O raw IMAGE DISK.img"),
                    prepared.rawRemedy,
                ]))
        }
    }

    /// Throws where the name says that it is an image: what tells of a VHD of fixed size is at its
    /// end, and may have been cut off.
    private func checkName(_ name: String) throws(KuraError) {
        guard let ending = FilePath(name).extension, let named = DiskFormat(rawValue: ending),
            named != .raw
        else { return }
        throw KuraError(
            .refused, "\(name) does not look like a \(ending) image, as its name says",
            remedy: .anyOf([.advice("look whether it was cut off"), prepared.rawRemedy]))
    }

    /// Throws for a disk that a machine writes to. Parts of it would be from different times.
    private func checkMachine(of disk: BackupRequest.Disk) throws(KuraError) {
        guard prepared.liveDisks != .expected, disk.source.isWrittenByMachine() else { return }
        let message = "a running machine (QEMU) writes to \(disk.source.name)"
        guard request.readsLiveDisks || prepared.liveDisks == .warnedOf else {
            throw KuraError(
                .refused, message,
                remedy: .anyOf([
                    .advice("shut the machine down, or back up a snapshot of the disk"),
                    .point(.backUpLive),
                ]))
        }
        job.warn(
            Warning("\(message): the recovery point may mix states from before and after"))
    }

    /// Throws for a disk of no bytes, and for one of less than half the bytes it had: a stream that
    /// was cut off, or a file that is not written yet.
    func checkSize(
        _ byteCount: UInt64, of disk: String, at source: String, before newest: RecoveryPoint?
    ) throws(KuraError) {
        guard !request.allowsShrinking else { return }
        let previous = newest?.disks.first { $0.name == disk }?.byteCount ?? 0
        guard byteCount > 0 else {
            throw KuraError(.refused, "\(source) has no bytes", remedy: prepared.shrinkRemedy)
        }
        // Twice as many could be more than a number of 64 bits holds.
        if byteCount < previous, previous - byteCount > byteCount {
            throw KuraError(
                .refused,
                "\(source) has \(byteCount) bytes; disk \(disk) of the newest recovery point has "
                    + "\(previous)", remedy: prepared.shrinkRemedy)
        }
    }

    /// A point is in the order of its making whatever its time says; but schedules, policies and
    /// people go by the time.
    func warnOfClock(at time: Int64, _ newest: RecoveryPoint) {
        let behind = Clock.elapsed(from: time, to: newest.time)
        guard behind > Operations.clockStepMax else { return }
        job.warn(
            Warning(
                "the clock is \(Duration.nanoseconds(behind).inWords) behind the newest recovery "
                    + "point of \(request.item)", remedy: .advice("check the clock")))
    }

    /// A disk that is no longer there, or that came, may be meant; a disk that was not mounted, or
    /// that was left out of a machine's description, is not.
    func warnOfOtherDisks(than newest: RecoveryPoint) {
        let (now, before) = (prepared.disks.map(\.name), newest.disks.map(\.name))
        // Of one file, then of another one: still the item's only disk.
        guard prepared.areNamedByMachine || max(now.count, before.count) > 1 else { return }
        let changes =
            before.filter { !now.contains($0) }.map { "\($0) is missing" }
            + now.filter { !before.contains($0) }.map { "\($0) is new" }
        guard !changes.isEmpty else { return }
        job.warn(
            "item \(request.item) has other disks than in its newest recovery point: "
                + changes.joined(separator: ", "))
    }

    /// Two images of the same name, each in the folder of its machine, are two items.
    private func warnOfOther(_ origin: String, _ previous: DiskRecord) {
        // Points of older versions have the path as it was typed, which may be a relative one.
        let (now, before) = (DiskOrigin(origin).place, DiskOrigin(previous.source).place)
        guard FilePath(before).isAbsolute, now != before else { return }
        job.warn(
            Warning(
                "item \(request.item) has points of \(before), and this one is of \(now)",
                remedy: .steps([
                    .advice("where these are different disks"), .point(.nameItem),
                ])))
    }
}
