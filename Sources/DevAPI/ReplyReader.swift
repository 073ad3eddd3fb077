internal import Basics
internal import HTTPWire

/// The answer to one call: JSON lines in an HTTP body.
struct ReplyReader<Answer: Decodable> {
    /// One line; exactly one key is there.
    private struct Line: Decodable {
        var progress: String?
        var line: String?
        var at: LogPosition?
        var result: Answer?
        var error: DevError?
    }

    /// Longest line taken: a list of thousands of instances fits.
    private static var limit: Int { 64 << 20 }

    private let path: String
    private var http: ResponseParser
    private var status = 0
    private var isComplete = false
    /// What HTTP has not taken yet.
    private var received: [UInt8] = []
    /// What is no whole line yet.
    private var rest: [UInt8] = []
    private(set) var answer: Answer?

    init(path: String) {
        self.path = path
        var limits = HTTPLimits()
        // A log is followed for days; its lines are bounded below.
        limits.body = Int.max
        http = ResponseParser(method: "POST", limits: limits)
    }

    mutating func feed(_ bytes: [UInt8], checksVersion: Bool, happened: (ControlEvent) -> Void) throws(DevError) {
        received += bytes
        var position = 0
        defer { received.removeFirst(position) }
        events: while !isComplete {
            switch http.next(received, &position) {
            case .needMore: break events
            case .head(let received):
                let head = received.head
                status = head.status
                if checksVersion, let version = head.headers[ControlProtocol.versionHeader], version != devdbVersion {
                    throw DevError(
                        .versionMismatch, "dev is version \(devdbVersion) and the daemon is \(version)", object: version,
                        help: "Run dev daemon restart (servers and their sessions live on)")
                }
            case .body(let range): rest += received[range]
            case .end: isComplete = true
            case .refused(let refusal): throw senseless(refusal.reason)
            }
        }
        while answer == nil, let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
            let line = Array(rest[..<end])
            rest.removeSubrange(...end)
            try take(line, happened)
        }
        guard rest.count <= Self.limit else { throw senseless("a line of the answer is longer than \(Self.limit) bytes") }
    }

    /// The connection ended. - Returns: nil when the answer is not there.
    mutating func end() throws(DevError) -> Answer? {
        guard isComplete else { return nil }
        if !rest.isEmpty {
            let line = rest
            rest = []
            try take(line) { _ in }
        }
        return answer
    }

    private mutating func take(_ bytes: [UInt8], _ happened: (ControlEvent) -> Void) throws(DevError) {
        guard bytes.contains(where: { $0 > 0x20 }) else { return }
        guard let line = try? JSONText.decode(Line.self, from: bytes) else {
            throw senseless("\(status) \(String(decoding: bytes.prefix(200), as: UTF8.self))")
        }
        if let error = line.error { throw error }
        if let text = line.progress { happened(.progress(text)) }
        if let text = line.line { happened(.line(text)) }
        if let position = line.at { happened(.position(position)) }
        if let result = line.result { answer = result }
    }

    private func senseless(_ cause: String) -> DevError {
        DevError(.daemonUnreachable, "The daemon's answer makes no sense", object: path, cause: cause, help: "Run dev daemon restart")
    }
}
