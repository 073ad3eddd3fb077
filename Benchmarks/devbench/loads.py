"""Rows about load: handed off, through the pump, direct TCP, PgBouncer; and connecting without a pool."""

import contextlib

from . import byhand, pgbench, system
from .bench import turns
from .figures import Figure
from .pgwire import Target, ask
from .pooler import PgBouncer


class Field:
    """Servers with the same settings and the same data: ours by each front, one by hand, PgBouncer before that one."""

    def __init__(self, bench, fronts):
        self.home, self.targets = bench.starts()[0], {}
        with contextlib.ExitStack() as stack:
            for front in fronts:
                self.targets[front] = self._ours(bench, front, stack)
            self.home.await_spare()
            server = bench.server()
            stack.callback(server.delete)
            server.spawn()
            self.targets["direct"] = server.target
            for front in fronts:
                byhand.require_same_settings(self.targets[front], server.target)
            if "pump" in fronts:
                self._pooler(bench, server, stack)
            for target in self.targets.values():
                # Background work at a moment of its own would fall on one side.
                ask(target, "ALTER SYSTEM SET autovacuum = off")
                ask(target, "SELECT pg_reload_conf()")
            self.close = stack.pop_all().close

    def _ours(self, bench, front, stack):
        name = bench.fresh(front)
        facts = self.home.up(name, "--front", front)
        stack.callback(self.home.remove, name)
        if facts["front"] != front:
            raise system.Failure(f"{front} was asked for and {facts['front']} given: {facts['frontReason']}")
        return Target.of(facts["url"])

    def _pooler(self, bench, server, stack):
        if not PgBouncer.program():
            print("SKIPPED: PgBouncer beside the pump: it is not installed", flush=True)
            return
        pooler = PgBouncer(f"{bench.scratch}/{bench.fresh('pooler')}", server)
        stack.callback(pooler.stop)
        pooler.start()
        self.targets["PgBouncer"] = pooler.target
        bench.versions["PgBouncer"] = pooler.version()

    def measure(self, rounds, work):
        """side → samples; the sides of a round in random order, each with a checkpoint before."""
        samples = {side: [] for side in self.targets}
        for _ in range(rounds):
            for side in turns(self.targets):
                ask(self.targets[side], "CHECKPOINT")
                samples[side].append(work(side))
        return samples


def _figures(what, unit, samples):
    """One figure per front. A rate is compared as ours/direct, a time as direct/ours: both say "share of direct's speed"."""
    direct, made = samples["direct"], []
    if "handoff" in samples:
        made.append(Figure("handoff", f"{what}, handed off", unit, samples["handoff"], direct, "direct TCP",
                           "ratio" if unit == "/s" else "inverse", 0.95, False, digits=0 if unit == "/s" else 3))
    if "pump" in samples:
        made.append(Figure("pump", f"{what}, through the pump", unit, samples["pump"], samples.get("PgBouncer", []), "PgBouncer, session mode",
                           "share", None, False, direct, 0 if unit == "/s" else 3))
    return made


def load(bench, fronts):
    """pgbench in five shapes and COPY out, through each front asked for."""
    field = Field(bench, fronts)
    try:
        figures = []
        initial = field.measure(bench.rounds(7, 2), lambda side: pgbench.initialise(field.targets[side]))
        seconds = 1 if bench.quick else 2
        for what, arguments in pgbench.LOADS.values():
            print(f"  {what}", flush=True)
            samples = field.measure(bench.rounds(7), lambda side: pgbench.transactions(field.targets[side], arguments, seconds)[0])
            figures += _figures(what, "/s", samples)
        figures += _figures("pgbench -i -s 5", "s", initial)
        figures += _figures("COPY out, 3 × 500,000 rows", "s",
                            field.measure(bench.rounds(7), lambda side: pgbench.copy_out(field.targets[side])))
        return figures
    finally:
        field.close()


def reconnect(bench):
    """A new connection for each query, and what each costs the daemon in CPU time."""
    field = Field(bench, ["handoff"])
    try:
        daemon, cost, seconds = field.home.daemon(), [], 1 if bench.quick else 2
        for target in field.targets.values():
            pgbench.initialise(target, 1)

        def work(side):
            before = system.cpu_seconds(daemon)
            rate, number = pgbench.transactions(field.targets[side], ["-C", "-S", "-c1"], seconds)
            if side == "handoff":
                cost.append((system.cpu_seconds(daemon) - before) / number * 1e6)
            return rate

        samples = field.measure(bench.rounds(9), work)
        return [
            Figure("reconnect", "connect + query (pgbench -C -S), handed off", "/s", samples["handoff"], samples["direct"], "direct TCP", "ratio",
                   0.9, False, digits=0),
            Figure("reconnect", "the daemon's CPU time per connection", "µs", cost, limit=150, digits=0),
        ]
    finally:
        field.close()
