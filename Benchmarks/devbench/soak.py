"""A row about what hours of work leave behind: mixed load over HTTP at a fixed rate, and what the daemon and its server have of it then."""

import asyncio
import json
import os
import statistics
import time

from . import system
from .figures import Figure
from .mixed import Mixed
from .paced import paced
from .pgwire import Target
from .watch import Watch, quantiles

BURST = 256  # requests at once before anything is measured
SAMPLE = 10  # seconds
# A pool's session goes after 60 s without work, and is looked after once in that time.
SETTLING = 180


async def _fill(mixed, count=8000):
    """New texts and plans until all that keeps a bounded number of them is full: from then on nothing may grow."""
    new = mixed.told(mixed.newPlan), mixed.told(mixed.inList)
    for _ in range(count // 16):
        await asyncio.gather(*(new[number % 2]() for number in range(16)))


async def _every(seconds, work):
    """Until cancelled."""
    due = time.monotonic()
    while True:
        await work(due)
        due += seconds
        await asyncio.sleep(max(0, due - time.monotonic()))


async def _load(mixed, watch, rate, minutes):
    print("  filling the caches", flush=True)
    await _fill(mixed)
    for _ in range(3):
        # All at once, as after a pause of the machine: the heap has its full size from here on.
        await paced(mixed.kinds(), 1e6, BURST / 1e6)
    await paced(mixed.kinds(), rate, 15)
    mixed.reset_clock()
    watch.begin = mixed.begin
    minute = 0

    def aside(work, *arguments):
        return asyncio.get_running_loop().run_in_executor(None, work, *arguments)

    async def look(_):
        nonlocal minute
        await aside(watch.look)
        if watch.rows[-1][0] // 60 > minute:
            (p50, p99), unique = quantiles(mixed.took, minute), quantiles(mixed.took, minute, "findUnique")
            direct = quantiles(watch.took, minute)
            minute += 1
            row = dict(zip(watch.COLUMNS, watch.rows[-1]))
            print(f"  minute {minute}: p50 {p50:.2f} ms, p99 {p99:.2f} ms, of findUnique {unique[1]:.2f}, direct {direct[1]:.2f}; "
                  f"load {os.getloadavg()[0]:.1f}; daemon {row['residentMB']:.2f} MB, {row['descriptors']} descriptors; "
                  f"{row['backends']} backends of {row['backendsMB']:.1f} MB; {mixed.unexpected()} unexpected", flush=True)

    front = mixed.told(mixed.front)
    beside = [asyncio.ensure_future(_every(SAMPLE, look)), asyncio.ensure_future(_every(0.05, lambda due: aside(watch.direct, due))),
              asyncio.ensure_future(_every(1, lambda _: front()))]
    try:
        await paced(mixed.kinds(), rate, minutes * 60)
    finally:
        for task in beside:
            task.cancel()
        ended = await asyncio.gather(*beside, return_exceptions=True)
        mixed.client.close()
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, asyncio.CancelledError):
            raise error


def _settle(watch, start):
    """How many (descriptors, backends) more there are than before the load, once the pools' idle time is over."""
    deadline = time.monotonic() + SETTLING
    while True:
        more = watch.descriptors() - start[0], watch.backends() - start[1]
        if max(more) <= 0 or time.monotonic() > deadline:
            return more
        system.window(1)


def _state(session):
    """(sum of scores, rows of all tables): what only acknowledged writes change."""
    scores, rows = session.query('select sum(score), (select count(*) from "User") + (select count(*) from "Post") '
                                 '+ (select count(*) from "Comment") from "User"')[0]
    return float(scores), int(rows)


