#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// The command that installs PostgreSQL on this system.
public enum InstallCommand {
    /// How a command gets root's rights here.
    enum Rights {
        case root, sudo, su

        static var here: Rights {
            if geteuid() == 0 { return .root }
            return ["/usr/bin/sudo", "/bin/sudo", "/usr/local/bin/sudo"].contains { Paths.isExecutable($0) } ? .sudo : .su
        }

        /// - Parameter command: for root, without single quotes.
        func with(_ command: String) -> String {
            switch self {
            case .root: command
            case .sudo: command.contains("&&") ? "sudo sh -c '\(command)'" : "sudo \(command)"
            case .su: "su -c '\(command)'"
            }
        }
    }

    /// Whether there are packages of it: what nobody has can't be advised.
    static func knows(_ major: String) -> Bool { Int(major).map((Toolchain.floor...newest).contains) ?? false }
    private static let newest = 18

    /// - Parameter major: a certain one, where the system's packages let one choose.
    public static func here(major: String? = nil) -> String {
        #if canImport(Darwin)
            return homebrew(major)
        #else
            return forSystem(release: Paths.readText("/etc/os-release", limit: 65_536) ?? "", major: major, .here)
        #endif
    }

    /// - Parameter release: the text of /etc/os-release (os-release(5)).
    static func forSystem(release: String, major: String?, _ rights: Rights) -> String {
        let fields = parse(release)
        let family = [fields["ID"] ?? ""] + (fields["ID_LIKE"] ?? "").split(separator: " ").map(String.init)
        for id in family {
            switch id {
            case "debian", "ubuntu":
                // Without the file, the package makes and starts a system-wide cluster of its own.
                let quiet =
                    "mkdir -p /etc/postgresql-common && echo create_main_cluster=false >/etc/postgresql-common/createcluster.conf"
                return rights.with("\(quiet) && apt-get install -y postgresql\(major.map { "-" + $0 } ?? "")")
            case "fedora", "rhel", "centos":
                return rights.with("dnf install -y \(major.map { "postgresql\($0)-server" } ?? "postgresql-server")")
            case "arch": return rights.with("pacman -S --noconfirm postgresql")
            case "alpine": return rights.with("apk add postgresql\(major ?? "")")
            case "suse", "opensuse": return rights.with("zypper install -y postgresql\(major ?? "")-server")
            default: continue
            }
        }
        return homebrew(major)
    }

    private static func homebrew(_ major: String?) -> String { "brew install postgresql@\(major ?? "17")" }

    private static func parse(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...].filter { $0 != "\"" && $0 != "'" }
            fields[String(line[..<equals])] = value.lowercased()
        }
        return fields
    }
}
