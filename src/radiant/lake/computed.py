"""What data files do not store, since it follows from other columns of the row.

`locus` and `locus_hash` are in no file. `source_pos`, `source_ref` and `source_alt` are null where the line was not
trimmed, moved or split: they are `start`, `reference` and `alternate` there.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

from radiant.domain.tables import COLUMNS

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

LOCUS, LOCUS_HASH = "locus", "locus_hash"
SOURCES = ("chromosome", "start", "reference", "alternate")
"""The columns that both follow from."""

SAME_AS = {name: column.same_as for name, column in COLUMNS.items() if column.same_as is not None}
"""Columns that are null in data files where another one has their value, and that other one."""

COMPUTED = tuple(name for name, column in COLUMNS.items() if not column.stored)
"""Names of all columns of this kind."""
FIELDS = {
    LOCUS: pa.field(LOCUS, pa.large_string(), nullable=False),
    LOCUS_HASH: pa.field(LOCUS_HASH, pa.int64(), nullable=False),
}
"""Their Arrow fields, with the large strings of PyIceberg's reader."""


def with_computed(names: Iterable[str]) -> list[str]:
    """Return a table's columns and the computed ones, each once, the computed ones before `chromosome`."""
    stored = [name for name in names if name not in COMPUTED]
    if SOURCES[0] not in stored:
        return stored
    at = stored.index(SOURCES[0])
    return [*stored[:at], *COMPUTED, *stored[at:]]


def columns_to_read(wanted: Sequence[str]) -> list[str]:
    """Return the stored columns that wanted columns are, or follow from."""
    sources = SOURCES if any(name in COMPUTED for name in wanted) else ()
    others = (SAME_AS[name] for name in wanted if name in SAME_AS)
    return list(dict.fromkeys([*(name for name in wanted if name not in COMPUTED), *sources, *others]))


def compute(batch: pa.RecordBatch, wanted: Sequence[str]) -> pa.RecordBatch:
    """Return the wanted columns of a batch of stored rows, in this order, each with the values that were imported."""
    made = {name: pc.coalesce(batch.column(name), batch.column(SAME_AS[name])) for name in wanted if name in SAME_AS}
    if any(name in COMPUTED for name in wanted):
        made[LOCUS] = loci(batch)
    if LOCUS_HASH in wanted:
        made[LOCUS_HASH] = locus_hashes(made[LOCUS])
    columns = [made[name] if name in made else batch.column(name) for name in wanted]
    return pa.RecordBatch.from_arrays(columns, schema=with_computed_fields(batch.schema, wanted))


def with_computed_fields(schema: pa.Schema, wanted: Iterable[str]) -> pa.Schema:
    """Return the fields of wanted columns, in this order: those of a schema, and the computed ones."""
    return pa.schema([FIELDS[name] if name in FIELDS else schema.field(name) for name in wanted])


def loci(batch: pa.RecordBatch) -> pa.Array:
    """Return `chromosome-start-reference-alternate` of each row: `17-43094464-A-G`."""
    parts = (batch.column(name).cast(pa.large_string()) for name in SOURCES)
    return pc.binary_join_element_wise(*parts, pa.scalar("-", pa.large_string()))


def locus_hashes(keys: pa.Array) -> pa.Array:
    """Return the xxh3-64 of each text (UTF-8, seed 0), as a signed 64-bit integer."""
    hashes = map(xxhash.xxh3_64_intdigest, keys.cast(pa.large_binary()).to_numpy(zero_copy_only=False))
    return pa.array(np.fromiter(hashes, dtype=np.uint64, count=len(keys)).view(np.int64))


def without_copies(column: pa.Array, other: pa.Array) -> pa.Array:
    """Return a column with null where it has the value of another one; neither has a null.

    Texts that repeat stay a dictionary, of those values alone that are left.
    """
    if not (_is_text_dictionary(column) and _is_text_dictionary(other)):
        own = _decoded(column)
        return pc.if_else(pc.equal(own, _decoded(other)), pa.scalar(None, own.type), own)
    own, others = (_codes_among(column.dictionary, one) for one in (column, other))
    differs = own != others
    codes = column.indices.to_numpy()
    left, left_codes = np.unique(codes[differs], return_inverse=True)
    indices = np.zeros(len(codes), dtype=np.int32)
    indices[differs] = left_codes
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=~differs), column.dictionary.take(pa.array(left)))


def _codes_among(texts: pa.Array, column: pa.DictionaryArray) -> NDArray[np.int32]:
    """Return where each value of a column is first among some texts, -1 where it is not."""
    code_of: NDArray[np.int32] = pc.index_in(column.dictionary, value_set=texts).fill_null(-1).to_numpy()
    return code_of[column.indices.to_numpy()]


def _is_text_dictionary(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type)


def _decoded(column: pa.Array) -> pa.Array:
    return column.dictionary.take(column.indices) if pa.types.is_dictionary(column.type) else column
