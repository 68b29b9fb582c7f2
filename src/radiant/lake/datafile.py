"""Write Parquet data files as Iceberg requires them, and describe them, so that a commit reads no footer."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from radiant.domain.columns import Encoding
from radiant.lake.file_layout import BOUNDED_COLUMNS, FIELD_ID, encoding

# ParquetWriter takes lists of columns where its types say bool.
# pyright: reportArgumentType=false

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from pyiceberg.manifest import DataFile

FILE_BYTES = 256 * 1024 * 1024
"""A file that reached this size is closed and the next one opened; a whole genome's largest table makes a few."""

ROW_GROUP_ROWS = 128 * 1024
"""Most rows of a row group: the least that a reader of one region reads."""

BUFFER_BYTES = 8 * 1024 * 1024
"""Rows are collected up to this size in Arrow's memory before a row group is written: bounds the memory per table."""

_BOUND_CHARACTERS = 16
"""Characters of a text that are kept as a bound."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """One data file, described as in an Iceberg manifest entry. Crosses as JSON."""

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
    """Of the largest; none of strings of more than 16 characters."""
    split_offsets: tuple[int, ...]
    """Where the row groups begin, ascending."""

    def data_file(self) -> DataFile:
        """Return the manifest entry's data file."""
        from pyiceberg.manifest import DataFile, DataFileContent, FileFormat  # noqa: PLC0415 - a process that only stages does without
        from pyiceberg.typedef import Record  # noqa: PLC0415 - as above

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
        schema: pa.Schema,
        spec_id: int,
        prefix: str,
        part: int,
        open_file: Callable[[str], AbstractContextManager[IO[bytes]]],
    ) -> None:
        """Prepare; nothing is opened before the first row.

        Args:
            schema: Of the rows, with Iceberg's field ids (`layout.file_schema`).
            spec_id: The partition spec that the files are written for.
            prefix: URI that the files' names begin with; `00000.parquet` and up follow.
            part: The partition all rows belong to.
            open_file: Opens a URI for writing; the file appears when the context ends without an error.
        """
        self.schema = schema
        """Arrow schema of the rows, with Iceberg's field ids."""
        self._spec_id = spec_id
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

    def end_row_group(self) -> None:
        """Let later rows begin a row group of their own."""
        self._flush()

    def close(self) -> tuple[StagedFile, ...]:
        """Write the last rows and describe all files; no rows, no files."""
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
            self._files.append(_describe(done, self._spec_id, self._part))


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
        self._writer = pq.ParquetWriter(
            self.file,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=[path for field in schema if _has_dictionary(field) for path, _ in _leaves(field)],
            write_statistics=[field.name for field in schema if field.name in BOUNDED_COLUMNS],
            column_encoding={
                field.name: encoding(field.name).value
                for field in schema
                if encoding(field.name) not in {Encoding.DICTIONARY, Encoding.PLAIN}
            },
            # The Arrow schema would make readers return our dictionaries; Iceberg's types are in the Parquet schema.
            store_schema=False,
        )

    def write(self, table: pa.Table) -> None:
        """Write one row group."""
        table = _with_whole_maps(table)
        if len(table) and any(pa.types.is_dictionary(field.type) for field in table.schema):
            # A row group with two dictionaries of one column would fall back to plain text.
            table = table.unify_dictionaries()
        for name, column in zip(table.schema.names, table.columns, strict=True):
            self.nulls[name] += column.null_count
        self._writer.write_table(table, row_group_size=max(len(table), 1))

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


def _describe(done: _OpenFile, spec_id: int, part: int) -> StagedFile:
    metadata = done.metadata
    # Parquet has one column per leaf, depth first.
    ids = [field_id for field in done.schema for _, field_id in _leaves(field)]
    sizes: Counter[int] = Counter()
    lowest: dict[int, Any] = {}
    highest: dict[int, Any] = {}
    offsets: list[int] = []
    types = {int(field.metadata[FIELD_ID]): field.type for field in done.schema if field.name in BOUNDED_COLUMNS}
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        chunks = [group.column(index) for index in range(group.num_columns)]
        first = chunks[0]
        offsets.append(first.dictionary_page_offset if first.has_dictionary_page else first.data_page_offset)
        for field_id, chunk in zip(ids, chunks, strict=True):
            sizes[field_id] += chunk.total_compressed_size
            statistics = chunk.statistics if field_id in types else None
            if statistics is not None and statistics.has_min_max:
                lowest[field_id] = min(statistics.min, lowest.get(field_id, statistics.min))
                highest[field_id] = max(statistics.max, highest.get(field_id, statistics.max))
    rows: int = metadata.num_rows
    counted = {field.name: int(field.metadata[FIELD_ID]) for field in done.schema if not pa.types.is_nested(field.type)}
    return StagedFile(
        path=done.path,
        record_count=rows,
        size_bytes=done.size,
        part=part,
        spec_id=spec_id,
        column_sizes=dict(sizes),
        value_counts={counted[name]: rows for name in done.nulls if name in counted},
        null_value_counts={counted[name]: nulls for name, nulls in done.nulls.items() if name in counted},
        lower_bounds={field_id: _bound(value, types[field_id])[0].hex() for field_id, value in lowest.items()},
        upper_bounds={
            field_id: bound[0].hex()
            for field_id, value in highest.items()
            if (bound := _bound(value, types[field_id]))[1]
        },
        split_offsets=tuple(offsets),
    )


