internal import KuraFormat
internal import KuraIO
internal import KuraImages
internal import KuraStore
internal import KuraVault
internal import Logging

extension Operations {
    /// Puts the disks that are in images in the place of the images, where those are files.
    func openImages(
        in prepared: inout PreparedDisks, of request: ItemBackup, _ vault: Vault,
        _ job: OperationJob
    ) throws(KuraError) {
        if !request.reading.bases.isEmpty || request.reading.snapshot != nil {
            guard prepared.disks.count == 1 else {
                throw KuraError(
                    .invalidInput, "bases or a snapshot are named, and there is not one disk")
            }
        }
        let known = Guarded<[DiskRecord]?>(nil)
        var disks: [BackupRequest.Disk] = []
        for disk in prepared.disks {
            let reading = prepared.readings[disk.name] ?? request.reading
            if let format = reading.format?.image, !(disk.source is FileSource) {
                throw KuraError(
                    refusing: disk.source.name, format,
                    .unsupported("images are read from files, not from streams"))
            }
            guard let file = disk.source as? FileSource, reading.format != .raw,
                let format = try format(
                    of: file, as: reading,
                    before: { () throws(KuraError) in
                        if known.read() == nil {
                            let newest = try newestPoint(of: request.item, in: vault)
                            known.update { $0 = newest?.disks ?? [] }
                        }
                        return known.read()?.first { $0.name == disk.name }
                    })
            else {
                disks.append(disk)
                continue
            }
            var terms = ImageTerms()
            terms.snapshot = reading.snapshot
            terms.connections = context.budget.threads + 1
            terms.cancellation = job.cancellation
            for image in try DiskImage.open(file, format, bases: reading.bases, terms: terms) {
                let found = try opened(image, of: disk, format)
                for weakness in image.weaknesses {
                    context.logger.notice(
                        "the jail of qemu-nbd is weaker than it could be: \(weakness)",
                        metadata: ["disk": "\(found.name)"])
                }
                prepared.images.insert(found.name)
                disks.append(found)
            }
        }
        prepared.disks = disks
    }

    /// The disk in an image.
    private func opened(
        _ image: DiskImage, of disk: BackupRequest.Disk, _ format: ImageFormat
    ) throws(KuraError) -> BackupRequest.Disk {
        let place = disk.origin ?? disk.source.name
        guard let member = image.member else {
            let origin = DiskOrigin(DiskFormat(format) ?? .raw, place)
            return BackupRequest.Disk(
                name: disk.name, source: image.source, origin: origin.text)
        }
        try Name.check(member, what: "a disk")
        return BackupRequest.Disk(
            name: member, source: image.source, origin: DiskOrigin(.vmdk, "\(place)/\(member)").text
        )
    }

    /// The format in which a file is to be opened; nil for one that is taken as it is.
    /// - Parameter before: the same disk in the item's newest point.
    private func format(
        of file: FileSource, as reading: DiskReading,
        before: () throws(KuraError) -> DiskRecord?
    ) throws(KuraError) -> ImageFormat? {
        if let format = reading.format?.image { return format }
        let found = try file.imageFormat()
        guard let found, DiskFormat(found) != nil || found == .ova else {
            guard reading.bases.isEmpty, reading.snapshot == nil else {
                throw KuraError(
                    refusing: file.name, .qcow2, .notOfFormat)
            }
            return nil
        }
        // A disk that was raw before stays raw: its guest may have written what looks like a
        // header.
        if let record = try before(), DiskOrigin(record.source).format == .raw { return nil }
        return found
    }

    private func newestPoint(
        of item: String, in vault: Vault
    ) throws(KuraError) -> RecoveryPoint? {
        try subscription.recoveryPoints(of: vault, item: item)
            .max { $0.point.sequence < $1.point.sequence }?.point
    }
}
