internal import Basics
internal import DevAPI

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Tells the `dev` that started us, through the descriptor in DEVDB_READY_FD, that we serve or why we can't. Once.
final class ReadyNotice: Sendable {
    private let descriptor: Int32

    init(environment: [String: String]) {
        guard let number = environment[ControlProtocol.readyVariable].flatMap({ Int32($0) }), number > 2,
            fcntl(number, F_SETFD, FD_CLOEXEC) == 0
        else {
            descriptor = -1
            return
        }
        descriptor = number
        unsetenv(ControlProtocol.readyVariable)
    }

    func send(_ report: ReadyReport) {
        guard descriptor >= 0 else { return }
        var line = report.line
        line.withUTF8 { bytes in
            #if canImport(Darwin)
                _ = Darwin.write(descriptor, bytes.baseAddress, bytes.count)
            #else
                _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            #endif
        }
        Descriptor.close(descriptor)
    }
}
