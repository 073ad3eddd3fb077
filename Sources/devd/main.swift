internal import DevServer

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

var environment: [String: String] = [:]
var entry = environ
while let text = entry.pointee {
    let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    if pair.count == 2 { environment[String(pair[0])] = String(pair[1]) }
    entry += 1
}
exit(DaemonMain.run(arguments: Array(CommandLine.arguments.dropFirst()), environment: environment))
