/// The environment of PostgreSQL's programs: an allow-list, so that the shell in which the daemon was started has
/// no say in how databases behave.
enum ServerEnvironment {
    static func values(home: String) -> [String: String] {
        ["PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "LC_ALL": "C.UTF-8", "TZ": "UTC", "PGTZ": "UTC"]
    }
}
