"""What data files leave out, since another column of the row has it."""

import pyarrow as pa

from radiant.lake.computed import without_copies


def test_a_copy_is_left_out_by_its_value_and_the_dictionary_keeps_what_is_left():
    texts = pa.array(["A", "unused", "A", "G", "T"])
    column = pa.DictionaryArray.from_arrays(pa.array([0, 2, 3, 4], pa.int32()), texts)
    other = pa.DictionaryArray.from_arrays(pa.array([1, 1, 1, 0], pa.int32()), pa.array(["C", "A"]))
    found = without_copies(column, other)
    assert found.to_pylist() == [None, None, "G", "T"]
    assert found.dictionary.to_pylist() == ["G", "T"]


def test_a_number_is_left_out_where_it_is_the_same():
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0, 1], pa.int32()), pa.array([7, 9]))
    assert without_copies(column, pa.array([7, 8, 9])).to_pylist() == [None, 7, None]
