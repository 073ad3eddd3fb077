public import Basics
public import DevAPI

/// Facts as a daemon would give them.
public enum Samples {
    public static func instance(
        _ name: String = "app", state: InstanceState = .running, password: String = "s3cret", port: Int = 51214, sessions: Int = 0,
        bin: String? = nil
    ) -> InstanceFacts {
        let query = "?sslmode=disable"
        return InstanceFacts(
            name: name, state: state, pg: "15.18", url: "postgres://postgres:\(password)@localhost:\(port)/template1\(query)",
            prismaUrl: "postgres://postgres:\(password)@localhost:\(port)/template1\(query)&connection_limit=10",
            shadowUrl: "postgres://postgres:\(password)@localhost:\(port + 1)/template1\(query)",
            prismaPostgresUrl: "prisma+postgres://localhost:51213/?api_key=abc", httpUrl: "http://localhost:51213", port: port,
            shadowPort: port + 1, httpPort: 51213, pid: state.rawValue == "running" ? 812 : nil, dataDirectory: "/home/u/data", idle: "10m",
            createdAt: "2026-11-21T12:00:00Z", profile: "durable", front: state.rawValue == "running" ? "handoff" : nil, frontReason: nil,
            sessions: sessions, project: "/home/u/app", reason: nil, user: "postgres", password: password, database: "template1", bin: bin)
    }

    public static let daemon = DaemonFacts(
        version: devdbVersion, pid: 77, home: "/home/u/devdb", controlSocket: "/home/u/devdb/run/devd.sock",
        httpUrl: "http://localhost:51213",
        httpPort: 51213, startedAt: "2026-11-21T12:00:00Z", instances: 2, runsServersAs: nil)

    public static let doctor = DoctorFacts(
        toolchains: [
            .init(version: "15.18", bin: "/usr/lib/postgresql/15/bin", source: "debian", isDefault: true, problem: nil)
        ], installCommand: "apt-get install postgresql", checks: [.init(name: "home", ok: true, text: "writable", help: nil)])

    public static let config = ConfigFacts(
        name: "app", entries: [.init(key: "idle", value: "10m", source: "default")], pendingRestart: [])
}
