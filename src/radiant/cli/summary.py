"""The outcome of a run: read from Airflow's API, rendered for a user, turned into an exit code."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from radiant.cli.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.cli.progress import RunReader, import_run_id
from radiant.domain.tables import CASE_TABLES
from radiant.errors import EXIT_BAD_INPUT, EXIT_BUG, EXIT_OK, RadiantError

_RECORDS = ("read", "kept", "split", "skipped", "rejected")
_PIPE_WIDTH = 200
"""Width where there is no terminal: a log or a pipe needs no folding."""


@dataclass(frozen=True, slots=True)
class ImportedCase:
    """A case whose rows are visible."""

    case_id: int
    records: Mapping[str, int]
    """Data lines by bucket: read, kept, split, skipped, rejected."""
    rows: Mapping[str, int]
    """Rows by table, short names."""
    seconds: float
    """Wall time of the import."""
    peak_memory_mib: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailedCase:
    """A case that is not imported."""

    case_id: int
    code: str
    """`code` of the error class, or the platform's reason (OutOfMemory, Lost)."""
    reason: str


@dataclass(frozen=True, slots=True)
class Summary:
    """The outcome of a run."""

    imported: tuple[ImportedCase, ...]
    failed: tuple[FailedCase, ...]
    deleted: tuple[int, ...]
    """Removed cases whose rows went."""
    trouble: tuple[str, ...]
    """What went wrong beside single cases."""

    @property
    def exit_code(self) -> int:
        """0 when all is well, 65 when nothing but bad input failed, else 70."""
        if not self.failed and not self.trouble:
            return EXIT_OK
        bad_input = _codes_of_bad_input()
        if not self.trouble and all(case.code in bad_input for case in self.failed):
            return EXIT_BAD_INPUT
        return EXIT_BUG


def read_summary(api: RunReader, run_id: str) -> Summary:
    """Read the outcome of a finished run of `import-radiant`.

    The verdict of the run decides what failed; the numbers come from the commits. What ended without saying anything
    is trouble, never silence.

    Raises:
        AirflowError: Airflow refused to say, or does not answer.
    """
    state = api.run_state(IMPORT_RADIANT, run_id)
    verdict = api.xcom(IMPORT_RADIANT, run_id, "verdict")
    plan = api.xcom(IMPORT_RADIANT, run_id, "plan")
    parts: Sequence[Mapping[str, Any]] = plan["output"]["parts"] if plan and plan["status"] == "succeeded" else ()
    imported: list[ImportedCase] = []
    deleted: list[int] = []
    for part in parts:
        counted = 0
        for block in itertools.count(1):
            commit = api.xcom(IMPORT_VCF, import_run_id(run_id, part, block), "commit")
            if not commit:
                break
            if commit["status"] != "succeeded":
                continue
            output = commit["output"]
            imported += [_imported(case) for case in output["imported"]]
            deleted += output["deleted"]
            counted += sum(len(output[name]) for name in ("imported", "failed", "deleted"))
            if counted >= len(part["cases"]):
                break
    failed = [FailedCase(case["case_id"], case["code"], case["reason"]) for case in (verdict or {}).get("failed", [])]
    trouble: list[str] = [*(verdict or {}).get("trouble", [])]
    if verdict is None:
        trouble.append(f"the run ended {state or 'nowhere'} without a verdict; the UI shows which task failed")
    elif state != "success" and not failed and not trouble:
        trouble.append(f"the run ended {state}, though its verdict is good; the UI shows which task failed")
    return Summary(
        imported=tuple(sorted(imported, key=lambda case: case.case_id)),
        failed=tuple(sorted(failed, key=lambda case: case.case_id)),
        deleted=tuple(sorted(deleted)),
        trouble=tuple(trouble),
    )


