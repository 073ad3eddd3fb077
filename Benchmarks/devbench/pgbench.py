"""pgbench and psql as loads; each call is one short run."""

import re
import subprocess
import time

from . import system

# Name → pgbench's arguments. The last number of each is clients.
LOADS = {
    "select-1": ("pgbench -S, 1 client", ["-S", "-c1"]),
    "select-8": ("pgbench -S, 8 clients", ["-S", "-c8", "-j2"]),
    "prepared-8": ("pgbench -S -M prepared, 8 clients", ["-S", "-M", "prepared", "-c8", "-j2"]),
    "tpcb-8": ("pgbench TPC-B, 8 clients", ["-c8", "-j2"]),
}


def transactions(target, arguments, seconds):
    """(transactions per second, number of transactions) of one run; TPC-B vacuums its small tables first."""
    quiet = ["-n"] if "-S" in arguments else []
    output = system.run([system.tool("pgbench"), *arguments, *quiet, "-T", str(seconds), target.url()], timeout=seconds + 60)
    number = int(re.search(r"transactions actually processed: (\d+)", output)[1])
    rates = re.findall(r"tps = ([0-9.]+)", output)
    failed = re.search(r"number of failed transactions: (\d+)", output)
    if failed and int(failed[1]):
        raise system.Failure(f"pgbench had {failed[1]} failed transactions")
    return float(rates[-1]), number


def initialise(target, scale=5):
    """Seconds of `pgbench -i`, which loads by COPY, as pgbench itself counts them."""
    done = subprocess.run([system.tool("pgbench"), "-i", "-q", "-s", str(scale), target.url()], capture_output=True, text=True, timeout=120)
    found = re.search(r"done in ([0-9.]+) s", done.stderr)
    if done.returncode != 0 or not found:
        raise system.Failure(f"pgbench -i: exit {done.returncode}: {done.stderr[-500:]}")
    return float(found[1])


def copy_out(target, times=3):
    """Seconds for the accounts table to come out `times` times in one psql."""
    command = [system.tool("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", target.url()]
    for _ in range(times):
        command += ["-c", "COPY pgbench_accounts TO STDOUT"]
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=120)
    if done.returncode != 0:
        raise system.Failure(f"COPY: {done.stderr[-500:]}")
    return time.perf_counter() - begin
