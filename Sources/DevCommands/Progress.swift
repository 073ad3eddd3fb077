internal import Basics
internal import DevAPI

/// The daemon's progress lines on a terminal: shown when a call takes longer than 300 ms, and gone when it ends.
final class Progress {
    static let delay = 0.3
    private static let wheel = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")

    private let context: Context
    private let begin: Double
    private var text = "Working"
    private var isShown = false
    private var turn = 0
    private var saidSilent = false

    init(_ context: Context) {
        self.context = context
        begin = context.now()
    }

    /// - Parameter interrupt: see `CallObserver`.
    func observer(interrupt: Int32 = -1) -> CallObserver {
        // Without a terminal nothing has to be drawn, so nobody wakes up.
        CallObserver(tick: context.terminal.isError ? 100 : -1, interrupt: interrupt) { event in self.happened(event) }
    }

    private func happened(_ event: ControlEvent) {
        switch event {
        case .progress(let text):
            self.text = text
            if context.debug, !context.terminal.isError { context.err("debug: \(text)\n") }
            draw()
        case .tick:
            turn += 1
            draw()
        case .silent(let text):
            self.text = text
            // In a pipe too, once: else a command that hangs says nothing.
            if !context.terminal.isError, !saidSilent { context.err("\(text)\n") }
            saidSilent = true
            draw()
        case .line, .position: break
        }
    }

    private func draw() {
        let seconds = context.now() - begin
        guard context.terminal.isError, seconds >= Self.delay else { return }
        isShown = true
        let line = "\(Self.wheel[turn % Self.wheel.count]) \(text) … \(Int(seconds * 10) / 10).\(Int(seconds * 10) % 10) s"
        context.err("\r\u{1b}[K" + line.prefix(max(context.terminal.columns - 1, 20)))
    }

    /// Leaves the terminal's line as it was.
    func clear() {
        guard isShown else { return }
        isShown = false
        context.err("\r\u{1b}[K")
    }
}
