/// A statement's parameters in the form that libpq takes them, in one piece of memory: text, or bytes in binary form.
public struct Parameters: Sendable {
    private struct Place {
        /// Into `storage`; -1 is NULL.
        let offset: Int
        /// Of bytes in binary form; texts end with a NUL.
        let length: Int32
        let isBinary: Bool
    }

    private var storage: [UInt8] = []
    private var places: [Place] = []
    private var hasBinary = false

    public init() {}

    /// - Parameter count: how many there will be, about.
    public init(expecting count: Int) {
        storage.reserveCapacity(count * 16)
        places.reserveCapacity(count)
    }

    public var count: Int { places.count }

    public mutating func appendNull() { places.append(Place(offset: -1, length: 0, isBinary: false)) }

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
        places.append(Place(offset: start, length: 0, isBinary: false))
    }

    public mutating func append(binary bytes: [UInt8]) {
        let start = storage.count
        storage.append(contentsOf: bytes)
        // So that the address of nothing is an address too.
        storage.append(0)
        places.append(Place(offset: start, length: Int32(clamping: bytes.count), isBinary: true))
        hasBinary = true
    }

    /// libpq's arrays of values, lengths and formats, valid inside the closure. Texts alone need only the first.
    func withPointers<T>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T
    ) -> T {
        storage.withUnsafeBytes { storage in
            let base = storage.baseAddress?.assumingMemoryBound(to: CChar.self)
            return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: max(1, places.count)) { pointers in
                for index in places.indices {
                    let offset = places[index].offset
                    pointers.initializeElement(at: index, to: offset < 0 ? nil : base.map { $0 + offset })
                }
                let values = pointers.baseAddress.map { UnsafePointer($0) }
                guard hasBinary else { return body(values, nil, nil) }
                return body(values, places.map(\.length), places.map { $0.isBinary ? 1 : 0 })
            }
        }
    }
}
