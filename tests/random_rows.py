"""Random rows for any declared table, by column type alone."""

import random
from datetime import UTC, datetime

import pyarrow as pa

from radiant.domain.columns import Column, Table, Type
from radiant.domain.tables import CASE_TABLES
from radiant.lake.computed import compute

KEY = ("part", "case_id")

ARROW = {
    Type.BOOLEAN: pa.bool_(),
    Type.INT: pa.int32(),
    Type.LONG: pa.int64(),
    Type.FLOAT: pa.float32(),
    Type.DOUBLE: pa.float64(),
    Type.STRING: pa.string(),
    Type.INTS: pa.list_(pa.int32()),
    Type.STRINGS: pa.list_(pa.string()),
    Type.STRING_MAP: pa.map_(pa.string(), pa.string()),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


def columns_of(table: Table) -> list[Column]:
    return [column for column in table.columns if column.name not in KEY]


def value(rng: random.Random, type_: Type):  # noqa: PLR0911 - one per type
    match type_:
        case Type.BOOLEAN:
            return rng.random() < 0.5
        case Type.INT:
            return rng.randint(-(2**31), 2**31 - 1)
        case Type.LONG:
            return rng.randint(-(2**63), 2**63 - 1)
        case Type.FLOAT | Type.DOUBLE:
            return rng.randint(-1000, 1000) / 8
        case Type.STRING:
            return rng.choice(["", "A", "ACGT", "Ünïcode", "a b", "x" * rng.randint(0, 40)])
        case Type.INTS:
            return [None if rng.random() < 0.2 else rng.randint(-1, 3) for _ in range(rng.randint(0, 3))]
        case Type.STRINGS:
            return [rng.choice(["a", "", "bé"]) for _ in range(rng.randint(0, 3))]
        case Type.STRING_MAP:
            return [(name, rng.choice(["", "v", None])) for name in rng.sample(["p", "q", "r"], rng.randint(0, 3))]
        case Type.TIMESTAMP:
            return datetime.fromtimestamp(rng.randint(0, 2**31), tz=UTC)


def batch(short_name: str, rows: int, seed: int = 0, *, null_share: float = 0.3, **fixed) -> pa.RecordBatch:
    """Rows of a case table without its key; optional columns are null with this share; `fixed` sets whole columns."""
    table = CASE_TABLES[short_name]
    rng = random.Random(f"{short_name}-{seed}")  # noqa: S311 - test data
    arrays = []
    for column in columns_of(table):
        if column.name in fixed:
            values = fixed[column.name]
        else:
            values = [
                None if not column.required and rng.random() < null_share else value(rng, column.type)
                for _ in range(rows)
            ]
        arrays.append(pa.array(values, ARROW[column.type]))
    rows = pa.RecordBatch.from_arrays(arrays, names=[column.name for column in columns_of(table)])
    # What follows from other columns does so here, too: readers compute it.
    computed = compute(rows, rows.schema.names)
    return computed.cast(rows.schema)
