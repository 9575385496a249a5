internal import CCrypto

/// What older servers want of a body, and name parts of objects by. It protects nothing.
enum MD5 {
    static func digest(_ pieces: [UnsafeRawBufferPointer]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 16)
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        EVP_DigestInit_ex(context, EVP_md5(), nil)
        for piece in pieces { EVP_DigestUpdate(context, piece.baseAddress, piece.count) }
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String { Base64.text(digest([bytes])) }
}
