internal import FoundationEssentials
package import KuraIO

/// The keys of a vm.json. Each may be left out; an unknown one is an error.
package struct MachineFile: Decodable {
    var power: VirtualMachine.Power?
    var system: VirtualMachine.System?
    var deploymentModel: VirtualMachine.DeploymentModel?
    var agent: VirtualMachine.Agent?
    var quiesce: VirtualMachine.Quiesce?
    var disks: [VirtualMachine.Disk]?

    static let name = "vm.json"
    static let byteCountMax = 1 << 20

    private struct AnyKey: CodingKey, ExpressibleByStringLiteral {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init(stringLiteral value: String) { stringValue = value }
        init?(intValue: Int) { nil }
    }

    private struct Problem: Error { var text: String }

    package init(from decoder: any Decoder) throws {
        let root = try Self.container(
            decoder, ["power", "os", "deployment_model", "agent", "quiesce", "disks"])
        power = try Self.choice(root, "power")
        system = try Self.choice(root, "os")
        deploymentModel = try Self.choice(root, "deployment_model")
        agent = try root.decodeIfPresent(AgentPart.self, forKey: "agent")?.value
        quiesce = try root.decodeIfPresent(
            QuiescePart.self, forKey: "quiesce")?.value
        disks = try root.decodeIfPresent([DiskPart].self, forKey: "disks")?
            .map(\.value)
    }

    private static func container(
        _ decoder: any Decoder, _ known: Set<String>
    ) throws -> KeyedDecodingContainer<AnyKey> {
        let container = try decoder.container(keyedBy: AnyKey.self)
        let given = container.allKeys.map(\.stringValue).sorted()
        if let unknown = given.first(where: { !known.contains($0) }) {
            throw Problem(
                text: "there is no field \"\(unknown.prefix(60))\"; allowed: "
                    + known.sorted().joined(separator: ", "))
        }
        return container
    }

    /// One of a few words.
    private static func choice<T: RawRepresentable<String> & CaseIterable>(
        _ fields: KeyedDecodingContainer<AnyKey>, _ key: AnyKey
    ) throws -> T? {
        guard let text = try fields.decodeIfPresent(String.self, forKey: key) else { return nil }
        guard let value = T(rawValue: text) else {
            let allowed = T.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(
                text: "\(key.stringValue) is \"\(text.prefix(60))\"; allowed: \(allowed)")
        }
        return value
    }

    private struct AgentPart: Decodable {
        var value: VirtualMachine.Agent
        init(from decoder: any Decoder) throws {
            let fields = try MachineFile.container(decoder, ["installed", "version", "updating"])
            value = VirtualMachine.Agent(
                isInstalled: try fields.decodeIfPresent(Bool.self, forKey: "installed") ?? true,
                version: try fields.decodeIfPresent(String.self, forKey: "version") ?? "",
                isUpdating: try fields.decodeIfPresent(Bool.self, forKey: "updating") ?? false)
        }
    }

    private struct QuiescePart: Decodable {
        var value: VirtualMachine.Quiesce
        init(from decoder: any Decoder) throws {
            let fields = try MachineFile.container(decoder, ["freeze", "thaw", "timeout_seconds"])
            value = VirtualMachine.Quiesce(
                freeze: try fields.decode([String].self, forKey: "freeze"),
                thaw: try fields.decode([String].self, forKey: "thaw"),
                timeoutSeconds: try fields.decodeIfPresent(
                    Int.self, forKey: "timeout_seconds") ?? 60)
            guard !value.freeze.isEmpty, !value.thaw.isEmpty else {
                throw Problem(text: "quiesce needs a freeze and a thaw command")
            }
            guard 1...VirtualMachine.Quiesce.timeoutSecondsMax ~= value.timeoutSeconds else {
                throw Problem(
                    text: "quiesce.timeout_seconds is \(value.timeoutSeconds); allowed: 1 to "
                        + "\(VirtualMachine.Quiesce.timeoutSecondsMax)")
            }
        }
    }

    private struct DiskPart: Decodable {
        var value: VirtualMachine.Disk
        init(from decoder: any Decoder) throws {
            let fields = try MachineFile.container(
                decoder, ["name", "path", "lun", "format", "chain"])
            value = VirtualMachine.Disk(
                name: try fields.decode(String.self, forKey: "name"),
                path: try fields.decode(String.self, forKey: "path"),
                lun: try fields.decode(Int.self, forKey: "lun"),
                format: try MachineFile.choice(fields, "format"),
                chain: try fields.decodeIfPresent([String].self, forKey: "chain"))
            guard (value.chain ?? []).count <= VirtualMachine.Disk.chainMax else {
                throw Problem(
                    text: "disk \(value.name.prefix(60)) has a chain of more than "
                        + "\(VirtualMachine.Disk.chainMax) images")
            }
        }
    }

    /// - Throws: `KuraError`, with what is wrong in words.
    package static func parse(_ bytes: [UInt8]) throws(KuraError) -> MachineFile {
        do {
            return try JSONDecoder().decode(MachineFile.self, from: Data(bytes))
        } catch let problem as Problem {
            throw KuraError(.invalidInput, problem.text)
        } catch let DecodingError.typeMismatch(_, context) {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            throw KuraError(.invalidInput, "\(path) has a value of another type")
        } catch let DecodingError.keyNotFound(key, _) {
            throw KuraError(.invalidInput, "\(key.stringValue) is missing")
        } catch {
            throw KuraError(.invalidInput, "this is not JSON")
        }
    }
}
