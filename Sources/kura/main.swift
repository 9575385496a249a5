import Glibc
import KuraCLI

let words = (1..<max(1, Int(CommandLine.argc))).compactMap { CommandLine.unsafeArgv[$0] }
exit(Entry.main(bytes: words.map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }))
