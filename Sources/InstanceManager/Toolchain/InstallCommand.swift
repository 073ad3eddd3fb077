/// The command that installs PostgreSQL on this system.
public enum InstallCommand {
    /// - Parameter major: a certain one, where the system's packages let one choose.
    public static func here(major: String? = nil) -> String {
        #if canImport(Darwin)
            return homebrew(major)
        #else
            return forSystem(release: Paths.readText("/etc/os-release", limit: 65_536) ?? "", major: major)
        #endif
    }

    /// - Parameter release: the text of /etc/os-release (os-release(5)).
    static func forSystem(release: String, major: String?) -> String {
        let fields = parse(release)
        let family = [fields["ID"] ?? ""] + (fields["ID_LIKE"] ?? "").split(separator: " ").map(String.init)
        for id in family {
            switch id {
            case "debian", "ubuntu":
                // Without the file, the package makes and starts a system-wide cluster of its own.
                let quiet =
                    "sudo mkdir -p /etc/postgresql-common && echo create_main_cluster=false | sudo tee /etc/postgresql-common/createcluster.conf"
                return "\(quiet) && sudo apt-get install -y postgresql\(major.map { "-" + $0 } ?? "")"
            case "fedora", "rhel", "centos":
                return "sudo dnf install -y \(major.map { "postgresql\($0)-server" } ?? "postgresql-server")"
            case "arch": return "sudo pacman -S --noconfirm postgresql"
            case "alpine": return "sudo apk add postgresql\(major ?? "")"
            case "suse", "opensuse": return "sudo zypper install -y postgresql\(major ?? "")-server"
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
