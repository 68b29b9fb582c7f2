"""The finding of a check, and its lines on the terminal."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import typer


class Verdict(StrEnum):
    """How it is."""

    GOOD = "ok"
    WARNING = "warning"
    """It works, and something should be otherwise."""
    WRONG = "wrong"
    """Jobs will fail, or wait for ever."""
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    about: str
    text: str
    fix: str = ""
    """What to do; empty where there is nothing to do."""


def good(about: str, text: str) -> Finding:
    """Return that it is as it must be."""
    return Finding(Verdict.GOOD, about, text)


def warning(about: str, text: str, fix: str) -> Finding:
    """Return that it should be otherwise."""
    return Finding(Verdict.WARNING, about, text, fix)


def wrong(about: str, text: str, fix: str) -> Finding:
    """Return that jobs will fail."""
    return Finding(Verdict.WRONG, about, text, fix)


def unknown(about: str, text: str, fix: str = "") -> Finding:
    """Return that the check could not look."""
    return Finding(Verdict.UNKNOWN, about, text, fix)


def show(findings: Iterable[Finding]) -> list[Finding]:
    """Print findings as they come, one a line, what to do below; return them."""
    shown: list[Finding] = []
    for one in findings:
        typer.echo(f"{one.verdict:<8} {one.about:<11} {one.text}")
        if one.fix:
            typer.echo(f"{'':<20} -> {one.fix}")
        shown.append(one)
    return shown
