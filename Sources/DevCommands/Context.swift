internal import Basics
public import DevAPI

/// Everything a command may touch of the world, as one value passed down: tests make their own, and there are no globals.
public struct Context {
    public var environment: [String: String]
    /// Absolute.
    public var directory: String
    public var terminal: Terminal
    public var client: ControlClient
    /// Standard output and standard error; they don't add line feeds.
    public var out: (String) -> Void
    public var err: (String) -> Void
    /// Standard output's descriptor, to notice that its reader has left; -1 for none.
    public var output: Int32 = -1
    /// A line of standard input without its end; nil at the end of input.
    public var readLine: () -> String?
    /// Replaces this process (execve): path, arguments with the program's name, environment. Returns only when it fails,
    /// with the error's number.
    public var replaceProcess: (String, [String], [String: String]) -> Int32
    /// A descriptor that can be read after Ctrl-C or a request to end, which then no longer kill; -1 for none. Asked for by the one
    /// command that cleans up after them.
    public var catchInterrupts: () -> Int32
    /// Ends the process after so many seconds: a shell that waits for completions must never hang.
    public var giveUpAfter: (UInt32) -> Void
    /// Seconds on a clock that is never set.
    public var now: () -> Double
    /// `--debug` was given.
    public var debug = false

    public struct Terminal: Sendable {
        public var isInput: Bool
        public var isOutput: Bool
        public var isError: Bool
        public var columns: Int
        public init(isInput: Bool, isOutput: Bool, isError: Bool, columns: Int) {
            self.isInput = isInput
            self.isOutput = isOutput
            self.isError = isError
            self.columns = columns
        }
    }

    public init(
        environment: [String: String], directory: String, terminal: Terminal, client: ControlClient, out: @escaping (String) -> Void,
        err: @escaping (String) -> Void, readLine: @escaping () -> String?,
        replaceProcess: @escaping (String, [String], [String: String]) -> Int32, catchInterrupts: @escaping () -> Int32,
        giveUpAfter: @escaping (UInt32) -> Void, now: @escaping () -> Double
    ) {
        self.environment = environment
        self.directory = directory
        self.terminal = terminal
        self.client = client
        self.out = out
        self.err = err
        self.readLine = readLine
        self.replaceProcess = replaceProcess
        self.catchInterrupts = catchInterrupts
        self.giveUpAfter = giveUpAfter
        self.now = now
    }
}

extension Context {
    /// https://no-color.org, and terminals that know no sequences.
    private var wantsColours: Bool { (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb" }
    var coloursOutput: Bool { terminal.isOutput && wantsColours }
    var coloursError: Bool { terminal.isError && wantsColours }

    /// A call of the daemon, with progress on a terminal.
    func call<Answer: Decodable>(_ path: String, _ request: some Encodable, as type: Answer.Type = Answer.self) throws(DevError) -> Answer {
        let progress = Progress(self)
        defer { progress.clear() }
        let begin = now()
        let answer = try client.call(path, request, as: type, observer: progress.observer())
        if debug {
            progress.clear()
            err("debug: \(path) took \(Int((now() - begin) * 1000)) ms over \(client.layout.controlSocket)\n")
        }
        return answer
    }

    func printJSON(_ value: some Encodable) throws(DevError) {
        do { out(try JSONText.pretty(value) + "\n") } catch {
            throw DevError(.internal, "The answer could not be written as JSON", object: "json", cause: "\(error)")
        }
    }

    /// On one line, for a variable.
    func printJSONLine(_ value: some Encodable) throws(DevError) {
        do { out(try JSONText.compact(value) + "\n") } catch {
            throw DevError(.internal, "The answer could not be written as JSON", object: "json", cause: "\(error)")
        }
    }

    /// Prose that accompanies what was done: on standard output, or beside it when that is JSON.
    func say(_ text: String, json: Bool) { json ? err(text + "\n") : out(text + "\n") }
}
