internal import Basics
internal import DevAPI
internal import HTTPWire

/// The control API's routes: decode, call, encode. What the calls do is in `Control`.
struct ControlAPI: Sendable {
    let control: Control

    func router() -> Router {
        var router = Router()
        router.otherwise = { head in
            Self.failure(
                404,
                DevError(
                    .usage, "The daemon knows no \(head.method.prefix(20)) \(head.path.prefix(80))", object: "devd",
                    help: "Run dev daemon restart if dev was updated"))
        }
        let control = control
        add(&router, UpRequest.path, UpRequest.self) { (request, progress) async throws(DevError) in
            try await control.up(request, progress)
        }
        add(&router, "list", SelectRequest.self) { (request, _) async throws(DevError) in try await control.list(request) }
        add(&router, "status", SelectRequest.self) { (request, _) async throws(DevError) in try await control.status(request) }
        add(&router, "start", SelectRequest.self) { (request, progress) async throws(DevError) in
            try await control.start(request, progress)
        }
        add(&router, "stop", SelectRequest.self) { (request, progress) async throws(DevError) in
            try await control.stop(request, progress)
        }
        add(&router, "rm", SelectRequest.self) { (request, progress) async throws(DevError) in
            try await control.remove(request, progress)
        }
        add(&router, "repair", SelectRequest.self) { (request, _) async throws(DevError) in try await control.repair(request) }
        add(&router, UndoRequest.path, UndoRequest.self) { (request, _) async throws(DevError) in try await control.undo(request) }
        add(&router, ConfigRequest.path, ConfigRequest.self) { (request, _) async throws(DevError) in
            try await control.config(request)
        }
        add(&router, LogsRequest.path, LogsRequest.self, endsWithClient: true) { (request, progress) async throws(DevError) in
            try await control.logs(request, progress)
            return Nothing()
        }
        add(&router, "daemon", Nothing.self, anyVersion: true) { (_, _) async throws(DevError) in try await control.daemon() }
        add(&router, "doctor", Nothing.self) { (_, _) async throws(DevError) in await control.doctor() }
        add(&router, ShutdownRequest.path, ShutdownRequest.self, anyVersion: true) { (request, progress) async throws(DevError) in
            try await control.shutdown(request, progress)
            return Nothing()
        }
        return router
    }

    /// `{}`.
    private struct Nothing: Codable, Sendable {}

    private func add<Request: Decodable & Sendable, Result: Encodable & SendableMetatype>(
        _ router: inout Router, _ path: String, _ type: Request.Type, anyVersion: Bool = false, endsWithClient: Bool = false,
        _ body: @escaping @Sendable (Request, Progress) async throws(DevError) -> Result
    ) {
        router.on("POST", "/v1/" + path) { request in
            // An old daemon must still be found and replaced by a new `dev`, hence the exceptions.
            if !anyVersion, let other = request.head.headers[ControlProtocol.versionHeader], other != devdbVersion {
                return Self.failure(
                    200,
                    DevError(
                        .versionMismatch, "dev is \(other.prefix(40)) and the daemon \(devdbVersion)", object: "devd",
                        help: "Run dev daemon restart"))
            }
            let decoded: Request
            do {
                decoded = try JSONText.decode(type, from: request.body.isEmpty ? Array("{}".utf8) : request.body)
            } catch {
                return Self.failure(400, DevError(.usage, "The request is not understood", object: "devd", cause: "\(error)".prefixed(300)))
            }
            let answered = control.answered
            return .stream(headers: Self.headers, endsWithClient: endsWithClient) { stream in
                defer { answered() }
                let last: [UInt8]
                do throws(DevError) {
                    last = ControlLine.result(try await body(decoded, Progress(stream)))
                } catch {
                    last = ControlLine.error(error)
                }
                try? await stream.send(last)
            }
        }
    }

    private static let headers = Headers(["content-type": "application/x-ndjson", ControlProtocol.versionHeader: devdbVersion])

    private static func failure(_ status: Int, _ error: DevError) -> Answer {
        .whole(HTTPResponse(status: status, headers: headers, body: ControlLine.error(error)))
    }
}

extension String {
    func prefixed(_ count: Int) -> String { String(prefix(count)) }
}
