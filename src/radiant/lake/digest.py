"""A digest of rows that depends on their order and values alone, not on chunks, files, encodings or processes.

Every value is a 64-bit number, and so is a row: the sum over its columns of the value times the column's odd
multiplier, modulo 2^64. The rows x0, x1, ... of a stream of n have the digest

    x0 * R^(n-1) + x1 * R^(n-2) + ... + x(n-1)    modulo 2^64, with R odd and every x stirred first,

so that the digest of a stream follows from those of its pieces: `digest(A + B) = digest(A) * R^len(B) + digest(B)`.
Whoever reads a piece needs to know nothing of the pieces before it. Two such sums, over rows stirred differently, are
kept. This finds what is lost, swapped or changed by accident (but for one in 2^64); it is no protection against someone
who means harm.

Columns that repeat come as dictionaries: each distinct value is hashed and multiplied once, and columns that share
their indices are added up before the rows look anything up.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

# pyarrow makes its compute functions at run time, and type checkers know numpy arrays as buffers from Python 3.12 on.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

_Numbers = NDArray[np.uint64]

_RATIO = np.uint64(0x9E3779B97F4A7C15)
_STIRS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BLOCK = 1 << 16
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_NULL = np.uint64(0xD6E8FEB86659FD93)
"""The number of every null, whatever lies beneath it."""
_NEXT = np.uint64(0xA0761D6478BD642F)
"""Elements of a list are multiplied by this, by its square, and so on."""
_ALL = (1 << 64) - 1
_WORD = 8
_LONG = 128
"""Longer strings are hashed one by one."""
_MOST_SHORT_BYTES = 1 << 30
"""Texts together beyond this need 64-bit offsets."""
_FEW = 2048
"""Strings in an array that is hashed together with others."""
_LOW_BYTES: _Numbers = np.array([(1 << (8 * n)) - 1 for n in range(9)], dtype=np.uint64)

Sums = tuple[int, int, int]
"""How many rows, and the two sums."""


class RowDigest:
    """Digest of a stream of record batches.

    Equal for two streams exactly when they hold the same rows in the same order (up to accidents of 2^-64), however
    they are cut into batches, whether strings are dictionary-encoded, and in whatever order the columns come.
    """

    def __init__(self) -> None:
        self.sums: Sums = (0, 0, 0)
        """How many rows, and the two sums."""

    @property
    def rows(self) -> int:
        """How many rows were added."""
        return self.sums[0]

    def update(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch; every batch has the same columns."""
        if not batch.num_rows:
            return
        rows = _rows(batch)
        for start in range(0, len(rows), _BLOCK):
            self.sums = _followed(self.sums, _summed(rows[start : start + _BLOCK]))

    def follow(self, other: "RowDigest") -> None:
        """Add the rows that another digest has seen, behind one's own."""
        self.sums = _followed(self.sums, other.sums)

    def hexdigest(self) -> str:
        """Return the sha256 over the number of rows and the sums, lower-case hexadecimal."""
        rows, one, other = self.sums
        return hashlib.sha256(f"{rows},{one:016x},{other:016x}".encode()).hexdigest()


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


def _summed(rows: _Numbers) -> Sums:
    ratios = _ratios()[_BLOCK - len(rows) :]
    mixed = _stirred(rows, _STIRS[0])
    one = int(np.dot(mixed, ratios))
    return len(rows), one, int(np.dot(_stirred(mixed, _STIRS[1]), ratios))


def _stirred(numbers: _Numbers, multiplier: np.uint64) -> _Numbers:
    mixed = numbers * multiplier
    mixed ^= mixed >> _HALF
    return mixed


# --- Rows -------------------------------------------------------------------------------------------------------------


def _rows(batch: pa.RecordBatch) -> _Numbers:
    """Return one number per row."""
    rows = np.zeros(batch.num_rows, dtype=np.uint64)
    texts = iter(_hashed([text for column in batch.columns for text in _texts(column)]))
    shared: dict[tuple[int, int, int, int], tuple[pa.Array, _Numbers]] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        multiplier = _multiplier(name)
        if not pa.types.is_dictionary(column.type):
            rows += _numbers(column, texts) * multiplier
            continue
        distinct = _distinct(column, texts) * multiplier
        indices = column.indices
        validity, values = indices.buffers()
        key = (values.address, 0 if validity is None else validity.address, indices.offset, len(distinct))
        shared[key] = indices, distinct + shared[key][1] if key in shared else distinct
    for indices, distinct in shared.values():
        rows += _looked_up(distinct, indices)
    return rows


