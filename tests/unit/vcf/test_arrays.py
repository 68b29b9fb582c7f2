"""The array helpers of the bulk reader return what Python makes of the same values one at a time."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from arrow_shapes import ANY, arrays
from radiant.vcf.fast import csq_field_columns
from radiant.vcf.rules.csq_fields import decode
from radiant.vcf.vector import numbers
from radiant.vcf.vector.arrow import coded, decoded, number, spread
from radiant.vcf.vector.slices import Buffer, Slices, encoded, ranges, split
from slow_digest import plain_type

ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="|"), max_size=12)
PIECES = st.lists(st.one_of(ASCII, st.sampled_from(["", "A", "ACGTACGT", "ACGTACGTA", "x" * 40])), max_size=8)
PLAIN = replace(ANY, views=False, within=False, encoded=False)
COLUMN_TYPES = (pa.string(), pa.int32(), pa.bool_(), pa.float32(), pa.list_(pa.string()), pa.list_(pa.int32()))


def slices_of(texts: list[str], gap: str = "|") -> Slices:
    """Pieces of one buffer with something between them."""
    buffer = Buffer.of(gap.join(["", *texts, ""]).encode())
    start, at = [], len(gap)
    for text in texts:
        start.append(at)
        at += len(text) + len(gap)
    begin = np.array(start, dtype=np.int64)
    return Slices(buffer, begin, begin + np.array([len(text) for text in texts], dtype=np.int64))


@st.composite
def masked(draw: st.DrawFn) -> tuple[list[str], np.ndarray]:
    texts = draw(PIECES)
    return texts, np.array(draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts))), dtype=np.bool_)


@given(masked())
def test_pieces_become_strings_and_dictionaries(given_):
    texts, null = given_
    pieces = slices_of(texts)
    expected = [None if hidden else text for text, hidden in zip(texts, null.tolist(), strict=True)]
    for array, values in (
        (pieces.strings(), texts),
        (pieces.strings(null), expected),
        (pieces.dictionary(), texts),
        (pieces.dictionary(null), expected),
        (pieces.compact().strings(), texts),
    ):
        array.validate(full=True)
        assert array.to_pylist() == values
    assert bytes(pieces.terminated().data) == "".join(f"{text}\n" for text in texts).encode()


@given(st.data())
def test_strings_become_pieces_wherever_they_begin(data):
    array = data.draw(arrays(pa.string(), data.draw(st.integers(0, 5)), replace(PLAIN, nulls=False)))
    if array.type == pa.string():
        assert Slices.of(array).texts() == array.to_pylist()


@given(PIECES, PIECES, st.sampled_from(["", "A", "ACGTACGT", "ACGTACGTA"]))
def test_pieces_are_compared_as_texts_are(texts, others, word):
    count = min(len(texts), len(others))
    texts, others = texts[:count], others[:count]
    pieces = slices_of(texts)
    assert pieces.equals(word).tolist() == [text == word for text in texts]
    assert pieces.having(";").tolist() == [";" in text for text in texts]
    same = [one == other for one, other in zip(texts, others, strict=True)]
    assert pieces.same_as(slices_of(others, gap="||")).tolist() == same


@given(PIECES, st.sampled_from(["", "=", "a", "b" * 9 + "=", "c" * 17, "d" * 23 + "="]), st.sampled_from(["|", "="]))
def test_the_first_place_of_a_character_is_found_in_each_piece(texts, more, gap):
    texts = [text + more + end for text in texts for end in ("", "=", "x" * 20)]
    pieces = slices_of([text.replace("|", "") for text in texts], gap)
    expected = [text.find("=") if "=" in text else len(text) for text in pieces.texts()]
    assert (pieces.first("=") - pieces.start).tolist() == expected


@given(PIECES)
def test_pieces_are_split_at_every_separator(texts):
    pieces = slices_of(texts)
    items = split(pieces, pieces.buffer.find(","))
    assert items.items.texts() == [item for text in texts for item in text.split(",")]
    assert items.count.tolist() == [text.count(",") + 1 for text in texts]
    assert items.owner.tolist() == [at for at, text in enumerate(texts) for _ in text.split(",")]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), max_size=6))
def test_ranges_follow_each_other(pairs):
    first, count = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    assert ranges(first, count).tolist() == [at for begin, size in pairs for at in range(begin, begin + size)]


@st.composite
def columns(draw: st.DrawFn) -> dict[str, pa.Array]:
    """Columns as readers of fields make them: plain, dictionaries, and dictionaries that share their numbers."""
    count = draw(st.integers(0, 5))
    found: dict[str, pa.Array] = {}
    for at, type_ in enumerate(draw(st.lists(st.sampled_from(COLUMN_TYPES), max_size=4))):
        column = draw(arrays(type_, count, replace(PLAIN, encoded=draw(st.booleans()))))
        found[f"c{at}"] = column
        if isinstance(column, pa.DictionaryArray):
            indices = column.indices
            data = [pa.array(draw(st.lists(st.booleans(), min_size=8, max_size=8))).buffers()[1], indices.buffers()[1]]
            if not indices.offset:
                indices = pa.Array.from_buffers(indices.type, count, data)
            found[f"c{at}s"] = pa.DictionaryArray.from_arrays(indices, column.dictionary)
    return found


@given(columns(), st.data())
def test_values_are_spread_over_rows(found, data):
    count = len(next(iter(found.values()), []))
    index = data.draw(st.lists(st.integers(0, count - 1), max_size=6)) if count else []
    null = data.draw(st.lists(st.booleans(), min_size=len(index), max_size=len(index)))
    for at in (np.array(index, dtype=np.int64), pa.array(index, pa.int32(), mask=np.array(null, dtype=np.bool_))):
        hidden = null if isinstance(at, pa.Array) else [False] * len(index)
        for name, column in spread(found, at).items():
            values = found[name].to_pylist()
            column.validate(full=True)
            assert plain_type(column.type) == plain_type(found[name].type)
            assert column.to_pylist() == [None if no else values[one] for one, no in zip(index, hidden, strict=True)]


@given(columns())
def test_decoded_columns_have_the_same_values(found):
    for column in found.values():
        plain = decoded(column)
        assert not pa.types.is_dictionary(plain.type)
        assert plain.to_pylist() == column.to_pylist()


@given(st.data())
def test_percent_codes_are_replaced_in_strings_that_begin_anywhere(data):
    text = st.one_of(st.none(), st.sampled_from(["", "p.Ala1%3D", "%2C", "a%3Bb%3D", "plain", "50%", "%zz"]))
    values = data.draw(st.lists(text, max_size=8))
    first = data.draw(st.integers(0, len(values)))
    array = pa.array(values, pa.string()).slice(first)
    assert csq_field_columns.decoded(array).to_pylist() == [
        None if one is None else decode(one) for one in values[first:]
    ]


@given(st.data())
def test_values_are_numbered(data):
    array = data.draw(arrays(pa.string(), data.draw(st.integers(0, 6)), PLAIN))
    codes, distinct = encoded(array)
    assert [None if code < 0 else distinct[code] for code in codes.tolist()] == array.to_pylist()
    assert len(set(distinct)) == len(distinct)


@given(st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=4), st.data())
def test_texts_are_coded(texts, data):
    index = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=6)), dtype=np.int64)
    assert coded(texts, index).to_pylist() == [texts[at] for at in index.tolist()]


@given(st.lists(st.one_of(st.none(), st.integers(-(2**31) + 1, 2**31 - 1)), max_size=6))
def test_missing_numbers_become_null(values):
    array = np.array([numbers.MISSING if one is None else one for one in values], dtype=np.int64)
    assert number(array).to_pylist() == values
