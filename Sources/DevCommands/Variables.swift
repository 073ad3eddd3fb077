internal import DevAPI

/// The environment by which programs find an instance, in the order it is printed.
enum Variables {
    static func of(_ facts: InstanceFacts, prisma: Bool = false) -> [(key: String, value: String)] {
        [
            ("PGHOST", "localhost"), ("PGPORT", String(facts.port)), ("PGDATABASE", facts.database), ("PGUSER", facts.user),
            ("PGPASSWORD", facts.password), ("PGSSLMODE", "disable"), ("DATABASE_URL", prisma ? facts.prismaUrl : facts.url),
            ("SHADOW_DATABASE_URL", facts.shadowUrl),
        ]
    }

    /// The caller's environment with these in it.
    static func merged(_ facts: InstanceFacts, into environment: [String: String]) -> [String: String] {
        var result = environment
        for (key, value) in of(facts) { result[key] = value }
        // They would win over PGHOST in libpq.
        result["PGHOSTADDR"] = nil
        result["PGSERVICE"] = nil
        return result
    }
}
