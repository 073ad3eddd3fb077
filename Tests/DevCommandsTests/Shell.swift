import Foundation

enum Shell {
    /// - Returns: the exit status, and standard output with standard error.
    static func run(_ script: String, shell: String = "/bin/sh", environment: [String: String] = [:]) throws -> (Int32, String) {
        let process = Process()
        process.executableURL = URL(filePath: shell)
        process.arguments = ["-c", script]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    /// The `dev` that was built with these tests.
    static var dev: String {
        let runner = CommandLine.arguments.first ?? ""
        let candidates = [Bundle.main.bundlePath, (runner as NSString).deletingLastPathComponent, ".build/debug"].map { $0 + "/dev" }
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? ".build/debug/dev"
    }
}
