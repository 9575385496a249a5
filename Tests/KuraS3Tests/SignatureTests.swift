import KuraFormat
import KuraS3
import Testing

/// Vectors that AWS has published: the examples of the S3 documentation, and its test suite.
@Suite("Requests are signed as AWS does")
struct SignatureTests {
    typealias Pairs = [(name: String, value: String)]
    typealias Vector = (method: String, query: Pairs, headers: Pairs, signature: String)

    private static let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private func signature(
        _ method: String, _ path: String, query: Pairs = [],
        headers: Pairs = [], payload: String = empty
    ) -> String {
        let base: Pairs =
            [
                ("host", "examplebucket.s3.amazonaws.com"), ("x-amz-content-sha256", payload),
                ("x-amz-date", "20130524T000000Z"),
            ]
        let request = RequestSignature.Request(
            method: method, path: path, query: query, headers: base + headers, payload: payload)
        return signature(
            RequestSignature(region: "us-east-1"), request, at: 1_369_353_600_000_000_000,
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    }

    private func signature(
        _ signature: RequestSignature, _ request: RequestSignature.Request, at time: Int64,
        secret: String
    ) -> String {
        let credentials = S3Credentials(accessKey: "AKIDEXAMPLE", secretKey: secret)
        let text = signature.authorization(
            request, at: RequestSignature.Moment(time), by: credentials)
        return String(text.split(separator: "Signature=").last!)
    }

    @Test("An object that is read by a range")
    func range() {
        #expect(
            signature("GET", "/test.txt", headers: [("range", "bytes=0-9")])
                == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    }

    @Test("An object that is written, with a dollar sign in its name")
    func put() {
        let body = Array("Welcome to Amazon S3.".utf8)
        #expect(
            signature(
                "PUT", "/test%24file.text",
                headers: [
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ], payload: SHA256.digest(body).hex)
                == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    }

    @Test("A query without a value")
    func lifecycle() {
        #expect(
            signature("GET", "/", query: [("lifecycle", "")])
                == "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
    }

    @Test("A list, with its query in any order")
    func list() {
        #expect(
            signature("GET", "/", query: [("prefix", "J"), ("max-keys", "2")])
                == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
    }

    @Test(
        "The vectors of the test suite",
        arguments: [
            ("GET", [], [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("POST", [], [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "GET", [("Param2", "value2"), ("Param1", "value1")], [],
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
            ),
            (
                "POST", [], [("my-header1", "VALUE1")],
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"
            ),
        ] as [Vector])
    func suite(_ vector: Vector) {
        let (method, query, headers, expected) = vector
        let base: Pairs = [
            ("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"),
        ]
        let request = RequestSignature.Request(
            method: method, path: "/", query: query, headers: base + headers, payload: Self.empty)
        #expect(
            signature(
                RequestSignature(region: "us-east-1", service: "service"), request,
                at: 1_440_938_160_000_000_000,
                secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") == expected)
    }

    @Test("Base64 fills its last group up")
    func base64() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"]
        #expect(
            texts.map { Base64.text(Array($0.utf8)) }
                == ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"])
    }

    @Test("Times of headers are read, and others are not")
    func times() {
        #expect(
            HTTPDate.time("Fri, 24 May 2013 00:00:00 GMT") == 1_369_353_600_000_000_000)
        #expect(
            HTTPDate.time("Thu, 29 Feb 2024 23:59:59 GMT") == 1_709_251_199_000_000_000)
        for text in ["", "24 May 2013", "Fri, 99 May 2013 00:00:00 GMT", "a b c d e f"] {
            #expect(HTTPDate.time(text) == nil)
        }
    }
}