def print_summary(summary: Summary, console: Console) -> None:
    """Print a line per case, then warnings, failures and trouble in full."""
    if not console.is_terminal:
        console = Console(file=console.file, width=_PIPE_WIDTH, no_color=True)
    tables = [short for short in CASE_TABLES if any(short in case.rows for case in summary.imported)]
    record_columns = {name: name for name in _RECORDS}
    row_columns = {f"{short}_rows".replace("_", "\n"): short for short in tables}
    if summary.imported or summary.failed:
        table = _table(summary, record_columns, row_columns)
        if console.measure(table, options=console.options.update(width=10 * _PIPE_WIDTH)).maximum <= console.width:
            console.print(table)
        else:
            console.print(_table(summary, record_columns, {}, usage=False))
            console.print(_table(summary, {}, row_columns, verdict=False))
    for imported in summary.imported:
        for warning in imported.warnings:
            _line(console, f"case {imported.case_id}: warning: {warning}", "yellow")
    for failed in summary.failed:
        _line(console, f"case {failed.case_id}: {failed.code}: {failed.reason}", "red")
    for text in summary.trouble:
        _line(console, f"trouble: {text}", "red")
    _line(console, _headline(summary), "green" if summary.exit_code == EXIT_OK else "red")


def _headline(summary: Summary) -> str:
    if not (summary.imported or summary.failed or summary.deleted or summary.trouble):
        return "No case was due. `radiant cases add` registers one, `radiant cases list` shows those there are."
    parts = [f"{len(summary.imported)} imported", f"{len(summary.failed)} failed"]
    if summary.deleted:
        parts.append(f"{len(summary.deleted)} deleted")
    if summary.trouble:
        parts.append("the run is red")
    return "Cases: " + ", ".join(parts) + "."


def _table(
    summary: Summary, records: Mapping[str, str], rows: Mapping[str, str], *, verdict: bool = True, usage: bool = True
) -> Table:
    """Return a table of all cases, or of the imported ones when it has no verdicts.

    Args:
        summary: the cases.
        records: record counts to show, by column name.
        rows: tables whose rows to show, by column name.
        verdict: whether to show the outcome of each case.
        usage: whether to show seconds and memory.
    """
    table = Table(box=None, pad_edge=False)
    table.add_column("case", justify="right", no_wrap=True)
    if verdict:
        table.add_column("verdict", overflow="fold", min_width=8)  # the only one that may give way
    for name in (*records, *rows, *(("seconds", "peak\nMiB") if usage else ())):
        table.add_column(name, justify="right", no_wrap=True)
    lines: list[tuple[int, Text, list[str]]] = []
    for case in summary.imported:
        numbers = [case.records.get(name) for name in records.values()]
        numbers += [case.rows.get(short) for short in rows.values()]
        texts = ["" if number is None else f"{number:,}" for number in numbers]
        if usage:
            texts += [f"{case.seconds:,.1f}", f"{case.peak_memory_mib:,.0f}"]
        warned = len(case.warnings)
        text = f"imported, {warned} warning{'s' * (warned > 1)}" if warned else "imported"
        lines.append((case.case_id, Text(text, "yellow" if warned else "green"), texts))
    if verdict:
        lines += [(case.case_id, Text(f"failed: {case.code}", "red"), []) for case in summary.failed]
    for case_id, text, texts in sorted(lines, key=lambda line: line[0]):
        table.add_row(str(case_id), *([text] if verdict else []), *texts)
    return table


def _line(console: Console, text: str, style: str) -> None:
    # Text, not markup: a reason may quote a file.
    console.print(Text(text, style), soft_wrap=True)


def _imported(case: Mapping[str, Any]) -> ImportedCase:
    return ImportedCase(
        case_id=case["case_id"],
        records=case["records"],
        rows=case["rows"],
        seconds=case["seconds"],
        peak_memory_mib=case["peak_memory_mib"],
        warnings=tuple(str(warning) for warning in case["warnings"]),
    )


def _codes_of_bad_input() -> frozenset[str]:
    def below(kind: type[RadiantError]) -> list[type[RadiantError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    return frozenset(kind.code for kind in below(RadiantError) if kind.exit_code == EXIT_BAD_INPUT)
