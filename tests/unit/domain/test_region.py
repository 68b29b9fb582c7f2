"""Regions as people write them."""

import pytest

from radiant.domain.region import Region, parse_region
from radiant.errors import InputError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("chr1", Region("1", None, None)),
        ("1", Region("1", None, None)),
        (" chrX:5-9 ", Region("X", 5, 9)),
        ("X:5", Region("X", 5, 5)),
        ("chr2:1,000-2,000", Region("2", 1000, 2000)),
        ("MT:1-16569", Region("M", 1, 16569)),
        ("chrM", Region("M", None, None)),
        ("7:500-", Region("7", 500, None)),
        ("1:10-10", Region("1", 10, 10)),
    ],
)
def test_a_region_is_read(text, expected):
    assert parse_region(text) == expected


@pytest.mark.parametrize("text", ["", "chr1:", "1:a-b", "1:1-2-3", "1:-5", "1:1..5", "1 5 9", "1:٣-٤"])
def test_what_is_no_region_is_refused_with_an_example(text):
    with pytest.raises(InputError, match="Write chr1"):
        parse_region(text)


@pytest.mark.parametrize("text", ["chr23", "chrUn_KI270302v1:1-2", "BRCA1"])
def test_an_unknown_chromosome_is_named(text):
    with pytest.raises(InputError, match="is not a chromosome"):
        parse_region(text)


@pytest.mark.parametrize("text", ["1:0", "1:0-5", "1:9-5"])
def test_impossible_positions_are_refused(text):
    with pytest.raises(InputError, match="positions count from 1"):
        parse_region(text)
