"""The digest of rows depends on their order and values alone, whatever arrays they come in."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arrow_shapes import SCALAR_TYPES, arrays
from radiant.lake.digest import RowDigest
from slow_digest import slow_digest

TYPES = (
    *SCALAR_TYPES,
    pa.string(),
    pa.list_(pa.int32()),
    pa.list_(pa.string()),
    pa.list_(pa.list_(pa.string())),
    pa.map_(pa.string(), pa.string()),
    pa.map_(pa.string(), pa.list_(pa.int64())),
    pa.list_(pa.map_(pa.string(), pa.bool_())),
)


def digest(*batches: pa.RecordBatch) -> str:
    found = RowDigest()
    for one in batches:
        found.update(one)
    return found.hexdigest()


def batch(*columns: pa.Array) -> pa.RecordBatch:
    for column in columns:
        column.validate(full=True)
    return pa.RecordBatch.from_arrays(list(columns), names=[f"c{at}" for at in range(len(columns))])


@st.composite
def batches(draw: st.DrawFn, count: int | None = None) -> pa.RecordBatch:
    count = draw(st.integers(0, 6)) if count is None else count
    types = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=5))
    columns = [draw(arrays(type_, count)) for type_ in types]
    for column in list(columns):
        if isinstance(column, pa.DictionaryArray) and draw(st.booleans()):
            others = draw(arrays(draw(st.sampled_from(TYPES)), len(column.dictionary)))
            if not pa.types.is_dictionary(others.type):
                columns.append(pa.DictionaryArray.from_arrays(column.indices, others))
    return batch(*columns)


@given(batches())
def test_the_digest_is_that_of_its_definition(rows):
    assert digest(rows) == slow_digest([rows])


@pytest.mark.parametrize("type_", TYPES, ids=str)
@given(data=st.data())
def test_the_digest_of_one_type_is_that_of_its_definition(type_, data):
    rows = batch(data.draw(arrays(type_, data.draw(st.integers(0, 5)))))
    assert digest(rows) == slow_digest([rows])


@given(st.data())
def test_a_slice_of_a_batch_has_the_digest_of_its_rows(data):
    rows = data.draw(batches(6))
    cut = data.draw(st.integers(0, 6))
    pieces = [rows.slice(0, cut), rows.slice(cut)]
    assert digest(*pieces) == slow_digest(pieces) == digest(rows)


def test_a_dictionary_that_no_row_uses_changes_no_other_column():
    unused = pa.DictionaryArray.from_arrays(pa.nulls(1, pa.int32()), pa.array(["deleterious"]))
    other = pa.array(["T1"]).dictionary_encode()
    assert digest(batch(unused, other)) == digest(batch(pa.nulls(1, pa.string()), pa.array(["T1"])))


def test_dictionaries_that_share_numbers_but_not_nulls_are_two_columns():
    numbers = pa.array([0, 1, 0], pa.int32())
    some = pa.Array.from_buffers(pa.int32(), 3, [pa.array([True, False, True]).buffers()[1], numbers.buffers()[1]])
    rows = batch(*(pa.DictionaryArray.from_arrays(one, pa.array(["a", "b"])) for one in (numbers, some)))
    assert digest(rows) == slow_digest([rows])


def test_many_texts_have_the_digest_of_their_definition():
    words = [f"{at}" * (at % 9) for at in range(5000)]
    columns = [pa.array(words, kind) for kind in (pa.string(), pa.large_string(), pa.string_view())]
    rows = batch(*columns, columns[0].dictionary_encode(), pa.array(words[:-1], pa.string()).take(pa.array([0] * 5000)))
    assert digest(rows) == slow_digest([rows])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([{"a": 1}]),
        pa.array([b"x"]),
        pa.array([1.0], pa.float16()),
        pa.array([[1, 2]], pa.list_(pa.int32(), 2)),
    ],
)
def test_a_type_without_a_number_is_refused(column):
    with pytest.raises(TypeError, match="no digest"):
        digest(batch(column))
