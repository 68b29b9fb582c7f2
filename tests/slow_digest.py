"""The digest of rows as `radiant.lake.digest` defines it, over Python values, one at a time."""

import hashlib
import math
import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import xxhash

_ALL = (1 << 64) - 1
_R = 0x9E3779B97F4A7C15
_S0, _S1 = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_E = 0xA0761D6478BD642F
_NULL = 0xD6E8FEB86659FD93
_SHORT_BYTES = 128
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def slow_digest(batches: Iterable[pa.RecordBatch]) -> str:
    rows = [row for batch in batches for row in _rows(batch)]
    one = other = 0
    for row in rows:
        stirred = _stir(row, _S0)
        one = (one * _R + stirred) & _ALL
        other = (other * _R + _stir(stirred, _S1)) & _ALL
    return hashlib.sha256(f"{len(rows)},{one:016x},{other:016x}".encode()).hexdigest()


def _rows(batch: pa.RecordBatch) -> list[int]:
    rows = [0] * batch.num_rows
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        multiplier = xxhash.xxh3_64_intdigest(name.encode()) | 1
        type_ = plain_type(column.type)
        for row, value in enumerate(column.to_pylist()):
            rows[row] = (rows[row] + number(value, type_) * multiplier) & _ALL
    return rows


def plain_type(type_: pa.DataType) -> pa.DataType:
    return plain_type(type_.value_type) if pa.types.is_dictionary(type_) else type_


def number(value, type_: pa.DataType) -> int:  # noqa: PLR0911 - one per kind of value
    if value is None:
        return _NULL
    if isinstance(value, str):
        return _text(value.encode())
    if isinstance(value, float):
        if type_ == pa.float32():
            return struct.unpack("<I", struct.pack("<f", value))[0]
        return struct.unpack("<Q", struct.pack("<d", value))[0]
    if pa.types.is_map(type_):
        kinds = plain_type(type_.key_type), plain_type(type_.item_type)
        return _list([number(key, kinds[0]) * _S0 + number(item, kinds[1]) * _S1 for key, item in value])
    if isinstance(value, list):
        kind = plain_type(type_.value_type)
        return _list([number(one, kind) for one in value])
    if isinstance(value, datetime):
        value = (value - _EPOCH) // timedelta(microseconds=1)
    return int(value) & _ALL


def _list(elements: Sequence[int]) -> int:
    total = sum(element * _E ** (place + 1) for place, element in enumerate(elements))
    return (total + _E ** len(elements) * _R) & _ALL


def _text(raw: bytes) -> int:
    if len(raw) > _SHORT_BYTES:
        return xxhash.xxh3_64_intdigest(raw)
    words = [int.from_bytes(raw[8 * at : 8 * at + 8], "little") for at in range(max(1, math.ceil(len(raw) / 8)))]
    hashed = _stir((((len(raw) + 1) * _S0) & _ALL) ^ words[0], _S1)
    for word in words[1:]:
        hashed = _stir(hashed ^ word, _S1)
    return hashed


def _stir(value: int, multiplier: int) -> int:
    mixed = (value * multiplier) & _ALL
    return mixed ^ (mixed >> 32)
