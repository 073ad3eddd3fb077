internal import Foundation

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Where a child's standard input, output and error go.
enum ChildStreams {
    case descriptors(input: Int32, output: Int32, errors: Int32)
    /// A terminal's path; the child leads a session of its own, which the terminal controls.
    case terminal(String)
}

/// Starts a program found by PATH with our environment and `environment`. - Returns: its pid.
func spawn(_ words: [String], environment: [String: String], _ streams: ChildStreams) throws -> pid_t {
    #if canImport(Darwin)
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        let newSession = Int16(POSIX_SPAWN_SETSID)
    #else
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        // POSIX_SPAWN_SETSID, which the Glibc module hides.
        let newSession: Int16 = 0x80
    #endif
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var flags = Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)
    switch streams {
    case .descriptors(let input, let output, let errors):
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)
    case .terminal(let path):
        // A session's first open of a terminal makes it the session's.
        flags |= newSession
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
    }
    // We ignore SIGPIPE, as the daemon does, and threads of Dispatch block signals; a child must inherit neither.
    _ = ignoreBrokenPipes
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    var blocked = sigset_t()
    sigemptyset(&blocked)
    posix_spawnattr_setsigmask(&attributes, &blocked)
    posix_spawnattr_setflags(&attributes, flags)
    let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    var pid: pid_t = 0
    let status = withCStrings(words) { arguments in
        withCStrings(merged.map { "\($0)=\($1)" }) { environment in
            posix_spawnp(&pid, words[0], &actions, &attributes, arguments, environment)
        }
    }
    guard status == 0 else { throw TestFailure("\(words[0]) can't be started: \(errorText(status))") }
    return pid
}

private let ignoreBrokenPipes: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

/// How a child ended: its exit code, or 128 and the signal's number. Blocks; after so long the child is killed.
func reap(_ pid: pid_t, seconds: Double) -> Int32 {
    do { try Wait.end(of: pid, seconds: seconds) } catch { kill(pid, SIGKILL) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
}

private func withCStrings<T>(_ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> T) -> T {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("never empty") }
        return body(base)
    }
}
