import Basics
import Loop
import Testing

/// An actor as the daemon's are: on the loop.
private actor Counter {
    private let loop: Loop
    private let timer: TimerHandle
    private(set) var value = 0
    private(set) var wasOnLoop = true
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    init(_ loop: Loop) {
        self.loop = loop
        timer = TimerHandle(loop: loop)
    }

    func add() {
        value += 1
        if !loop.isCurrent { wasOnLoop = false }
    }

    func addThroughTimer() async {
        await withCheckedContinuation { continuation in
            timer.start(after: .milliseconds(1)) {
                // A body formed in an actor is the actor's: callbacks on the loop may touch its state.
                self.add()
                self.assumeIsolated { $0.add() }
                continuation.resume()
            }
        }
    }
}

@Suite(.timeLimit(.minutes(1))) struct ExecutorTests {
    @Test func tasksRunInTheOrderTheyWereStarted() async throws {
        let order = try await LoopThread.run { loop in
            let (stream, out) = AsyncStream.makeStream(of: Int.self)
            let tasks = (0..<500).map { number in loop.task { _ = out.yield(number) } }
            for task in tasks { await task.value }
            out.finish()
            return await stream.reduce(into: []) { $0.append($1) }
        }
        #expect(order == Array(0..<500))
    }

    @Test func actorsAndChildTasksStayOnTheLoop() async throws {
        try await LoopThread.run { loop in
            #expect(loop.isCurrent)
            let counter = Counter(loop)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        #expect(loop.isCurrent)
                        await counter.add()
                        await Task.yield()
                        #expect(loop.isCurrent)
                    }
                }
            }
            async let child = loop.isCurrent
            #expect(await child)
            await counter.addThroughTimer()
            #expect(await counter.value == 102)
            #expect(await counter.wasOnLoop)
            try await loop.clock.sleep(for: .milliseconds(1))
            #expect(loop.isCurrent)
        }
    }

    @Test func otherThreadsMayEnqueue() async throws {
        let loop = try Loop()
        let end = try LoopThread.start(loop)
        let counter = Counter(loop)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<1000 { await counter.add() } }
            }
        }
        #expect(await counter.value == 8000)
        #expect(await counter.wasOnLoop)
        #expect(!loop.isCurrent)
        loop.stop()
        await end.value
        #expect(!loop.perform {})
    }

    @Test func workMayWaitBeforeTheLoopRuns() async throws {
        let loop = try Loop()
        let task = loop.task { loop.isCurrent }
        let end = try LoopThread.start(loop)
        #expect(await task.value)
        loop.stop()
        await end.value
    }

    @Test func blockingWorkLeavesTheLoopAndComesBack() async throws {
        try await LoopThread.run { loop in
            let offLoop = try await loop.blocking { () throws(DevError) in !loop.isCurrent }
            #expect(offLoop)
            #expect(loop.isCurrent)
            await #expect(throws: DevError(.failed, "no", object: "x")) {
                try await loop.blocking { () throws(DevError) in throw DevError(.failed, "no", object: "x") }
            }
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask { (try? await loop.blocking { number }) ?? -1 }
                }
                var sum = 0
                for await number in group { sum += number }
                #expect(sum == 4950)
            }
        }
        let loop = try Loop()
        loop.stop()
        await (try LoopThread.start(loop)).value
        await #expect(throws: DevError.self) { try await loop.blocking { 1 } }
    }

    @Test func aTaskThatNeverWaitsLetsOthersThrough() async throws {
        try await LoopThread.run { loop in
            let spinner = loop.task { while !Task.isCancelled { await Task.yield() } }
            try await loop.clock.sleep(for: .milliseconds(5))
            #expect(try await loop.blocking { 7 } == 7)
            spinner.cancel()
            await spinner.value
        }
    }
}
