import datetime as dt

import pytest

from radiant.ui import amounts

NOW = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (185, "3 min 05 s"),
        (7620, "2 h 07 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert amounts.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7200, "2 h ago"), (259_200, "3 days ago")],
)
def test_a_time_of_a_clock_that_is_ahead_is_now(seconds, text):
    assert amounts.ago(NOW - dt.timedelta(seconds=seconds), NOW) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "-"), (512, "512 B"), (60_000, "58.6 KiB"), (3 * 2**30, "3.0 GiB"), (5000 * 2**30, "5,000 GiB")],
)
def test_a_size_has_the_largest_unit_below_it(count, text):
    assert amounts.size(count) == text


def test_times_are_shown_in_utc_to_the_minute():
    at = dt.datetime(2026, 11, 29, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert amounts.utc(at) == "2026-11-28 23:30 UTC"
    assert amounts.moment(0.0) == dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
