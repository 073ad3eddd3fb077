import Basics
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite struct PosixErrorTests {
    @Test(arguments: [
        (EMFILE, DevErrorCode.descriptors), (ENFILE, .descriptors), (EADDRINUSE, .portTaken), (ENOSPC, .diskFull),
        (EROFS, .readOnly), (EACCES, .system), (ECONNRESET, .system), (-EMFILE, .descriptors), (Int32.min, .system),
    ])
    func codes(number: Int32, code: DevErrorCode) {
        let error = posixError("open", object: "/x", errno: number)
        #expect(error.code == code)
        #expect(error.object == "/x")
        #expect(error.cause?.hasPrefix("open: ") == true)
    }
}
