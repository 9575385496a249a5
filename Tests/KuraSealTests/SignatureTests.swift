import KuraFormat
import KuraSeal
import TestSupport
import Testing

@Suite("Signatures") struct SignatureTests {
    struct Vector: Sendable {
        let seed, publicKey, message, signature: String
    }

    /// RFC 8032, 7.1: TEST 1 to 3 and TEST SHA(abc).
    static let vectors = [
        Vector(
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: "",
            signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
                + "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        Vector(
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: "72",
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
                + "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
        Vector(
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            message: "af82",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
                + "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
        Vector(
            seed: "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            publicKey: "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            message: "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            signature: "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909"
                + "351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"),
    ]

    static func bytes(hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }

    @Test("are those of RFC 8032", arguments: vectors)
    func rfc(_ vector: Vector) throws {
        let key = try SigningKey(seed: Self.bytes(hex: vector.seed))
        let message = Self.bytes(hex: vector.message)
        #expect(key.publicKey.stored.bytes == Self.bytes(hex: vector.publicKey))
        #expect(key.sign(message) == Self.bytes(hex: vector.signature))
        let publicKey = try PublicKey(Self.bytes(hex: vector.publicKey))
        #expect(publicKey.isValid(Self.bytes(hex: vector.signature), for: message))
    }

    @Test("are wrong when any bit of signature, message or key was changed")
    func tampered() throws {
        let key = try SigningKey.random()
        let message = Array("kura/record/2 and some bytes".utf8)
        let signature = key.sign(message)
        try #require(key.publicKey.isValid(signature, for: message))
        for position in signature.indices {
            var changed = signature
            changed[position] ^= 1 << UInt8(position % 8)
            #expect(!key.publicKey.isValid(changed, for: message))
        }
        for position in message.indices {
            var changed = message
            changed[position] ^= 1 << UInt8(position % 8)
            #expect(!key.publicKey.isValid(signature, for: changed))
        }
        for position in 0..<PublicKeyBytes.byteCount {
            var changed = key.publicKey.stored.bytes
            changed[position] ^= 1 << UInt8(position % 8)
            // Half of all bytes are no point of the curve.
            let other = Result { try PublicKey(changed) }
            if case .success(let other) = other {
                #expect(!other.isValid(signature, for: message))
            }
        }
    }

    @Test("of every other length than 64 are wrong and do not trap")
    func lengths() throws {
        let key = try SigningKey.random()
        let signature = key.sign([1, 2, 3])
        for count in 0..<signature.count {
            #expect(!key.publicKey.isValid(Array(signature[..<count]), for: [1, 2, 3]))
        }
        #expect(!key.publicKey.isValid(signature + [0], for: [1, 2, 3]))
    }

    @Test("have one form: s and s + L do not both count")
    func malleable() throws {
        let vector = Self.vectors[0]
        var signature = Self.bytes(hex: vector.signature)
        let order = Self.bytes(
            hex: "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
        var carry = 0
        for index in 0..<32 {
            let sum = Int(signature[32 + index]) + Int(order[index]) + carry
            signature[32 + index] = UInt8(sum & 255)
            carry = sum >> 8
        }
        try #require(carry == 0)
        #expect(!(try PublicKey(Self.bytes(hex: vector.publicKey)).isValid(signature, for: [])))
    }

    @Test("are of the seed: two random keys differ, and the seed gives the key again")
    func random() throws {
        let key = try SigningKey.random()
        #expect(try SigningKey.random().publicKey != key.publicKey)
        let seed = key.withSeed { Array($0) }
        #expect(seed.count == SigningKey.seedByteCount)
        #expect(try SigningKey(seed: seed).publicKey == key.publicKey)
    }
}

@Suite("Public keys") struct PublicKeyTests {
    @Test("of another length than 32 bytes are refused, and seeds, too")
    func lengths() {
        for count in [0, 1, 31, 33, 64] {
            let bytes = [UInt8](repeating: 9, count: count)
            #expect(throws: SealError.keyLength(count)) { _ = try PublicKey(bytes) }
            #expect(throws: SealError.keyLength(count)) { _ = try SigningKey(seed: bytes) }
        }
    }

    @Test("that are no point of the curve are refused", arguments: [2, 7, 8, 11] as [UInt8])
    func noPoint(_ y: UInt8) {
        let bytes = [y] + [UInt8](repeating: 0, count: 31)
        #expect(throws: SealError.unusableKey) { _ = try PublicKey(bytes) }
    }

    @Test("that are a point are taken, with either sign", arguments: [3, 4, 5, 6] as [UInt8])
    func point(_ y: UInt8) throws {
        let bytes = [y] + [UInt8](repeating: 0, count: 31)
        #expect(try PublicKey(bytes).stored.bytes == bytes)
        let other = bytes.dropLast() + [0x80]
        #expect(try PublicKey(Array(other)).stored.bytes == Array(other))
    }

    @Test(
        "of small order are refused: anybody could sign for them",
        arguments: [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ])
    func smallOrder(_ hex: String) {
        #expect(throws: SealError.unusableKey) {
            _ = try PublicKey(SignatureTests.bytes(hex: hex))
        }
    }

    @Test("have one spelling: a y of 2^255 - 19 or more is refused")
    func canonical() {
        // y = 3, once as it is and once with the prime added.
        let bytes = [0xf0] + [UInt8](repeating: 0xff, count: 30) + [0x7f]
        #expect(throws: SealError.unusableKey) { _ = try PublicKey(bytes) }
    }

    @Test("of random seeds are all taken")
    func taken() throws {
        try forAll(cases: 50) { _, generator in
            let key = try SigningKey(seed: generator.bytes(32))
            try #require(try PublicKey(key.publicKey.stored.bytes) == key.publicKey)
        }
    }
}
