"""What the rows share: the scratch folder, the installed programs, homes, a model of how devdb starts a server."""

import contextlib
import os
import random
import shutil
import subprocess
import tempfile

from . import byhand, system
from .product import Home, install


class Bench:
    def __init__(self, root, options, stack):
        self.root, self.options, self.stack = root, options, stack
        self.quick = options.quick
        self.scratch = tempfile.mkdtemp(prefix="devdb-bench-", dir="/tmp")
        os.chmod(self.scratch, 0o711)
        stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
        self.programs = os.path.abspath(options.programs) if options.programs else install(root, self.scratch)
        self.versions = {}
        self._starts = None
        self._count = 0

    def rounds(self, full, quick=3):
        """How many rounds a row does; `--rounds` overrules."""
        return self.options.rounds or (quick if self.quick else full)

    def fresh(self, name):
        """A folder name that was not used before."""
        self._count += 1
        return f"{name}{self._count}"

    def home(self, name):
        """A home that is closed, with all its servers, at the end of the run at the latest."""
        home = Home(self.programs, f"{self.scratch}/{name}")
        self.stack.callback(home.close)
        return home

    def folder(self, name):
        return byhand.new_folder(self.scratch, self.fresh(name))

    def starts(self):
        """(home, model, prototype): a home whose daemon runs, how it starts servers, and a stopped copy of a data directory."""
        if self._starts is None:
            home = self.home("starts")
            facts = home.up("model")
            model = byhand.Model(facts["pid"], facts["dataDirectory"])
            self.versions["PostgreSQL"] = facts["pg"]
            home.sleep("model")
            prototype = f"{self.folder('prototype')}/data"
            byhand.clone(facts["dataDirectory"], prototype)
            home.model_password = facts["password"]
            home.await_spare()
            self._starts = home, model, prototype
        return self._starts

    def server(self, prototype=None):
        """A hand-started server's folder, cloned from the prototype and not yet started."""
        home, model, first = self.starts()
        folder = self.folder("byhand")
        byhand.clone(prototype or first, f"{folder}/data")
        server = model.server(folder, home.model_password)
        self.stack.callback(server.delete)
        return server


def turns(names):
    """The sides of one round in a random order, so that none profits from its place."""
    names = list(names)
    random.shuffle(names)
    return names


@contextlib.contextmanager
def many_descriptors(count):
    """Room for `count` sockets in this process alone: a daemon started meanwhile would inherit it."""
    import resource
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(count, hard)), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def machine():
    """Facts of the machine for the record."""
    facts = {"system": " ".join((os.uname().sysname, os.uname().release, os.uname().machine)), "cores": os.cpu_count()}
    if system.LINUX:
        with open("/proc/cpuinfo") as file:
            facts["cpu"] = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
        with open("/proc/meminfo") as file:
            facts["memoryGB"] = round(int(file.readline().split()[1]) * 1024 / 1e9)
        with open("/etc/os-release") as file:
            facts["distribution"] = next((line.split("=", 1)[1].strip().strip('"') for line in file if line.startswith("PRETTY_NAME")), "")
        facts["fileSystem"] = system.run(["stat", "-f", "-c", "%T", "/tmp"]).strip()
    facts["load"] = round(os.getloadavg()[0], 2)
    return facts


def version_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip().split("\n")[0]
    except OSError:
        return "absent"
