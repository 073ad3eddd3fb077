internal import Basics
internal import DevAPI
internal import Files
internal import InstanceManager
internal import Loop
internal import Registry

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Control {
    func doctor() async -> DoctorFacts {
        let found = await manager.toolchains()
        let standard = found.standard
        let toolchains = found.map { toolchain in
            DoctorFacts.Toolchain(
                version: toolchain.version, bin: toolchain.bin, source: toolchain.source, isDefault: toolchain == standard,
                problem: toolchain.problem)
        }
        var checks = [
            DoctorFacts.Check(
                name: "postgres", ok: standard != nil, text: standard.map { "PostgreSQL \($0.version) in \($0.bin)" } ?? "none was found",
                help: standard == nil ? "Run \(InstallCommand.here())" : nil)
        ]
        checks.append(await home())
        checks.append(await folders())
        checks.append(await space())
        checks.append(ports(await manager.list()))
        if let httpPortReason {
            checks.append(
                .init(
                    name: "http", ok: false, text: httpPortReason,
                    help:
                        "Write the new URLs down (dev url --http); dev daemon restart takes the old port if it is free, and keeps what it has then"
                ))
        }
        checks.append(descriptors())
        checks.append(passage(await manager.list()))
        checks.append(user())
        return DoctorFacts(toolchains: toolchains, installCommand: InstallCommand.here(), checks: checks)
    }

    private func user() -> DoctorFacts.Check {
        guard let serversUser else { return .init(name: "user", ok: true, text: "servers run as user \(getuid())", help: nil) }
        let text = "started as root: servers run as \(serversUser.name)"
        guard let closed = serversUser.closedFolder(on: layout.root) else { return .init(name: "user", ok: true, text: text, help: nil) }
        return .init(name: "user", ok: false, text: "\(text), who may not enter \(closed)", help: serversUser.helpToReach(closed))
    }

    private func home() async -> DoctorFacts.Check {
        let root = layout.root
        do {
            let path = root + "/.doctor"
            try await loop.blocking { () throws(DevError) in try DurableFile.write([], to: path) }
            unlink(path)
            return .init(name: "home", ok: true, text: "\(root) can be written", help: nil)
        } catch {
            return .init(name: "home", ok: false, text: "\(root) can't be written: \(error.cause ?? error.message)", help: error.help)
        }
    }

    /// Data that nobody owns, and what was registered again.
    private func folders() async -> DoctorFacts.Check {
        let (unknown, back) = (await manager.unknownFolders(), await manager.broughtBack)
        guard unknown.isEmpty else {
            let text = unknown.map { $0.path + ($0.pid.map { " (a server runs there, pid \($0))" } ?? "") }.joined(separator: ", ")
            return .init(
                name: "folders", ok: false, text: "nobody knows whose these are: \(text)",
                help: "Make a server with dev up NAME, stop both, and put the folder's data in the place of the new one's; or delete it")
        }
        let names = back.sorted().joined(separator: ", ")
        let came = names.isEmpty ? "" : "; the registry had lost these, and they came back: \(names)"
        return .init(name: "folders", ok: true, text: "each data directory has its server" + came, help: nil)
    }

    private func space() async -> DoctorFacts.Check {
        let root = layout.root
        let space = try? await loop.blocking { () throws(DevError) in try TreeClone.space(root) }
        guard let space else { return .init(name: "disk", ok: false, text: "the free space of \(root) can't be told", help: nil) }
        let free = space.free / (1 << 20)
        return .init(
            name: "disk", ok: free >= 512, text: "\(free) MB free",
            help: free >= 512 ? nil : "Free some space: a new server takes 40 MB and more")
    }

    private func ports(_ all: [InstanceStatus]) -> DoctorFacts.Check {
        let missing = all.filter { $0.state != .broken && $0.reason != nil }
        guard let first = missing.first else {
            return .init(name: "ports", ok: true, text: "HTTP on \(httpPort); all servers have their ports", help: nil)
        }
        return .init(
            name: "ports", ok: false, text: "\(first.record.name): \(first.reason ?? "")",
            help: "End the program that has the port, and the server takes it back by itself; or give it another as said")
    }

    private func descriptors() -> DoctorFacts.Check {
        let limit = ResourceLimit.descriptors
        return .init(
            name: "descriptors", ok: limit >= 4096, text: "\(limit) open files allowed",
            help: limit >= 4096 ? nil : "Raise the hard limit (ulimit -Hn) to 4096 or more and run dev daemon restart")
    }

    private func passage(_ all: [InstanceStatus]) -> DoctorFacts.Check {
        for status in all {
            if case .pump(_, let reason)? = status.passage, status.record.front != "pump" {
                return .init(name: "hand-off", ok: false, text: "\(status.record.name) uses the pump: \(reason)", help: nil)
            }
        }
        guard let reason = handoffProblem else { return .init(name: "hand-off", ok: true, text: "the library is in place", help: nil) }
        return .init(name: "hand-off", ok: false, text: reason, help: "Servers work through the pump meanwhile")
    }
}