@lru_cache(maxsize=1024)
def _multiplier(name: str) -> np.uint64:
    return np.uint64(xxhash.xxh3_64_intdigest(name.encode()) | 1)


def _distinct(column: pa.DictionaryArray, texts: Iterator[_Numbers]) -> _Numbers:
    """Return the numbers of a dictionary's values, and that of null behind them."""
    values = column.dictionary
    numbers = np.empty(len(values) + 1, dtype=np.uint64)
    numbers[:-1] = _numbers(values, texts)
    numbers[-1] = _NULL
    return numbers


def _looked_up(distinct: _Numbers, indices: pa.Array) -> _Numbers:
    at = _bits(indices)
    return distinct[np.where(_valid(indices), at, len(distinct) - 1) if indices.null_count else at]


def _numbers(column: pa.Array, texts: Iterator[_Numbers]) -> _Numbers:
    """Return one number per value.

    Args:
        column: The values.
        texts: The hashes of its texts, in the order of `_texts`.
    """
    type_ = column.type
    if column.null_count == len(column):
        return np.full(len(column), _NULL)
    if _is_text(type_):
        return next(texts)
    if pa.types.is_dictionary(type_):
        return _looked_up(_distinct(column, texts), column.indices)
    numbers = _lists(column, texts) if _is_list(type_) else _raw(column)
    return np.where(_valid(column), numbers, _NULL) if column.null_count else numbers


def _lists(column: pa.Array, texts: Iterator[_Numbers]) -> _Numbers:
    """Return one number per list: a polynomial of its elements."""
    offsets, parts = _elements(column)
    values = [_numbers(part, texts) for part in parts]
    numbers = values[0] if len(values) == 1 else values[0] * _STIRS[0] + values[1] * _STIRS[1]
    length = np.diff(offsets)
    powers = np.full(int(length.max(initial=0)) + 1, _NEXT)
    powers[0] = 1
    powers = np.multiply.accumulate(powers)
    place = np.arange(len(numbers)) - np.repeat(offsets[:-1], length)
    sums = np.zeros(len(numbers) + 1, dtype=np.uint64)
    np.cumsum(numbers * (powers * _NEXT)[place], out=sums[1:])
    at_ends = sums[offsets]
    return at_ends[1:] - at_ends[:-1] + powers[length] * _RATIO


def _elements(column: pa.Array) -> tuple[NDArray[np.int64], list[pa.Array]]:
    """Return where lists begin, and the last one ends, and all their elements; of maps the keys and the items.

    A null list may have elements: they count for nothing, its number is that of null.
    """
    width = np.int64 if pa.types.is_large_list(column.type) else np.int32
    offsets = np.frombuffer(column.buffers()[1], dtype=width)[column.offset : column.offset + len(column) + 1]
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    children = [column.keys, column.items] if pa.types.is_map(column.type) else [column.values]
    return offsets.astype(np.int64) - first, [child.slice(first, count) for child in children]


def _raw(column: pa.Array) -> _Numbers:
    """Return fixed-width values as numbers, whatever lies beneath nulls: bits of floats, integers with their sign."""
    values = _bits(column)
    if values.dtype == np.float32:
        return values.view(np.uint32).astype(np.uint64)
    if values.dtype == np.float64:
        return values.view(np.uint64)
    return values.astype(np.uint64) if values.dtype == np.bool_ else values.astype(np.int64).view(np.uint64)


def _bits(column: pa.Array) -> NDArray[Any]:
    """Return the values of a fixed-width array as they are in memory: Arrow's own ways take five times as long."""
    values = column.buffers()[1]
    if pa.types.is_boolean(column.type):
        return _unpacked(values, column.offset, len(column))
    dtype = np.int64 if pa.types.is_timestamp(column.type) else column.type.to_pandas_dtype()
    return np.frombuffer(values, dtype=dtype, count=len(column), offset=column.offset * np.dtype(dtype).itemsize)


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    """Tell which values of an array with nulls are none."""
    return _unpacked(column.buffers()[0], column.offset, len(column))


