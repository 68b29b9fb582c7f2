"""A digest of rows that depends on their order and values alone, not on chunks, files, encodings or processes.

Every column is one or more streams of 64-bit numbers. A stream x0, x1, ... of n numbers has the digest

    x0 * R^(n-1) + x1 * R^(n-2) + ... + x(n-1)    modulo 2^64, with R odd and every x stirred first,

so that the digest of a stream follows from those of its pieces: `digest(A + B) = digest(A) * R^len(B) + digest(B)`.
Whoever reads a piece needs to know nothing of the pieces before it. Two streams at once, stirred differently, make 128
bits. This finds what is lost, swapped or changed by accident; it is no protection against someone who means harm.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray

# pyarrow makes its compute functions at run time, and type checkers know numpy arrays as buffers from Python 3.12 on.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

_Numbers = NDArray[np.uint64]

_RATIO = np.uint64(0x9E3779B97F4A7C15)
_STIRS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BLOCK = 1 << 16
_HALF = np.uint64(32)
_ALL = (1 << 64) - 1
_NULL = np.uint64(0)
_LONG = 128
"""Longer strings are hashed one by one."""
_LOW_BYTES: _Numbers = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)

Sums = tuple[int, int, int]
"""How many numbers, and the two sums."""


class RowDigest:
    """Digest of a stream of record batches.

    Equal for two streams exactly when they hold the same rows in the same order (up to accidents of 2^-128), however
    they are cut into batches, whether strings are dictionary-encoded, and in whatever order the columns come.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Sums] = {}
        self.rows = 0

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch; every batch has the same columns."""
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for key, numbers in _streams(name, column):
                sums = self.sums.get(key, (0, 0, 0))
                if isinstance(numbers, int):
                    self.sums[key] = _followed(sums, (numbers, 0, 0))
                    continue
                for start in range(0, len(numbers), _BLOCK):
                    sums = _followed(sums, _sums(numbers[start : start + _BLOCK]))
                self.sums[key] = sums

    def follow(self, other: "RowDigest") -> None:
        """Add the rows that another digest has seen, behind one's own."""
        self.rows += other.rows
        for key, sums in other.sums.items():
            self.sums[key] = _followed(self.sums.get(key, (0, 0, 0)), sums)

    def hexdigest(self) -> str:
        """Return the sha256 over the columns' sums, lower-case hexadecimal."""
        total = hashlib.sha256(str(self.rows).encode())
        for key, sums in sorted(self.sums.items()):
            if sums[0]:
                total.update(f"\n{key}={sums[0]},{sums[1]:016x},{sums[2]:016x}".encode())
        return total.hexdigest()


def _followed(first: Sums, second: Sums) -> Sums:
    ratio = pow(int(_RATIO), second[0], 1 << 64)
    one, other = ((a * ratio + b) & _ALL for a, b in zip(first[1:], second[1:], strict=True))
    return first[0] + second[0], one, other


@lru_cache(maxsize=1)
def _ratios() -> _Numbers:
    """Return R^(BLOCK-1) ... R, 1."""
    ratios = np.full(_BLOCK, _RATIO)
    ratios[0] = 1
    return np.multiply.accumulate(ratios)[::-1].copy()


def _sums(numbers: _Numbers) -> Sums:
    ratios = _ratios()[_BLOCK - len(numbers) :]
    mixed = numbers * _STIRS[0]
    mixed ^= mixed >> _HALF
    one = int(np.dot(mixed, ratios))
    mixed *= _STIRS[1]
    mixed ^= mixed >> _HALF
    return len(numbers), one, int(np.dot(mixed, ratios))


