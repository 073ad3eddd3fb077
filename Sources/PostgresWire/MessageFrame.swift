/// One typed message as it lies in a buffer: type byte, and the body's place.
public struct MessageFrame: Sendable, Equatable {
    public var type: UInt8
    /// Indices of the body in the buffer it was read from.
    public var body: Range<Int>
    /// Where the next message begins.
    public var end: Int { body.upperBound }

    public init(type: UInt8, body: Range<Int>) {
        self.type = type
        self.body = body
    }

    public enum Step: Sendable, Equatable {
        case needMore
        case message(MessageFrame)
        /// A length below 4 or above the limit.
        case badLength
    }

    /// The message that begins at `start`, if it is there completely. Its length is judged as soon as it has come,
    /// before anything is gathered.
    /// - Parameter limit: most bytes of length word and body together (as PostgreSQL's `pq_getmessage` counts).
    public static func read(_ bytes: [UInt8], from start: Int = 0, limit: Int) -> Step {
        guard start >= 0, start < bytes.count else { return .needMore }
        var cursor = ByteCursor(bytes[start...])
        guard let type = cursor.byte(), let length = cursor.int32() else { return .needMore }
        guard length >= 4, Int(length) <= limit else { return .badLength }
        let bodyStart = cursor.position
        guard cursor.take(Int(length) - 4) != nil else { return .needMore }
        return .message(MessageFrame(type: type, body: bodyStart..<cursor.position))
    }
}
