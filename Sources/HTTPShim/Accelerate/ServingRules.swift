internal import Basics

/// What a person has set for the HTTP side of an instance: the hosted service's limits, so that its errors can be met at home,
/// and trouble on purpose. All of it off unless set. Keys and values are those of `dev config`.
public struct ServingRules: Sendable, Equatable {
    /// Of one query, with its wait for a session: 422 `P6004`; the statement is cancelled.
    public private(set) var queryTimeout: Duration?
    /// Bytes of one answer: 413 `P6009`.
    public private(set) var responseSize: Int?
    /// What the timeout of an interactive transaction is at most: `P2028`, as for its own.
    public private(set) var transactionDuration: Duration?
    /// Queries and starts of transactions: 429 `P5011`; invalidations: 429 `P6003`.
    public private(set) var requestsPerSecond: Int?
    /// Sessions at once with each database: 503 `P6008` for who got none within ten seconds.
    public private(set) var connections: Int?
    /// Before each request.
    public private(set) var latency: Duration?
    /// The share of requests that fail with 500 `P6000`, from 0 to 1.
    public private(set) var failing: Double?

    static let none = ServingRules()

    /// - Parameter settings: checked before; what makes no sense is as if it were not there.
    public init(_ settings: [String: String] = [:]) {
        for (key, value) in settings { _ = apply(key, value) }
    }

    /// - Returns: what a value of that key is; nil when this one is one. Keys that there are not have none.
    public static func complaint(_ key: String, _ value: String) -> String? {
        var rules = ServingRules()
        guard !rules.apply(key, value) else { return nil }
        return switch ServingKey(rawValue: key) {
        case .failing: "a share such as 10%"
        case .latency, .queryTimeout, .transactionDuration: "a time such as 200ms, 10s, 5m; at most 1h"
        case .responseSize: "a size such as 5MB, 512KiB"
        case .connections: "a number from 1 to 1000"
        case .requestsPerSecond, nil: "a number from 1 to 1000000"
        }
    }

    /// - Returns: whether the value makes sense.
    private mutating func apply(_ key: String, _ value: String) -> Bool {
        switch ServingKey(rawValue: key) {
        case .failing:
            failing = ServingRules.share(value)
            return failing != nil
        case .latency:
            latency = ServingRules.time(value)
            return latency != nil
        case .queryTimeout:
            queryTimeout = ServingRules.time(value)
            return queryTimeout != nil
        case .transactionDuration:
            transactionDuration = ServingRules.time(value)
            return transactionDuration != nil
        case .responseSize:
            responseSize = ServingRules.size(value)
            return responseSize != nil
        case .connections:
            connections = ServingRules.number(value, 1...1000).map { Int($0) }
            return connections != nil
        case .requestsPerSecond:
            requestsPerSecond = ServingRules.number(value, 1...1_000_000).map { Int($0) }
            return requestsPerSecond != nil
        case nil: return false
        }
    }

    // MARK: Values

    /// Digits alone, with one dot at most where `decimals` are allowed.
    private static func number(_ text: some StringProtocol, _ range: ClosedRange<Double>, decimals: Bool = false) -> Double? {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) || decimals && $0 == 0x2E }),
            let number = Double(text), range.contains(number)
        else { return nil }
        return number
    }

    private static func split(_ text: String) -> (number: Substring, unit: Substring) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return (number, text[number.endIndex...].drop { $0 == " " })
    }

    private static func time(_ text: String) -> Duration? {
        let (digits, unit) = split(text)
        let units = ["ms": 1.0, "s": 1000, "m": 60_000, "h": 3_600_000]
        guard let factor = units[String(unit)], let number = number(digits, 0...3_600_000, decimals: true) else { return nil }
        let milliseconds = (number * factor).rounded()
        return (1...3_600_000).contains(milliseconds) ? .milliseconds(Int64(milliseconds)) : nil
    }

    private static func size(_ text: String) -> Int? {
        let (digits, unit) = split(text)
        let units = ["": 1.0, "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1024, "MiB": 1_048_576, "GiB": 1_073_741_824]
        guard let factor = units[String(unit)], let number = number(digits, 0...1e11, decimals: true) else { return nil }
        let bytes = (number * factor).rounded(.down)
        return (1...1e12).contains(bytes) ? Int(bytes) : nil
    }

    private static func share(_ text: String) -> Double? {
        guard text.last == "%", let percent = number(text.dropLast(), 0...100, decimals: true), percent > 0 else { return nil }
        return percent / 100
    }
}
