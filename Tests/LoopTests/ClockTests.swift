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
        try await LoopThread.run { loop in
            // On a busy machine the first deadline may have passed before the last sleep begins: again, with more room.
            for unit in [10, 100, 1000] {
                let begin = loop.clock.now
                let record = Record()
                let sleepers = [3, 1, 2].map { number in
                    loop.task {
                        try? await loop.clock.sleep(until: begin + .milliseconds(unit * number))
                        record.add("\(number)")
                    }
                }
                await loop.turn()
                await loop.turn()
                let begunInTime = loop.clock.now < begin + .milliseconds(unit) && record.lines.isEmpty
                // All are due when the loop looks at its timers again.
                while loop.clock.now < begin + .milliseconds(unit * 3 + 5) {}
                for sleeper in sleepers { await sleeper.value }
                guard begunInTime else { continue }
                #expect(record.lines == ["1", "2", "3"])
                return
            }
            Issue.record("the machine is too busy to tell")
        }
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
