"""A digest of rows that depends on their order and values alone, not on chunks, files, encodings or processes.

All numbers are of 64 bits, all sums and products modulo 2^64; `stir(x, m)` is `y ^ (y >> 32)` for `y = x * m`. The
number of a value is

    null                  NULL, whatever its type
    boolean, integer,     the value, in two's complement (of a timestamp, its microseconds)
    timestamp
    float, double         its bits
    text of n bytes       h = stir((n + 1) * S0 ^ w, S1) with its first eight bytes w as a little-endian number, zeros
                          after the end, then h = stir(h ^ w, S1) for each further eight; its XXH3 if n > 128
    list of n elements    e0 * E + e1 * E^2 + ... + e(n-1) * E^n + E^n * R
    map                   that of the list of its entries, an entry being key * S0 + value * S1

The number of a row is the sum over its columns of the value times the column's multiplier: the XXH3 of the column's
name, with the lowest bit set. The rows x0, x1, ... of a stream of n have the digest

    x0 * R^(n-1) + x1 * R^(n-2) + ... + x(n-1)    with each x stirred first,

so that the digest of a stream follows from those of its pieces: `digest(A + B) = digest(A) * R^len(B) + digest(B)`.
A digest has two such sums: one over stir(x, S0), one over these stirred once more, with S1. They reveal rows that are
lost, swapped or changed by accident (except one in 2^64); they do not protect against an intended change.

A column with repeated values is a dictionary array: each distinct value is hashed and multiplied once, and columns that
share their indices are added up before they are spread over the rows. One pass over the columns collects the small
arrays of texts, which are then hashed together, and makes a function per column that returns its numbers.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray

# pyarrow makes its compute functions at run time, and type checkers accept numpy arrays as buffers from Python 3.12 on.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

_Numbers = NDArray[np.uint64]
_Later = Callable[[], _Numbers]
"""Returns numbers; to be called after `_Texts.hash_few`."""

_RATIO = np.uint64(0x9E3779B97F4A7C15)
_STIRS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_BLOCK = 1 << 16
_HALF = np.uint64(32)
_ONE = np.uint64(1)
_NULL = np.uint64(0xD6E8FEB86659FD93)
"""The number of every null, whatever value is stored under it."""
_NEXT = np.uint64(0xA0761D6478BD642F)
"""Elements of a list are multiplied by this, by its square, and so on."""
_ALL = (1 << 64) - 1
_WORD = 8
_LONG = 128
"""Longer strings are hashed one by one."""
_MOST_SHORT_BYTES = 1 << 30
"""Texts of more bytes together need 64-bit offsets."""
_FEW = 2048
"""An array of fewer strings is hashed together with others."""
_BOOLEAN, _DICTIONARY, _MAP = (
    pa.bool_().id,
    pa.dictionary(pa.int32(), pa.string()).id,
    pa.map_(pa.string(), pa.string()).id,
)
_FIXED = {
    type_.id: np.dtype(type_.to_pandas_dtype())
    for type_ in (
        *(pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
        *(pa.float32(), pa.float64()),
    )
} | {pa.timestamp("us").id: np.dtype(np.int64)}
"""Types with a number per value, beside booleans. Types are compared by id: many times faster than as objects."""
_TEXTS = {pa.string().id, pa.large_string().id, pa.string_view().id}
_LISTS = {pa.list_(pa.string()).id, pa.large_list(pa.string()).id, _MAP}
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
        """Add the rows of another digest after those of this one."""
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
    texts = _Texts()
    plain: list[tuple[np.uint64, _Later]] = []
    repeated: list[tuple[np.uint64, pa.Array, _Later]] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if column.type.id == _DICTIONARY:
            repeated.append((_multiplier(name), column.indices, _distinct(column, texts)))
        else:
            plain.append((_multiplier(name), _numbers(column, texts)))
    texts.hash_few()
    rows = np.zeros(batch.num_rows, dtype=np.uint64)
    for multiplier, numbers in plain:
        rows += numbers() * multiplier
    shared: dict[tuple[object, ...], tuple[pa.Array, _Numbers]] = {}
    for multiplier, indices, numbers in repeated:
        distinct = numbers() * multiplier
        key = (*_memory(indices), len(distinct))
        shared[key] = indices, distinct + shared[key][1] if key in shared else distinct
    for indices, distinct in shared.values():
        rows += _looked_up(distinct, indices)
    return rows


def _memory(indices: pa.Array) -> tuple[object, ...]:
    """Return a key that two arrays share only if they read the same memory in the same way."""
    addresses = (0 if buffer is None else buffer.address for buffer in indices.buffers())
    return (*addresses, indices.offset, len(indices), indices.type.id)


@lru_cache(maxsize=1024)
def _multiplier(name: str) -> np.uint64:
    return np.uint64(xxhash.xxh3_64_intdigest(name.encode()) | 1)


def _distinct(column: pa.DictionaryArray, texts: "_Texts") -> _Later:
    """Return the numbers of a dictionary's values, and that of null after them."""
    values = _numbers(column.dictionary, texts)

    def numbers() -> _Numbers:
        return np.append(values(), _NULL)

    return numbers


def _looked_up(distinct: _Numbers, indices: pa.Array) -> _Numbers:
    at = _bits(indices)
    if indices.null_count:
        at = np.where(_valid(indices), at.astype(np.int64), len(distinct) - 1)
    return distinct[at]


