"""devdb as a person has it: the installed release build, in a home of its own."""

import json
import os
import shutil
import subprocess
import time

from . import system
from .pgwire import Target
from .system import Failure, FolderWatch


def install(root, scratch):
    """Builds the release and installs it into the scratch folder; the folder of `dev` and `devd`."""
    prefix = f"{scratch}/prefix"
    print("building the release …", flush=True)
    if os.path.exists(f"{root}/Makefile"):
        system.run(["make", "install", f"PREFIX={prefix}"], cwd=root, timeout=1800)
        return f"{prefix}/bin"
    arguments = ["swift", "build", "-c", "release", "--static-swift-stdlib"]
    system.run(arguments, cwd=root, timeout=1800)
    built = system.run([*arguments, "--show-bin-path"], cwd=root).strip()
    os.makedirs(f"{prefix}/bin")
    for program in ("dev", "devd"):
        shutil.copy(f"{built}/{program}", f"{prefix}/bin/{program}")
    return f"{prefix}/bin"


class Home:
    """One DEVDB_HOME with its daemon. Ports are chosen by the system, so that a person's own devdb is not in the way."""

    def __init__(self, programs, folder):
        self.dev, self.folder, self.work = f"{programs}/dev", folder, f"{folder}.work"
        os.makedirs(self.work, exist_ok=True)
        keep = {k: v for k, v in os.environ.items() if not k.startswith("DEVDB_") or k in ("DEVDB_PG_BIN", "DEVDB_RUN_AS")}
        self.environment = {**keep, "DEVDB_HOME": folder, "DEVDB_HTTP_PORT": "0", "CI": "1"}

    def run(self, *words, timeout=120):
        return system.run([self.dev, *words], timeout=timeout, env=self.environment, cwd=self.work, stdin=subprocess.DEVNULL)

    def json(self, *words):
        return json.loads(self.run(*words, "--json"))

    def up(self, name, *flags):
        """Creates or wakes it and gives its facts (docs/json.md)."""
        return self.json("up", name, *flags)

    def facts(self, name):
        return self.json("status", name)

    def target(self, name):
        return Target.of(self.facts(name)["url"])

    def sleep(self, name):
        """Stops the server; the next client wakes it."""
        self.run("stop", name, "--yes")
        if self.facts(name)["pid"] is not None:
            raise Failure(f"{name} still has a server after dev stop")

    def remove(self, name):
        self.run("stop", name, "--yes")
        self.run("rm", name, "--yes")

    def daemon(self):
        """The daemon's process id."""
        return int(self.json("daemon", "status")["pid"])

    def spares(self):
        """Clones made ahead that are whole; one under way has a temporary name."""
        folder = f"{self.folder}/spares"
        return [f"{folder}/{n}" for n in os.listdir(folder) if "." not in n] if os.path.isdir(folder) else []

    def await_spare(self):
        system.until(lambda: os.path.isdir(f"{self.folder}/spares"), 30, "the folder of spare clones")
        with FolderWatch(f"{self.folder}/spares") as watch:
            watch.until(self.spares, 120, "a spare clone")

    def close(self):
        """Stops servers and daemon; the folder goes too."""
        if os.path.isdir(self.folder):
            try:
                pid = self.daemon()
            except (Failure, OSError, ValueError, subprocess.TimeoutExpired):
                pid = None
            for words in (["stop", "*", "--yes"], ["daemon", "stop"]):
                try:
                    self.run(*words)
                except (Failure, OSError, subprocess.TimeoutExpired):
                    pass
            if pid is not None:
                try:
                    system.wait_gone(pid, 20)
                except Failure:
                    os.kill(pid, 15)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.work, ignore_errors=True)


def timed(work):
    """Seconds that a call takes, and what it gave."""
    begin = time.perf_counter()
    result = work()
    return time.perf_counter() - begin, result
