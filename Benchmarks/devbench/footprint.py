"""Rows about what devdb costs by itself: the command's start, the daemon's memory, its wake-ups, processes of a sleeping instance."""

import os
import threading

from . import system
from .bench import many_descriptors, turns
from .figures import Figure
from .pgwire import Connection, Target, ask
from .product import timed


def cli(bench):
    """Wall time of short commands with the daemon running."""
    home, _, _ = bench.starts()
    name = bench.fresh("cli")
    home.up(name)
    home.await_spare()
    sink = os.open(os.devnull, os.O_RDWR)
    commands = {"dev ls": [home.dev, "ls"], "dev url": [home.dev, "url", name], "true": ["/bin/true"]}
    samples = {command: [] for command in commands}
    actions = [(os.POSIX_SPAWN_DUP2, sink, descriptor) for descriptor in (0, 1)]
    try:
        for _ in range(30 if bench.quick else 100):
            for command in turns(commands):
                words = commands[command]

                def work():
                    pid = os.posix_spawn(words[0], words, home.environment, file_actions=actions)
                    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

                seconds, status = timed(work)
                if status != 0:
                    raise system.Failure(f"{' '.join(words)}: exit {status}")
                samples[command].append(seconds * 1000)
    finally:
        os.close(sink)
    home.remove(name)
    note = "/bin/true beside it"
    return [Figure("cli", f"{c}, wall", "ms", samples[c], samples["true"], note, limit=5, digits=2) for c in ("dev ls", "dev url")]


def _servers(home, daemon):
    """Processes that belong to the home and are not the daemon."""
    return [line for pid, (parent, line) in system.processes().items() if pid != daemon and (parent == daemon or f"{home.folder}/" in line)]


def idle(bench, sessions=1000):
    """The daemon at rest with one sleeping instance, then with many idle sessions in the pump."""
    if not system.LINUX:
        print("SKIPPED: idle: it reads /proc", flush=True)
        return []
    home, seconds = bench.home("idle"), 5 if bench.quick else 20
    home.up("sleeper")
    home.await_spare()
    home.sleep("sleeper")
    daemon = home.daemon()
    # One settled second first: the answer to the last command and its log line are not idleness.
    system.window(1)
    rest, before = system.resident_bytes(daemon), system.wakeups(daemon)
    system.window(seconds)
    wakeups, processes = system.wakeups(daemon) - before, _servers(home, daemon)
    for line in processes:
        print(f"  idle: still there: {line[:120]}", flush=True)

    facts = home.up("pumped", "--front", "pump", "--set", f"max_connections={sessions + 100}")
    if facts["front"] != "pump":
        raise system.Failure(f"the pump was asked for and {facts['front']} given")
    target, opened, failed, lock = Target.of(facts["url"]), [], [], threading.Lock()

    def open_some(count):
        for _ in range(count):
            try:
                connection = Connection(target, 60)
                connection.query("SELECT 1")
                with lock:
                    opened.append(connection)
            except Exception as error:  # Shown below.
                with lock:
                    failed.append(f"{type(error).__name__}: {error}")
                return

    with many_descriptors(sessions + 200):
        try:
            threads = [threading.Thread(target=open_some, args=(sessions // 8,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if failed:
                raise system.Failure(f"{len(opened)} sessions opened, then: {failed[0]}")
            system.window(1)
            full, before = system.resident_bytes(daemon), system.wakeups(daemon)
            system.window(seconds)
            busy = system.wakeups(daemon) - before
            if any(connection.query("SELECT 1") != [["1"]] for connection in opened):
                raise system.Failure("an idle session did not answer")
        finally:
            for connection in opened:
                connection.close()
    ask(target)
    home.close()
    return [
        Figure("idle", "daemon at rest, resident", "MB", [rest / 1e6], limit=20),
        Figure("idle", f"daemon with {sessions:,} idle sessions in the pump, resident", "MB", [full / 1e6], limit=32),
        Figure("idle", f"daemon at rest, wake-ups in {seconds} s", "", [wakeups], limit=0, digits=0),
        Figure("idle", f"with {sessions:,} idle sessions, wake-ups in {seconds} s", "", [busy], limit=0, digits=0),
        Figure("idle", "processes of a sleeping instance", "", [len(processes)], limit=0, digits=0),
    ]
