import KuraIO
import Simulation
import SystemPackage
import TestSupport
import Testing

@Suite("Simulated file system") struct SimulatedFileSystemTests {
    private let path: FilePath = "/directory/file"

    /// A disk with a durable directory.
    private func disk() throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try disk.makeDirectories("/directory")
        return disk
    }

    private func write(_ bytes: [UInt8], _ disk: SimulatedFileSystem, flush: Bool) throws {
        let file =
            try disk.exists(path) ? disk.openForWriting(path) : disk.create(path)
        defer { disk.close(file) }
        try bytes.withUnsafeBytes { try disk.write(file, path, at: 0, from: $0) }
        if flush { try disk.flush(file, path) }
    }

    private func afterPowerCut(
        _ disk: SimulatedFileSystem, _ survival: SimulatedFileSystem.Survival
    ) -> SimulatedFileSystem {
        var random = SeededGenerator(seed: 1)
        disk.startRecording()
        return disk.stopRecording()[0].afterPowerCut(survival, using: &random)
    }

    @Test("a file is durable when its bytes and its directory were flushed, and not before")
    func flushes() throws {
        for (bytes, name) in [(false, false), (true, false), (false, true), (true, true)] {
            let disk = try disk()
            try write([1, 2, 3], disk, flush: bytes)
            if name { try disk.flushDirectory("/directory") }
            let nothing = afterPowerCut(disk, .nothing)
            #expect(try nothing.exists(path) == name)
            if name { #expect(try nothing.contents(path, max: 10) == (bytes ? [1, 2, 3] : [])) }
            #expect(try afterPowerCut(disk, .everything).contents(path, max: 10) == [1, 2, 3])
        }
    }

    @Test("a directory whose name is lost takes its files with it")
    func directories() throws {
        let disk = try disk()
        try disk.makeDirectory("/other")
        disk.close(try disk.create("/other/file"))
        try disk.flushDirectory("/other")
        #expect(throws: IOError.self) { try afterPowerCut(disk, .nothing).list("/other") }
        try disk.flushDirectory("/")
        #expect(try afterPowerCut(disk, .nothing).list("/other") == ["file"])
    }

    @Test("what is not flushed is torn at sectors, between what was there and what was written")
    func tears() throws {
        let disk = try disk()
        let (old, new) = ([UInt8](repeating: 1, count: 4096), [UInt8](repeating: 2, count: 4096))
        try write(old, disk, flush: true)
        try disk.flushDirectory("/directory")
        try write(new, disk, flush: false)
        disk.startRecording()
        let moment = disk.stopRecording()[0]
        var random = SeededGenerator(seed: 2)
        var kinds: Set<Int> = []
        for _ in 0..<50 {
            let found = try moment.afterPowerCut(.some, using: &random).contents(path, max: 8192)
            for start in stride(from: 0, to: found.count, by: 512) {
                let sector = Set(found[start..<min(start + 512, found.count)])
                #expect(sector == [1] || sector == [2])
            }
            kinds.insert(Set(found).count)
        }
        #expect(kinds.contains(2))
    }

    @Test("moments are the disk before each call, and stay as they are")
    func moments() throws {
        let disk = try disk()
        disk.startRecording()
        try write([1], disk, flush: true)
        try disk.flushDirectory("/directory")
        try disk.remove(path)
        var random = SeededGenerator(seed: 3)
        let found = try disk.stopRecording().map { moment in
            try moment.afterPowerCut(.everything, using: &random).exists(path)
        }
        // Before create, write, flush, flush of the directory, remove; and at the end.
        #expect(found == [false, true, true, true, true, false])
    }

    @Test("a flush that is taken away does nothing, until the call with which it is given back")
    func weakening() throws {
        let weakening = SimulatedFileSystem.Weakening(of: { $0 == "/directory" }) {
            $0 == .create && $1 == "/last"
        }
        let disk = try disk().copy(weakening: weakening)
        try write([1], disk, flush: true)
        try disk.flushDirectory("/directory")
        #expect(try !afterPowerCut(disk, .nothing).exists(path))
        disk.close(try disk.create("/last"))
        #expect(try !afterPowerCut(disk, .nothing).exists(path))
        try disk.remove("/last")
        #expect(try afterPowerCut(disk, .nothing).exists(path))
    }

    @Test("zeros that are reserved read as zeros and can be written over")
    func zeros() throws {
        let disk = try disk()
        try write([UInt8](repeating: 0, count: 10_000), disk, flush: true)
        try write([7], disk, flush: true)
        let found = try disk.contents(path, max: 1 << 20)
        #expect(found.count == 10_000 && found[0] == 7 && found.dropFirst().allSatisfy { $0 == 0 })
    }
}
