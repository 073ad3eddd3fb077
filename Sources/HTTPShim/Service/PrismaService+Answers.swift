internal import HTTPWire

extension PrismaService {
    /// - Parameter open: an object without its closing brace.
    func json(_ open: String, _ journal: Journal?) -> HTTPResponse {
        var writer = JSONWriter()
        writer.raw(open)
        return PrismaService.finish(&writer, 200, journal)
    }

    private static let jsonHeaders: Headers = Headers(["content-type": "application/json"])

    /// Adds the extensions and closes the object.
    static func finish(_ writer: inout JSONWriter, _ status: Int, _ journal: Journal?) -> HTTPResponse {
        if let extensions = journal?.extensions {
            if writer.bytes.count > 1 { writer.byte(UInt8(ascii: ",")) }
            writer.raw("\"extensions\":")
            writer.json(extensions)
        }
        writer.byte(UInt8(ascii: "}"))
        return HTTPResponse(status: status, headers: PrismaService.jsonHeaders, body: writer.bytes)
    }

    func failure(_ failure: PlanFailure, _ journal: Journal?) -> HTTPResponse {
        var members: [JSON.Member] = []
        if let code = failure.code { members.append(JSON.Member("code", .string(code))) }
        members.append(JSON.Member("error", .string(Redaction.text(failure.message))))
        if let meta = failure.meta { members.append(JSON.Member("meta", meta)) }
        return .json(failure.status, .object(members), journal)
    }
}

extension HTTPResponse {
    static func text(_ status: Int, _ text: String) -> HTTPResponse {
        HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"], body: Array(text.utf8))
    }

    static func json(_ status: Int, _ body: JSON, _ journal: Journal?) -> HTTPResponse {
        var writer = JSONWriter()
        writer.json(body)
        writer.bytes.removeLast()
        return PrismaService.finish(&writer, status, journal)
    }

    /// P6002 in the hosted service's shape.
    static func unauthorised(_ message: String) -> HTTPResponse {
        let body = JSON.object([
            JSON.Member("code", .string("P6002")), JSON.Member("error", .string(message)), JSON.Member("message", .string(message)),
        ])
        return .json(401, body, nil)
    }
}
