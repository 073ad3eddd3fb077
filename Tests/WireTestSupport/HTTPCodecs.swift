#if !FUZZING
    public import HTTPWire
#endif

/// `RequestReader` over a buffer that is cut as a server cuts it. `sendContinue` is left out: whether it is said
/// depends on whether the body came together with the head, as it should.
public struct RequestCodec: StreamCodec {
    public typealias Output = RequestReader.Step
    private var reader: RequestReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init(limits: HTTPLimits = HTTPLimits()) { reader = RequestReader(limits: limits) }

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        defer {
            buffer.removeFirst(position)
            position = 0
        }
        var outputs: [Output] = []
        while !isOver {
            let step = reader.next(buffer, &position)
            switch step {
            case .needMore: return outputs
            case .sendContinue: continue
            case .request: outputs.append(step)
            case .refused:
                outputs.append(step)
                isOver = true
            }
        }
        return outputs
    }
}

/// `ResponseReader` likewise.
public struct ResponseCodec: StreamCodec {
    public typealias Output = ResponseReader.Step
    private var reader: ResponseReader
    private var buffer: [UInt8] = []
    private var position = 0
    private var isOver = false
    public init(method: String = "GET") { reader = ResponseReader(method: method) }

    public mutating func feed(_ bytes: ArraySlice<UInt8>) -> [Output] {
        buffer += bytes
        defer {
            buffer.removeFirst(position)
            position = 0
        }
        var outputs: [Output] = []
        while !isOver {
            let step = reader.next(buffer, &position)
            switch step {
            case .needMore: return outputs
            case .response: outputs.append(step)
            case .refused:
                outputs.append(step)
                isOver = true
            }
        }
        return outputs
    }
}
