public import Basics
internal import CUV

/// A signal to this process, such as SIGTERM. Confined to its loop's thread.
public final class SignalHandle {
    private let core: SignalCore

    /// - Throws: `DevError` `system` for a signal that can't be caught.
    public init(loop: Loop, signal: Int32, _ body: @escaping () -> Void) throws(DevError) {
        core = SignalCore(loop: loop)
        try core.start(signal: signal, body)
    }

    deinit { core.close() }
    public func close() { core.closeNow() }
}

private final class SignalCore: HandleCore, @unchecked Sendable {
    private var body: (() -> Void)?

    func start(signal: Int32, _ body: @escaping () -> Void) throws(DevError) {
        try open(UV_SIGNAL, "uv_signal_init", object: "signal \(signal)") {
            uv_signal_init(loop.uv, $0.assumingMemoryBound(to: uv_signal_t.self))
        }
        self.body = body
        let status = uv_signal_start(
            pointer(uv_signal_t.self),
            { handle, _ in
                guard let data = handle?.pointee.data else { return }
                Unmanaged<SignalCore>.fromOpaque(data).takeUnretainedValue().body?()
            }, signal)
        guard status == 0 else {
            closeNow()
            throw posixError("uv_signal_start", object: "signal \(signal)", errno: status)
        }
    }

    override func didClose() { body = nil }
}
