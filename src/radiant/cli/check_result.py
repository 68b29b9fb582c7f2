"""The results of checks, and how they are printed: `radiant doctor`, `radiant kube doctor`, `radiant ecs doctor`."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import typer

from radiant.cli.terminal import echo
from radiant.errors import EXIT_CONFIG


class Grade(StrEnum):
    """What a result means for jobs."""

    GOOD = "ok"
    WARNING = "warning"
    """Jobs run, and something should be otherwise."""
    WRONG = "wrong"
    """Jobs fail, or wait for ever."""
    UNKNOWN = "unknown"
    """It could not be checked."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was checked."""

    grade: Grade
    about: str
    """The part that was checked: `cluster`, `network`."""
    text: str
    fix: str = ""
    """What to do; empty where there is nothing to do."""


def good(about: str, text: str) -> CheckResult:
    """Return a result that needs nothing."""
    return CheckResult(Grade.GOOD, about, text)


def warning(about: str, text: str, fix: str) -> CheckResult:
    """Return a result that should be otherwise."""
    return CheckResult(Grade.WARNING, about, text, fix)


def wrong(about: str, text: str, fix: str) -> CheckResult:
    """Return a result that makes jobs fail."""
    return CheckResult(Grade.WRONG, about, text, fix)


def unknown(about: str, text: str, fix: str = "") -> CheckResult:
    """Return a result about something that could not be checked."""
    return CheckResult(Grade.UNKNOWN, about, text, fix)


def print_results(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Print results as they come, one a line with its fix below, and return them.

    Example:
        `wrong    network     subnet-1 has no way to AWS's services`, then `-> add NAT`
    """
    printed: list[CheckResult] = []
    for one in results:
        echo(f"{one.grade:<8} {one.about:<11} {one.text}")
        if one.fix:
            echo(f"{'':<20} -> {one.fix}")
        printed.append(one)
    return printed


def summary(results: Iterable[CheckResult]) -> str:
    """Return how many results have each grade: `12 ok, 1 warning`."""
    counts = Counter(one.grade for one in results)
    return ", ".join(f"{counts[grade]} {grade}" for grade in Grade if counts[grade])


def end_with(results: Iterable[CheckResult]) -> None:
    """End the command with the exit code 78 if a result is wrong.

    Raises:
        typer.Exit: one is.
    """
    if any(one.grade is Grade.WRONG for one in results):
        raise typer.Exit(EXIT_CONFIG)
