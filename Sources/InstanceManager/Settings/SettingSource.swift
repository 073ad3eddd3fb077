/// Which of our settings PostgreSQL complains of, and where the person has set it: `devdb.conf`, which it names, is written anew
/// before each start, so that correcting it there is in vain.
struct SettingSource {
    var setting: String
    /// Path of a `dev.toml`; nil: `dev config` or a flag of `dev up`.
    var file: String?

    /// - Parameter sources: names of settings with their files.
    init?(of said: String, _ sources: [String: String?]) {
        let words = said.split { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") }.map { $0.lowercased() }
        let names = Dictionary(sources.keys.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
        guard let name = words.compactMap({ names[$0] }).first else { return nil }
        setting = name
        file = sources[name] ?? nil
    }

    func rewritten(_ said: String) -> String {
        var text = said
        if let start = text.firstRange(of: " in file \"")?.lowerBound, let end = text[start...].firstRange(of: "/devdb.conf\" line ") {
            let rest = text[end.upperBound...].drop { $0.isNumber }
            text = String(text[..<start] + rest)
        }
        return text + " (" + (file.map { "[settings] \(setting) in \($0)" } ?? "settings.\(setting) of dev config") + ")"
    }

    func help(_ name: String) -> String {
        if let file { return "Correct \(file) and run dev up \(name)" }
        return "Run dev config unset settings.\(setting) -n \(name), or set it to what can be; the next connection tries again"
    }
}
