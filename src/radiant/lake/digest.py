"""A digest of rows that depends on their order and values alone, not on chunks, files or encodings."""

import hashlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

# pyarrow makes its compute functions at run time, and type checkers know numpy arrays as buffers from Python 3.12 on.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false


class RowDigest:
    """Digest of a stream of record batches.

    Equal for two streams exactly when they hold the same rows in the same order (up to xxh3-128 collisions), however
    they are cut into batches, whether strings are dictionary-encoded, and in whatever order the columns come.
    Each column feeds its own hashes (validity, lengths, bytes), so that chunks concatenate.
    """

    def __init__(self) -> None:
        self._hashes: dict[str, xxhash.xxh3_128] = {}
        self._rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch; every batch has the same columns."""
        self._rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for key, piece in _pieces(name, column):
                self._hashes.setdefault(key, xxhash.xxh3_128()).update(piece)

    def hexdigest(self) -> str:
        """Return the sha256 over the columns' hashes, lower-case hexadecimal."""
        total = hashlib.sha256(str(self._rows).encode())
        if self._rows:
            for key in sorted(self._hashes):
                total.update(f"\n{key}={self._hashes[key].hexdigest()}".encode())
        return total.hexdigest()


def _pieces(key: str, column: pa.Array) -> Iterator[tuple[str, memoryview | bytes]]:
    """Yield (hash name, bytes) for a column: nulls count as absent, whatever lies beneath them."""
    type_ = column.type
    if pa.types.is_dictionary(type_):
        column = column.dictionary_decode()
        type_ = column.type
    if pa.types.is_null(type_):
        yield f"{key}/valid", bytes(len(column))
        return
    yield f"{key}/valid", _raw(column.is_valid())
    if pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_):
        yield from _string_pieces(key, column)
    elif pa.types.is_map(type_) or pa.types.is_list(type_) or pa.types.is_large_list(type_):
        lengths = pc.fill_null(pc.list_value_length(column.cast(_as_list(type_))), 0)
        yield f"{key}/length", _raw(lengths.cast(pa.int32()))
        elements = pc.list_flatten(column.cast(_as_list(type_)))
        if pa.types.is_map(type_):
            keys, items = elements.flatten()
            yield from _pieces(f"{key}/key", keys)
            yield from _pieces(f"{key}/value", items)
        else:
            yield from _pieces(f"{key}/element", elements)
    else:
        if pa.types.is_timestamp(type_):
            column = column.cast(pa.int64())
        zero = pa.scalar(0, pa.uint8()).cast(column.type)
        yield f"{key}/data", _raw(pc.fill_null(column, zero) if column.null_count else column)


def _string_pieces(key: str, column: pa.Array) -> Iterator[tuple[str, memoryview | bytes]]:
    column = column.cast(pa.large_string())
    if column.null_count:
        column = pc.fill_null(column, "")
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    if not len(column):
        return
    yield f"{key}/length", memoryview(np.diff(offsets).astype(np.int32)).cast("B")
    data = column.buffers()[2]
    if data is not None:
        yield f"{key}/data", memoryview(data)[int(offsets[0]) : int(offsets[-1])]


def _as_list(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_map(type_):
        return pa.list_(pa.struct([pa.field("key", type_.key_type), pa.field("value", type_.item_type)]))
    return type_


def _raw(column: pa.Array) -> memoryview:
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.uint8())
    return memoryview(np.ascontiguousarray(column.to_numpy(zero_copy_only=False))).cast("B")
