internal import Basics
internal import DevAPI

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

extension Context {
    /// The real world.
    public static func system() -> Context {
        let environment = processEnvironment()
        let directory = workingDirectory(environment)
        let layout = HomeLayout.resolve(environment: environment, userID: geteuid(), workingDirectory: directory)
        let starter = DaemonStarter(layout: layout, environment: environment, program: programPath())
        var context = Context(
            environment: environment, directory: directory,
            terminal: Terminal(isInput: isatty(0) == 1, isOutput: isatty(1) == 1, isError: isatty(2) == 1, columns: columns()),
            client: ControlClient(layout: layout, starter: starter), out: { put($0, 1) }, err: { put($0, 2) },
            readLine: { Swift.readLine(strippingNewline: true) }, replaceProcess: replace, catchInterrupts: Interrupts.descriptor,
            giveUpAfter: { _ = alarm($0) }, now: monotonic)
        context.output = 1
        return context
    }

    /// Of this process, without the program's name.
    public static func systemArguments() -> [String] {
        (1..<max(Int(CommandLine.argc), 1)).compactMap { CommandLine.unsafeArgv[$0].map { SystemText.decode($0) } }
    }

    /// What can't be written must not pass for success: `dev env > /full/disk`.
    private static func put(_ text: String, _ descriptor: Int32) {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                // A reader that left is no error worth words, also where SIGPIPE is ignored and so did not end us.
                if descriptor == 1, errno != EPIPE {
                    put("error[system]: standard output can't be written: \(Executable.text(errno)).\n", 2)
                }
                exit(1)
            }
            sent += count
        }
    }

    private static func monotonic() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func processEnvironment() -> [String: String] {
        var result: [String: String] = [:]
        var next = environ
        while let entry = next.pointee {
            let pair = SystemText.decode(entry)
            if let equals = pair.firstIndex(of: "=") { result[String(pair[..<equals])] = String(pair[pair.index(after: equals)...]) }
            next += 1
        }
        return result
    }

    private static func workingDirectory(_ environment: [String: String]) -> String {
        guard let path = getcwd(nil, 0) else { return environment["PWD"] ?? "/" }
        defer { free(path) }
        return SystemText.decode(path)
    }

    private static func columns() -> Int {
        var size = winsize()
        for descriptor: Int32 in [1, 2] where ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return 80
    }

    /// The real path of this program: `devd` lies beside it, also when it was called through a symbolic link.
    private static func programPath() -> String? {
        #if canImport(Darwin)
            var size = UInt32(4096)
            var buffer = [CChar](repeating: 0, count: Int(size))
            guard _NSGetExecutablePath(&buffer, &size) == 0, let real = realpath(buffer, nil) else { return nil }
        #else
            guard let real = realpath("/proc/self/exe", nil) else { return nil }
        #endif
        defer { free(real) }
        return String(cString: real)
    }

    private static func replace(_ path: String, _ arguments: [String], _ environment: [String: String]) -> Int32 {
        let words = arguments.map { strdup(SystemText.encode($0)) }
        let variables = environment.map { strdup(SystemText.encode($0.key + "=" + $0.value)) }
        defer { for copy in words + variables { free(copy) } }
        execve(path, words + [nil], variables + [nil])
        return errno
    }
}
