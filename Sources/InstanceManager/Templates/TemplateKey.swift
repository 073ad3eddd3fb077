internal import Basics

/// Names a template: one for each build of PostgreSQL and profile.
struct TemplateKey: Hashable, Sendable {
    /// Fit for a folder's name: "15-durable-0f3a…".
    let text: String

    /// A build is told by the path, version, time and size of its `postgres` and the time of its catalogue script.
    init?(_ toolchain: Toolchain, profile: String) {
        guard let stamp = Paths.stamp(toolchain.postgres) else { return nil }
        let catalogue = [
            "../share/postgres.bki", "../share/postgresql/postgres.bki", "../../../share/postgresql/\(toolchain.major)/postgres.bki",
        ]
        .lazy.compactMap { Paths.stamp(toolchain.bin + "/" + $0) }.first
        let build = "\(toolchain.bin)\n\(toolchain.version)\n\(stamp.text)\n\(catalogue?.text ?? "")\n\(TemplateKey.recipe)"
        text = "\(toolchain.major)-\(profile)-\(TemplateKey.hash(build))"
    }

    /// Raised when `Template` makes its folders in another way.
    private static let recipe = 1

    /// FNV-1a, 64 bit: tells builds apart, protects nothing.
    private static func hash(_ text: String) -> String {
        var value: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
