"""Rows about starting: a new instance, the very first one, waking, and a crowd that wakes one server."""

import os
import shutil
import threading

from . import byhand, system
from .bench import turns
from .figures import Figure
from .peer import PrismaDev
from .pgwire import Target, ask
from .product import timed


def _origin(folder):
    """Identity of a data directory, which a rename keeps and a copy does not."""
    for place in (folder, f"{folder}/data"):
        if os.path.exists(f"{place}/PG_VERSION"):
            return os.stat(f"{place}/PG_VERSION").st_ino
    return None


def _up_and_ask(home, name):
    facts = home.up(name)
    ask(Target.of(facts["url"]))
    return facts


def up(bench):
    """`dev up` of a new instance with a running daemon, to the first answer through the front."""
    home, _, prototype = bench.starts()
    samples = {side: [] for side in ("spare", "clone", "spawn by hand", "clone by hand")}

    def ours(side):
        home.await_spare()
        spare = home.spares()[0]
        origin = _origin(spare)
        if side == "clone":
            os.rename(spare, f"{spare}.gone")
            shutil.rmtree(f"{spare}.gone")
        name = bench.fresh("new")
        seconds, facts = timed(lambda: _up_and_ask(home, name))
        if (_origin(facts["dataDirectory"]) == origin) != (side == "spare"):
            raise system.Failure(f"the instance was {'not ' if side == 'spare' else ''}made from the spare")
        home.remove(name)
        home.await_spare()
        return seconds

    def by_hand(side):
        folder = bench.folder("byhand")
        server = bench.starts()[1].server(folder, home.model_password)
        copy = lambda: byhand.clone(prototype, f"{folder}/data")
        if side == "spawn by hand":
            copy()

        def work():
            if side == "clone by hand":
                copy()
            server.spawn()
            ask(server.target)

        try:
            return timed(work)[0]
        finally:
            server.delete()

    peer, theirs = PrismaDev(bench.root, bench.scratch), []
    if peer.missing:
        print(f"SKIPPED: @prisma/dev beside dev up: {peer.missing}", flush=True)
    for _ in range(bench.rounds(9)):
        for side in turns(samples):
            samples[side].append((by_hand if "by hand" in side else ours)(side) * 1000)
        if not peer.missing and len(theirs) < (2 if bench.quick else 3):
            theirs.append(peer.first_query() * 1000)
    figures = [
        Figure("up", "dev up, new, from a spare, to first answer", "ms", samples["spare"], samples["spawn by hand"], "spawn + query by hand",
               "ratio", 1.5),
        Figure("up", "dev up, new, no spare, to first answer", "ms", samples["clone"], samples["clone by hand"],
               "clone + spawn + query by hand", "ratio", 1.3),
    ]
    if theirs:
        bench.versions["@prisma/dev"] = peer.version()
        figures.append(Figure("up", "dev up, new, to first answer", "ms", samples["spare"], theirs, "@prisma/dev, new server", "inverse", 20, False))
    return figures


def first(bench):
    """The very first `dev up` on a machine: no daemon, no template."""
    _, model, _ = bench.starts()
    samples = {"ours": [], "by hand": []}
    for _ in range(bench.rounds(5, 2)):
        for side in turns(samples):
            if side == "ours":
                home = bench.home(bench.fresh("first"))
                samples[side].append(timed(lambda: _up_and_ask(home, "first"))[0] * 1000)
                home.close()
            else:
                folder = bench.folder("byhand")
                server = model.server(folder, "secret")

                def work():
                    byhand.initdb(folder, "secret")
                    server.spawn()
                    ask(server.target)

                samples[side].append(timed(work)[0] * 1000)
                server.delete()
    return [Figure("first", "the very first dev up, to first answer", "ms", samples["ours"], samples["by hand"],
                   "initdb + spawn + query by hand", "ratio", 1.2)]


def wake(bench):
    """A client connects to a sleeping instance."""
    home, _, _ = bench.starts()
    name = bench.fresh("wake")
    target = Target.of(home.up(name)["url"])
    home.await_spare()
    server = bench.server()
    samples = {"ours": [], "bare": [], "pg_ctl": []}

    def by_hand(start):
        try:
            return timed(lambda: (start(), ask(server.target)))[0]
        finally:
            server.stop()

    for _ in range(bench.rounds(11)):
        for side in turns(samples):
            if side == "ours":
                home.sleep(name)
                samples[side].append(timed(lambda: ask(target))[0] * 1000)
                home.sleep(name)
            else:
                samples[side].append(by_hand(server.spawn if side == "bare" else server.pg_ctl_start) * 1000)
    home.remove(name)
    server.delete()
    return [
        Figure("wake", "wake on connect, to first answer", "ms", samples["ours"], samples["bare"], "bare spawn to answer", "ratio", 1.3),
        Figure("wake", "wake on connect, to first answer", "ms", samples["ours"], samples["pg_ctl"], "pg_ctl -w start + query", "ratio", 0.5),
    ]


def crowd(bench, clients=200):
    """Many clients at once knock at a sleeping instance."""
    home, _, _ = bench.starts()
    name = bench.fresh("crowd")
    facts = home.up(name)
    home.await_spare()
    target = Target.of(facts["url"])
    log = os.path.join(os.path.dirname(facts["dataDirectory"]), "server.log")
    spawns, errors, seconds = [], [], []
    for _ in range(bench.rounds(5, 2)):
        home.sleep(name)
        with open(log, errors="replace") as file:
            before = file.read().count("starting PostgreSQL")
        gate, failed, answers, lock = threading.Barrier(clients + 1), [], [], threading.Lock()

        def client():
            gate.wait(60)
            try:
                answer = ask(target, "SELECT pg_postmaster_start_time()", 60)
                with lock:
                    answers.append(answer[0][0])
            except Exception as error:  # Each is counted and the kinds are shown.
                with lock:
                    failed.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()

        def all_answered():
            gate.wait(60)
            for thread in threads:
                thread.join()

        seconds.append(timed(all_answered)[0] * 1000)
        with open(log, errors="replace") as file:
            spawns.append(max(file.read().count("starting PostgreSQL") - before, len(set(answers))))
        errors.append(len(failed))
        for text in sorted(set(failed))[:3]:
            print(f"  crowd: {failed.count(text)} × {text}", flush=True)
    home.remove(name)
    return [
        Figure("crowd", f"{clients} clients at once to a sleeping instance: spawns", "", [max(spawns)], limit=1, digits=0),
        Figure("crowd", f"{clients} clients at once: errors in {len(errors)} rounds", "", [sum(errors)], limit=0, digits=0),
        Figure("crowd", f"{clients} clients at once: until the last has its answer", "ms", seconds),
    ]
