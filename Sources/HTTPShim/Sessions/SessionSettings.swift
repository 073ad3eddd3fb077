/// What every session of the HTTP side is set to (query plan specification §7.4): texts are read by rules that hold only so.
enum SessionSettings {
    /// For libpq's `options`; values have no blanks.
    static let options = [
        "TimeZone=UTC", "DateStyle=ISO", "IntervalStyle=postgres", "bytea_output=hex", "extra_float_digits=1", "lc_messages=C",
        "lc_monetary=C", "client_min_messages=error",
    ].map { "-c \($0)" }.joined(separator: " ")
}
