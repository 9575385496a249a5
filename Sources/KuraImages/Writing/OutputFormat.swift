/// What a disk of a recovery point can be written as.
public enum OutputFormat: String, CaseIterable, Sendable {
    case raw
    /// Of fixed size.
    case vhd
    case dynamicVHD = "vhd-dynamic"
    case vhdx, qcow2
    /// In one compressed stream, as OVAs have it.
    case vmdk
    case vdi
    /// An archive of all disks and a description of their machine.
    case ova

    /// What names of its files end in.
    public var fileEnding: String {
        switch self {
        case .raw: "img"
        case .vhd, .dynamicVHD: "vhd"
        case .vhdx, .qcow2, .vmdk, .vdi, .ova: rawValue
        }
    }

    /// Whether Kura writes it itself: then also to a stream, and with zeros for what is lost.
    public var isWrittenByKura: Bool { self == .raw || self == .vhd }

    /// The options of `qemu-img convert` for it.
    var conversion: [String] {
        switch self {
        case .raw, .ova: ["-O", "raw"]
        case .vhd: ["-O", "vpc", "-o", "subformat=fixed,force_size=on"]
        case .dynamicVHD: ["-O", "vpc", "-o", "subformat=dynamic,force_size=on", "-W"]
        case .vhdx: ["-O", "vhdx", "-o", "subformat=dynamic", "-W"]
        case .qcow2: ["-O", "qcow2", "-W"]
        // Grains go one after the other.
        case .vmdk: ["-O", "vmdk", "-o", "subformat=streamOptimized"]
        case .vdi: ["-O", "vdi", "-W"]
        }
    }
}
