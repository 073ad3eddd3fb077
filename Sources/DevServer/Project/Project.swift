public import Basics
internal import Files

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The project a caller stands in: the nearest `dev.toml` upwards, else the git root, else none.
public struct Project: Sendable, Equatable {
    /// The project's folder; nil when there is no project and the instance is `default`.
    public var folder: String?
    public var name: InstanceName
    /// The name is the folder's and nobody wrote it down: two folders may have the same by chance.
    public var nameIsFolders: Bool
    public var file: ProjectFile?

    /// Reads at most one file; blocks: use `Loop.blocking`.
    /// - Parameter directory: absolute; one that is not there has no project.
    /// - Throws: `bad-configuration` for a `dev.toml` that can't be read or understood.
    public static func find(from directory: String) throws(DevError) -> Project {
        let folders = ancestors(of: directory)
        for folder in folders {
            let path = (folder == "/" ? "" : folder) + "/dev.toml"
            guard kind(of: path) != nil else { continue }
            let text: [UInt8]
            do {
                text = try DurableFile.read(path, limit: 64 << 10)
            } catch {
                throw DevError(
                    .badConfiguration, "\(path) can't be read", object: path, cause: error.cause ?? error.message,
                    help: "Make it readable, or remove it")
            }
            let file = try ProjectFile(text, path: path)
            if let name = file.name { return Project(folder: folder, name: name, nameIsFolders: false, file: file) }
            return Project(folder: folder, name: name(of: folder), nameIsFolders: true, file: file)
        }
        // A worktree's and a submodule's `.git` is a file.
        for folder in folders where kind(of: (folder == "/" ? "" : folder) + "/.git") != nil {
            return Project(folder: folder, name: name(of: folder), nameIsFolders: true, file: nil)
        }
        return Project(folder: nil, name: .default, nameIsFolders: false, file: nil)
    }

    private static func name(of folder: String) -> InstanceName {
        InstanceName.sanitizing(String(folder.split(separator: "/").last ?? "")) ?? .default
    }

    /// The folder itself first, `/` last; empty for a path that is not absolute.
    static func ancestors(of directory: String) -> [String] {
        guard directory.hasPrefix("/"), directory.utf8.count <= 4096 else { return [] }
        var parts = directory.split(separator: "/").filter { $0 != "." }
        guard !parts.contains("..") else { return [] }
        var result: [String] = []
        while !parts.isEmpty {
            result.append("/" + parts.joined(separator: "/"))
            parts.removeLast()
        }
        return result + ["/"]
    }

    private static func kind(of path: String) -> mode_t? {
        var facts = stat()
        // A link that leads nowhere, or in a circle, is there all the same: reading it says so.
        return stat(path, &facts) == 0 || lstat(path, &facts) == 0 ? facts.st_mode & S_IFMT : nil
    }
}
