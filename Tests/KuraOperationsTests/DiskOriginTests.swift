import KuraImages
import KuraOperations
import Testing

@Suite("Where a disk came from") struct DiskOriginTests {
    @Test(
        "a point says the format of an image and its path, and the place of any other disk",
        arguments: [
            ("qcow2:/vm/os.qcow2", .qcow2, "/vm/os.qcow2"), ("/vm/os.img", .raw, "/vm/os.img"),
            ("vhd:/a:b", .vhd, "/a:b"), ("raw:/x", .raw, "raw:/x"), ("os.img", .raw, "os.img"),
            ("qcow2:os.img", .raw, "qcow2:os.img"), ("tar:/x", .raw, "tar:/x"),
            ("standard input", .raw, "standard input"), ("", .raw, ""), (":/", .raw, ":/"),
        ] as [(String, DiskFormat, String)])
    func parsed(_ text: String, _ format: DiskFormat, _ place: String) {
        #expect(DiskOrigin(text) == DiskOrigin(format, place))
    }
}
