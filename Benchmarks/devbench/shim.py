"""Rows about Prisma over HTTP: devdb's daemon beside Prisma's own plan executor, each with the same database, by wrk."""

import json
import os
import re
import shutil
import signal
import subprocess
import tarfile

from . import system
from .bench import turns
from .figures import Figure

# (request, connections, least share of the executor's throughput, most of the executor's p99)
CASES = [
    ("findUnique", 16, 15, 0.25), ("findUnique", 1, 6, None), ("findMany50", 16, 12, None), ("nested", 16, 10, None),
    ("update", 16, 8, None), ("create", 16, 8, None), ("raw", 16, 8, None),
]


class Executor:
    """`@prisma/query-plan-executor` as a server of its own, out of the clients' archive."""

    def __init__(self, shared, scratch, database):
        with tarfile.open(f"{shared}/clients/clients.tar.gz") as tar:
            tar.extractall(scratch, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
        self.scratch = scratch
        self.child = subprocess.Popen(
            ["node", f"{scratch}/bin/qpe.mjs", "--url", database, "--port", "0"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
            text=True, cwd=scratch)
        line = self.child.stdout.readline()
        if not line:
            raise system.Failure("Prisma's executor did not start")
        self.url = json.loads(line)["url"]

    def stop(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()


def _script(folder, name, body, key):
    """What wrk sends, and how it reports."""
    path = f"{folder}/{name}.lua"
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}", "prisma-engine-hash": "7.10.0",
               "x-capture-telemetry": "error"}
    with open(path, "w") as file:
        file.write(f"wrk.method = 'POST'\nwrk.body = {json.dumps(body)}\nwrk.headers = {{"
                   + ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in headers.items()) + "}\n"
                   + "done = function(s, l) io.write(string.format('RESULT %f %f %f %d\\n', s.requests / s.duration * 1e6, "
                   + "l:percentile(50) / 1000, l:percentile(99) / 1000, s.errors.status + s.errors.read + s.errors.connect)) end\n")
    return path


def _wrk(url, script, connections, seconds):
    """(requests per second, p50, p99 in ms); errors end the row."""
    output = system.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", script, f"{url}/query"])
    rate, p50, p99, errors = map(float, re.search(r"RESULT (\S+) (\S+) (\S+) (\S+)", output).groups())
    if errors:
        raise system.Failure(f"{errors:.0f} errors of {url}")
    return rate, p50, p99


# (operation, least share of the in-process adapter's throughput)
CLIENT_CASES = [("findUnique", 0.75), ("nested", 1.4), ("update", 0.75), ("itx", 0.6)]


def _clients(bench, shared, clients, urls):
    """The stock client end to end, 8 calls at once, beside the same client with its in-process `adapter-pg`."""
    folder = bench.folder("client")
    os.symlink(f"{clients}/node_modules", f"{folder}/node_modules")
    for name in ("schema.prisma", "client_bench.mjs"):
        shutil.copy(f"{shared}/bench/{name}", folder)
    with open(f"{folder}/prisma.config.mjs", "w") as file:
        file.write("import { defineConfig } from 'prisma/config'\n"
                   "export default defineConfig({ schema: './schema.prisma', datasource: { url: 'postgres://localhost:1/x' } })\n")
    system.run([f"{clients}/bin/prisma", "generate"], cwd=folder)
    samples = {side: {name: [] for name, _ in CLIENT_CASES} for side in urls}
    for number in range(bench.rounds(3)):
        print(f"  the stock client, round {number + 1}", flush=True)
        for side in turns(urls):
            kind = "adapter" if side == "adapter" else "accelerate"
            output = system.run(["node", "client_bench.mjs", kind, urls[side]], cwd=folder, timeout=300)
            for name, rate in re.findall(r"(\w+) c=8: (\d+) ops/s", output):
                samples[side][name].append(float(rate))
    return [Figure("shim", f"stock client, 8 at once: {'interactive transaction' if name == 'itx' else name}", "/s",
                   samples["devdb"][name], samples["adapter"][name], "adapter-pg in its process", "ratio", least, False, digits=0)
            for name, least in CLIENT_CASES]


def shim(bench):
    shared = os.environ.get("DEVDB_SHARED") or os.path.join(os.path.dirname(bench.root), "shared")
    for missing, what in ((not shutil.which("wrk"), "wrk is not installed"), (not shutil.which("node"), "node is not installed"),
                          (not os.path.exists(f"{shared}/bench/requests.json"), f"there is no {shared}/bench (set DEVDB_SHARED)")):
        if missing:
            print(f"SKIPPED: Prisma over HTTP: {what}", flush=True)
            return []
    home = bench.home("shim")
    # Both sides use this database: what it would wait for disks is neither's.
    facts = home.up("shim", "--idle", "never", "--profile", "ephemeral")
    system.run(["psql", "-Xq", "-d", facts["url"], "-f", f"{shared}/bench/schema.sql"])
    with open(f"{shared}/bench/requests.json") as file:
        requests = json.load(file)
    database = facts["url"].replace("/template1", "/postgres")
    executor = Executor(shared, bench.folder("executor"), database)
    bench.versions["@prisma/query-plan-executor"] = "7.10.0"
    try:
        sides = {"devdb": facts["httpUrl"], "executor": executor.url}
        key, folder, seconds = facts["prismaPostgresUrl"].split("api_key=")[1], bench.folder("wrk"), 1 if bench.quick else 3
        figures, most = [], 0
        for name, connections, least, tail in CASES:
            print(f"  {name}, {connections} connections", flush=True)
            script, samples = _script(folder, name, requests[name], key), {side: [] for side in sides}
            for url in sides.values():
                _wrk(url, script, connections, 1)
            for _ in range(bench.rounds(5)):
                for side in turns(sides):
                    samples[side].append(_wrk(sides[side], script, connections, seconds))
            most = max(most, system.resident_bytes(home.daemon()))
            column = {side: list(zip(*values)) for side, values in samples.items()}
            what = f"{name}, {connections} connection" + ("s" if connections > 1 else "")
            figures.append(Figure("shim", what, "/s", list(column["devdb"][0]), list(column["executor"][0]), "Prisma's executor", "ratio",
                                  least, False, digits=0))
            if tail:
                figures.append(Figure("shim", what + ", p99", "ms", list(column["devdb"][2]), list(column["executor"][2]),
                                      "Prisma's executor", "ratio", tail, True, digits=2))
            if connections == 1:
                figures.append(Figure("shim", what + ", p99 against its p50", "ms", list(column["devdb"][2]), list(column["executor"][1]),
                                      "Prisma's executor", "ratio", 1, True, digits=2))
        figures.append(Figure("shim", "the daemon under that load, resident", "MB", [most / 1e6], limit=48))
        return figures + _clients(bench, shared, executor.scratch, {"devdb": facts["prismaPostgresUrl"], "adapter": database})
    finally:
        executor.stop()
        home.remove("shim")
