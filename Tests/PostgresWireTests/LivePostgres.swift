import Foundation
import PostgresWire

#if canImport(Glibc)
    import Glibc
#endif

/// A throw-away cluster on a Unix socket, whose owner `postgres` has a password; stopped and removed by `remove()`.
struct LivePostgres {
    struct Failure: Error {
        var description: String
    }

    /// `DEVDB_PG_BIN`, else Debian's newest.
    static let bin: String? = {
        let named = ProcessInfo.processInfo.environment["DEVDB_PG_BIN"]?.split(separator: ":").map(String.init) ?? []
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap(Int.init).sorted(by: >)
        return (named + versions.map { "\(root)/\($0)/bin" }).first { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }
    }()

    private let folder: String
    private let bin: String

    init(password: String) throws {
        guard let bin = Self.bin else { throw Failure(description: "no PostgreSQL") }
        self.bin = bin
        folder = "/tmp/devdb-wire-\(String(UInt64.random(in: .min ... .max), radix: 36))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        do {
            _ = FileManager.default.createFile(
                atPath: "\(folder)/pw", contents: Data("\(password)\n".utf8), attributes: [.posixPermissions: 0o600])
            if geteuid() == 0, let user = getpwnam("postgres") {
                for path in [folder, "\(folder)/pw"] { chown(path, user.pointee.pw_uid, user.pointee.pw_gid) }
            }
            try run(
                "initdb", "-D", "\(folder)/data", "-U", "postgres", "-A", "md5", "--pwfile=\(folder)/pw", "-E", "UTF8", "--locale=C.UTF-8",
                "-N")
            // `-A md5` has also made md5 the encryption of new passwords.
            try run(
                "pg_ctl", "-D", "\(folder)/data", "-w", "-s", "-l", "\(folder)/log", "-o",
                "-k \(folder) -c listen_addresses= -c fsync=off -c password_encryption=scram-sha-256",
                "start")
        } catch {
            remove()
            throw error
        }
    }

    func remove() {
        if FileManager.default.fileExists(atPath: "\(folder)/data/postmaster.pid") {
            try? run("pg_ctl", "-D", "\(folder)/data", "-w", "-s", "-m", "immediate", "stop")
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// PostgreSQL refuses to run as root. Not by Foundation's `Process`: on Linux that waits for every grandchild too
    /// that inherits its socket, and `pg_ctl start` leaves one.
    private func run(_ program: String, _ arguments: String...) throws {
        let line = (geteuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []) + ["\(bin)/\(program)"] + arguments
        var strings: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        defer { for string in strings { free(string) } }
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0) }
        var pid: pid_t = 0
        let result = posix_spawnp(&pid, line[0], &actions, nil, &strings, environ)
        guard result == 0 else { throw Failure(description: "\(program) can't be started: errno \(result)") }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else { throw Failure(description: "\(program) failed with status \(status)") }
    }

    /// A blocking connection that gives up after 10 s of silence.
    func connect() throws -> LiveConnection { try LiveConnection(path: "\(folder)/.s.PGSQL.5432") }
}

final class LiveConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var position = 0

    init(path: String) throws {
        #if canImport(Glibc)
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                #if canImport(Glibc)
                    Glibc.connect(descriptor, $0, size)
                #else
                    Darwin.connect(descriptor, $0, size)
                #endif
            }
        }
        guard result == 0 else { throw LivePostgres.Failure(description: "connect: errno \(errno)") }
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        #if canImport(Glibc)
            let flags = Int32(MSG_NOSIGNAL)
        #else
            let flags: Int32 = 0
        #endif
        // A server that has refused already may have closed.
        _ = bytes.withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, flags) }
    }

    /// Nothing more will be sent: the server answers what it has, then closes.
    func finishSending() {
        #if canImport(Glibc)
            shutdown(descriptor, Int32(SHUT_WR))
        #else
            shutdown(descriptor, SHUT_WR)
        #endif
    }

    /// False at the end of the stream (or a reset, which a refusing server may cause).
    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &piece, piece.count, 0)
        if count < 0, errno == EAGAIN { throw LivePostgres.Failure(description: "the server is silent") }
        guard count > 0 else { return false }
        buffer += piece[..<count]
        return true
    }

    func byte() throws -> UInt8? {
        while position >= buffer.count { if try !fill() { return nil } }
        defer { position += 1 }
        return buffer[position]
    }

    /// Nil at the end of the stream.
    func message() throws -> BackendMessage? {
        while true {
            switch BackendMessage.read(buffer, from: position) {
            case .message(let message, let end):
                position = end
                return message
            case .bad(let reason): throw LivePostgres.Failure(description: reason)
            case .needMore: if try !fill() { return nil }
            }
        }
    }

    /// Logs in as a client does.
    /// - Returns: the error, or nil when the server is ready for queries.
    func logIn(_ packet: StartupPacket, password: String) throws -> ServerMessage? {
        try send(packet.encoded())
        var client = ScramClient(password: password, entropy: (0..<18).map { _ in .random(in: .min ... .max) })
        while let message = try message() {
            switch message {
            case .authentication(.sasl): try send(ClientMessage.saslInitialResponse(mechanism: "SCRAM-SHA-256", client.first()))
            case .authentication(.saslContinue(let challenge)): try send(ClientMessage.saslResponse(try client.final(challenge)))
            case .authentication(.saslFinal(let final)): try client.verify(final)
            case .authentication(.md5Password(let salt)):
                let answer = MD5Verifier(password: password, user: packet.user)?.response(salt: salt)
                try send(ClientMessage.password(answer ?? ""))
            case .error(let error): return error
            case .readyForQuery: return nil
            default: break
            }
        }
        throw LivePostgres.Failure(description: "the server closed without a word")
    }

    /// The first column of each row.
    func query(_ sql: String) throws -> [String] {
        try send(ClientMessage.query(sql))
        var rows: [String] = []
        while let message = try message() {
            switch message {
            case .other(UInt8(ascii: "D"), let row): rows.append(String(decoding: row.dropFirst(6), as: UTF8.self))
            case .error(let error): throw error
            case .readyForQuery: return rows
            default: break
            }
        }
        throw LivePostgres.Failure(description: "the server closed during a query")
    }
}
