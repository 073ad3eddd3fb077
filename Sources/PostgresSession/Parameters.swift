/// A statement's parameters in the form that libpq takes them, in one piece of memory: text, or bytes in binary form.
public struct Parameters: Sendable {
    private var storage: [UInt8] = []
    /// Into `storage`; -1 is NULL.
    private var offsets: [Int] = []
    private(set) var lengths: [Int32] = []
    private(set) var formats: [Int32] = []

    public init() {}

    public var count: Int { offsets.count }

    public mutating func appendNull() { append(offset: -1, length: 0, isBinary: false) }

    /// - Throws: `misuse` for a NUL inside: C would cut the text there, and PostgreSQL has no such text.
    public mutating func append(text: String) throws(PostgresError) { try append(text: text.utf8) }

    /// - Parameter text: whether it is UTF-8 is for the server to judge.
    public mutating func append(text: some Sequence<UInt8>) throws(PostgresError) {
        let start = storage.count
        storage.append(contentsOf: text)
        guard !storage[start...].contains(0) else {
            storage.removeSubrange(start...)
            throw PostgresError(sqlState: nil, message: "PostgreSQL's text can't hold a NUL", kind: .misuse)
        }
        storage.append(0)
        append(offset: start, length: 0, isBinary: false)
    }

    public mutating func append(binary bytes: [UInt8]) {
        let start = storage.count
        storage.append(contentsOf: bytes)
        // So that the address of nothing is an address too.
        storage.append(0)
        append(offset: start, length: Int32(clamping: bytes.count), isBinary: true)
    }

    private mutating func append(offset: Int, length: Int32, isBinary: Bool) {
        offsets.append(offset)
        lengths.append(length)
        formats.append(isBinary ? 1 : 0)
    }

    /// libpq's arrays of values, lengths and formats, valid inside the closure.
    func withPointers<T>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T
    ) -> T {
        storage.withUnsafeBytes { storage in
            let base = storage.baseAddress?.assumingMemoryBound(to: CChar.self)
            return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: max(1, offsets.count)) { pointers in
                for (index, offset) in offsets.enumerated() {
                    pointers.initializeElement(at: index, to: offset < 0 ? nil : base.map { $0 + offset })
                }
                return lengths.withUnsafeBufferPointer { lengths in
                    formats.withUnsafeBufferPointer { formats in
                        body(pointers.baseAddress.map { UnsafePointer($0) }, lengths.baseAddress, formats.baseAddress)
                    }
                }
            }
        }
    }
}
