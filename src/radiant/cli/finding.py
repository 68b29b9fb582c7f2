"""The findings of a check, and how they are printed: `radiant kube doctor`, `radiant ecs doctor`."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import typer


class Verdict(StrEnum):
    """What a finding means for jobs."""

    GOOD = "ok"
    WARNING = "warning"
    """Jobs run, and something should be otherwise."""
    WRONG = "wrong"
    """Jobs fail, or wait for ever."""
    UNKNOWN = "unknown"
    """It could not be checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked."""

    verdict: Verdict
    about: str
    """The part that was checked: `cluster`, `network`."""
    text: str
    fix: str = ""
    """What to do; empty where there is nothing to do."""


def good(about: str, text: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(Verdict.GOOD, about, text)


def warning(about: str, text: str, fix: str) -> Finding:
    """Return a finding that should be otherwise."""
    return Finding(Verdict.WARNING, about, text, fix)


def wrong(about: str, text: str, fix: str) -> Finding:
    """Return a finding that makes jobs fail."""
    return Finding(Verdict.WRONG, about, text, fix)


def unknown(about: str, text: str, fix: str = "") -> Finding:
    """Return a finding about something that could not be checked."""
    return Finding(Verdict.UNKNOWN, about, text, fix)


def print_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Print findings as they come, one a line with its fix below, and return them.

    Example:
        `wrong    network     subnet-1 has no way to AWS's services`, then `-> add NAT`
    """
    printed: list[Finding] = []
    for one in findings:
        typer.echo(f"{one.verdict:<8} {one.about:<11} {one.text}")
        if one.fix:
            typer.echo(f"{'':<20} -> {one.fix}")
        printed.append(one)
    return printed
