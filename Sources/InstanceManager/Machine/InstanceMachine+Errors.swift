internal import Basics

/// What the machine itself has to say to those it turns away.
extension InstanceMachine {
    var gone: DevError {
        DevError(.notFound, "There is no instance \(name)", object: name, help: "Run dev ls to see those that there are")
    }

    var mustStopFirst: DevError {
        DevError(
            .running, "\(name) is \(publicState.rawValue)", object: name, help: "Run dev stop \(name) first, or dev rm --force \(name)")
    }

    var busy: DevError {
        DevError(.running, "\(name) is \(publicState.rawValue)", object: name, help: "Try again when that is done")
    }

    var stoppedMeanwhile: DevError {
        DevError(.cancelled, "\(name) was stopped while it started", object: name, help: "Run dev start \(name)")
    }

    /// - Parameter last: why it failed the last time.
    func spent(_ last: DevError) -> DevError {
        let (times, seconds) = (budget.failures.count, Int(RestartBudget.window))
        return DevError(
            last.code, "The server of \(name) failed \(times) times within \(seconds) s and is left alone", object: name,
            cause: last.cause.map { "\(last.message): \($0)" } ?? last.message,
            help: "Run dev start \(name) to try again now; a connection after five minutes tries too. dev logs \(name) shows more")
    }

    var doesNotStop: DevError {
        DevError(
            .timedOut, "The server of \(name) does not stop", object: name,
            cause: "it has ignored SIGINT and SIGQUIT for two minutes",
            help: "See dev logs \(name); dev status \(name) has the process id")
    }
}