def soak(bench):
    shared = os.environ.get("DEVDB_SHARED") or os.path.join(os.path.dirname(bench.root), "shared")
    if not system.LINUX or not os.path.exists(f"{shared}/bench/requests.json"):
        print(f"SKIPPED: soak: it reads /proc, and {shared}/bench (set DEVDB_SHARED)", flush=True)
        return []
    minutes, rate = bench.options.minutes, bench.options.rate
    home = bench.home("soak")
    facts = home.up("soak", "--idle", "never", "--profile", "ephemeral")
    bench.versions["PostgreSQL"] = facts["pg"]
    system.run(["psql", "-Xq", "-d", facts["url"], "-f", f"{shared}/bench/schema.sql"])
    home.await_spare()
    with open(f"{shared}/bench/requests.json") as file:
        requests = {name: json.loads(text) for name, text in json.load(file).items()}
    target, daemon = Target.of(facts["url"]), home.daemon()
    folder = f"{bench.root}/Benchmarks/results"
    os.makedirs(folder, exist_ok=True)
    watch, mixed = Watch(daemon, target, f"{folder}/soak.tsv"), Mixed(facts, requests, target)
    try:
        system.window(1)
        start, state = (watch.descriptors(), watch.backends()), _state(watch.session)
        asyncio.run(_load(mixed, watch, rate, minutes))
        left = _settle(watch, start)
        after = _state(watch.session)
        watch.look()
        system.window(1)
        before = system.wakeups(daemon)
        system.window(5)
        wakeups = system.wakeups(daemon) - before
        if home.daemon() != daemon:
            raise system.Failure("the daemon is another one than at the start")
    finally:
        watch.close()
    for count, text in mixed.odd.values():
        print(f"  unexpected, {count} times: {text}", flush=True)
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(mixed.counts.items())), flush=True)
    home.remove("soak")
    return _figures(mixed, watch, minutes, rate, left, wakeups, (after[0] - state[0] - mixed.updates, after[1] - state[1]))


def _figures(mixed, watch, minutes, rate, left, wakeups, wrong):
    end = minutes * 60
    last, second = (end - 60, end), (60, 120)
    figures = [Figure("soak", f"{minutes} minutes of mixed load, {rate} arrivals a second: unexpected answers", "",
                      [mixed.unexpected()], limit=0, digits=0)]
    direct = quantiles(watch.took, minutes - 1), quantiles(watch.took, 0)
    for kind, what in (("findUnique", "findUnique"), (None, "all requests")):
        ours, theirs = quantiles(mixed.took, minutes - 1, kind), quantiles(mixed.took, 0, kind)
        for place, name, most in ((0, "p50", 1.25), (1, "p99", 1.5)):
            # A machine that got slower meanwhile is not the daemon's doing.
            limit = round(most * max(1, direct[0][place] / direct[1][place]), 2)
            figures.append(Figure("soak", f"{what}, {name} of the last minute", "ms", [ours[place]], [theirs[place]], "the first minute",
                                  "ratio", limit, digits=2))
    figures.append(Figure("soak", "a query that passes by the daemon, p99 of the last minute", "ms", [direct[0][1]], [direct[1][1]],
                          "the first minute", "ratio", digits=2))
    for column, what in (("residentMB", "the daemon, resident, last minute"), ("backendMB", "the largest backend, private, last minute")):
        ours, theirs = watch.column(column, *last), watch.column(column, *second)
        # 10 %, or 2 MB if that is more: less is what a full heap gives and takes.
        limit = round(max(1.1, 1 + 2 / statistics.median(theirs)), 2)
        figures.append(Figure("soak", what, "MB", ours, theirs, "the second minute", "ratio", limit, digits=2))
    return figures + [
        Figure("soak", what, "", [value], limit=0, digits=0) for what, value in (
            ("descriptors of the daemon more than before, after it", max(0, left[0])),
            ("sessions with the server more than before, after it", max(0, left[1])),
            ("transactions open for more than 10 s, the most seen", max(watch.column("oldTransactions"))),
            ("prepared transactions and temporary files, the most seen", max(map(sum, zip(watch.column("prepared"), watch.column("temporary"))))),
            ("writes lost or done twice", abs(wrong[0])), ("rows more or less than before", abs(wrong[1])),
            ("wake-ups of the daemon in 5 s, after it", wakeups))]
