"""Case numbers as people type them in a form."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.domain.case_numbers import CASES_PATTERN, MOST_NUMBERS, read_case_numbers
from radiant.errors import InputError


@pytest.mark.parametrize(
    ("typed", "numbers"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ([], None),
        ("[]", None),
        (105, [105]),
        ("105", [105]),
        ("105, 106", [105, 106]),
        ("105 106", [105, 106]),
        ("105;106\n107", [105, 106, 107]),
        ("[105]", [105]),
        ("[105, 106]", [105, 106]),
        ([105, "106"], [105, 106]),
        ((106, 105), [106, 105]),
        ("100-103", [100, 101, 102, 103]),
        ("100 - 102, 7", [100, 101, 102, 7]),
        ("105,105", [105]),
        ("00105", [105]),
    ],
)
def test_what_people_type_is_understood(typed, numbers):
    assert read_case_numbers(typed) == numbers


@pytest.mark.parametrize(
    "typed",
    [
        *("all", "0", "-1", "1.5", "1-", "5-3", "1-99999999", "1e3", "1,2,x", "case 5", "\u0663", f"{2**63}"),
        *(0, -1, 1.5, True, 2**63, {"a": 1}, [[1]], [None], [True], list(range(1, MOST_NUMBERS + 2))),
    ],
    ids=lambda typed: f"{type(typed).__name__} {str(typed)[:20]}",
)
def test_anything_else_is_refused_with_what_to_write(typed):
    with pytest.raises(InputError, match="like 105 or 105, 106 or 100-120"):
        read_case_numbers(typed)


@given(st.lists(st.integers(1, 2**63 - 1), max_size=20), st.sampled_from([",", ", ", " ", ";", "\n"]))
def test_a_list_comes_back_whatever_separates_it(numbers, separator):
    text = separator.join(map(str, numbers))
    assert read_case_numbers(text) == (list(dict.fromkeys(numbers)) or None)
    assert re.search(CASES_PATTERN, text)


@given(st.text("0123456789, -[];x", max_size=40))
def test_what_the_form_refuses_is_refused_by_the_job(text):
    if not re.search(CASES_PATTERN, text):
        with pytest.raises(InputError):
            read_case_numbers(text)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["1", " ", "1 ", "1 - ", "1-1,", ", ", "["])
def test_a_long_text_is_judged_at_once(piece):
    """The pattern is tried by Airflow's API server."""
    assert not re.search(CASES_PATTERN, piece * 2000 + "x")
