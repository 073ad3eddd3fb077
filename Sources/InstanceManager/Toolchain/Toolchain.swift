internal import Basics

/// One PostgreSQL installation.
public struct Toolchain: Sendable, Equatable {
    /// Absolute folder of `postgres` and `initdb`.
    public var bin: String
    /// As the build prints it: "15.18", "17beta1"; empty when it could not be asked.
    public var version: String
    /// Where it was looked for: `DEVDB_PG_BIN`, `debian`, `homebrew`, `postgres.app`, `pgdg-rpm`, `pg_config`.
    public var source: String
    /// Why it can't be used, if so.
    public var problem: String?

    /// 13: the oldest that has all we build on.
    public static let floor = 13

    public init(bin: String, version: String, source: String, problem: String? = nil) {
        self.bin = bin
        self.version = version
        self.source = source
        self.problem = problem
    }

    public var major: Int { Toolchain.major(version) ?? 0 }
    public var usable: Bool { problem == nil }
    var postgres: String { bin + "/postgres" }
    var initdb: String { bin + "/initdb" }

    /// The leading number of "15.18" or "17beta1".
    public static func major(_ version: String) -> Int? {
        Int(version.prefix { $0.isASCII && $0.isNumber }.prefix(4))
    }

    /// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" → "15.18"
    static func version(in output: String) -> String? {
        let words = output.split(whereSeparator: \.isWhitespace)
        guard let index = words.firstIndex(of: "(PostgreSQL)"), words.indices.contains(index + 1) else { return nil }
        let version = String(words[index + 1])
        return major(version) == nil ? nil : version
    }

    /// Newer first; a release before its betas.
    static func isNewer(_ left: Toolchain, _ right: Toolchain) -> Bool {
        func parts(_ version: String) -> (Int, Int) {
            let pieces = version.split(separator: ".", maxSplits: 1)
            guard pieces.count == 2 else { return (major(version) ?? 0, -1) }
            return (major(version) ?? 0, Int(pieces[1].prefix { $0.isNumber }.prefix(6)) ?? 0)
        }
        return parts(left.version) > parts(right.version)
    }
}

extension [Toolchain] {
    /// The one a new instance gets without `--pg`: what `DEVDB_PG_BIN` names goes before all else, then the newest.
    public var standard: Toolchain? {
        let named = filter { $0.usable && $0.source == "DEVDB_PG_BIN" }
        return (named.isEmpty ? filter(\.usable) : named).sorted(by: Toolchain.isNewer).first
    }

    /// Newest of a major ("15") or exactly that version ("15.18").
    func matching(_ wanted: String) -> Toolchain? {
        let fitting = filter { $0.usable && ($0.version == wanted || String($0.major) == wanted) }
        let named = fitting.filter { $0.source == "DEVDB_PG_BIN" }
        return (named.isEmpty ? fitting : named).sorted(by: Toolchain.isNewer).first
    }
}
