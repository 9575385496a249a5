import KuraIO
import KuraS3
import Testing

@Suite("The address of a bucket")
struct AddressTests {
    @Test("An address has host, bucket and prefix")
    func parts() throws {
        let address = try BucketAddress("s3+https://store.example:9000/vaults/team/one/")
        #expect(address.isSecure)
        #expect(address.endpoints.map(\.description) == ["store.example:9000"])
        #expect(address.bucket == "vaults")
        #expect(address.prefix == "team/one")
        #expect(address.region == "us-east-1")
        #expect(address.style == .path)
    }

    @Test("An address without a prefix means the whole bucket")
    func noPrefix() throws {
        #expect(try BucketAddress("s3+https://store.example/vaults").prefix == "")
    }

    @Test("AWS is asked by the name of the bucket, in the region of its host")
    func amazon() throws {
        let address = try BucketAddress("s3+https://s3.eu-central-1.amazonaws.com/vaults/p")
        #expect(address.style == .virtualHost)
        #expect(address.region == "eu-central-1")
        let dotted = try BucketAddress("s3+https://s3.eu-central-1.amazonaws.com/va.ults/p")
        #expect(dotted.style == .path)
    }

    @Test("Settings are taken, and kept in the text of the address")
    func settings() throws {
        let text =
            "s3+http://[::1]:8433/vaults/p?region=here&style=virtual&endpoint=127.0.0.1:8434"
        let address = try BucketAddress(text)
        #expect(address.region == "here")
        #expect(address.style == .virtualHost)
        #expect(address.endpoints.map(\.description) == ["[::1]:8433", "127.0.0.1:8434"])
        #expect(address.description == text)
        #expect(try BucketAddress(address.description) == address)
    }

    @Test(
        "What is no address is refused, with a way out",
        arguments: [
            "", "/srv/kura", "https://host/bucket", "s3+https://", "s3+https:///bucket",
            "s3+https://host", "s3+https://host/", "s3+https://host/b", "s3+https://host/b u",
            "s3+https://host/bucket/a//b", "s3+https://host/bucket/../b",
            "s3+https://host:0/bucket", "s3+https://host:99999/bucket", "s3+https://host:x/bucket",
            "s3+https://ho st/bucket", "s3+https://[::1/bucket", "s3+https://host/bucket?style=new",
            "s3+https://host/bucket?region=", "s3+https://host/bucket?other=1",
            "s3+https://host/bucket/a\u{0}b", "s3+https://host/bucket/a#b", "s3+https://host/....",
        ])
    func refused(_ text: String) {
        let error = #expect(throws: KuraError.self) { try BucketAddress(text) }
        #expect(error?.code == .invalidInput)
        #expect(error?.remedy != nil)
    }

    @Test("A secret in an address is refused and not repeated")
    func secret() {
        let error = #expect(throws: KuraError.self) {
            try BucketAddress("s3+https://user:canary@host/bucket")
        }
        #expect(error?.message.contains("canary") == false)
    }

    @Test("The proxy comes from the environment, but not for this machine or an exception")
    func proxy() throws {
        let environment = ["https_proxy": "http://proxy:3128", "no_proxy": "a.example, .b.example"]
        func proxy(_ host: String) throws -> String? {
            ProxyChoice.proxy(
                for: try BucketAddress("s3+https://\(host)/bucket"), environment: environment)
        }
        #expect(try proxy("store.example") == "http://proxy:3128")
        #expect(try proxy("a.example") == nil)
        #expect(try proxy("x.b.example") == nil)
        #expect(try proxy("127.0.0.1") == nil)
        let plain = try BucketAddress("s3+http://store.example/bucket")
        #expect(ProxyChoice.proxy(for: plain, environment: environment) == nil)
    }
}
