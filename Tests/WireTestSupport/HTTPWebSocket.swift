#if !FUZZING
    public import HTTPWire
#endif

/// `WebSocketReader` over a buffer that is cut as a server cuts it.
public struct WebSocketCodec: StreamCodec {
    public typealias Output = WebSocketReader.Event
    private var reader: WebSocketReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init(limit: Int, expectsMask: Bool = true) { reader = WebSocketReader(limit: limit, expectsMask: expectsMask) }

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        defer {
            buffer.removeFirst(position)
            position = 0
        }
        var outputs: [Output] = []
        while !isOver {
            let event = reader.next(buffer, &position)
            switch event {
            case .needMore: return outputs
            case .close, .failed: isOver = true
            case .text, .binary, .ping, .pong: break
            }
            outputs.append(event)
        }
        return outputs
    }
}

/// What must hold for any bytes of a WebSocket's peer.
public func checkWebSocket(_ bytes: [UInt8]) throws {
    let limit = 300
    try decodedEveryWay(bytes) { WebSocketCodec(limit: limit, expectsMask: false) }
    let events = try decodedEveryWay(bytes) { WebSocketCodec(limit: limit) }
    // What was read means the same when it is sent by us.
    var again: [UInt8] = []
    var expected: [WebSocketReader.Event] = []
    for event in events {
        switch event {
        case .text(let payload): WebSocketFrame.append(.text, payload, to: &again)
        case .binary(let payload): WebSocketFrame.append(.binary, payload, to: &again)
        case .ping(let payload): WebSocketFrame.append(.ping, payload, to: &again)
        case .pong: WebSocketFrame.append(.pong, [], to: &again)
        case .close(let close): again += close.map { WebSocketFrame.encoded($0) } ?? WebSocketFrame.encoded(.close, [])
        case .failed(let close):
            again += WebSocketFrame.encoded(close)
            expected.append(.close(close))
            continue
        case .needMore: continue
        }
        expected.append(event)
    }
    let read = try decodedEveryWay(again) { WebSocketCodec(limit: limit, expectsMask: false) }
    guard read == expected else { throw HTTPBrokenPromise(description: "not kept: what was read reads back: \(expected), \(read)") }
    for case .text(let payload) in events where String(validating: payload, as: UTF8.self) == nil {
        throw HTTPBrokenPromise(description: "not kept: a text is UTF-8")
    }
}