def _streams(key: str, column: pa.Array) -> Iterator[tuple[str, _Numbers | int]]:
    """Yield (name, numbers) for a column, a count for so many zeros. Nulls are zeros, whatever lies beneath them."""
    type_ = column.type
    if pa.types.is_null(type_):
        yield f"{key}/null", np.ones(len(column), dtype=np.uint64)
        return
    yield f"{key}/null", _raw(column.is_null()) if column.null_count else len(column)
    if pa.types.is_dictionary(type_) or _is_text(type_):
        yield f"{key}/text", _texts(column) if column.null_count < len(column) else len(column)
    elif pa.types.is_map(type_) or pa.types.is_list(type_) or pa.types.is_large_list(type_):
        lists = column.cast(_as_list(type_)) if pa.types.is_map(type_) else column
        yield f"{key}/length", _raw(pc.fill_null(pc.list_value_length(lists), 0))
        elements = pc.list_flatten(lists)
        if pa.types.is_map(type_):
            keys, items = elements.flatten()
            yield from _streams(f"{key}/key", keys)
            yield from _long_text(f"{key}/value", items)
        else:
            yield from _streams(f"{key}/element", elements)
    elif column.null_count == len(column):
        yield f"{key}/data", len(column)
    else:
        if pa.types.is_timestamp(type_):
            column = column.cast(pa.int64())
        zero = pa.scalar(0, pa.uint8()).cast(column.type)
        yield f"{key}/data", _raw(pc.fill_null(column, zero) if column.null_count else column)


def _texts(column: pa.Array) -> _Numbers:
    """Return one number per string; null is 0. Of a dictionary each string is hashed once."""
    if not pa.types.is_dictionary(column.type):
        return _hashes(column)
    hashes = _hashes(column.dictionary)
    codes = column.indices
    if codes.null_count:
        hashes = np.append(hashes, _NULL)
        codes = codes.fill_null(len(hashes) - 1)
    return hashes[codes.to_numpy(zero_copy_only=False)]


def _hashes(strings: pa.Array) -> _Numbers:
    """Hash strings, eight bytes of all of them at a time; long ones one by one."""
    count = len(strings)
    strings = strings.cast(pa.large_string())
    offsets = np.frombuffer(strings.buffers()[1], dtype=np.int64)[strings.offset : strings.offset + count + 1]
    data = strings.buffers()[2]
    size = int(offsets[-1]) if count else 0
    padded = np.zeros(size + 8, dtype=np.uint8)
    if data is not None:
        padded[:size] = np.frombuffer(data, dtype=np.uint8)[:size]
    words = np.ndarray((size + 1,), dtype="<u8", buffer=padded, strides=(1,))
    start, length = offsets[:-1], np.diff(offsets)
    hashes = (length.astype(np.uint64) + np.uint64(1)) * _STIRS[0]
    long = np.flatnonzero(length > _LONG)
    active = np.flatnonzero((length > 0) & (length <= _LONG))
    at = 0
    while len(active):
        left = np.minimum(length[active] - at, 8)
        mixed = (hashes[active] ^ (words[start[active] + at] & _LOW_BYTES[left])) * _STIRS[1]
        hashes[active] = mixed ^ (mixed >> _HALF)
        at += 8
        active = active[length[active] > at]
    for index in long.tolist():
        hashes[index] = xxhash.xxh3_64_intdigest(padded[int(start[index]) : int(start[index] + length[index])])
    if strings.null_count:
        hashes[_booleans(strings.is_null())] = 0
    return hashes


def _booleans(column: pa.Array) -> NDArray[np.bool_]:
    return column.to_numpy(zero_copy_only=False)


def _long_text(key: str, column: pa.Array) -> Iterator[tuple[str, _Numbers | int]]:
    """Yield the streams of strings that hardly repeat: their lengths and all their bytes."""
    yield f"{key}/null", _raw(column.is_null()) if column.null_count else len(column)
    column = column.cast(pa.large_string())
    if column.null_count:
        column = pc.fill_null(column, "")
    if not len(column):
        return
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    yield f"{key}/length", np.diff(offsets).astype(np.uint64)
    data = column.buffers()[2]
    if data is not None:
        text = np.frombuffer(data, dtype=np.uint8)[int(offsets[0]) : int(offsets[-1])]
        yield f"{key}/data", text.astype(np.uint64)


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


def _as_list(type_: pa.DataType) -> pa.DataType:
    return pa.list_(pa.struct([pa.field("key", type_.key_type), pa.field("value", type_.item_type)]))


def _raw(column: pa.Array) -> _Numbers:
    """Return the bits of numbers."""
    values = np.ascontiguousarray(column.to_numpy(zero_copy_only=False))
    if values.dtype == np.float32:
        return values.view(np.uint32).astype(np.uint64)
    if values.dtype == np.float64:
        return values.view(np.uint64)
    return values.astype(np.uint64) if values.dtype == np.bool_ else values.astype(np.int64).view(np.uint64)
