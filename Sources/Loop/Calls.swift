#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

// System calls under other names than the methods that make them, and constants whose types differ between systems.

@inline(__always)
func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int { read(descriptor, buffer, count) }

#if canImport(Darwin)
    let socketStream = SOCK_STREAM
#else
    let socketStream = Int32(SOCK_STREAM.rawValue)
#endif
let messagePeek = Int32(MSG_PEEK)

extension Loop {
    /// Never retried: after EINTR the descriptor is gone all the same.
    static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
            _ = Darwin.close(descriptor)
        #else
            _ = Glibc.close(descriptor)
        #endif
    }
}
