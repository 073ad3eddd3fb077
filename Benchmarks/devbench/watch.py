"""What a soak sees of the daemon and its server from outside, and the machine's own noise beside it."""

import array
import math
import os
import random
import statistics
import time

from . import system
from .mixed import QUIET
from .pgwire import Connection

FACTS = """
select count(*) filter (where pid <> pg_backend_pid()),
       count(*) filter (where xact_start < clock_timestamp() - interval '10 s' and pid <> pg_backend_pid()),
       (select count(*) from pg_prepared_xacts), (select count(*) from pg_ls_tmpdir()),
       string_agg(pid::text, ' ') filter (where pid <> pg_backend_pid())
from pg_stat_activity where backend_type = 'client backend'
"""


class Watch:
    """Looks at the daemon from outside, and at its server over a session of its own."""

    COLUMNS = ["second", "residentMB", "descriptors", "backends", "oldTransactions", "prepared", "temporary", "backendMB", "backendsMB"]

    def __init__(self, daemon, target, path):
        self.daemon, self.session, self.rows = daemon, Connection(target), []
        # Its queries pass by the daemon: what they take tells the machine's noise. Seconds by (minute, kind).
        self.beside, self.took = Connection(target), {}
        self.begin = time.monotonic()
        self.file = open(path, "w")
        self.file.write("\t".join(self.COLUMNS) + "\n")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.daemon}/fd"))

    def backends(self):
        return int(self.session.query(FACTS)[0][0])

    def direct(self, due):
        """One that waits behind a slow one has waited since it was due: those of the load don't wait for each other either."""
        self.beside.query(f'select * from "User" where id = {random.randint(1, QUIET)}')
        self.took.setdefault((int(due - self.begin) // 60, "direct"), array.array("d")).append(time.monotonic() - due)

    def look(self):
        *counts, pids = self.session.query(FACTS)[0]
        private = [_private_bytes(pid) / 1e6 for pid in (pids or "").split()]
        row = [round(time.monotonic() - self.begin, 1), system.resident_bytes(self.daemon) / 1e6, self.descriptors(), *map(int, counts),
               max(private, default=0), sum(private)]
        self.rows.append(row)
        self.file.write("\t".join(f"{value:g}" for value in row) + "\n")
        self.file.flush()

    def column(self, name, begin=0, end=math.inf):
        return [row[self.COLUMNS.index(name)] for row in self.rows if begin <= row[0] < end]

    def close(self):
        self.session.close()
        self.beside.close()
        self.file.close()


def _private_bytes(pid):
    """Memory that is a backend's own; 0 for one that has just gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("RssAnon"))
    except (FileNotFoundError, ProcessLookupError, StopIteration):
        return 0


def quantiles(took, minute, kind=None):
    """(p50, p99) in ms of what was sent in that minute."""
    values = [seconds * 1000 for (at, name), some in took.items() if at == minute and kind in (None, name) for seconds in some]
    if len(values) < 2:
        raise system.Failure("too few requests for quantiles: a higher --rate is needed")
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98]
