internal import Basics
internal import HTTPShim
internal import HTTPWire

/// What the TCP ports answer: prisma dev's health check, Prisma's clients, and 404 to all else.
enum PublicSite {
    /// A bulk createMany carries its rows in the request.
    static let largestBody = 64 << 20

    /// - Parameters:
    ///   - name: the instance whose port it is; the daemon's own is `default`'s.
    ///   - prisma: Prisma's protocols, which have all other paths.
    ///   - only: the one instance whose clients are served; nil: all.
    static func router(name: InstanceName, prisma: PrismaService? = nil, only: InstanceName? = nil) -> Router {
        var router = Router()
        router.gate = { head in LoopbackGate.check(head) ?? PrismaService.refusal(head).map { .whole($0) } }
        router.on("GET", "/health") { _ in
            // A checked name needs no escapes.
            .whole(
                HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: Array("{\"name\":\"\(name.text)\"}".utf8)))
        }
        if let prisma { router.others = { request in await prisma.answer(request, only: only).map { .whole($0) } } }
        return router
    }
}
