#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Programs as a shell finds them.
enum Executable {
    /// The path of `name` by PATH, where only programs count; with a slash in it, relative to the working directory, and then
    /// whatever is there: what can't be run is another error than what is not found.
    static func find(_ name: String, _ context: Context) -> String? {
        guard !name.isEmpty else { return nil }
        if name.contains("/") { return access(absolute(name, context), F_OK) == 0 ? absolute(name, context) : nil }
        let folders = (context.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(
            separator: ":", omittingEmptySubsequences: false)
        return folders.lazy.map { absolute(($0.isEmpty ? "." : $0) + "/" + name, context) }.first(where: isProgram)
    }

    private static func absolute(_ path: String, _ context: Context) -> String {
        path.hasPrefix("/") ? path : context.directory + "/" + path
    }

    private static func isProgram(_ path: String) -> Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }

    static func text(_ number: Int32) -> String { String(cString: strerror(number)) }
}
