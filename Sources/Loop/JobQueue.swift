/// First in, first out; keeps its memory, so that a busy loop does not allocate.
struct JobQueue {
    private var jobs: [UnownedJob] = []
    private var head = 0

    var isEmpty: Bool { head == jobs.count }

    @inline(__always)
    mutating func append(_ job: UnownedJob) { jobs.append(job) }

    @inline(__always)
    mutating func popFirst() -> UnownedJob? {
        guard head < jobs.count else { return nil }
        let job = jobs[head]
        head += 1
        if head == jobs.count {
            jobs.removeAll(keepingCapacity: jobs.count <= 4096)
            head = 0
        } else if head >= 1024, head * 2 > jobs.count {
            // A queue that never runs dry.
            jobs.removeFirst(head)
            head = 0
        }
        return job
    }
}
