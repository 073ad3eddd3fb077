"""The table on the terminal, the JSON file, and the part of docs/benchmarks.md that is made from a run."""

import json
import os
import statistics
from datetime import datetime, timezone

BEGIN = {"latest": "<!-- made by Benchmarks/run --docs: begin -->", "soak": "<!-- made by Benchmarks/run --rows soak --docs: begin -->"}
END = "<!-- end -->"


def _number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def _row(figure):
    def side(samples):
        return f"{_number(statistics.median(samples), figure.digits)} {figure.unit}".strip() if samples else ""

    value = figure.value()
    reached = ""
    if figure.relation != "ours" and value is not None:
        reached = f"{value:.2f}" + ("" if figure.relation == "share" else " ×")
    verdict = {True: "yes", False: "NO", None: "–"}[figure.met()]
    return [figure.what, side(figure.ours), figure.other, side(figure.theirs), reached, figure.target(), verdict]


HEAD = ["work", "devdb", "beside it", "", "ratio", "target", "met"]


def table(figures):
    rows = [HEAD] + [_row(f) for f in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    right = {1, 3, 4}
    lines = ["  ".join(c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def markdown(part, record, figures):
    machine = record["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    text = [
        BEGIN[part], "",
        f"Run of {record['date'][:10]}: {machine.get('cpu', '')}, {machine['cores']} cores, {machine.get('memoryGB', '?')} GB, "
        f"{machine.get('distribution', '')} ({machine['system']}), {machine.get('fileSystem', '?')}; load average {machine['load']} before it; "
        f"{versions}." + (" A short run (`--quick`)." if record["quick"] else ""), "",
        "| " + " | ".join(HEAD) + " |", "|---|--:|---|--:|--:|---|---|",
    ]
    text += ["| " + " | ".join("**no**" if c == "NO" else c.replace("|", "\\|") for c in _row(f)) + " |" for f in figures]
    return "\n".join([*text, "", END])


def write(root, part, options, machine, versions, figures, failures):
    """Writes results/latest.json, or soak.json, and the table into its part of docs/benchmarks.md when asked."""
    record = {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"), "machine": machine, "versions": versions, "quick": options.quick,
        "figures": [f.record() for f in figures], "failures": failures,
    }
    folder = f"{root}/Benchmarks/results"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/{part}.json", "w") as file:
        json.dump(record, file, indent=1, ensure_ascii=False)
        file.write("\n")
    if options.docs:
        path = f"{root}/docs/benchmarks.md"
        text = open(path).read()
        before, rest = text.split(BEGIN[part], 1)
        with open(path, "w") as file:
            file.write(before + markdown(part, record, figures) + rest.split(END, 1)[1])
    return f"{folder}/{part}.json"
