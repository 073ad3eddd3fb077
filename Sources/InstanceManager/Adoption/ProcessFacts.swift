#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// What the kernel says of a process.
struct ProcessFacts: Equatable, Sendable {
    var pid: Int32
    var parent: Int32
    /// When it began, in the kernel's own count: with the pid it names a process for as long as the machine runs,
    /// whatever becomes of the clock.
    var started: String
    var executable: String
    var workingDirectory: String

    static func isAlive(_ pid: Int32) -> Bool { pid > 0 && (kill(pid, 0) == 0 || errno == EPERM) }
}

#if os(Linux)
    extension ProcessFacts {
        /// nil when it has gone, is a zombie, or is not ours to look at.
        static func of(_ pid: Int32) -> ProcessFacts? {
            guard pid > 0, let stat = Paths.readText("/proc/\(pid)/stat", limit: 4096),
                // The name is in brackets and may hold anything, brackets too: fields count from the last one.
                let close = stat.lastIndex(of: ")")
            else { return nil }
            let fields = stat[stat.index(after: close)...].split(separator: " ")
            guard fields.count > 19, fields[0] != "Z", fields[0] != "X", let parent = Int32(fields[1]),
                var executable = Paths.link("/proc/\(pid)/exe"), let directory = Paths.link("/proc/\(pid)/cwd")
            else { return nil }
            // After an upgrade of the package the old program runs on without a name.
            if executable.hasSuffix(" (deleted)") { executable.removeLast(" (deleted)".count) }
            return ProcessFacts(
                pid: pid, parent: parent, started: "\(machineStart).\(fields[19])", executable: executable, workingDirectory: directory)
        }

        /// All processes of the machine.
        static func pids() -> [Int32] { Paths.list("/proc").compactMap { Int32($0) } }

        /// Names the machine's life since its last start.
        static let machineStart = String(
            (Paths.readText("/proc/sys/kernel/random/boot_id", limit: 64) ?? "").prefix { !$0.isNewline })

        /// Name of the program, for messages.
        static func name(_ pid: Int32) -> String? {
            Paths.readText("/proc/\(pid)/comm", limit: 64).map { String($0.prefix { !$0.isNewline }) }
        }
    }
#else
    extension ProcessFacts {
        static func of(_ pid: Int32) -> ProcessFacts? {
            var info = proc_bsdinfo()
            let size = Int32(MemoryLayout<proc_bsdinfo>.size)
            guard pid > 0, proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, size) == size, info.pbi_status != UInt32(SZOMB) else { return nil }
            var path = [CChar](repeating: 0, count: 4096)
            guard proc_pidpath(pid, &path, UInt32(path.count)) > 0 else { return nil }
            var vnode = proc_vnodepathinfo()
            let vnodeSize = Int32(MemoryLayout<proc_vnodepathinfo>.size)
            guard proc_pidinfo(pid, PROC_PIDVNODEPATHINFO, 0, &vnode, vnodeSize) == vnodeSize else { return nil }
            let directory = withUnsafeBytes(of: vnode.pvi_cdir.vip_path) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            return ProcessFacts(
                pid: pid, parent: Int32(bitPattern: info.pbi_ppid), started: "\(info.pbi_start_tvsec).\(info.pbi_start_tvusec)",
                executable: String(decoding: path.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self),
                workingDirectory: directory)
        }

        /// Names the machine's life since its last start.
        static let machineStart: String = {
            var time = timeval()
            var size = MemoryLayout<timeval>.size
            var name: [Int32] = [CTL_KERN, KERN_BOOTTIME]
            guard sysctl(&name, 2, &time, &size, nil, 0) == 0 else { return "" }
            return "\(time.tv_sec).\(time.tv_usec)"
        }()

        static func pids() -> [Int32] {
            var list = [pid_t](repeating: 0, count: 8192)
            let bytes = proc_listallpids(&list, Int32(list.count * MemoryLayout<pid_t>.size))
            return bytes > 0 ? Array(list.prefix(Int(bytes))) : []
        }

        static func name(_ pid: Int32) -> String? {
            var name = [CChar](repeating: 0, count: 256)
            return proc_name(pid, &name, UInt32(name.count)) > 0
                ? String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
        }
    }
#endif
