"""The machine: users, ports, processes, waiting for a file to change. No sleeps: every wait is for an event and has a bound."""

import ctypes
import os
import platform
import pwd
import select
import shutil
import socket
import subprocess
import time

LINUX = platform.system() == "Linux"


class Failure(Exception):
    """Something that stops a row; its text is printed."""


def servers_user():
    """The account that servers run as: ours, but under root `DEVDB_RUN_AS` or `postgres`, for PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam(os.environ.get("DEVDB_RUN_AS", "postgres"))


def as_servers():
    """Arguments for subprocess that make a child run as the servers' user."""
    user = servers_user()
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give_to_servers(path):
    user = servers_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def run(command, timeout=120, **options):
    """Output of a command; a failure says what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout[-800:]}{done.stderr[-1200:]}")
    return done.stdout


def postgres_bin():
    """The bin folder that devdb takes too: DEVDB_PG_BIN, else the newest of Debian's, else pg_config's."""
    named = [p for p in os.environ.get("DEVDB_PG_BIN", "").split(":") if p]
    root = "/usr/lib/postgresql"
    debian = sorted((v for v in os.listdir(root) if v.isdigit()), key=int, reverse=True) if os.path.isdir(root) else []
    for folder in named + [f"{root}/{v}/bin" for v in debian]:
        if os.access(f"{folder}/postgres", os.X_OK):
            return folder
    if shutil.which("pg_config"):
        return run(["pg_config", "--bindir"]).strip()
    raise Failure("no PostgreSQL found; set DEVDB_PG_BIN")


def tool(name):
    """A PostgreSQL client program: the server's own sibling if there is one, else PATH."""
    sibling = f"{postgres_bin()}/{name}"
    found = sibling if os.access(sibling, os.X_OK) else shutil.which(name)
    if not found:
        raise Failure(f"{name} is not installed")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class FolderWatch:
    """Wakes when something in one folder changes: inotify on Linux, elsewhere a look every 2 ms."""

    def __init__(self, folder):
        self.fd = -1
        if LINUX:
            libc = ctypes.CDLL(None, use_errno=True)
            self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            # IN_MODIFY, IN_CLOSE_WRITE, IN_MOVED_FROM, IN_MOVED_TO, IN_CREATE, IN_DELETE
            if libc.inotify_add_watch(self.fd, os.fsencode(folder), 0x2 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200) < 0:
                raise OSError(ctypes.get_errno(), f"inotify on {folder}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.fd >= 0:
            os.close(self.fd)

    def until(self, true, seconds, what):
        """Waits until `true()`; `Failure` after `seconds`."""
        deadline = time.monotonic() + seconds
        while not true():
            left = deadline - time.monotonic()
            if left <= 0:
                raise Failure(f"waited {seconds} s for {what}")
            if self.fd < 0:
                select.select([], [], [], 0.002)
            elif select.select([self.fd], [], [], min(left, 0.5))[0]:
                os.read(self.fd, 65536)


def until(true, seconds, what):
    """For what gives no event: looks every 5 ms, bounded."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s for {what}")
        select.select([], [], [], 0.005)


def window(seconds):
    """Lets a measuring window pass."""
    select.select([], [], [], seconds)


def wait_gone(pid, seconds=20):
    """Waits for the end of a process that is not our child."""
    if LINUX:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            if not select.select([descriptor], [], [], seconds)[0]:
                raise Failure(f"pid {pid} did not end in {seconds} s")
        finally:
            os.close(descriptor)
    else:
        def gone():
            try:
                os.kill(pid, 0)
                return False
            except ProcessLookupError:
                return True
        until(gone, seconds, f"the end of pid {pid}")


# Linux's /proc

def cpu_seconds(pid):
    """CPU time of all threads: schedstat has nanoseconds; `stat` (10 ms steps) where that is off."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                total += int(file.read().split()[0])
        except FileNotFoundError:
            pass
    if total:
        return total / 1e9
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def wakeups(pid):
    """Times that threads of a process went to sleep by themselves: each is one wake-up."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    return total


def processes():
    """pid → (parent, command line) of everything that runs."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    found[int(entry)] = (parent, file.read().replace(b"\0", b" ").decode(errors="replace").strip())
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found
