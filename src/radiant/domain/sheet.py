"""The sample sheet: CSV text -> the cases it names. Documented for users in `docs/sample-sheet.md`."""

import csv
import difflib
import io
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from radiant.assembly_names import ASSEMBLY_NAMES, assembly_name
from radiant.domain.case import LAST_CASE, Priority
from radiant.errors import InputError

MAX_BYTES = 64 << 20
"""Of a sheet."""
COLUMNS = ("case", "vcf", "ped", "strategy", "priority", "assembly", "proband", "patient")
"""Columns a sheet may have, in any order; only `vcf` must be there."""
DEFAULT_STRATEGY = "wgs"
"""Where the column `strategy` is missing or empty."""

_T = TypeVar("_T")

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One case as a line of the sheet states it."""

    line: int
    """From 1, of the file."""
    case_id: int | None
    """None for the case that has this VCF, or the next number."""
    vcf_uri: str
    ped_uri: str | None
    strategy: str
    priority: Priority
    assembly: str
    proband: str | None
    """Individual id in the pedigree, None to find it by the pedigree's rule."""
    patient: str | None = None
    """The person, across cases; only of a case without a pedigree, which has one sample. None for the case's own."""
    stated: frozenset[str] = field(default=frozenset(), compare=False)
    """Columns that the line fills in; the others have their defaults."""


def parse_sheet(
    text: str,
    name: str,
    *,
    to_uri: Callable[[str], str],
    strategies: Collection[str],
    assembly: str = "GRCh38",
) -> tuple[SheetRow, ...]:
    """Read a sample sheet.

    The first line that is neither empty nor a comment (`#`) names the columns. They are separated by commas, or, where
    that line holds no comma, by semicolons or tabs, as Excel writes them in many countries; Excel's own first line
    `sep=;` is understood. A byte order mark and any line ends are fine. An empty cell is a cell that was not filled in.

    Args:
        text: Content of the file.
        name: Its name, for messages.
        to_uri: Turns a path as written into an absolute URI; relative paths count from the sheet's folder. Its
            `InputError` becomes a problem of the cell.
        strategies: Names the column `strategy` may hold.
        assembly: Of cases that state none.

    Returns:
        Cases in the order of the file.

    Raises:
        InputError: all that is wrong at once, with line and column: an unknown or repeated column (the nearest name is
            suggested), no column `vcf`, an empty `vcf`, a cell beyond the columns, an open quote, a value that is none
            of those allowed, a case number that is no positive whole number or comes twice, one VCF in two lines that
            do not both have a case number, a proband without a pedigree, a patient with one, no case at all.
    """
    rows, problems = _read_cells(text.removeprefix("\ufeff"))
    if not rows:
        problems.append((1, f"there is no line that names the columns; a sheet starts with {','.join(COLUMNS)}"))
        raise _error(name, problems)
    header_line, header = rows[0]
    columns = [column.lower() for column in header]
    problems += _check_header(header_line, columns)
    if any(line == header_line for line, _ in problems):
        raise _error(name, problems)
    reader = _Reader(to_uri, tuple(strategies), assembly, problems)
    found = [row for line, cells in rows[1:] if (row := reader.read(line, columns, cells)) is not None]
    if len(rows) == 1 and not problems:
        problems.append((header_line, "there is no line for a case below the names of the columns"))
    problems += _check_numbers(found)
    problems += _check_files(found)
    if problems:
        raise _error(name, problems)
    return tuple(found)


def read_priority(value: str) -> Priority:
    """Return the priority of that name; empty and `unknown` are routine.

    Raises:
        InputError: any other text. A misspelt `stat` must not wait like a routine case.
    """
    if value.lower() in {"", "unknown"}:
        return Priority.ROUTINE
    return Priority(_one_of(value, [str(one) for one in Priority], "priority"))


def read_assembly(value: str) -> str:
    """Return the assembly of that name, in its own spelling; `hg19`, `b37`, `GRCh38.p14` and others are understood.

    Raises:
        InputError: it is neither one of `ASSEMBLY_NAMES` nor another name of one.
    """
    return assembly_name(value) or _one_of(value, ASSEMBLY_NAMES, "assembly")


def read_strategy(value: str, strategies: Collection[str]) -> str:
    """Return the strategy of that name.

    Raises:
        InputError: it is none of `strategies`.
    """
    return _one_of(value, tuple(strategies), "strategy")


