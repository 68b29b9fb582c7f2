"""Rows of one table with the line of each: those of the fast path and those of the rules, in the order of the file.

fast path   rows of lines  0 1 1 4        dictionary arrays
rules       rows of lines  2 2 3          plain arrays
spliced     rows of lines  0 1 1 2 2 3 4
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from radiant.domain.columns import Table as TableDeclaration
from radiant.vcf.schema import arrow_schema
from radiant.vcf.vector.arrow import decoded
from radiant.vcf.vector.slices import Integers


@dataclass(frozen=True, eq=False)
class RowTable:
    """Rows of one table."""

    batch: pa.RecordBatch
    line: Integers
    """Index in the chunk of each row's line, ascending."""


def spliced(fast: RowTable | None, rules: RowTable | None) -> pa.RecordBatch | None:
    """Return the rows of both in the order of their lines; None where there are none."""
    if fast is None or rules is None:
        found = fast or rules
        return None if found is None else found.batch
    columns: list[pa.Array] = []
    order = pa.array(np.argsort(np.concatenate((fast.line, rules.line)), kind="stable"))
    for one, other in zip(fast.batch.columns, rules.batch.columns, strict=True):
        text = pa.types.is_dictionary(one.type) and pa.types.is_string(one.type.value_type)
        both = [one, decoded(other).dictionary_encode()] if text else [decoded(one), decoded(other)]
        columns.append(pa.concat_arrays(both).take(order))
    fields = [
        pa.field(one.name, column.type, one.nullable) for one, column in zip(fast.batch.schema, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def shaped(
    batch: pa.RecordBatch, table: TableDeclaration, most_rows: int, *, dictionaries: bool
) -> Iterator[pa.RecordBatch]:
    """Cut a batch to the size asked for, and decode dictionaries that are not wanted."""
    whole = batch
    if not dictionaries:
        whole = pa.RecordBatch.from_arrays([decoded(one) for one in batch.columns], schema=arrow_schema(table))
    for start in range(0, whole.num_rows, most_rows):
        yield whole.slice(start, most_rows)
