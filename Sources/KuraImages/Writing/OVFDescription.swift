/// The description of a machine in an OVA: DMTF DSP0243.
///
/// What a recovery point does not know has a value that starts most machines: two processors, 4 GiB
/// of memory, and all disks at controllers that every hypervisor has.
struct OVFDescription {
    struct Disk {
        var fileName: String
        var byteCount: UInt64
        /// Of the file; the longest number until it is known.
        var fileByteCount = UInt64.max
    }

    let machine: String
    var disks: [Disk] = []

    /// A SCSI controller takes as many, and is the one at 7 itself.
    private static let disksPerController = 15
    private static let nameBytesMax = 80

    init(_ machine: String) { self.machine = machine }

    mutating func add(_ name: String, byteCount: UInt64) {
        var stem = PlainName.of(String(name.prefix(Self.nameBytesMax)))
        for ending in [".img", ".raw", ".vmdk"] where stem.hasSuffix(ending) {
            stem.removeLast(ending.count)
        }
        if stem.isEmpty || stem.hasPrefix(".") || stem.hasPrefix("-") { stem = "disk" + stem }
        // Other names may have become equal.
        let taken = disks.map(\.fileName)
        var fileName = "\(stem).vmdk"
        var number = 2
        while taken.contains(fileName) {
            fileName = "\(stem)-\(number).vmdk"
            number += 1
        }
        disks.append(Disk(fileName: fileName, byteCount: byteCount))
    }

    var text: String {
        let schema = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2"
        let name = Self.escaped(machine)
        return """
            <?xml version="1.0" encoding="UTF-8"?>
            <Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
                xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
                xmlns:rasd="\(schema)/CIM_ResourceAllocationSettingData"
                xmlns:vssd="\(schema)/CIM_VirtualSystemSettingData">
              <References>
            \(joined(disks.enumerated().map(reference)))
              </References>
              <DiskSection>
                <Info>The disks</Info>
            \(joined(disks.enumerated().map(disk)))
              </DiskSection>
              <VirtualSystem ovf:id="\(name)">
                <Info>A machine from a recovery point of Kura</Info>
                <Name>\(name)</Name>
                <OperatingSystemSection ovf:id="1">
                  <Info>Which operating system it has is not known</Info>
                </OperatingSystemSection>
                <VirtualHardwareSection>
                  <Info>What the machine is made of</Info>
                  <System>
                    <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>
                    <vssd:InstanceID>0</vssd:InstanceID>
                    <vssd:VirtualSystemIdentifier>\(name)</vssd:VirtualSystemIdentifier>
                    <vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType>
                  </System>
            \(joined(hardware))
                </VirtualHardwareSection>
              </VirtualSystem>
            </Envelope>

            """
    }

    private func joined(_ parts: [String]) -> String { parts.joined(separator: "\n") }

    private func reference(_ index: Int, _ disk: Disk) -> String {
        #"    <File ovf:id="file\#(index + 1)" ovf:href="\#(disk.fileName)""#
            + #" ovf:size="\#(disk.fileByteCount)"/>"#
    }

    private func disk(_ index: Int, _ disk: Disk) -> String {
        // In whole sectors, as the image has it.
        let capacity = (disk.byteCount + 511) / 512 * 512
        let format = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
        return #"    <Disk ovf:diskId="disk\#(index + 1)" ovf:fileRef="file\#(index + 1)""#
            + #" ovf:capacity="\#(capacity)" ovf:capacityAllocationUnits="byte""#
            + #" ovf:format="\#(format)"/>"#
    }

    private var hardware: [String] {
        let controllers = (disks.count + Self.disksPerController - 1) / Self.disksPerController
        var items = [
            Self.item([("ElementName", "2 processors"), ("InstanceID", "1")], 3, quantity: "2"),
            Self.item(
                [
                    ("AllocationUnits", "byte * 2^20"), ("ElementName", "4096 MB of memory"),
                    ("InstanceID", "2"),
                ], 4, quantity: "4096"),
        ]
        for controller in 0..<controllers {
            items.append(
                Self.item(
                    [
                        ("Address", "\(controller)"),
                        ("ElementName", "SCSI controller \(controller)"),
                        ("InstanceID", "\(Self.firstController + controller)"),
                        ("ResourceSubType", "lsilogic"),
                    ], 6))
        }
        for index in disks.indices {
            let (controller, place) = index.quotientAndRemainder(
                dividingBy: Self.disksPerController)
            items.append(
                Self.item(
                    [
                        ("AddressOnParent", "\(place < 7 ? place : place + 1)"),
                        ("ElementName", "Disk \(index + 1)"),
                        ("HostResource", "ovf:/disk/disk\(index + 1)"),
                        ("InstanceID", "\(Self.firstController + controllers + index)"),
                        ("Parent", "\(Self.firstController + controller)"),
                    ], 17))
        }
        return items
    }

    private static let firstController = 3

    /// One part of the machine.
    /// - Parameter fields: in the order of their names, as the schema wants them.
    private static func item(
        _ fields: [(name: String, value: String)], _ kind: Int, quantity: String? = nil
    ) -> String {
        var fields = fields
        let place = fields.firstIndex { $0.name > "ResourceType" } ?? fields.endIndex
        fields.insert(("ResourceType", "\(kind)"), at: place)
        if let quantity { fields.append(("VirtualQuantity", quantity)) }
        let lines = fields.map { "        <rasd:\($0.name)>\($0.value)</rasd:\($0.name)>" }
        return (["      <Item>"] + lines + ["      </Item>"]).joined(separator: "\n")
    }

    /// Text that means nothing to a reader of XML but itself.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default:
                scalar.value < 0x20 || 0xfffe...0xffff ~= scalar.value ? "-" : String(scalar)
            }
        }.joined()
    }
}
