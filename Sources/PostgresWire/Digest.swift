import COpenSSL

/// The hash functions that logins need, by libcrypto's one-shot calls: no handle outlives a call, none is ours to free.
/// Nil means that libcrypto refuses the algorithm (MD5 where FIPS rules) or has no memory.
enum Digest {
    static func sha256(_ bytes: [UInt8]) -> [UInt8]? { hash(bytes, EVP_sha256(), length: 32) }
    static func md5(_ bytes: [UInt8]) -> [UInt8]? { hash(bytes, EVP_md5(), length: 16) }

    private static func hash(_ bytes: [UInt8], _ algorithm: OpaquePointer?, length: Int) -> [UInt8]? {
        guard let algorithm else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var written: UInt32 = 0
        guard EVP_Digest(bytes, bytes.count, &digest, &written, algorithm, nil) == 1, Int(written) == length else { return nil }
        return Array(digest[..<length])
    }

    static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8]? {
        guard let keyLength = Int32(exactly: key.count) else { return nil }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var written: UInt32 = 0
        guard HMAC(EVP_sha256(), key, keyLength, bytes, bytes.count, &digest, &written) != nil, written == 32 else { return nil }
        return Array(digest[..<32])
    }

    /// PBKDF2 with HMAC-SHA-256, 32 bytes: RFC 5802's `Hi`. Some 0.3 µs an iteration; it blocks.
    static func pbkdf2SHA256(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8]? {
        guard let passwordLength = Int32(exactly: password.count), let saltLength = Int32(exactly: salt.count),
            let rounds = Int32(exactly: iterations), rounds >= 1
        else { return nil }
        var key = [UInt8](repeating: 0, count: 32)
        let done = password.withUnsafeBytes { raw in
            PKCS5_PBKDF2_HMAC(
                raw.bindMemory(to: CChar.self).baseAddress, passwordLength, salt, saltLength, rounds, EVP_sha256(), 32, &key)
        }
        return done == 1 ? key : nil
    }

    /// In a time that depends on the lengths alone.
    static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }
}
