import KuraMachines
import KuraPolicy

extension HostileDecoder {
    /// JSON that people write, and that journals carry.
    static let texts: [HostileDecoder] = [
        HostileDecoder("policy", inputBytesMax: Policy.documentBytesMax + 1) { bytes in
            let policy = try Policy.parse(bytes)
            let document = Array(policy.document.utf8)
            guard try Policy.parse(document) == policy else {
                throw Finding("a policy reads back as another one")
            }
            return nil
        },
        HostileDecoder("machine-file", inputBytesMax: 16384) { bytes in
            _ = try MachineFile.parse(bytes)
            return nil
        },
    ]
}
