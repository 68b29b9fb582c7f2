import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.costs.sizing import ENOUGH, FLOOR_MIB, Bound, Observation, memory_bound, memory_request, time_bound

MIB = 1 << 20


def observed(mib, samples, peak, wall_s=1.0):
    return Observation(int(mib * MIB), samples, 1000, peak, wall_s, wall_s)


OBSERVATIONS = st.lists(
    st.builds(
        observed,
        st.floats(0.01, 5000),
        st.integers(1, 20),
        st.floats(50, 4000),
        st.floats(0.1, 5000),
    ),
    min_size=ENOUGH,
    max_size=60,
)


@given(OBSERVATIONS)
def test_no_import_is_above_its_bound_and_none_is_lowered_by_a_larger_file(found):
    for bound, value in ((memory_bound(found), "peak_memory_mib"), (time_bound(found), "wall_s")):
        assert bound.per_mib >= 0
        assert bound.per_sample >= 0
        for one in found:
            assert bound.at(one.vcf_bytes, one.samples) >= getattr(one, value) * (1 - 1e-6)


@given(OBSERVATIONS, st.integers(64, 8192))
def test_a_request_is_above_the_peak_and_within_its_limits(found, cap_mib):
    bound = memory_bound(found)
    for one in found:
        request = memory_request(bound, one.vcf_bytes, one.samples, cap_mib)
        assert min(one.peak_memory_mib, cap_mib) <= request <= cap_mib
        assert request >= min(FLOOR_MIB, cap_mib)


def test_what_was_simulated_is_found():
    made = [observed(mib, samples, 150 + 0.5 * mib + 20 * samples) for mib in range(1, 100, 9) for samples in (1, 3)]
    bound = memory_bound(made)
    assert (bound.base, bound.per_mib, bound.per_sample) == pytest.approx((150, 0.5, 20))
    assert memory_request(bound, 100 * MIB, 3, 30_000) == 384  # (150 + 50 + 60) x 1.25 = 325, in steps of 64
    assert (bound.most_bytes, bound.most_samples, bound.observations) == (91 * MIB, 3, 22)


@pytest.mark.parametrize("size", [lambda n: n, lambda _: 10], ids=["growing files", "equal files"])
def test_a_slope_that_says_less_for_more_is_left_out(size):
    found = [observed(size(n), 1, 1000 - n) for n in range(1, 40)]
    assert memory_bound(found) == Bound(999, 0.0, 0.0, 39, max(size(n) for n in range(1, 40)) * MIB, 1)


def test_there_is_no_bound_from_few_imports_and_none_for_a_file_unlike_them():
    found = [observed(n, 3, 200) for n in range(1, ENOUGH + 1)]
    assert memory_bound(found[:-1]) is None
    bound = memory_bound(found)
    assert memory_request(bound, 30 * MIB, 4, 4096) == FLOOR_MIB
    assert memory_request(bound, 31 * MIB, 3, 4096) is None
    assert memory_request(bound, MIB, 5, 4096) is None


def test_two_columns_of_which_one_follows_from_the_other_are_one():
    found = [observed(n, n, 100 + 10 * n) for n in range(1, 40)]
    bound = memory_bound(found)
    assert (bound.base, bound.per_mib, bound.per_sample) == pytest.approx((100, 10, 0))
