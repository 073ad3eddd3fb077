internal import Basics

extension InstanceMachine {
    /// - Parameter now: seconds of a monotonic clock.
    mutating func apply(_ event: Event, now: Double) -> [Action] {
        switch event {
        case .created: created()
        case .creationFailed(let error): creationFailed(error)
        case .clientArrived(let waiter): clientArrived(waiter)
        case .clientLeft(let waiter): clientLeft(waiter)
        case .stopAsked(let waiter): stopAsked(waiter)
        case .removeAsked(let waiter): removeAsked(waiter)
        case .repairAsked: repairAsked()
        case .launched(let attempt): attempt == self.attempt ? launched() : []
        case .launchFailed(let attempt, let failure): attempt == self.attempt ? launchFailed(failure, now: now) : []
        case .becameReady(let attempt): attempt == self.attempt ? becameReady() : []
        case .recoveryNoticed(let attempt): attempt == self.attempt ? recoveryNoticed() : []
        case .exited(let attempt, let clean, let failure):
            attempt == self.attempt ? exited(failure, clean: clean, now: now) : []
        case .retryDelayPassed(let attempt): attempt == self.attempt ? retryDelayPassed() : []
        case .idleDeadlinePassed(let attempt): attempt == self.attempt ? idleDeadlinePassed() : []
        case .idlenessAnswered(let attempt, let idle): attempt == self.attempt ? idlenessAnswered(idle) : []
        case .stopPrepared(let number): number == stops ? stopPrepared() : []
        case .stopDeadlinePassed(let number): number == stops ? stopDeadlinePassed() : []
        case .stopFinished(let number): number == stops ? stopFinished() : []
        case .causeChecked(let changed): causeChecked(changed, now: now)
        case .removed: removed()
        case .removeFailed(let error): removeFailed(error)
        }
    }

    // MARK: Creation and removal

