/// "Cancel what the backend with this pid is doing", sent on a connection of its own.
public struct CancelRequest: Sendable, Equatable {
    public var pid: Int32
    /// 4 bytes in protocol 3.0; 1…256 from 3.2 on.
    public var key: [UInt8]

    public init(pid: Int32, key: [UInt8]) {
        self.pid = pid
        self.key = key
    }

    public static let code: UInt32 = 80_877_102

    /// The whole packet.
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLengthPrefixed {
            $0.appendUInt32(Self.code)
            $0.appendInt32(pid)
            $0.append(contentsOf: key)
        }
        return bytes
    }

    /// - Parameter cursor: behind the code. Nil when the key's length is out of range.
    init?(_ cursor: inout ByteCursor) {
        guard let pid = cursor.int32() else { return nil }
        let key = cursor.rest()
        guard (1...256).contains(key.count) else { return nil }
        self.init(pid: pid, key: Array(key))
    }
}
