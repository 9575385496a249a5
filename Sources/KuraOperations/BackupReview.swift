internal import KuraFormat
internal import KuraIO
internal import KuraStore

extension Operations {
    /// What keeps a backup from making a point that is of no use.
    func review(
        _ request: ItemBackup, of prepared: PreparedDisks, for job: OperationJob
    ) -> BackupRequest.Review {
        let isAlwaysRaw = request.takesRawBytes
        return BackupRequest.Review { newest throws(KuraError) in
            for disk in prepared.disks
            where !isAlwaysRaw && !prepared.rawDisks.contains(disk.name) {
                try reviewFormat(
                    of: disk, rawBy: prepared.rawRemedy, before: newest, for: job)
            }
        }
    }

    /// Throws for an image in a format of its own. A disk of which there are points already was
    /// raw from the start: what looks like a header there, its guest may have written, and must not
    /// end its backups.
    private func reviewFormat(
        of disk: BackupRequest.Disk, rawBy rawRemedy: Remedy, before newest: RecoveryPoint?,
        for job: OperationJob
    ) throws(KuraError) {
        guard let format = try disk.source.imageFormat() else { return }
        let name = disk.source.name
        if format.isCompression {
            job.warn(
                Warning(
                    "\(name) is compressed by \(format.rawValue): little of it will be "
                        + "deduplicated, and a restore gives the compressed file",
                    remedy: .advice("decompress it first")))
        } else if newest?.disks.contains(where: { $0.name == disk.name }) == true {
            job.warn(
                Warning(
                    "\(name) looks like a \(format.rawValue) image; its bytes were taken as they "
                        + "are, like those of earlier points of disk \(disk.name)",
                    remedy: .advice("if it was converted, back it up as another item")))
        } else {
            throw KuraError(
                .refused, "\(name) is a \(format.rawValue) image, not the bytes of a disk",
                remedy: .anyOf([
                    .advice("convert it first: qemu-img convert -O raw IMAGE DISK.img"), rawRemedy,
                ]))
        }
    }
}
