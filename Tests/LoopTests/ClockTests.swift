import Basics
import Loop
import Testing

@Suite(.timeLimit(.minutes(1))) struct ClockTests {
    @Test func sleepsUntilTheDeadlineAndNotShorter() async throws {
        try await LoopThread.run { loop in
            let clock = loop.clock
            for delay in [0, 1, 3, 17] {
                let begin = clock.now
                try await clock.sleep(until: begin + .milliseconds(delay))
                #expect(clock.now - begin >= .milliseconds(delay))
            }
            try await clock.sleep(until: clock.now - .seconds(5))
        }
    }

    @Test func sleepersWakeInTheOrderOfTheirDeadlines() async throws {
        let order = try await LoopThread.run { loop in
            let clock = loop.clock
            let begin = clock.now
            return await withTaskGroup(of: Int.self) { group in
                for delay in [30, 10, 20] {
                    group.addTask {
                        try? await clock.sleep(until: begin + .milliseconds(delay))
                        return delay
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(order == [10, 20, 30])
    }

    @Test func cancellationEndsASleep() async throws {
        try await LoopThread.run { loop in
            let onLoop = loop.task { _ = await #expect(throws: CancellationError.self) { try await loop.clock.sleep(for: .seconds(3600)) } }
            let elsewhere = Task.detached {
                _ = await #expect(throws: CancellationError.self) { try await loop.clock.sleep(for: .seconds(3600)) }
            }
            await Task.yield()
            onLoop.cancel()
            elsewhere.cancel()
            await onLoop.value
            await elsewhere.value
            let before = loop.task { _ = await #expect(throws: CancellationError.self) { try await loop.clock.sleep(for: .seconds(3600)) } }
            before.cancel()
            await before.value
        }
    }

    @Test func theEndOfTheLoopEndsASleep() async throws {
        let loop = try Loop()
        let task = loop.task { _ = await #expect(throws: CancellationError.self) { try await loop.clock.sleep(for: .seconds(3600)) } }
        let end = try LoopThread.start(loop)
        await loop.task {}.value
        loop.stop()
        await task.value
        await end.value
        await #expect(throws: CancellationError.self) { try await loop.clock.sleep(for: .seconds(1)) }
    }

    @Test func ownersMayBeGenericOverTheClock() async throws {
        func later<C: Clock>(_ clock: C) -> C.Instant where C.Instant == ContinuousClock.Instant { clock.now + .seconds(1) }
        try await LoopThread.run { loop in #expect(later(loop.clock) > later(ContinuousClock()) - .seconds(1)) }
    }

    @Test func aTimerFiresOnceAndCanBeReplacedAndStopped() async throws {
        try await LoopThread.run { loop in
            let log = Record()
            let first = TimerHandle(loop: loop)
            let second = TimerHandle(loop: loop)
            first.start(after: .milliseconds(1)) { log.add("replaced") }
            first.start(after: .milliseconds(2)) { log.add("first") }
            second.start(after: .milliseconds(1)) { log.add("stopped") }
            second.stop()
            try await loop.clock.sleep(for: .milliseconds(20))
            #expect(log.lines == ["first"])
            first.start(after: .seconds(100)) { log.add("closed") }
            first.close()
            first.close()
            first.start(after: .zero) { log.add("after close") }
            try await loop.clock.sleep(for: .milliseconds(5))
            #expect(log.lines == ["first"])
        }
    }
}
