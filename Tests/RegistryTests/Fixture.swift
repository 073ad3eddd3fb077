import Basics
import Files
import Registry
import Testing

/// A registry in a folder of its own, removed with it.
final class Fixture {
    let folder: String
    var path: String { folder + "/registry.sqlite" }

    init() throws {
        folder = "/tmp/devdb-registry-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        try DurableFile.makeFolder(folder)
    }

    deinit { try? TreeClone.remove(folder) }

    func open() throws -> Registry { try Registry(path: path) }
}

func record(_ id: String, _ name: String, ports: [PortRecord] = []) throws -> InstanceRecord {
    InstanceRecord(
        id: id, name: try InstanceName(name), pgVersion: "15.18", pgBin: "/usr/lib/postgresql/15/bin",
        password: Secret("pass-\(id)"), createdAt: 1_790_000_000.25, ports: ports)
}
