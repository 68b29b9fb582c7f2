"""Rows of the quarantine table: rejected lines, and the pieces that were left out of kept ones."""

from collections.abc import Iterable
from operator import itemgetter

import pyarrow as pa

from radiant.domain.columns import Table
from radiant.vcf.findings import Finding, Piece
from radiant.vcf.rules.sequence import ReadState
from radiant.vcf.schema import Rows

MAX_PIECES_PER_RULE = 10_000
"""Quarantine rows for pieces of kept lines, per rule of a file; all are counted."""


def quarantine_rows(
    table: Table, first_line: int, found: Iterable[tuple[int, Finding | Piece]], state: ReadState
) -> pa.RecordBatch | None:
    """Return the rows of a chunk in the order of its lines; None without any.

    Args:
        table: The declaration of the table.
        first_line: Number of the chunk's first line.
        found: Findings and pieces, each with the index of its line; those of one line in their order.
        state: Of the lines before the chunk; the pieces are added.
    """
    rows = Rows(table)
    for at, one in sorted(found, key=itemgetter(0)):
        if isinstance(one, Finding):
            rows.add(one.row())
            continue
        rule = str(one.rule)
        state.pieces[rule] += 1
        if state.pieces[rule] <= MAX_PIECES_PER_RULE:
            rows.add(Finding(first_line + at, rule, one.message, record_kept=True, text=one.text).row())
    return rows.take()
