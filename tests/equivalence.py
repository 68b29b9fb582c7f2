"""The fast path and the rules give the same: the rows in order, the report, or the error."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from radiant import vcf
from radiant.domain.case import Member
from radiant.domain.tables import CASE_TABLES
from radiant.errors import RadiantError
from radiant.vcf.shards import ShardedReader, ShardReader


@dataclass
class Outcome:
    """The rows and the report of a reader, or its error."""

    tables: dict[str, pa.Table]
    report: dict | None
    error: str | None
    lines: int
    alone: int


def outcome(path, members: Sequence[Member] | None = None, **options: object) -> Outcome:
    """Read a file; an error keeps its type and words."""
    reader = vcf.read_case(f"file://{path}", members, vcf.ReadOptions(**options))
    batches: dict[str, list[pa.RecordBatch]] = {name: [] for name in CASE_TABLES}
    report = error = None
    try:
        for name, batch in reader.batches():
            batches[name].append(batch)
        report = reader.report.to_json()
    except RadiantError as raised:
        error = f"{type(raised).__name__}: {raised}"
    tables = {
        name: pa.Table.from_batches(batches[name], vcf.arrow_schema(table)) for name, table in reader.tables.items()
    }
    return Outcome(tables, report, error, reader.lines_read, reader.fallback_lines)


def sharded_outcome(
    path, members: Sequence[Member] | None = None, *, size: int, readers: int = 2, **options: object
) -> Outcome:
    """Read shards with several readers, the results arriving in a mixed order."""
    wanted = vcf.ReadOptions(**options)
    sharded = ShardedReader(f"file://{path}", members, wanted)
    shards = list(sharded.shards(size, readers))
    pool = [ShardReader(f"file://{path}", members, wanted, sharded.header) for _ in range(readers)]
    order = list(range(len(shards)))
    random.Random(len(shards)).shuffle(order)  # noqa: S311 - any order
    batches: dict[int, list[tuple[str, pa.RecordBatch]]] = {}
    rest: list[tuple[str, pa.RecordBatch]] = []
    for index, reader in zip(order, itertools.cycle(pool)):
        own = batches[index] = []
        rest += sharded.merge(reader.read(shards[index], lambda name, batch, own=own: own.append((name, batch))))
    rest += sharded.finish()
    rows = [*(one for index in sorted(batches) for one in batches[index]), *rest]
    tables = {
        name: pa.Table.from_batches([batch for at, batch in rows if at == name], vcf.arrow_schema(table))
        for name, table in CASE_TABLES.items()
    }
    return Outcome(tables, sharded.report.to_json(), None, sharded.lines_read, sharded.fallback_lines)


def by_rules(path, members: Sequence[Member] | None = None, **options: object) -> Outcome:
    """Read a file without the fast path: the rules read every line, one at a time."""
    found = outcome(path, members, fast=False, **options)
    assert found.error is not None or found.alone == found.lines
    return found


def assert_same(expected: Outcome, got: Outcome, context: object = "") -> None:
    """Compare; rows of a file that ends with an error do not count."""
    assert got.error == expected.error, context
    if expected.error is not None:
        return
    for name, table in expected.tables.items():
        if not got.tables[name].equals(table):
            rows = zip(table.to_pylist(), got.tables[name].to_pylist(), strict=False)
            first = next(((one, other) for one, other in rows if one != other), "another number of rows")
            raise AssertionError((context, name, first))
    assert without_fallback(got.report) == without_fallback(expected.report), context


def without_fallback(report: dict | None) -> dict | None:
    """Return a report without the lines that the fast path left: the only part that says how a file was read."""
    return None if report is None else {name: value for name, value in report.items() if name != "fallback"}


def compare(path, members: Sequence[Member] | None = None, **options: object) -> Outcome:
    """Read a file both ways and compare; return the outcome with the fast path."""
    chunk_bytes = options.pop("chunk_bytes", 8 << 20)
    expected = by_rules(path, members, **options)
    got = outcome(path, members, chunk_bytes=chunk_bytes, **options)
    assert_same(expected, got, (path, chunk_bytes))
    return got
