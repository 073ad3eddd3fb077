"""PgBouncer in session mode in front of a hand-started server: what a byte pump has to be as good as."""

import os
import shutil
import signal
import subprocess

from . import system
from .pgwire import Target, ask


class PgBouncer:
    def __init__(self, folder, server):
        """`server`: a byhand.Server; reached over its Unix socket, which is how devdb's pump reaches its own."""
        self.folder, self.server = folder, server
        self.target = Target("127.0.0.1", system.free_port(), password=server.target.password)
        self.child = None

    @staticmethod
    def program():
        return shutil.which("pgbouncer") or next((p for p in ("/usr/sbin/pgbouncer",) if os.path.exists(p)), None)

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        os.chmod(self.folder, 0o711)
        users, configuration = f"{self.folder}/users", f"{self.folder}/pgbouncer.ini"
        with open(users, "w") as file:
            file.write(f'"postgres" "{self.target.password}"\n')
        with open(configuration, "w") as file:
            file.write(f"""[databases]
* = host={self.server.sockets} port={self.server.target.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.target.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = session
default_pool_size = 50
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
""")
        for path in (users, configuration):
            system.give_to_servers(path)
            os.chmod(path, 0o600)
        with open(f"{self.folder}/log", "wb") as log:
            self.child = subprocess.Popen([self.program(), configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          **system.as_servers())

        def answers():
            try:
                return ask(self.target)
            except ConnectionRefusedError:
                if self.child.poll() is not None:
                    raise system.Failure(open(f"{self.folder}/log").read()[-800:])
                return None

        system.until(answers, 10, "PgBouncer")

    def stop(self):
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(10)
        self.child = None

    def version(self):
        return system.run([self.program(), "--version"]).split("\n")[0]
