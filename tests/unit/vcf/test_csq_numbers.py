"""Numbers of entries read at once against the parsers of `vcf.rules.csq_fields`, text by text."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.vcf.fast.csq_number_columns import READERS
from radiant.vcf.rules import csq_fields
from radiant.vcf.vector.slices import Slices

PLAIN = {
    csq_fields.whole_number: ["0", "7", "12", "00012", "123456789", "99999999"],
    csq_fields.rank: ["1/1", "3/12", "10/9", "363/363", "007/8", "1/123456789"],
    csq_fields.frequency: [
        "0",
        "1",
        "0.5",
        "0.0001234",
        "1e-5",
        "2.5E-07",
        "9e-99",
        "3.4e-39",
        "0.00000e+00",
    ],
}
"""Texts that are read at once."""
ODD = [
    "-1", "+1", "1.", ".5", ".", "1e+5", "1.e5", "1e", "e5", "inf", "nan", "NaN", "0x1", "1_0", " 1", "1 ",
    "12345678901/2", "1234/5000", "0.123456789012345678901", "1e-123", "3-4/12", "1/", "/1", "1//2", "1/2/3", "a/b",
    "1234567890", "1/b", "123456789", "1e38", "9e99", "3.4e39", "5e7", "1.0001",
    "0.1&0.2", "1%2C5", "٣", "٣/٤", "1,2", "--1",
]  # fmt: skip
"""Texts that at least one parser does not read in full, or that no plain file has."""


def read(parser, texts):
    pieces = Slices.of(pa.array(texts, pa.string()))
    with np.errstate(all="ignore"):
        values, sure = READERS[parser](pieces)
    return list(zip(*(value.tolist() for value in values), strict=True)), sure.tolist()


def check(parser, texts):
    values, sure = read(parser, texts)
    for text, value, is_sure in zip(texts, values, sure, strict=True):
        if is_sure:
            assert parser(text) == (value, True), text


@pytest.mark.parametrize("parser", READERS, ids=lambda parser: parser.__name__)
def test_what_is_read_at_once_is_what_the_parser_reads(parser):
    check(parser, [*PLAIN[parser], *ODD, *(text for texts in PLAIN.values() for text in texts)])


@pytest.mark.parametrize("parser", READERS, ids=lambda parser: parser.__name__)
def test_plain_texts_are_read_at_once(parser):
    assert all(read(parser, PLAIN[parser])[1])


@pytest.mark.parametrize("parser", READERS, ids=lambda parser: parser.__name__)
@given(texts=st.lists(st.text(alphabet="0123456789./eE-+&", min_size=1, max_size=24), min_size=1, max_size=20))
def test_random_texts(parser, texts):
    check(parser, texts)
