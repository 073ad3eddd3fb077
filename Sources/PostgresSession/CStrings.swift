/// Strings as the array of pointers that libpq's calls take, in one piece of memory.
struct CStrings {
    private var bytes: [UInt8] = []
    /// Into `bytes`; nil is NULL.
    private var offsets: [Int?] = []

    init(_ strings: [String?]) {
        offsets.reserveCapacity(strings.count)
        for string in strings {
            guard let string else {
                offsets.append(nil)
                continue
            }
            offsets.append(bytes.count)
            bytes.append(contentsOf: string.utf8)
            bytes.append(0)
        }
    }

    /// - Throws: `misuse` for a NUL inside: C would cut the text there, and PostgreSQL has no such text.
    init(checking strings: [String?]) throws(PostgresError) {
        for case let string? in strings where string.utf8.contains(0) {
            // What PostgreSQL says to a message with more behind its text.
            var error = PostgresError(sqlState: "08P01", message: "invalid message format", kind: .misuse)
            error.severity = "ERROR"
            throw error
        }
        self.init(strings)
    }

    /// The pointers are valid inside the closure.
    func withPointers<T>(_ body: (UnsafePointer<UnsafePointer<CChar>?>) -> T) -> T {
        bytes.withUnsafeBytes { bytes in
            let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            // One more than there are: the end of libpq's lists.
            let pointers = UnsafeMutablePointer<UnsafePointer<CChar>?>.allocate(capacity: offsets.count + 1)
            defer { pointers.deallocate() }
            for (index, offset) in offsets.enumerated() {
                pointers[index] = offset.flatMap { offset in base.map { $0 + offset } }
            }
            pointers[offsets.count] = nil
            return body(pointers)
        }
    }
}
