"""The work done by hand: what a person who knows PostgreSQL well would do without devdb, as fast as it can be done.

A hand-started server repeats the command line and environment of a postmaster that devdb started (so: the same
settings), without our library and listening on 127.0.0.1, with SCRAM like devdb's own.
"""

import os
import shlex
import shutil
import signal
import subprocess

from . import system
from .pgwire import Target, ask
from .system import Failure, FolderWatch

HBA = """local all all trust
host all all 127.0.0.1/32 scram-sha-256
local replication all trust
"""

# What may differ between a server of ours and one started by hand; any other difference ends the run. (`tcp_…` tell of
# the asking session's socket.)
OWN_SETTINGS = {
    "cluster_name", "config_file", "data_directory", "external_pid_file", "hba_file", "ident_file", "listen_addresses", "log_directory",
    "log_filename", "port", "unix_socket_directories", "unix_socket_permissions",
}


class Model:
    """How devdb starts a server: read from /proc of a living postmaster, to be repeated for another data directory."""

    def __init__(self, pid, data):
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            self.arguments = file.read().decode().rstrip("\0").split("\0")
        with open(f"/proc/{pid}/environ", "rb") as file:
            pairs = (entry.split("=", 1) for entry in file.read().decode().split("\0") if "=" in entry)
            self.environment = {k: v for k, v in pairs if not k.startswith(("LD_PRELOAD", "DYLD_", "DEVDB_"))}
        self.data = data
        self.program = os.path.realpath(f"/proc/{pid}/exe")
        socket = next((line for line in open(f"{data}/postmaster.pid").read().split("\n")[4:5]), "")
        self.socket_folder = socket.strip()

    def server(self, folder, password):
        """A server on `<folder>/data`, which must be a copy of the model's data directory."""
        data, sockets = f"{folder}/data", f"{folder}/s"
        arguments = [a.replace(self.data, data).replace(self.socket_folder or "\0", sockets) for a in self.arguments[1:]]
        return Server(folder, self.program, arguments, password, self.environment)


class Server:
    """One postmaster of ours: spawned directly, awaited by its own `ready` in postmaster.pid."""

    def __init__(self, folder, program, arguments, password, environment):
        self.folder, self.data, self.sockets = folder, f"{folder}/data", f"{folder}/s"
        self.program, self.environment, self.child = program, environment, None
        self.target = Target("127.0.0.1", system.free_port(), password=password)
        self.local = Target(self.sockets, self.target.port)
        os.makedirs(self.sockets, exist_ok=True)
        os.chmod(self.sockets, 0o700)
        system.give_to_servers(self.sockets)
        self.hba = f"{folder}/pg_hba.conf"
        with open(self.hba, "w") as file:
            file.write(HBA)
        own = {"listen_addresses": "127.0.0.1", "port": self.target.port, "unix_socket_directories": self.sockets, "hba_file": self.hba}
        if "-D" not in arguments:
            arguments = arguments + ["-D", self.data]
        self.arguments = arguments + [word for key, value in own.items() for word in ("-c", f"{key}={value}")]

    def spawn(self):
        """Starts it and returns when postmaster.pid says `ready`."""
        log = open(f"{self.folder}/server.log", "ab")
        pid_file = f"{self.data}/postmaster.pid"

        def ready():
            if self.child.poll() is not None:
                raise Failure(f"the hand-started server ended: {open(log.name).read()[-800:]}")
            try:
                with open(pid_file) as file:
                    return file.read().split("\n")[7:8] == ["ready   "]
            except FileNotFoundError:
                return False

        with log, FolderWatch(self.data) as watch:
            self.child = subprocess.Popen([self.program, *self.arguments], cwd=self.data, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=self.environment, start_new_session=True, **system.as_servers())
            watch.until(ready, 30, "the hand-started server")

    def pg_ctl_start(self):
        """The usual way: `pg_ctl -w start`."""
        words = list(self.arguments)
        at = words.index("-D")
        del words[at:at + 2]
        system.run([os.path.join(os.path.dirname(self.program), "pg_ctl"), "-w", "-D", self.data, "-l", f"{self.data}/pg_ctl.log",
                    "-o", shlex.join(words), "start"], cwd=self.data, env=self.environment, **system.as_servers())

    def stop(self):
        """Fast stop; the server is gone when this returns."""
        if self.child is not None:
            if self.child.poll() is None:
                self.child.send_signal(signal.SIGINT)
                try:
                    self.child.wait(30)
                except subprocess.TimeoutExpired:
                    self.child.send_signal(signal.SIGQUIT)
                    self.child.wait(10)
            self.child = None
        elif os.path.exists(f"{self.data}/postmaster.pid"):
            pid = int(open(f"{self.data}/postmaster.pid").readline())
            os.kill(pid, signal.SIGINT)
            system.wait_gone(pid, 30)

    def delete(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def clone(source, destination):
    """By hand: cp, with reflinks where the file system has them."""
    arguments = ["-c", "-p", "-R"] if not system.LINUX else ["-a", "--reflink=auto"]
    system.run(["cp", *arguments, source, destination])


def new_folder(scratch, name):
    """A folder that the servers' user can reach; what is in it belongs to that user."""
    folder = f"{scratch}/{name}"
    os.makedirs(folder)
    os.chmod(folder, 0o711)
    return folder


def initdb(folder, password):
    """A fresh cluster in `<folder>/data` with the options that devdb's templates have."""
    data = f"{folder}/data"
    os.makedirs(data)
    os.chmod(data, 0o700)
    system.give_to_servers(data)
    secret = f"{folder}/password"
    with open(secret, "w") as file:
        file.write(password + "\n")
    os.chmod(secret, 0o644)
    system.run([f"{system.postgres_bin()}/initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums",
                "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={secret}"], cwd=folder, **system.as_servers())
    os.unlink(secret)


def settings(target):
    return {name: value for name, value in ask(target, "SELECT name, setting FROM pg_settings")}


def require_same_settings(ours, theirs):
    """Both servers must run with the same settings, else no ratio means anything."""
    a, b = settings(ours), settings(theirs)
    different = {k: (a.get(k), b.get(k)) for k in a.keys() | b.keys() if k not in OWN_SETTINGS and not k.startswith("tcp_") and a.get(k) != b.get(k)}
    if different:
        raise Failure(f"the hand-started server has other settings than ours: {different}")
