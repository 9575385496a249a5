internal import CCrypto
internal import KuraFormat
package import KuraIO
package import SystemPackage

/// A certificate that the server makes for itself: who trusts it compares its fingerprint once.
package struct SelfMadeCertificate: Sendable {
    package var certificatePath: FilePath
    package var keyPath: FilePath
    /// SHA-256 of the certificate, as browsers show it.
    package var fingerprint: String

    /// The certificate of a home, made where it is missing. Its key lies in the home, readable by
    /// this user alone.
    /// - Parameter host: a name or an address that it is for, besides this machine's own.
    package static func ofHome(
        _ home: FilePath, host: String
    ) throws(KuraError) -> SelfMadeCertificate {
        let fileSystem = LocalFileSystem()
        let certificatePath = home.appending("server-certificate.pem")
        let keyPath = home.appending("server-key.pem")
        do throws(IOError) {
            let hasKey = try fileSystem.exists(keyPath)
            let hasCertificate = try fileSystem.exists(certificatePath)
            if !hasKey || !hasCertificate {
                guard let made = CertificateMaker.make(host: host) else {
                    throw IOError("make a certificate", at: certificatePath, .notSupported)
                }
                // The key first: a certificate without it is made anew.
                try write(made.key, to: keyPath, fileSystem)
                try write(made.certificate, to: certificatePath, fileSystem)
            }
            let text = try fileSystem.contents(certificatePath, max: 1 << 20)
            guard let fingerprint = CertificateMaker.fingerprint(ofPEM: text) else {
                throw IOError("read a certificate", at: certificatePath, .invalidArgument)
            }
            return SelfMadeCertificate(
                certificatePath: certificatePath, keyPath: keyPath, fingerprint: fingerprint)
        } catch {
            throw KuraError(io: error)
        }
    }

    private static func write(
        _ bytes: [UInt8], to path: FilePath, _ fileSystem: LocalFileSystem
    ) throws(IOError) {
        let temporary = FilePath(path.string + ".new")
        try fileSystem.removeTree(temporary)
        let publication = try Publication(fileSystem, temporary: temporary)
        var failure: IOError?
        bytes.withUnsafeBytes { bytes in
            do throws(IOError) {
                try publication.append(bytes)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        try publication.complete()
        try publication.publish(as: path, replacing: true)
    }
}

/// Calls of libcrypto.
private enum CertificateMaker {
    private static let seconds = 10 * 365 * 86_400

    /// Both as PEM; nil where libcrypto cannot.
    static func make(host: String) -> (certificate: [UInt8], key: [UInt8])? {
        guard let key = key() else { return nil }
        defer { EVP_PKEY_free(key) }
        guard let certificate = X509_new() else { return nil }
        defer { X509_free(certificate) }
        var generator = SystemRandomNumberGenerator()
        let serial = Int(generator.next() >> 2 as UInt64)
        let name = X509_get_subject_name(certificate)
        let isMade =
            X509_set_version(certificate, 2) == 1
            && ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial) == 1
            && X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil
            && X509_gmtime_adj(X509_getm_notAfter(certificate), seconds) != nil
            && X509_set_pubkey(certificate, key) == 1
            && X509_NAME_add_entry_by_txt(
                name, "CN", utf8Text, Array("Kura".utf8), -1, -1, 0) == 1
            && X509_set_issuer_name(certificate, name) == 1
            && add(NID_subject_alt_name, names(of: host), to: certificate)
            && add(NID_basic_constraints, "critical,CA:FALSE", to: certificate)
            && add(NID_ext_key_usage, "serverAuth", to: certificate)
            && X509_sign(certificate, key, EVP_sha256()) > 0
        guard isMade, let certificateText = text({ PEM_write_bio_X509($0, certificate) }),
            let keyText = text({ PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) })
        else { return nil }
        return (certificateText, keyText)
    }

    private static let utf8Text: Int32 = 0x1000

    private static func names(of host: String) -> String {
        var names = ["DNS:localhost", "IP:127.0.0.1", "IP:0:0:0:0:0:0:0:1"]
        let machine = Process.hostName
        let isPlain = { (name: String) in
            !name.isEmpty
                && name.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "."), UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
        }
        if isPlain(machine) { names.append("DNS:\(machine)") }
        let isAddress = host.split(separator: ".").allSatisfy { UInt8($0) != nil }
        if isPlain(host), !["localhost", "127.0.0.1", "0.0.0.0"].contains(host) {
            names.append(isAddress ? "IP:\(host)" : "DNS:\(host)")
        }
        return names.joined(separator: ",")
    }

    /// On the curve P-256.
    private static func key() -> OpaquePointer? {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(context, &key) == 1
        else { return nil }
        return key
    }

    private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
        guard let part = X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
        defer { X509_EXTENSION_free(part) }
        return X509_add_ext(certificate, part, -1) == 1
    }

    /// What `write` writes.
    private static func text(_ write: (OpaquePointer) -> Int32) -> [UInt8]? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { return nil }
        var text: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = BIO_read(memory, &part, Int32(part.count))
            guard count > 0 else { return text }
            text += part[..<Int(count)]
        }
    }

    /// "AB:CD:..."; nil for what is no certificate.
    static func fingerprint(ofPEM text: [UInt8]) -> String? {
        guard let memory = BIO_new_mem_buf(text, Int32(text.count)) else { return nil }
        defer { BIO_free(memory) }
        guard let certificate = PEM_read_bio_X509(memory, nil, nil, nil) else { return nil }
        defer { X509_free(certificate) }
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 else { return nil }
        let digits = Array("0123456789ABCDEF")
        return digest.map { "\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }
            .joined(separator: ":")
    }
}
