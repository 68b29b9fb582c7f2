"""The columns that no data file stores, since they follow from others of the same row: `locus` and `locus_hash`."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from radiant.domain.tables import COLUMNS

# pyarrow makes its compute functions at run time.
# pyright: reportAttributeAccessIssue=false

LOCUS, LOCUS_HASH = "locus", "locus_hash"
SOURCES = ("chromosome", "start", "reference", "alternate")
"""The columns that both follow from."""

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
    return list(dict.fromkeys([*(name for name in wanted if name not in COMPUTED), *sources]))


def compute(batch: pa.RecordBatch, wanted: Sequence[str]) -> pa.RecordBatch:
    """Return the wanted columns of a batch, in this order; those that are computed are made here."""
    if not any(name in COMPUTED for name in wanted):
        return batch.select(list(wanted))
    locus = loci(batch)
    made = {LOCUS: locus, LOCUS_HASH: locus_hashes(locus) if LOCUS_HASH in wanted else None}
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