def _numbers(column: pa.Array, texts: "_Texts") -> _Later:
    """Return one number per value.

    Args:
        column: The values.
        texts: Takes the texts among them.

    Raises:
        TypeError: values of a type that has no number.
    """
    type_ = column.type.id
    if column.null_count == len(column):
        return lambda: np.full(len(column), _NULL)
    if type_ in _TEXTS:
        return texts.add(column)
    if type_ == _DICTIONARY:
        distinct = _distinct(column, texts)
        return lambda: _looked_up(distinct(), column.indices)
    return _nulled(column, _lists(column, texts) if type_ in _LISTS else lambda: _raw(column))


def _nulled(column: pa.Array, values: _Later) -> _Later:
    """Return numbers, with that of null where a column has none."""
    return (lambda: np.where(_valid(column), values(), _NULL)) if column.null_count else values


def _lists(column: pa.Array, texts: "_Texts") -> _Later:
    """Return one number per list: a polynomial of its elements."""
    offsets, parts = _elements(column)
    values = [_numbers(part, texts) for part in parts]

    def numbers() -> _Numbers:
        elements = values[0]() if len(values) == 1 else values[0]() * _STIRS[0] + values[1]() * _STIRS[1]
        length = np.diff(offsets)
        powers = np.full(int(length.max(initial=0)) + 1, _NEXT)
        powers[0] = 1
        powers = np.multiply.accumulate(powers)
        place = np.arange(len(elements)) - np.repeat(offsets[:-1], length)
        sums = np.zeros(len(elements) + 1, dtype=np.uint64)
        np.cumsum(elements * (powers * _NEXT)[place], out=sums[1:])
        at_ends = sums[offsets]
        return at_ends[1:] - at_ends[:-1] + powers[length] * _RATIO

    return numbers


def _elements(column: pa.Array) -> tuple[NDArray[np.int64], list[pa.Array]]:
    """Return the offsets of lists, one more than lists, and all their elements; of maps the keys and the items.

    A null list may have elements: they are ignored, its number is that of null.
    """
    width = np.int64 if pa.types.is_large_list(column.type) else np.int32
    offsets = np.frombuffer(column.buffers()[1], dtype=width)[column.offset : column.offset + len(column) + 1]
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    children = [column.keys, column.items] if column.type.id == _MAP else [column.values]
    return offsets.astype(np.int64) - first, [child.slice(first, count) for child in children]


def _raw(column: pa.Array) -> _Numbers:
    """Return fixed-width values as numbers, any number for a null: bits of floats, integers with their sign."""
    values = _bits(column)
    if values.dtype == np.float32:
        return values.view(np.uint32).astype(np.uint64)
    if values.dtype == np.float64:
        return values.view(np.uint64)
    return values.astype(np.uint64) if values.dtype == np.bool_ else values.astype(np.int64).view(np.uint64)


def _bits(column: pa.Array) -> NDArray[Any]:
    """Return a view of the values of a fixed-width array, without a copy."""
    values, type_ = column.buffers()[1], column.type.id
    if type_ == _BOOLEAN:
        return _unpacked(values, column.offset, len(column))
    dtype = _FIXED.get(type_)
    if dtype is None:
        msg = f"values of type {column.type} have no digest"
        raise TypeError(msg)
    return np.frombuffer(values, dtype=dtype, count=len(column), offset=column.offset * dtype.itemsize)


def _valid(column: pa.Array) -> NDArray[np.bool_]:
    """Return which values of an array with nulls are not null."""
    return _unpacked(column.buffers()[0], column.offset, len(column))


def _unpacked(bits: pa.Buffer, offset: int, count: int) -> NDArray[np.bool_]:
    unpacked = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=offset + count, bitorder="little")
    return unpacked[offset:].view(np.bool_)


# --- Texts ------------------------------------------------------------------------------------------------------------


class _Texts:
    """The strings of a batch's columns: small arrays are hashed together in one call, a large one by itself."""

    def __init__(self) -> None:
        self._few: list[pa.Array] = []
        self._count = 0
        self._hashes: _Numbers = np.empty(0, dtype=np.uint64)

    def add(self, array: pa.Array) -> _Later:
        """Take strings; return a function that makes their numbers, after `hash_few`."""
        if len(array) >= _FEW:
            return lambda: _hashes(_as(array, _flat(array.type)))
        start = self._count
        self._count += len(array)
        self._few.append(array)
        return lambda: self._hashes[start : start + len(array)]

    def hash_few(self) -> None:
        """Hash the strings of all small arrays."""
        type_ = pa.string() if sum(array.nbytes for array in self._few) < _MOST_SHORT_BYTES else pa.large_string()
        self._hashes = _hashes(pa.concat_arrays([pa.array([], type_), *(_as(array, type_) for array in self._few)]))


def _flat(type_: pa.DataType) -> pa.DataType:
    """Return the type of the same strings in one piece of memory."""
    return pa.large_string() if pa.types.is_string_view(type_) else type_


def _as(text: pa.Array, type_: pa.DataType) -> pa.Array:
    return text if text.type == type_ else text.cast(type_)


def _hashes(strings: pa.StringArray | pa.LargeStringArray) -> _Numbers:
    """Hash strings; nulls have a number of their own."""
    count = len(strings)
    width = np.int64 if pa.types.is_large_string(strings.type) else np.int32
    offsets = np.frombuffer(strings.buffers()[1], dtype=width)[strings.offset : strings.offset + count + 1]
    data = strings.buffers()[2]
    # Padded by a word, so that a whole word can be read at the last byte.
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
    """Hash slices of a text: the next eight bytes of all of them in each step, long ones one by one."""
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
