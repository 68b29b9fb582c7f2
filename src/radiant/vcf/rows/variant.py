"""Rows of the variant and the consequence table from the lines of a chunk that the fast path reads."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from radiant.domain.tables import CASE_TABLES
from radiant.vcf.fast import allele_columns
from radiant.vcf.fast.allele_columns import CLASSES
from radiant.vcf.fast.csq_field_columns import MARKS, FieldReader, Fields, pick
from radiant.vcf.fast.info_map_columns import AlleleInfoColumns
from radiant.vcf.fast.lines import Kept
from radiant.vcf.fast.rs_number_columns import rs_numbers
from radiant.vcf.rows.carried import Carried, owners, row_table
from radiant.vcf.rows.splice import RowTable
from radiant.vcf.rules.csq_fields import COLUMNS
from radiant.vcf.vector.arrow import coded, spread
from radiant.vcf.vector.slices import Integers

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Consequences:
    """The entries of carried alleles, allele by allele."""

    fields: Fields
    allele: Integers
    """The carried allele of each entry."""
    picked: Integers
    """Index of the entry that is picked for each allele that has any, allele by allele."""
    reason: NDArray[np.int8]
    """Why, as a code of `MARKS`."""


def read_consequences(kept: Kept, carried: Carried, reader: FieldReader) -> Consequences | None:
    """Read the entries of the carried alleles, and pick one for each; None without entries."""
    if kept.entries is None:
        return None
    allele = owners(kept, carried, kept.entries.line, kept.entries.alt_index)
    mine = np.flatnonzero(allele >= 0)
    allele = allele[mine]
    if (np.diff(allele) < 0).any():
        order = np.argsort(allele, kind="stable")
        mine, allele = mine[order], allele[order]
    if not len(mine):
        return None
    every = len(mine) == len(kept.entries) and not (np.diff(mine) != 1).any()
    fields = reader.read((kept.entries if every else kept.entries[mine]).by_field())
    return Consequences(fields, allele, *pick(allele, fields))


def variant_rows(  # noqa: PLR0913, PLR0917 - parts of a row
    kept: Kept,
    carried: Carried,
    trimmed: allele_columns.Trimmed,
    locus: Mapping[str, pa.Array],
    entries: Consequences | None,
    info: AlleleInfoColumns,
    line: Integers,
) -> RowTable:
    """Return the variant rows, one per carried allele."""
    columns = dict(locus)
    count = len(carried)
    columns["variant_class"] = coded(CLASSES, allele_columns.variant_classes(trimmed).astype(np.int64))
    existing, allele = (
        (None, _NONE) if entries is None else (entries.fields.columns["existing_variation"], entries.allele)
    )
    columns["rsnumber"] = rs_numbers(kept.id_[carried.place], existing, allele)
    if entries is not None:
        owner = entries.allele[entries.picked]
        index = np.zeros(count, dtype=np.int32)
        null = np.ones(count, dtype=np.bool_)
        index[owner], null[owner] = entries.picked, False
        taken = pa.array(index, mask=null)
        columns |= spread({name: entries.fields.columns[name] for name in (*COLUMNS, "annotator")}, taken)
        marks = np.zeros(count, dtype=np.int64)
        marks[owner] = entries.reason
        columns["picked_by"] = coded(MARKS, marks, null)
    columns |= info.variant_columns(columns)
    return row_table(kept.info.fields.plan.tables["variant"], columns, line)


def consequence_rows(
    locus: Mapping[str, pa.Array], entries: Consequences, info: AlleleInfoColumns, line: Integers
) -> RowTable:
    """Return the consequence rows, one per entry."""
    columns = spread(locus, entries.allele)
    columns |= entries.fields.columns
    columns |= info.frequencies(columns, entries.allele)
    columns["extra"] = entries.fields.extra
    picked = np.zeros(len(entries.allele), dtype=np.bool_)
    picked[entries.picked] = True
    columns["picked"] = pa.array(picked)
    return row_table(CASE_TABLES["consequence"], columns, line[entries.allele])
