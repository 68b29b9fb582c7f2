"""The targets, the results, and whether they are met."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import odd_lines
from measure import Measured

Seen = Mapping[str, Measured | None]


@dataclass(frozen=True)
class Target:
    """One line of the table."""

    what: str
    wanted: str
    seen: str
    met: bool | None
    """None where it was not measured."""


def targets(seen: Seen) -> list[Target]:
    """Judge the results; names are those of `run.py`."""

    def of(names: tuple[str, ...], judge: Callable[..., tuple[str, bool]]) -> tuple[str, bool | None]:
        found = [seen.get(name) for name in names]
        return ("not measured", None) if None in found else judge(*found)

    loop, one, two = "cyvcf2 record loop", "radiant, 1 process", "radiant, 2 processes"
    rows: list[tuple[str, str, tuple[str, ...], Callable[..., tuple[str, bool]]]] = [
        ("records/s, 2 processes", "60,000", (two,), lambda b: (f"{b.rate:,.0f}", b.rate >= 60_000)),
        ("against a cyvcf2 record loop", "40 x", (two, loop), lambda b, c: _times(b.rate / c.rate, 40)),
        ("2 processes against 1", "1.8 x", (two, one), lambda b, a: _times(b.rate / a.rate, 1.8)),
        *(
            (f"memory, {name}", "512 MiB", (name,), _memory)
            for name in (one, two, "10,000 records", "10 M records", "lines of 5 MB, 100 samples, 200 CSQ fields",
                         "cohort, 3 of 2,504", "cohort, 300 of 2,504")
        ),
        ("start-up to the first record", "1.5 s", ("start-up",), lambda a: (f"{a.printed} s", float(a.printed) <= 1.5)),
        ("gVCF, 99 % reference blocks, 1 process", "400,000 lines/s", ("gVCF",),
         lambda a: (f"{a.rate:,.0f}", a.rate >= 400_000)),
        *(
            (f"genome with 10 % lines that are odd {kind}, against none", "0.5 x the records/s",
             (f"genome, 10 % odd {kind}, 2 processes", "genome, 2 processes"),
             lambda b, a: _times(b.rate / a.rate, 0.5))
            for kind in odd_lines.KINDS
        ),
        ("cohort: CPU of 300 members against 3", "grows with the members",
         ("cohort, 300 of 2,504", "cohort, 3 of 2,504"),
         lambda b, a: (f"{b.cpu_s:.1f} s against {a.cpu_s:.1f} s", b.cpu_s < 100 * a.cpu_s)),
        ("S3 against a local disk of the same bandwidth", "at most 10 % slower", ("S3", "slow disk"),
         lambda b, a: (f"{b.wall_s / a.wall_s - 1:+.0%}", b.wall_s <= 1.1 * a.wall_s)),
    ]  # fmt: skip
    return [Target(what, wanted, *of(names, judge)) for what, wanted, names, judge in rows]


def _memory(one: Measured) -> tuple[str, bool]:
    return f"{one.peak_mib:.0f} MiB (PSS {one.pss_mib:.0f})", one.peak_mib <= 512


def _times(ratio: float, wanted: float) -> tuple[str, bool]:
    return f"{ratio:.2f} x", ratio >= wanted


def markdown(found: list[Target]) -> str:
    """Return a Markdown table."""
    words = {True: "met", False: "**not met**", None: ""}
    lines = ["| what | target | seen | |", "|---|---:|---:|---|"]
    lines += [f"| {one.what} | {one.wanted} | {one.seen} | {words[one.met]} |" for one in found]
    return "\n".join(lines) + "\n"
