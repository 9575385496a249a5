import Glibc
import KuraCLI

exit(Entry.main(Array(CommandLine.arguments.dropFirst())))
