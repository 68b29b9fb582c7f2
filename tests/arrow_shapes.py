"""Arrow arrays of every shape that the same values can come in: strategies of hypothesis."""

from dataclasses import dataclass, replace
from itertools import accumulate

import pyarrow as pa
from hypothesis import strategies as st

INDEX_TYPES = (pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint32(), pa.uint64())
TEXT_TYPES = (pa.string(), pa.large_string(), pa.string_view())
SCALAR_TYPES = (pa.bool_(), pa.int8(), pa.int32(), pa.int64(), pa.uint64(), pa.float32(), pa.float64(),
                pa.timestamp("us", tz="UTC"))  # fmt: skip

TEXTS = st.one_of(
    st.sampled_from(["", "A", "AC", "ACGTACG", "ACGTACGT", "ACGTACGTA", "é" * 4, "x" * 128, "x" * 129, "y" * 300]),
    st.text(st.characters(codec="utf-8"), max_size=20),
)


def scalars(type_: pa.DataType) -> st.SearchStrategy:
    """Values of a type, without null."""
    if type_ in TEXT_TYPES:
        return TEXTS
    if pa.types.is_boolean(type_):
        return st.booleans()
    if pa.types.is_floating(type_):
        return st.floats(width=type_.bit_width, allow_nan=False)
    if pa.types.is_timestamp(type_):
        return st.integers(-(2**40), 2**40)
    bits = type_.bit_width
    low, high = (0, 2**bits - 1) if pa.types.is_unsigned_integer(type_) else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(low, high)


@dataclass(frozen=True)
class Shapes:
    """The allowed shapes of an array."""

    nulls: bool = True
    views: bool = True
    """Texts may be string views."""
    within: bool = True
    """Dictionaries may hold dictionaries."""
    encoded: bool = True
    """The array itself may be a dictionary."""


ANY = Shapes()
STAGED = Shapes(views=False, within=False)
"""The shapes that a stager takes."""


@st.composite
def arrays(draw: st.DrawFn, type_: pa.DataType, count: int, shapes: Shapes = ANY) -> pa.Array:
    """An array of values of a plain type, which may be encoded: dictionaries, slices, other offsets, hidden values."""
    before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    whole = before + count + after
    plain = (_nested if pa.types.is_nested(type_) else _flat)(type_, whole, shapes)
    array = draw(st.one_of(plain, _encoded(type_, whole, shapes)) if shapes.encoded else plain)
    return array.slice(before, count)


@st.composite
def masks(draw: st.DrawFn, count: int, shapes: Shapes) -> list[bool]:
    """Which values are null: none, some or all."""
    kind = draw(st.sampled_from(["none", "some", "all"])) if shapes.nulls else "none"
    return draw(st.lists(st.booleans(), min_size=count, max_size=count)) if kind == "some" else [kind == "all"] * count


@st.composite
def _flat(draw: st.DrawFn, type_: pa.DataType, count: int, shapes: Shapes) -> pa.Array:
    """Plain values; any value lies beneath a null."""
    texts = TEXT_TYPES if shapes.views else TEXT_TYPES[:2]
    kind = draw(st.sampled_from(texts)) if type_ in TEXT_TYPES else type_
    distinct = draw(st.lists(scalars(kind), min_size=1, max_size=4))
    values = draw(st.lists(st.sampled_from(distinct), min_size=count, max_size=count))
    return _masked(pa.array(values, kind), draw(masks(count, shapes)))


def _masked(array: pa.Array, mask: list[bool]) -> pa.Array:
    """Make values null without touching the values beneath."""
    if not any(mask):
        return array
    valid = pa.array([not one for one in mask]).buffers()[1]
    return pa.Array.from_buffers(array.type, len(array), [valid, *array.buffers()[1:]], sum(mask))


@st.composite
def _encoded(draw: st.DrawFn, type_: pa.DataType, count: int, shapes: Shapes) -> pa.Array:
    """A dictionary: values that no index has, repeated ones, null among them; any number beneath a null index."""
    size = draw(st.sampled_from([1, 2, 5, 130]))
    within = replace(shapes, encoded=shapes.within)
    few = draw(arrays(type_, min(size, 5), within))
    values = few if size <= len(few) else pa.concat_arrays([few] * (size // len(few)))
    used = draw(st.lists(st.integers(0, min(size, 128) - 1), min_size=count, max_size=count))
    indices = pa.array(used, draw(st.sampled_from(INDEX_TYPES)))
    return pa.DictionaryArray.from_arrays(_masked(indices, draw(masks(count, shapes))), values)


@st.composite
def _nested(draw: st.DrawFn, type_: pa.DataType, count: int, shapes: Shapes) -> pa.Array:
    """Lists and maps: empty ones, nulls with elements beneath, elements before the first and after the last."""
    lengths = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    offsets = list(accumulate(lengths, initial=draw(st.integers(0, 2))))
    total = offsets[-1] + draw(st.integers(0, 2))
    mask = draw(masks(count, shapes))
    null = pa.array(mask, pa.bool_()) if any(mask) else None
    elements = replace(shapes, nulls=True, encoded=True)
    if pa.types.is_map(type_):
        keys = draw(arrays(type_.key_type, total, replace(elements, nulls=False)))
        items = draw(arrays(type_.item_type, total, elements))
        return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items, mask=null)
    kind, width = (pa.LargeListArray, pa.int64()) if draw(st.booleans()) else (pa.ListArray, pa.int32())
    return kind.from_arrays(pa.array(offsets, width), draw(arrays(type_.value_type, total, elements)), mask=null)
