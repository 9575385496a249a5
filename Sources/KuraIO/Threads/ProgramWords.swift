internal import Glibc

/// Starts a program by a call of C that takes its words and its environment.
/// - Parameters:
///   - environment: all of its variables.
///   - start: gets both as C has them, each with a nil behind; they are freed when it returns.
/// - Returns: what `start` does.
package func withProgramWords(
    _ words: [String], environment: [String: String],
    _ start: ([UnsafeMutablePointer<CChar>?], [UnsafeMutablePointer<CChar>?]) -> Int32
) -> Int32 {
    let arguments = words.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for text in arguments + variables { free(text) } }
    return start(arguments, variables)
}
