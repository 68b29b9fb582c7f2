"""Write Parquet data files as Iceberg wants them, and describe them so that a commit reads no footer."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.typedef import Record
from pyiceberg.types import PrimitiveType, StringType

from radiant.lake.schema import BOUNDED_COLUMNS, file_schema

# ParquetWriter takes lists of columns where its types say bool.
# pyright: reportArgumentType=false

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from radiant.lake.tables import TableRef

FILE_BYTES = 256 * 1024 * 1024
"""A file that reached this size is closed and the next one opened; a whole genome's largest table makes a few."""

ROW_GROUP_ROWS = 128 * 1024
"""Most rows of a row group: what a reader of one region reads at least."""

BUFFER_BYTES = 16 * 1024 * 1024
"""Rows are collected up to this size in Arrow's memory before a row group is written: bounds the memory per table."""

_UNREPEATED = frozenset({"locus", "locus_hash", "start", "end", "source_pos", "line", "text", "hgvsg", "info_vqslod"})
"""Columns with about as many values as rows: a dictionary would only be given up half way."""

_DELTA = frozenset({"start", "end", "source_pos", "line"})
"""Nearly ascending integers, stored as differences."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One data file: what an Iceberg manifest entry says about it. Crosses as JSON."""

    path: str
    """URI."""
    record_count: int
    size_bytes: int
    part: int
    """Value of the partition column."""
    spec_id: int
    """The partition spec the file was written for."""
    column_sizes: dict[int, int]
    """Compressed bytes by field id."""
    value_counts: dict[int, int]
    """Values by field id, nulls included."""
    null_value_counts: dict[int, int]
    """Nulls by field id."""
    lower_bounds: dict[int, str]
    """Iceberg's single-value serialisation of the smallest value by field id, hexadecimal."""
    upper_bounds: dict[int, str]
    """Of the largest (or something above it: strings are cut to 16 characters)."""
    split_offsets: tuple[int, ...]
    """Where the row groups begin, ascending."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__} | {"split_offsets": list(self.split_offsets)}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> StagedFile:
        """Read what `to_json` returned, after JSON made strings of the field ids.

        Raises:
            TypeError: a key is missing or unknown.
        """
        fields: dict[str, Any] = dict(raw)
        for name in ("column_sizes", "value_counts", "null_value_counts", "lower_bounds", "upper_bounds"):
            fields[name] = {int(field_id): value for field_id, value in fields[name].items()}
        fields["split_offsets"] = tuple(fields["split_offsets"])
        return cls(**fields)

    def data_file(self) -> DataFile:
        """Return the manifest entry's data file."""
        data_file = DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=self.path,
            file_format=FileFormat.PARQUET,
            partition=Record(self.part),
            record_count=self.record_count,
            file_size_in_bytes=self.size_bytes,
            column_sizes=self.column_sizes,
            value_counts=self.value_counts,
            null_value_counts=self.null_value_counts,
            nan_value_counts={},
            lower_bounds={field_id: bytes.fromhex(value) for field_id, value in self.lower_bounds.items()},
            upper_bounds={field_id: bytes.fromhex(value) for field_id, value in self.upper_bounds.items()},
            key_metadata=None,
            split_offsets=list(self.split_offsets),
            equality_ids=None,
            sort_order_id=None,
        )
        data_file.spec_id = self.spec_id
        return data_file


class DataFileWriter:
    """Writes rows of one table and one part into numbered Parquet files.

    Rows are written in the order they come. Memory: `BUFFER_BYTES` of Arrow data and one encoded row group.
    """

    def __init__(
        self,
        ref: TableRef,
        columns: Iterable[str],
        prefix: str,
        part: int,
        open_file: Callable[[str], AbstractContextManager[IO[bytes]]],
    ) -> None:
        """Prepare; nothing is opened before the first row.

        Args:
            ref: The table.
            columns: Which of its columns the rows have.
            prefix: URI that the files' names begin with; `00000.parquet` and up follow.
            part: The partition all rows belong to.
            open_file: Opens a URI for writing; the file appears when the context ends without an error.
        """
        self.schema = file_schema(ref.schema, columns)
        """Arrow schema of the rows, with Iceberg's field ids."""
        self._ref = ref
        self._prefix = prefix
        self._part = part
        self._open_file = open_file
        self._buffer: list[pa.RecordBatch] = []
        self._buffered_bytes = 0
        self._buffered_rows = 0
        self._open: _OpenFile | None = None
        self._files: list[StagedFile] = []
        self.rows = 0
        """Rows taken so far."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows; columns as in `schema`, in its order, strings may be dictionary-encoded."""
        if not batch.num_rows:
            return
        self.rows += batch.num_rows
        if self._buffer and self._buffered_rows + batch.num_rows > ROW_GROUP_ROWS:
            self._flush()
        self._buffer.append(batch)
        self._buffered_rows += batch.num_rows
        self._buffered_bytes += batch.nbytes
        if self._buffered_bytes >= BUFFER_BYTES or self._buffered_rows >= ROW_GROUP_ROWS:
            self._flush()

    def close(self) -> tuple[StagedFile, ...]:
        """Write what is left and describe all files; no rows, no files."""
        self._flush()
        self._roll()
        return tuple(self._files)

    def abort(self) -> None:
        """Give up the file being written; finished ones stay for the caller to delete."""
        self._buffer.clear()
        if self._open:
            self._open.discard()
            self._open = None

    def _flush(self) -> None:
        if not self._buffer:
            return
        if not self._open:
            path = f"{self._prefix}{len(self._files):05d}.parquet"
            self._open = _OpenFile(path, _with_dictionaries(self.schema, self._buffer[0]), self._open_file)
        batches = [_conform(batch, self._open.schema) for batch in self._buffer]
        self._buffer.clear()
        self._buffered_bytes = self._buffered_rows = 0
        self._open.write(pa.Table.from_batches(batches, self._open.schema))
        if self._open.file.tell() >= FILE_BYTES:
            self._roll()

    def _roll(self) -> None:
        if self._open:
            done, self._open = self._open, None
            done.close()
            self._files.append(_describe(done, self._ref, self._part))


