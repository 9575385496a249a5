import ArgumentParser
import KuraIO

/// Options of commands that destroy what cannot be brought back.
struct ConsentOptions: ParsableArguments {
    @Flag(help: "Do not ask.")
    var yes = false

    /// Asks on a terminal. Elsewhere --yes must have been given.
    /// - Parameter what: "delete vault gold for good".
    func require(toDo what: String) throws {
        guard !yes else { return }
        guard Terminal.canAsk else {
            throw KuraError(
                .invalidInput, "there is no terminal on which to ask whether to \(what)",
                remedy: .advice("give the command --yes"))
        }
        guard try Terminal.ask("\(what)? Type yes") else {
            throw KuraError(.refused, "nothing was done")
        }
    }
}
