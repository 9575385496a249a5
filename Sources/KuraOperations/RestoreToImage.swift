internal import KuraFormat
internal import KuraIO
internal import KuraImages
internal import KuraStore
internal import KuraVault
internal import SystemPackage

extension Operations {
    /// Throws where a format and what is asked for beside it do not go together.
    static func checkFormat(_ request: PointRestore) throws(KuraError) {
        let output = request.format.output
        guard !request.format.isCompressed || output == .qcow2 else {
            throw KuraError(
                .invalidInput,
                "only qcow2 is compressed on request\(output == .vmdk ? "; vmdk always is" : "")")
        }
        guard output == .raw || !request.overwritesDevice else {
            throw KuraError(
                .invalidInput,
                "a block device takes the bytes of a disk, and no \(output.rawValue)",
                remedy: .advice("leave the format out"))
        }
        guard !output.isWrittenByKura else { return }
        if case .output(.stream(_, let name), _) = request.target {
            throw KuraError(
                .invalidInput, "\(name) takes raw and vhd, and no \(output.rawValue)",
                remedy: .advice("name a file"))
        }
        guard !request.skipsLost else {
            throw KuraError(
                .invalidInput,
                "lost bytes are left out of raw and vhd, and not of \(output.rawValue)",
                remedy: .advice("restore to a raw image, and convert that by qemu-img convert"))
        }
    }

    /// Writes a disk as an image in a new file.
    func convert(
        _ file: PointRestore.File, to path: SinkPath, on fileSystem: any TargetFileSystem,
        for request: PointRestore, in job: OperationJob
    ) throws(KuraError) -> RestoredBytes {
        let begun = Clock.steady()
        let reader = try request.point.vault.reader(
            of: file.disk, cancellation: job.cancellation)
        defer { reader.close() }
        try withNewFile(path, on: fileSystem) { sink throws(KuraError) in
            try conversion(request.format, in: job).write(
                reader, to: sink, name: file.path.lastComponent?.string ?? file.disk.name)
        }
        return RestoredBytes(of: file.disk, seconds: Double(Clock.steady() - begun) / 1e9)
    }

    /// Writes all disks, and a description of their machine, as one archive.
    func writeArchive(
        _ disks: [DiskRecord], to path: SinkPath, on fileSystem: any TargetFileSystem,
        for request: PointRestore, in job: OperationJob
    ) throws(KuraError) -> [RestoredBytes] {
        let begun = Clock.steady()
        var readers: [PointReader] = []
        defer { for reader in readers { reader.close() } }
        for disk in disks {
            readers.append(
                try request.point.vault.reader(of: disk, cancellation: job.cancellation))
        }
        try withNewFile(path, on: fileSystem) { sink throws(KuraError) in
            let part = SinkPath(FilePath("\(path.path.string).disk"))
            try OVAWriter.write(
                readers.map { OVAWriter.Disk($0.name, $0) }, of: request.point.point.item,
                to: sink, by: { conversion(RestoreFormat(.vmdk), in: job) },
                partial: { () throws(KuraError) in try newFile(part, on: fileSystem) })
        }
        let seconds = Double(Clock.steady() - begun) / 1e9
        return disks.enumerated().map { index, disk in
            // Of all of them together.
            RestoredBytes(of: disk, seconds: index == 0 ? seconds : 0)
        }
    }

    private func conversion(_ format: RestoreFormat, in job: OperationJob) -> ImageConversion {
        var conversion = ImageConversion(format.output)
        conversion.isCompressed = format.isCompressed
        conversion.threads = context.budget.threads
        conversion.cancellation = job.cancellation
        let progress = job.progress
        let before = progress.current.doneBytes
        conversion.reached = { end in
            progress.update { $0.doneBytes = max($0.doneBytes, before + end) }
        }
        return conversion
    }

    private func newFile(
        _ path: SinkPath, on fileSystem: any TargetFileSystem
    ) throws(KuraError) -> NewFileSink {
        // A block device is refused before: only a file takes an image.
        guard let sink = try path.open(byteCount: 0, on: fileSystem) as? NewFileSink else {
            throw KuraError(.invalidInput, "\(path.path) is not a file")
        }
        return sink
    }

    private func withNewFile(
        _ path: SinkPath, on fileSystem: any TargetFileSystem,
        _ body: (NewFileSink) throws(KuraError) -> Void
    ) throws(KuraError) {
        let sink = try newFile(path, on: fileSystem)
        do throws(KuraError) {
            try body(sink)
            try sink.finish()
        } catch {
            sink.abandon()
            throw error
        }
    }
}

extension RestoredBytes {
    /// A whole disk.
    init(of disk: DiskRecord, seconds: Double) {
        self.init()
        bytesWritten = disk.byteCount
        dataBytes = disk.counts.dataBytes
        self.seconds = seconds
    }
}