    private mutating func created() -> [Action] {
        switch state {
        case .creating(let clients):
            guard clients.isEmpty else { return launch(for: clients) }
            state = .stopped
            return []
        case .absent, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func creationFailed(_ error: DevError) -> [Action] {
        switch state {
        case .creating(let clients):
            state = .absent
            return refusal(clients, error)
        case .absent, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func removeAsked(_ waiter: Waiter) -> [Action] {
        switch state {
        case .absent: return [.refuse([waiter], gone)]
        case .stopped:
            state = .deleting(removers: [waiter])
            return [.remove]
        case .broken(let broken):
            state = .deleting(removers: [waiter])
            return refusal(broken.clients, gone) + [.remove]
        case .deleting(let removers):
            state = .deleting(removers: removers + [waiter])
            return []
        case .creating, .starting, .recovering, .running, .stopping: return [.refuse([waiter], mustStopFirst)]
        }
    }

    private mutating func removed() -> [Action] {
        switch state {
        case .deleting(let removers):
            state = .absent
            return [.answer(removers)]
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .broken: return []
        }
    }

    private mutating func removeFailed(_ error: DevError) -> [Action] {
        switch state {
        case .deleting(let removers):
            // It may have been broken; a person was at it, as with a repair.
            budget.clear()
            state = .stopped
            return [.refuse(removers, error)]
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .broken: return []
        }
    }

    // MARK: Clients

    private mutating func clientArrived(_ waiter: Waiter) -> [Action] {
        switch state {
        case .absent, .deleting: return [.refuse([waiter], gone)]
        case .creating(let clients):
            state = .creating(clients: clients + [waiter])
            return []
        case .stopped: return launch(for: [waiter])
        case .starting(var starting):
            starting.clients.append(waiter)
            state = .starting(starting)
            return []
        case .recovering(var recovering):
            recovering.clients.append(waiter)
            state = .recovering(recovering)
            return []
        case .running: return [.release([waiter])]
        case .stopping(var stopping):
            if stopping.phase == .preparing, stopping.idle {
                // Nothing was signalled: going to sleep is called off, and a late `stopPrepared` meets another number.
                stops += 1
                state = .running
                return [.release(stopping.clients + [waiter]), .armIdleDeadline(attempt: attempt)]
            }
            stopping.clients.append(waiter)
            state = .stopping(stopping)
            return []
        case .broken(var broken):
            broken.clients.append(waiter)
            state = .broken(broken)
            return broken.clients.count == 1 ? [.checkCause] : []
        }
    }

    /// The client gave up: it is not held any more. What was begun for it goes on; an unused server falls asleep.
    private mutating func clientLeft(_ waiter: Waiter) -> [Action] {
        switch state {
        case .absent, .stopped, .running, .deleting: break
        case .creating(let clients): state = .creating(clients: clients.filter { $0 != waiter })
        case .starting(var starting):
            starting.clients.removeAll { $0 == waiter }
            state = .starting(starting)
        case .recovering(var recovering):
            recovering.clients.removeAll { $0 == waiter }
            state = .recovering(recovering)
        case .stopping(var stopping):
            stopping.clients.removeAll { $0 == waiter }
            state = .stopping(stopping)
        case .broken(var broken):
            // The look at the cause goes on; its answer must find the place kept.
            broken.clients.removeAll { $0 == waiter }
            state = .broken(broken)
        }
        return []
    }

    // MARK: Coming up

    private mutating func launched() -> [Action] {
        switch state {
        case .starting(var starting) where starting.phase == .launching:
            if starting.stopWanted {
                return signalStop(clients: starting.clients, stoppers: starting.stoppers)
            }
            starting.phase = .launched
            state = .starting(starting)
            return []
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func launchFailed(_ failure: ServerFailure, now: Double) -> [Action] {
        switch state {
        case .starting(let starting) where starting.phase == .launching:
            return failed(failure, clients: starting.clients, stoppers: starting.stoppers, again: false, now: now)
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func becameReady() -> [Action] {
        switch state {
        case .starting(let starting) where starting.phase == .launched:
            return run(releasing: starting.clients)
        case .recovering(let recovering): return run(releasing: recovering.clients)
        case .absent, .creating, .stopped, .starting, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func run(releasing clients: [Waiter]) -> [Action] {
        state = .running
        return (clients.isEmpty ? [] : [.release(clients)]) + [.armIdleDeadline(attempt: attempt)]
    }

    private mutating func recoveryNoticed() -> [Action] {
        switch state {
        case .starting(let starting) where starting.phase == .launched:
            state = .recovering(Recovering(clients: starting.clients))
        case .running: state = .recovering(Recovering(clients: []))
        case .stopping(let stopping) where stopping.phase == .preparing && stopping.idle:
            // Going to sleep is called off: after a crash somebody may want to see what is left.
            stops += 1
            state = .recovering(Recovering(clients: stopping.clients))
        case .absent, .creating, .stopped, .starting, .recovering, .stopping, .deleting, .broken: break
        }
        return []
    }

    private mutating func retryDelayPassed() -> [Action] {
        switch state {
        case .starting(var starting) where starting.phase == .delayed:
            starting.phase = .launching
            state = .starting(starting)
            attempt += 1
            return [.launch(attempt: attempt)]
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    // MARK: Going down

    private mutating func exited(_ failure: ServerFailure, clean: Bool, now: Double) -> [Action] {
        switch state {
        case .starting(let starting) where starting.phase == .launched:
            return failed(failure, clients: starting.clients, stoppers: [], again: false, now: now)
        case .recovering(let recovering):
            return failed(failure, clients: recovering.clients, stoppers: [], again: true, now: now)
        case .running:
            // Somebody else stopped it in order (`pg_ctl stop`, a shutdown of the machine): it sleeps.
            guard !clean else {
                state = .stopped
                return []
            }
            // People were at work in it: it comes back by itself, and recovery is over when they connect again.
            return failed(failure, clients: [], stoppers: [], again: true, now: now)
        case .stopping(var stopping) where stopping.phase != .finishing:
            stopping.phase = .finishing
            state = .stopping(stopping)
            return [.finishStop(number: stopping.number)]
        case .absent, .creating, .stopped, .starting, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func stopAsked(_ waiter: Waiter?) -> [Action] {
        let stoppers = waiter.map { [$0] } ?? []
        switch state {
        case .absent: return refusal(stoppers, gone)
        case .creating, .deleting: return refusal(stoppers, busy)
        case .stopped, .broken: return stoppers.isEmpty ? [] : [.answer(stoppers)]
        case .starting(var starting):
            switch starting.phase {
            case .delayed:
                // Nothing runs. Clients that wait are told, or they would undo the stop at once.
                state = .stopped
                attempt += 1
                return refusal(starting.clients, stoppedMeanwhile) + (stoppers.isEmpty ? [] : [.answer(stoppers)])
            case .launching:
                starting.stoppers += stoppers
                starting.stopWanted = true
                state = .starting(starting)
                return []
            case .launched: return signalStop(clients: starting.clients, stoppers: stoppers)
            }
        case .recovering(let recovering): return signalStop(clients: recovering.clients, stoppers: stoppers)
        case .running: return prepareStop(stoppers: stoppers, idle: false)
        case .stopping(var stopping):
            stopping.stoppers += stoppers
            stopping.idle = false
            state = .stopping(stopping)
            return []
        }
    }

    private mutating func prepareStop(stoppers: [Waiter], idle: Bool) -> [Action] {
        stops += 1
        state = .stopping(Stopping(number: stops, phase: .preparing, idle: idle, stoppers: stoppers))
        return [.prepareStop(attempt: attempt, number: stops, checkpoint: idle)]
    }

    /// A server that takes no sessions yet has nothing to tell: it is signalled at once.
    private mutating func signalStop(clients: [Waiter], stoppers: [Waiter]) -> [Action] {
        stops += 1
        state = .stopping(Stopping(number: stops, phase: .fast, idle: false, clients: clients, stoppers: stoppers))
        return [.signal(attempt: attempt, .fast), .armStopDeadline(number: stops)]
    }

    private mutating func stopPrepared() -> [Action] {
        switch state {
        case .stopping(var stopping) where stopping.phase == .preparing:
            stopping.phase = .fast
            state = .stopping(stopping)
            return [.signal(attempt: attempt, .fast), .armStopDeadline(number: stopping.number)]
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func stopDeadlinePassed() -> [Action] {
        switch state {
        case .stopping(var stopping):
            switch stopping.phase {
            case .preparing, .finishing: return []
            case .fast:
                stopping.phase = .immediate
                state = .stopping(stopping)
                return [.signal(attempt: attempt, .immediate), .armStopDeadline(number: stopping.number)]
            case .immediate:
                // SIGKILL is not a rung. Those who wait are told; the state stays until the process ends.
                let waiting = stopping.clients + stopping.stoppers
                stopping.clients = []
                stopping.stoppers = []
                state = .stopping(stopping)
                return refusal(waiting, doesNotStop)
            }
        case .absent, .creating, .stopped, .starting, .recovering, .running, .deleting, .broken: return []
        }
    }

    private mutating func stopFinished() -> [Action] {
        switch state {
        case .stopping(let stopping) where stopping.phase == .finishing:
            let answers: [Action] = stopping.stoppers.isEmpty ? [] : [.answer(stopping.stoppers)]
            guard stopping.clients.isEmpty else { return answers + launch(for: stopping.clients) }
            state = .stopped
            return answers
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting, .broken: return []
        }
    }

    // MARK: Idleness

    private mutating func idleDeadlinePassed() -> [Action] {
        switch state {
        case .running: return [.askIdleness(attempt: attempt)]
        case .absent, .creating, .stopped, .starting, .recovering, .stopping, .deleting, .broken: return []
        }
    }

    private mutating func idlenessAnswered(_ idle: Bool) -> [Action] {
        switch state {
        case .running: return idle ? prepareStop(stoppers: [], idle: true) : [.armIdleDeadline(attempt: attempt)]
        case .absent, .creating, .stopped, .starting, .recovering, .stopping, .deleting, .broken: return []
        }
    }

    // MARK: Failure and repair

    private mutating func launch(for clients: [Waiter]) -> [Action] {
        attempt += 1
        state = .starting(Starting(phase: .launching, clients: clients))
        return [.launch(attempt: attempt)]
    }

    /// - Parameter again: it comes up again even if nobody waits.
    private mutating func failed(
        _ failure: ServerFailure, clients: [Waiter], stoppers: [Waiter], again: Bool, now: Double
    ) -> [Action] {
        let answers: [Action] = stoppers.isEmpty ? [] : [.answer(stoppers)]
        guard !failure.isDaemons else {
            state = .stopped
            return answers + refusal(clients, failure.error)
        }
        let pause = budget.spend(now: now)
        guard let pause, !failure.permanent else {
            var failure = failure
            if !failure.permanent { failure.error = spent(failure.error) }
            state = .broken(Broken(failure: failure))
            return answers + refusal(clients, failure.error) + [.markBroken(failure)]
        }
        guard stoppers.isEmpty, again || !clients.isEmpty else {
            state = .stopped
            return answers + refusal(clients, failure.error)
        }
        guard pause > 0 else { return launch(for: clients) }
        attempt += 1
        state = .starting(Starting(phase: .delayed, clients: clients))
        return [.delayLaunch(attempt: attempt, seconds: pause)]
    }

    private mutating func causeChecked(_ changed: Bool, now: Double) -> [Action] {
        switch state {
        case .broken(let broken):
            // One that only failed too often has no cause that could be seen to change: its time comes again.
            let mayTry = changed || (!broken.failure.permanent && budget.hasRoom(now: now))
            guard mayTry, !broken.clients.isEmpty else {
                state = .broken(Broken(failure: broken.failure))
                return refusal(broken.clients, broken.failure.error)
            }
            if changed { budget.clear() }
            return [.clearBroken] + launch(for: broken.clients)
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting: return []
        }
    }

    private mutating func repairAsked() -> [Action] {
        budget.clear()
        switch state {
        case .broken(let broken):
            guard broken.clients.isEmpty else { return [.clearBroken] + launch(for: broken.clients) }
            state = .stopped
            return [.clearBroken]
        case .absent, .creating, .stopped, .starting, .recovering, .running, .stopping, .deleting: return []
        }
    }

    private func refusal(_ waiters: [Waiter], _ error: DevError) -> [Action] {
        waiters.isEmpty ? [] : [.refuse(waiters, error)]
    }
}
