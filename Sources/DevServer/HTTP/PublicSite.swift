internal import Basics
internal import DevAPI
internal import HTTPShim
internal import HTTPWire

/// What the TCP ports answer: prisma dev's health check, Prisma's clients and drivers, and 404 to all else.
enum PublicSite {
    /// A bulk createMany carries its rows in the request.
    static let largestBody = 64 << 20

    typealias Dump = @Sendable (InstanceName) async throws(DevError) -> String

    private static func json(_ status: Int, _ values: [String: String]) -> Answer {
        let text = (try? JSONText.compact(values)) ?? "{}"
        return .whole(HTTPResponse(status: status, headers: ["content-type": "application/json"], body: Array(text.utf8)))
    }

    /// - Parameters:
    ///   - name: the instance whose port it is; the daemon's own is `default`'s.
    ///   - dump: dumps the schema of the one instance whose port it is; a path.
    ///   - prisma: Prisma's protocols, which have all other paths.
    ///   - drivers: the serverless drivers' protocol.
    ///   - only: the one instance whose clients are served; nil: all.
    static func router(
        name: InstanceName, dump: Dump? = nil, prisma: PrismaService? = nil, drivers: DriverService? = nil, only: InstanceName? = nil
    ) -> Router {
        var router = Router()
        router.gate = { head in LoopbackGate.check(head) ?? PrismaService.refusal(head).map { .whole($0) } }
        router.on("GET", "/health") { _ in
            // A checked name needs no escapes.
            .whole(
                HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: Array("{\"name\":\"\(name.text)\"}".utf8)))
        }
        // Without a key, as prisma dev's: the answer says where the file is, and only its owner can read it.
        if let dump {
            router.on("POST", "/database/dump") { _ in
                do throws(DevError) {
                    return json(201, ["dumpPath": try await dump(name)])
                } catch {
                    return json(error.code == .notFound ? 404 : 500, ["error": error.message])
                }
            }
        }
        router.others = { request in
            switch await drivers?.answer(request, only: only) {
            case .whole(let response): return .whole(response)
            case .statement(let body): return .attended(body)
            case .session(let upgrade, let body): return .upgrade(upgrade, body)
            case nil: return await prisma?.answer(request, only: only).map { .whole($0) }
            }
        }
        return router
    }
}