def _bound(value: Any, type_: pa.DataType) -> tuple[bytes, bool]:
    """Serialise a bound as Iceberg does; the second is False where a text was cut, which is no upper bound any more.

    Source: Iceberg table specification, appendix D, binary single-value serialisation.
    """
    if isinstance(value, str):
        return value[:_BOUND_CHARACTERS].encode(), len(value) <= _BOUND_CHARACTERS
    return int(value).to_bytes(max(1, type_.bit_width // 8), "little", signed=not isinstance(value, bool)), True


def _has_dictionary(field: pa.Field) -> bool:
    return encoding(field.name) is Encoding.DICTIONARY


def _with_dictionaries(schema: pa.Schema, batch: pa.RecordBatch) -> pa.Schema:
    """Return the schema with the strings that come dictionary-encoded and are stored so: written without decoding."""
    return pa.schema([_as_it_comes(field, column.type) for field, column in zip(schema, batch.columns, strict=True)])


def _as_it_comes(field: pa.Field, given: pa.DataType) -> pa.Field:
    """Return a field with dictionaries of strings where a column has them and the file stores them."""
    if not _has_dictionary(field):
        return field
    if pa.types.is_dictionary(given) and field.type == pa.string():
        return field.with_type(given)
    if not pa.types.is_map(given):
        return field
    parts = ((field.type.key_field, given.key_type), (field.type.item_field, given.item_type))
    key, item = (one.with_type(type_) if pa.types.is_dictionary(type_) else one for one, type_ in parts)
    return field.with_type(pa.map_(key, item))


def _conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring a batch to the types its file was opened with: a later batch may encode other columns."""
    if batch.schema.types == schema.types:
        return pa.RecordBatch.from_arrays(batch.columns, schema=schema)
    columns = [
        column if column.type == field.type else _recode(column, field.type)
        for field, column in zip(schema, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _with_whole_maps(table: pa.Table) -> pa.Table:
    """Return a table in which each map is one chunk, if it has dictionaries, none of which holds a null.

    Arrow unifies no dictionaries inside a map, and writes none with a null.
    """
    for index, column in enumerate(table.columns):
        type_ = column.type
        if pa.types.is_map(type_) and _has_inner_dictionary(type_) and not _is_whole(column):
            table = table.set_column(index, table.schema.field(index), _joined_maps(column.chunks, type_))
    return table


def _is_whole(maps: pa.ChunkedArray) -> bool:
    return maps.num_chunks == 1 and not any(map(_has_null_text, (maps.chunk(0).keys, maps.chunk(0).items)))


def _has_null_text(values: pa.Array) -> bool:
    """Return whether a dictionary has a null among its texts: another one than that of an index."""
    return isinstance(values, pa.DictionaryArray) and values.dictionary.null_count > 0


def _has_inner_dictionary(type_: pa.MapType) -> bool:
    return pa.types.is_dictionary(type_.key_type) or pa.types.is_dictionary(type_.item_type)


def _joined_maps(maps: list[pa.MapArray], type_: pa.MapType) -> pa.MapArray:
    """Return maps one after the other, with one dictionary of keys and one of items."""
    lengths, keys, items = [], [], []
    for one in maps:
        offsets = np.frombuffer(one.buffers()[1], dtype=np.int32)[one.offset : one.offset + len(one) + 1]
        first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
        lengths.append(np.diff(offsets))
        keys.append(one.keys.slice(first, count))
        items.append(one.items.slice(first, count))
    offsets = np.zeros(sum(map(len, maps)) + 1, dtype=np.int32)
    np.cumsum(np.concatenate(lengths), out=offsets[1:])
    null = (
        pa.chunked_array([one.is_null() for one in maps]).combine_chunks()
        if any(one.null_count for one in maps)
        else None
    )
    return pa.MapArray.from_arrays(pa.array(offsets), _joined(keys), _joined(items), type_, mask=null)


def _joined(parts: list[pa.Array]) -> pa.Array:
    """Return arrays one after the other; Arrow unifies no dictionaries that hold a null."""
    if not any(map(_has_null_text, parts)):
        return pa.concat_arrays(parts)
    plain = pa.concat_arrays([one.dictionary.take(one.indices) for one in parts])
    return plain.dictionary_encode().cast(parts[0].type)


def _recode(column: pa.Array, type_: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary.take(column.indices)
    return column.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else column.cast(type_)


def _leaves(field: pa.Field, path: str = "") -> Iterator[tuple[str, int]]:
    """Yield the Parquet path and the field id of each leaf of a column, depth first."""
    path = path or field.name
    if pa.types.is_list(field.type):
        yield from _leaves(field.type.value_field, f"{path}.list.element")
    elif pa.types.is_map(field.type):
        yield from _leaves(field.type.key_field, f"{path}.key_value.key")
        yield from _leaves(field.type.item_field, f"{path}.key_value.value")
    elif pa.types.is_struct(field.type):
        for index in range(field.type.num_fields):
            inner = field.type.field(index)
            yield from _leaves(inner, f"{path}.{inner.name}")
    else:
        yield path, int(field.metadata[FIELD_ID])