def _unpacked(bits: pa.Buffer, offset: int, count: int) -> NDArray[np.bool_]:
    unpacked = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=offset + count, bitorder="little")
    return unpacked[offset:].view(np.bool_)


# --- Texts ------------------------------------------------------------------------------------------------------------


def _texts(column: pa.Array) -> Iterator[pa.Array]:
    """Yield the strings that a column is made of."""
    type_ = column.type
    if column.null_count == len(column):
        return
    if _is_text(type_):
        yield column
    elif pa.types.is_dictionary(type_):
        yield from _texts(column.dictionary)
    elif _is_list(type_):
        for part in _elements(column)[1]:
            yield from _texts(part)


def _hashed(texts: list[pa.Array]) -> Iterator[_Numbers]:
    """Hash the strings of several arrays: small ones together, which is one call for all, the others each in cache."""
    few = [text for text in texts if len(text) < _FEW]
    type_ = pa.string() if sum(text.nbytes for text in few) < _MOST_SHORT_BYTES else pa.large_string()
    together = _hashes(pa.concat_arrays([pa.array([], type_), *(_as(text, type_) for text in few)]))
    start = 0
    for text in texts:
        if len(text) < _FEW:
            yield together[start : start + len(text)]
            start += len(text)
        else:
            yield _hashes(_as(text, pa.large_string()) if pa.types.is_string_view(text.type) else text)


def _as(text: pa.Array, type_: pa.DataType) -> pa.Array:
    return text if text.type == type_ else text.cast(type_)


def _hashes(strings: pa.StringArray | pa.LargeStringArray) -> _Numbers:
    """Hash strings; nulls have a number of their own."""
    count = len(strings)
    width = np.int64 if pa.types.is_large_string(strings.type) else np.int32
    offsets = np.frombuffer(strings.buffers()[1], dtype=width)[strings.offset : strings.offset + count + 1]
    data = strings.buffers()[2]
    # With a word behind the last text, so that the word at its last byte exists.
    first, size = (int(offsets[0]), int(offsets[-1] - offsets[0])) if count else (0, 0)
    padded = np.zeros(size + _WORD, dtype=np.uint8)
    if data is not None:
        padded[:size] = np.frombuffer(data, dtype=np.uint8)[first : first + size]
    start = offsets[:-1] - first
    length = np.diff(offsets)
    if not strings.null_count:
        return _hashes_of(padded, start, length)
    hashes = np.full(count, _NULL)
    there = np.flatnonzero(_valid(strings))
    hashes[there] = _hashes_of(padded, start[there], length[there])
    return hashes


def _hashes_of(padded: NDArray[np.uint8], start: NDArray[Any], length: NDArray[Any]) -> _Numbers:
    """Hash pieces of a text, eight bytes of all of them at a time; long ones one by one."""
    words = np.ndarray((len(padded) - _WORD + 1,), dtype="<u8", buffer=padded, strides=(1,))
    hashes = (length.astype(np.uint64) + _ONE) * _STIRS[0]
    hashes ^= words[start] & _LOW_BYTES[np.minimum(length, _WORD)]
    hashes = _stirred(hashes, _STIRS[1])
    at = _WORD
    active = np.flatnonzero((length > _WORD) & (length <= _LONG))
    while len(active):
        left = np.minimum(length[active] - at, _WORD)
        mixed = hashes[active] ^ (words[start[active] + at] & _LOW_BYTES[left])
        hashes[active] = _stirred(mixed, _STIRS[1])
        at += _WORD
        active = active[length[active] > at]
    for index in np.flatnonzero(length > _LONG).tolist():
        hashes[index] = xxhash.xxh3_64_intdigest(padded[int(start[index]) : int(start[index] + length[index])])
    return hashes


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_)


def _is_list(type_: pa.DataType) -> bool:
    return pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_map(type_)
