import Foundation

/// Programs of others that tests run where they are there.
enum Programs {
    static func has(_ names: String...) -> Bool {
        names.allSatisfy { name in
            ["/usr/bin", "/usr/local/bin"].contains {
                FileManager.default.isExecutableFile(atPath: "\($0)/\(name)")
            }
        }
    }
}
