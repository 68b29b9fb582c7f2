"""The results by kind of file; the targets, the results, and whether they are met."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import odd_lines
from measure import Measured, median

Seen = Mapping[str, Measured | None]

EVERYTHING = "all tables staged, checks, digests, report"
"""What an import does."""
KINDS = ("genome", "exome", "joint", "demo")
"""Kinds of files; the targets are those of the first."""


def imported(kind: str, processes: int) -> str:
    """Return the name of an import of a kind of file."""
    return f"{kind}, {processes} process{'' if processes == 1 else 'es'}"


def bcftools(kind: str) -> str:
    """Return the name of `bcftools view` of it."""
    return f"{kind}, bcftools view -H"


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

    loop, genome = "cyvcf2 record loop", KINDS[0]
    one, two, view = imported(genome, 1), imported(genome, 2), bcftools(genome)
    rows: list[tuple[str, str, tuple[str, ...], Callable[..., tuple[str, bool]]]] = [
        ("genome: records/s, 2 processes", "60,000", (two,), lambda b: (f"{b.rate:,.0f}", b.rate >= 60_000)),
        ("genome: time of 2 processes against bcftools view -H", "at most 3.0 x", (two, view),
         lambda b, v: (f"{b.wall_s / v.wall_s:.2f} x", b.wall_s <= 3 * v.wall_s)),
        ("genome: 2 processes against 1", "1.8 x", (two, one), lambda b, a: _times(b.rate / a.rate, 1.8)),
        *(
            (f"memory, {name}", "512 MiB", (name,), _memory)
            for name in (*(imported(kind, 2) for kind in KINDS), "10,000 records", "10 M records",
                         "lines of 5 MB, 100 samples, 200 CSQ fields", "cohort, 3 of 2,504", "cohort, 300 of 2,504")
        ),
        ("demo: against a cyvcf2 record loop", "40 x", (imported("demo", 2), loop),
         lambda b, c: _times(b.rate / c.rate, 40)),
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


def by_kind(runs: Mapping[str, Sequence[Measured | None]]) -> str:
    """Return a Markdown table with a row per kind of file; of several runs the median, and the records/s of each.

    Memory is the sum over the processes of the run that took most.
    """
    columns = (
        "file", "records", "bcftools view -H, s", "1 process, records/s", "2 processes, records/s", "each run",
        "2 against 1", "2 against bcftools", "CPU s/M, 1 and 2", "MiB, 1 and 2",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for kind in KINDS:
        found = {name: runs.get(name, ()) for name in (imported(kind, 1), imported(kind, 2), bcftools(kind))}
        whole = [[one for one in some if one is not None] for some in found.values()]
        if not whole[0] or not whole[1]:
            continue
        one, two = median(whole[0]), median(whole[1])
        view = median(whole[2]) if whole[2] else None
        each = ", ".join(f"{run.rate:,.0f}" for run in whole[1])
        memory = f"{one.peak_mib:.0f} and {two.peak_mib:.0f}"
        cpu = " and ".join(f"{run.cpu_s / run.records * 1e6:.1f}" for run in (one, two))
        against = "" if view is None else f"{two.wall_s / view.wall_s:.2f} x"
        seconds = "" if view is None else f"{view.wall_s:.2f}"
        lines.append(
            f"| {kind} | {two.records:,} | {seconds} | {one.rate:,.0f} | {two.rate:,.0f} | {each} | "
            f"{two.rate / one.rate:.2f} x | {against} | {cpu} | {memory} |"
        )
    return "\n".join(lines) + "\n"