_Problem = tuple[int, str]
"""Line and problem."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the cells of a line into a row, and collects the problems."""

    to_uri: Callable[[str], str]
    strategies: Sequence[str]
    assembly: str
    problems: list[_Problem]

    def read(self, line: int, columns: Sequence[str], cells: Sequence[str]) -> SheetRow | None:
        before = len(self.problems)
        for place, cell in enumerate(cells[len(columns) :], start=len(columns) + 1):
            if cell:
                self.problems.append((line, f"column {place}: {cell!r} is beyond the {len(columns)} columns; {_QUOTE}"))
        values = dict(zip(columns, cells, strict=False))
        row = SheetRow(
            line=line,
            case_id=self._value(line, "case", values, _read_case),
            vcf_uri=self._value(line, "vcf", values, self.to_uri) or "",
            ped_uri=self._value(line, "ped", values, self.to_uri),
            strategy=self._value(line, "strategy", values, lambda value: read_strategy(value, self.strategies))
            or DEFAULT_STRATEGY,
            priority=self._value(line, "priority", values, read_priority) or Priority.ROUTINE,
            assembly=self._value(line, "assembly", values, read_assembly) or self.assembly,
            proband=values.get("proband") or None,
            patient=values.get("patient") or None,
            stated=frozenset(column for column, value in values.items() if value),
        )
        if not values.get("vcf"):
            self.problems.append((line, "column vcf: is empty; every case needs a VCF"))
        if row.proband is not None and not values.get("ped"):
            self.problems.append((line, f"column proband: {row.proband!r} needs a pedigree; fill in the column ped"))
        if row.patient is not None and values.get("ped"):
            text = "column patient: the case has a pedigree; state the patient there, in its column patient_id"
            self.problems.append((line, text))
        return row if len(self.problems) == before else None

    def _value(self, line: int, column: str, values: Mapping[str, str], read: Callable[[str], _T]) -> _T | None:
        value = values.get(column, "")
        if not value:
            return None
        try:
            return read(value)
        except InputError as error:
            self.problems.append((line, f"column {column}: {error}"))
            return None


_QUOTE = 'put a value that holds a separator into double quotes ("a,b")'


def _read_cells(text: str) -> tuple[list[tuple[int, list[str]]], list[_Problem]]:
    """Return (line, cells) of every line that holds some, the header first."""
    lines = io.StringIO(text, newline="").readlines()
    delimiter = None
    skipped = 0
    for line in lines:
        stripped = line.strip()
        if stripped.lower().startswith("sep="):
            delimiter = line.rstrip("\r\n")[-1]
        elif stripped.strip("".join(_DELIMITERS)) and not stripped.startswith("#"):
            delimiter = delimiter or next((one for one in _DELIMITERS if one in line), ",")
            break
        skipped += 1
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), delimiter=delimiter or ",", strict=True)
    line = skipped + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            return rows, [(line, f"{error}; a double quote that is opened must be closed in front of a separator")]
        if cells is None:
            return rows, []
        stripped_cells = [cell.strip() for cell in cells]
        if any(stripped_cells) and not stripped_cells[0].startswith("#"):
            rows.append((line, stripped_cells))
        line = skipped + reader.line_num + 1


def _check_header(line: int, columns: Sequence[str]) -> list[_Problem]:
    problems: list[_Problem] = []
    for place, column in enumerate(columns, start=1):
        if not column:
            if any(columns[place:]):
                problems.append((line, f"column {place}: has no name"))
        elif column not in COLUMNS:
            problems.append((line, f"column {place}: there is no column {column!r}; {_nearest(column, COLUMNS)}"))
        elif column in columns[: place - 1]:
            problems.append((line, f"column {place}: {column} comes twice; remove one"))
    if "vcf" not in columns:
        problems.append((line, f"the column vcf is missing; the columns are {', '.join(COLUMNS)}"))
    return problems


def _check_numbers(rows: Sequence[SheetRow]) -> list[_Problem]:
    first: dict[int, int] = {}
    problems: list[_Problem] = []
    for row in rows:
        if row.case_id is not None and first.setdefault(row.case_id, row.line) != row.line:
            before = first[row.case_id]
            problems.append(
                (row.line, f"column case: {row.case_id} was already on line {before}; a number is one case")
            )
    return problems


def _check_files(rows: Sequence[SheetRow]) -> list[_Problem]:
    """Without a number a case is found by its VCF, so a VCF of several families needs numbers on all its lines."""
    first: dict[str, SheetRow] = {}
    problems: list[_Problem] = []
    for row in rows:
        before = first.setdefault(row.vcf_uri, row)
        if before is not row and (row.case_id is None or before.case_id is None):
            text = (
                f"column vcf: {row.vcf_uri} was already on line {before.line}; remove one of the lines, or give both a "
                "number in the column case if they are different cases of one file"
            )
            problems.append((row.line, text))
    return problems


def _read_case(value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= LAST_CASE:
        return int(value)
    msg = f"{value!r} is not a case number, a whole number from 1"
    raise InputError(msg)


def _one_of(value: str, allowed: Sequence[str], what: str) -> str:
    for one in allowed:
        if value.lower() == one.lower():
            return one
    msg = f"{value!r} is not a known {what}; {_nearest(value, allowed)}"
    raise InputError(msg)


def _nearest(value: str, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(value.lower(), [one.lower() for one in allowed], n=1, cutoff=0.6)
    hint = next((f"did you mean {one}? " for one in allowed if near and one.lower() == near[0]), "")
    return f"{hint}Known are {', '.join(allowed)}"


def _error(name: str, problems: Sequence[_Problem]) -> InputError:
    listed = [f"line {line}, {text}" for line, text in sorted(problems)]
    if len(listed) == 1:
        return InputError(f"{name}, {listed[0]}")
    return InputError("\n  ".join([f"{name} has {len(listed)} problems:", *listed]))