class _OpenFile:
    """A Parquet file being written."""

    def __init__(
        self, path: str, schema: pa.Schema, open_file: Callable[[str], AbstractContextManager[IO[bytes]]]
    ) -> None:
        self.path = path
        self.schema = schema
        self.nulls: Counter[str] = Counter()
        self._context = contextlib.ExitStack()
        self.file = self._context.enter_context(open_file(path))
        leaves = [_leaf(field) for field in schema]
        self._writer = pq.ParquetWriter(
            self.file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[leaf for leaf, field in zip(leaves, schema, strict=True) if field.name not in _UNREPEATED],
            write_statistics=[field.name for field in schema if field.name in BOUNDED_COLUMNS],
            column_encoding={field.name: "DELTA_BINARY_PACKED" for field in schema if field.name in _DELTA},
            # The Arrow schema would make readers return our dictionaries; Iceberg's types are in the Parquet schema.
            store_schema=False,
        )

    def write(self, table: pa.Table) -> None:
        """Write one row group."""
        if len(table) and any(pa.types.is_dictionary(field.type) for field in table.schema):
            # A row group with two dictionaries of one column would fall back to plain text.
            table = table.unify_dictionaries()
        for name, column in zip(table.schema.names, table.columns, strict=True):
            self.nulls[name] += column.null_count
        self._writer.write_table(table.combine_chunks(), row_group_size=max(len(table), 1))

    def close(self) -> None:
        self._writer.close()
        self.metadata = self._writer.writer.metadata
        self.size = self.file.tell()
        self._context.close()

    def discard(self) -> None:
        with contextlib.suppress(Exception):
            self._writer.close()
        with contextlib.suppress(_DiscardError):
            self._context.__exit__(_DiscardError, _DiscardError(), None)


class _DiscardError(Exception):
    """Thrown into an open file's context so that the file never appears."""


def _describe(done: _OpenFile, ref: TableRef, part: int) -> StagedFile:
    schema = ref.schema
    bounded = {
        f"write.metadata.metrics.column.{field.name}": "truncate(16)" if field.field_type == StringType() else "full"
        for field in schema.fields
        if field.name in BOUNDED_COLUMNS
    }
    statistics = data_file_statistics_from_parquet_metadata(
        done.metadata,
        compute_statistics_plan(schema, {"write.metadata.metrics.default": "none"} | bounded),
        parquet_path_to_id_mapping(schema),
    ).to_serialized_dict()
    counted = {field.name: field.field_id for field in schema.fields if isinstance(field.field_type, PrimitiveType)}
    rows: int = statistics["record_count"]
    return StagedFile(
        path=done.path,
        record_count=rows,
        size_bytes=done.size,
        part=part,
        spec_id=ref.spec.spec_id,
        column_sizes=statistics["column_sizes"],
        value_counts={counted[name]: rows for name in done.nulls if name in counted},
        null_value_counts={counted[name]: nulls for name, nulls in done.nulls.items() if name in counted},
        lower_bounds={field_id: value.hex() for field_id, value in statistics["lower_bounds"].items()},
        upper_bounds={field_id: value.hex() for field_id, value in statistics["upper_bounds"].items()},
        split_offsets=tuple(statistics["split_offsets"]),
    )


def _with_dictionaries(schema: pa.Schema, batch: pa.RecordBatch) -> pa.Schema:
    """Return the schema with the columns that come dictionary-encoded: written as they are, without decoding."""
    return pa.schema(
        [
            field.with_type(column.type) if pa.types.is_dictionary(column.type) else field
            for field, column in zip(schema, batch.columns, strict=True)
        ]
    )


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring a batch to the types its file was opened with: a later batch may encode other columns."""
    if batch.schema.types == schema.types:
        return pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    columns = [
        column if column.type == field.type else _recode(column, field.type)
        for field, column in zip(schema, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _recode(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else column.cast(type_)


def _leaf(field: pa.Field) -> str:
    """Return the Parquet path of a column (of its keys for a map)."""
    if pa.types.is_list(field.type):
        return f"{field.name}.list.element"
    return f"{field.name}.key_value.key" if pa.types.is_map(field.type) else field.name
