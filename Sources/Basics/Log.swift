/// One logger value, passed down; a line is level, time and `key=value` pairs. Secrets can't get in by accident:
/// `Secret` prints as stars. The sink is the rim's (a file, or a test's array).
public struct Log: Sendable {
    public enum Level: Int, Sendable, Comparable {
        case debug, info, warning, error
        public static func < (left: Level, right: Level) -> Bool { left.rawValue < right.rawValue }
    }

    public let level: Level
    private let sink: @Sendable (Level, String) -> Void

    public init(level: Level, sink: @escaping @Sendable (Level, String) -> Void) {
        self.level = level
        self.sink = sink
    }

    public static let none = Log(level: .error) { _, _ in }

    /// - Parameter pairs: values are quoted when they hold a space, a quote or a control byte.
    public func log(_ level: Level, _ message: @autoclosure () -> String, _ pairs: KeyValuePairs<String, any CustomStringConvertible> = [:])
    {
        guard level >= self.level else { return }
        var line = message()
        for (key, value) in pairs { line += " \(key)=\(Log.quoted(value.description))" }
        sink(level, line)
    }

    public func debug(_ message: @autoclosure () -> String, _ pairs: KeyValuePairs<String, any CustomStringConvertible> = [:]) {
        log(.debug, message(), pairs)
    }
    public func info(_ message: @autoclosure () -> String, _ pairs: KeyValuePairs<String, any CustomStringConvertible> = [:]) {
        log(.info, message(), pairs)
    }
    public func warning(_ message: @autoclosure () -> String, _ pairs: KeyValuePairs<String, any CustomStringConvertible> = [:]) {
        log(.warning, message(), pairs)
    }
    public func error(_ message: @autoclosure () -> String, _ pairs: KeyValuePairs<String, any CustomStringConvertible> = [:]) {
        log(.error, message(), pairs)
    }

    static func quoted(_ text: String) -> String {
        let plain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7f }
        guard !plain else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result += scalar.value < 0x20 ? " " : String(Character(scalar))
            }
        }
        return result + "\""
    }
}
