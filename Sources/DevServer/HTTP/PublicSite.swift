internal import Basics
internal import HTTPWire

/// What the TCP port answers: prisma dev's health check, and 404 to all else until the protocols behind it are here.
enum PublicSite {
    /// - Parameter name: the instance whose port it is; the daemon's own is `default`'s.
    static func router(name: InstanceName) -> Router {
        var router = Router()
        router.gate = LoopbackGate.check
        router.on("GET", "/health") { _ in
            // A checked name needs no escapes.
            .whole(
                HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: Array("{\"name\":\"\(name.text)\"}".utf8)))
        }
        return router
    }
}
