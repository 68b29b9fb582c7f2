"""Arrow arrays of every shape that the same values can come in: strategies of hypothesis."""

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


@st.composite
def arrays(draw: st.DrawFn, type_: pa.DataType, count: int, *, nulls: bool = True) -> pa.Array:
    """An array of values of a plain type, which may be encoded: dictionaries, slices, other offsets, hidden values."""
    before, after = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    array = draw(_whole(type_, before + count + after, nulls=nulls))
    return array.slice(before, count)


def _whole(type_: pa.DataType, count: int, *, nulls: bool) -> st.SearchStrategy[pa.Array]:
    plain = _nested(type_, count, nulls=nulls) if pa.types.is_nested(type_) else _flat(type_, count, nulls=nulls)
    return st.one_of(plain, _encoded(type_, count, nulls=nulls))


@st.composite
def masks(draw: st.DrawFn, count: int, *, nulls: bool) -> list[bool]:
    """Which values are null: none, some or all."""
    if not nulls:
        return [False] * count
    kind = draw(st.sampled_from(["none", "some", "all"]))
    return draw(st.lists(st.booleans(), min_size=count, max_size=count)) if kind == "some" else [kind == "all"] * count


@st.composite
def _flat(draw: st.DrawFn, type_: pa.DataType, count: int, *, nulls: bool) -> pa.Array:
    """Plain values; what lies beneath a null is any value."""
    kind = draw(st.sampled_from(TEXT_TYPES)) if type_ in TEXT_TYPES else type_
    distinct = draw(st.lists(scalars(kind), min_size=1, max_size=4))
    values = draw(st.lists(st.sampled_from(distinct), min_size=count, max_size=count))
    mask = draw(masks(count, nulls=nulls))
    array = pa.array(values, kind)
    return _masked(array, mask) if any(mask) else array


def _masked(array: pa.Array, mask: list[bool]) -> pa.Array:
    """Hide values without touching what lies beneath."""
    valid = pa.array([not one for one in mask]).buffers()[1]
    children = [array.values] if isinstance(array, (pa.ListArray, pa.LargeListArray)) else None
    buffers = [valid, *array.buffers()[1 : 2 if children else None]]
    return pa.Array.from_buffers(array.type, len(array), buffers, sum(mask), array.offset, children)


@st.composite
def _encoded(draw: st.DrawFn, type_: pa.DataType, count: int, *, nulls: bool) -> pa.Array:
    """A dictionary: values that no index has, nulls among them, any number beneath a null index."""
    kinds = [one for one in INDEX_TYPES if nulls or not pa.types.is_unsigned_integer(one)]
    index = draw(st.sampled_from(kinds))
    size = draw(st.sampled_from([1, 2, 5, 130]))
    size = size if count or not nulls else draw(st.sampled_from([0, size]))
    few = draw(arrays(type_, min(size, 5), nulls=nulls))
    values = few if size <= len(few) else pa.concat_arrays([few] * (size // len(few)))
    used = draw(st.lists(st.integers(0, max(0, min(size, 128) - 1)), min_size=count, max_size=count))
    indices = pa.array(used, index)
    mask = draw(masks(count, nulls=nulls))
    return pa.DictionaryArray.from_arrays(_masked(indices, mask) if any(mask) else indices, values)


@st.composite
def _nested(draw: st.DrawFn, type_: pa.DataType, count: int, *, nulls: bool) -> pa.Array:
    """Lists and maps: empty ones, nulls with elements beneath, elements that no list has before and after."""
    lengths = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    first, last = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    offsets = [first]
    for length in lengths:
        offsets.append(offsets[-1] + length)
    total = offsets[-1] + last
    mask = draw(masks(count, nulls=nulls))
    if pa.types.is_map(type_):
        keys = draw(arrays(type_.key_type, total, nulls=False))
        items = draw(arrays(type_.item_type, total))
        return pa.MapArray.from_arrays(pa.array(offsets, pa.int32()), keys, items, mask=_mask(mask))
    kind, width = (pa.LargeListArray, pa.int64()) if draw(st.booleans()) else (pa.ListArray, pa.int32())
    elements = draw(arrays(type_.value_type, total))
    return kind.from_arrays(pa.array(offsets, width), elements, mask=_mask(mask))


def _mask(mask: list[bool]) -> pa.Array | None:
    return pa.array(mask, pa.bool_()) if any(mask) else None
