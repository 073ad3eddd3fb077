#if !FUZZING
    import HTTPWire
#endif

/// What must hold for any bytes from an HTTP client (and, as a response, from a server).
public func checkRequests(_ bytes: [UInt8]) throws {
    var limits = HTTPLimits()
    // Small enough to be met by a fuzzer's inputs.
    limits.requestLine = 200
    limits.field = 200
    limits.fieldCount = 10
    limits.head = 1000
    limits.body = 500
    limits.chunkLine = 50
    for step in try decodedEveryWay(bytes, { RequestCodec(limits: limits) }) {
        switch step {
        case .needMore, .sendContinue: break
        case .refused(let refusal):
            try requireHTTP((400...599).contains(refusal.status), "a refusal has an error's status")
            try requireReads(refusal.response.encoded(for: nil, keepAlive: false), method: "GET", refusal.status)
        case .request(let request):
            try requireHTTP(request.body.count <= limits.body, "a body keeps to its limit")
            _ = (request.head.pathSegments, request.head.queryItems, request.head.keepsAlive, request.head.authority)
            // What we took must mean the same to the next parser.
            var headers = request.head.headers
            headers.remove("transfer-encoding")
            let again = OutgoingRequest(
                method: request.head.method, target: request.head.target, host: request.head.headers["host"] ?? "", headers: headers,
                body: request.body)
            guard let sent = again.encoded() else { throw HTTPBrokenPromise(description: "a request that was read can't be sent") }
            let outputs = try decodedEveryWay(sent) { RequestCodec() }
            guard outputs.count == 1, case .request(let read) = outputs[0] else {
                throw HTTPBrokenPromise(description: "not one request: \(outputs)")
            }
            try requireHTTP(read.body == request.body && read.head.target == request.head.target, "a request reads back")
            let response = HTTPResponse(status: 200, body: request.body).encoded(for: request.head)
            try requireReads(response, method: request.head.method, 200)
        }
    }
    try decodedEveryWay(bytes) { ResponseCodec() }
}

private func requireReads(_ response: [UInt8], method: String, _ status: Int) throws {
    let outputs = try decodedEveryWay(response) { ResponseCodec(method: method) }
    guard outputs.count == 1, case .response(let read, _) = outputs[0], read.status == status else {
        throw HTTPBrokenPromise(description: "a response does not read back: \(outputs)")
    }
}

/// A promise of the HTTP codec that did not hold.
public struct HTTPBrokenPromise: Error, CustomStringConvertible {
    public var description: String
}

private func requireHTTP(_ condition: Bool, _ promise: String) throws(HTTPBrokenPromise) {
    guard condition else { throw HTTPBrokenPromise(description: "not kept: \(promise)") }
}
