"""The outcome of a run: read from Airflow's API, rendered for a user, turned into an exit code."""

import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from radiant.cli.progress import RunReader, import_run_id, read_plan
from radiant.cli.terminal import printable, printable_lines
from radiant.domain.tables import CASE_TABLES
from radiant.errors import EXIT_BAD_INPUT, EXIT_BUG, EXIT_OK, RadiantError
from radiant.jobs.contracts import CommitOutput, FailedCase, ImportedCase, Verdict, output_of, read_verdict
from radiant.jobs.dag_ids import IMPORT_RADIANT, IMPORT_VCF
from radiant.jobs.documents import Status, read_job_summary

_RECORDS = ("read", "kept", "split", "skipped", "rejected")
_PIPE_WIDTH = 200
"""Width where there is no terminal: a log or a pipe needs no folding."""


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
    """Return the outcome of a finished run of `import-radiant`.

    The verdict of the run decides what failed; the numbers come from the commits. A run without a verdict is trouble.

    Raises:
        AirflowError: Airflow answers with an error, or does not answer.
        JobProtocolError: an XCom is of another version.
    """
    state = api.run_state(IMPORT_RADIANT, run_id)
    verdict = read_verdict(api.xcom(IMPORT_RADIANT, run_id, "verdict"), f"the verdict of run {run_id}")
    commits = _commits(api, run_id)
    failed, trouble = (verdict or Verdict()).failed, (verdict or Verdict()).trouble
    if verdict is None:
        trouble = (f"the run ended {state or 'nowhere'} without a verdict; the UI shows which task failed",)
    elif state != "success" and not failed and not trouble:
        trouble = (f"the run ended {state}, though its verdict is good; the UI shows which task failed",)
    return Summary(
        imported=tuple(sorted((case for one in commits for case in one.imported), key=lambda case: case.case_id)),
        failed=tuple(sorted(failed, key=lambda case: case.case_id)),
        deleted=tuple(sorted(case_id for one in commits for case_id in one.deleted)),
        trouble=trouble,
    )


def _commits(api: RunReader, run_id: str) -> list[CommitOutput]:
    """Return the output of each commit of the run that succeeded."""
    plan = read_plan(api, run_id)
    found: list[CommitOutput] = []
    for part in plan.parts if plan else ():
        named = 0
        for block in itertools.count(1):
            vcf_run = import_run_id(run_id, part, block)
            xcom = api.xcom(IMPORT_VCF, vcf_run, "commit")
            if xcom is None:
                break
            commit = read_job_summary(xcom, f"the XCom of commit of run {vcf_run}")
            if commit.status is not Status.SUCCEEDED:
                continue
            output = output_of(commit, CommitOutput)
            found.append(output)
            named += len(output.imported) + len(output.failed) + len(output.deleted)
            if named >= len(part.cases):
                break
    return found


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
        counts = asdict(case.records)
        numbers: list[int | None] = [counts.get(name) for name in records.values()]
        numbers += [case.rows.get(short) for short in rows.values()]
        texts = ["" if number is None else f"{number:,}" for number in numbers]
        if usage:
            texts += [f"{case.seconds:,.1f}", f"{case.peak_memory_mib:,.0f}"]
        warned = len(case.warnings)
        text = f"imported, {warned} warning{'s' * (warned > 1)}" if warned else "imported"
        lines.append((case.case_id, Text(text, "yellow" if warned else "green"), texts))
    if verdict:
        lines += [(case.case_id, Text(printable(f"failed: {case.code}"), "red"), []) for case in summary.failed]
    for case_id, text, texts in sorted(lines, key=lambda line: line[0]):
        table.add_row(str(case_id), *([text] if verdict else []), *texts)
    return table


def _line(console: Console, text: str, style: str) -> None:
    # Text, not markup: a reason may quote a file.
    console.print(Text(printable_lines(text), style), soft_wrap=True)


def _codes_of_bad_input() -> frozenset[str]:
    def below(kind: type[RadiantError]) -> list[type[RadiantError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in below(child))]

    return frozenset(kind.code for kind in below(RadiantError) if kind.exit_code == EXIT_BAD_INPUT)
