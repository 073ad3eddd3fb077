"""A figure: samples of ours and of the other side, taken in turns, and the target between them."""

import statistics
from dataclasses import dataclass, field


def spread(samples):
    """Half of the distance between the quartiles, as a share of the median: how noisy the machine was."""
    if len(samples) < 4:
        return None
    low, middle, high = statistics.quantiles(samples, n=4)
    return (high - low) / 2 / middle if middle else None


@dataclass
class Figure:
    """`relation`: what is compared with `limit`: "ratio" = ours/theirs, "inverse" = theirs/ours, "ours" = ours alone,
    "share" = ours/base against theirs/base. `most`: the limit is an upper bound, else a lower one."""

    row: str
    what: str
    unit: str
    ours: list
    theirs: list = field(default_factory=list)
    other: str = ""
    relation: str = "ours"
    limit: float | None = None
    most: bool = True
    base: list = field(default_factory=list)
    digits: int = 1
    note: str = ""

    def value(self):
        """The compared number, from medians of the same rounds."""
        ours = statistics.median(self.ours)
        if self.relation == "ours":
            return ours
        if not self.theirs:
            return None
        theirs = statistics.median(self.theirs)
        if self.relation == "inverse":
            return theirs / ours
        if self.relation == "share":
            # For a rate, more is better: share of the base's rate. For a time: the base's time over it.
            base = statistics.median(self.base)
            return ours / base if self.unit == "/s" else base / ours
        return ours / theirs

    def bound(self):
        """The target; for "share" it is what the other side reached in this run."""
        if self.relation == "share" and self.theirs:
            base, theirs = statistics.median(self.base), statistics.median(self.theirs)
            return theirs / base if self.unit == "/s" else base / theirs
        return self.limit

    def met(self):
        value, bound = self.value(), self.bound()
        if value is None or bound is None:
            return None
        return value <= bound if self.most else value >= bound

    def target(self):
        bound = self.bound()
        if bound is None:
            return ""
        sign = "≤" if self.most else "≥"
        if self.relation == "ours":
            return f"{sign} {bound:g} {self.unit}".strip()
        return f"{sign} {bound:.2f}" if self.relation == "share" else f"{sign} {bound:g} ×"

    def record(self):
        """For the JSON file: everything, raw samples too."""
        return {
            "row": self.row, "what": self.what, "unit": self.unit, "relation": self.relation, "other": self.other,
            "ours": statistics.median(self.ours), "theirs": statistics.median(self.theirs) if self.theirs else None,
            "base": statistics.median(self.base) if self.base else None, "value": self.value(), "target": self.target(), "met": self.met(),
            "rounds": len(self.ours), "spread": {"ours": spread(self.ours), "theirs": spread(self.theirs)}, "note": self.note,
            "samples": {"ours": self.ours, "theirs": self.theirs, "base": self.base},
        }
