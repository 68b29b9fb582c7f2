import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.demo.allele_shapes import ALT_COUNT, MAX_REF, SHARES, WINDOW, Shape, alleles, reference_windows, trim
from radiant.demo.record_positions import MIN_GAP

BASES = st.text("ACGT", min_size=WINDOW, max_size=WINDOW)
ENTROPY = st.integers(0, 2**40 - 1)


@given(st.sampled_from(Shape), BASES, ENTROPY)
def test_every_shape_gives_distinct_alleles_over_the_reference(shape, bases, entropy):
    reference, alternates = alleles(shape, bases, entropy)
    assert bases.startswith(reference)
    assert len(reference) <= MAX_REF < MIN_GAP
    assert len(alternates) == ALT_COUNT[shape]
    assert len({reference, *alternates}) == 1 + len(alternates)
    assert all(set(alternate) <= set("ACGT") or alternate == "*" for alternate in alternates)


@given(st.sampled_from([Shape.INSERTION, Shape.DELETION]), BASES, ENTROPY)
def test_indels_cannot_be_written_further_left(shape, bases, entropy):
    reference, (alternate,) = alleles(shape, bases, entropy)
    longer = max(reference, alternate, key=len)
    assert longer[0] == min(reference, alternate, key=len)
    # Where only repeats of the first base follow, nothing else can be done.
    assert longer[-1] != longer[0] or set(bases[len(longer) - 1 : MAX_REF]) == {bases[0]}


@given(BASES, ENTROPY)
def test_untrimmed_shapes_are_not_in_shortest_form(bases, entropy):
    for shape in (Shape.SNV_AND_DELETION, Shape.SHARED_PREFIX, Shape.TWO_DELETIONS):
        reference, alternates = alleles(shape, bases, entropy)
        assert any(trim(1, reference, alternate) != (1, reference, alternate) for alternate in alternates)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ((10, "A", "G"), (10, "A", "G")),
        ((10, "GT", "AT"), (10, "G", "A")),
        ((10, "GTC", "GTG"), (12, "C", "G")),
        ((10, "CAAG", "CG"), (10, "CAA", "C")),
        ((10, "CA", "C"), (10, "CA", "C")),
        ((10, "CAAA", "CAA"), (10, "CA", "C")),
        ((10, "AC", "GT"), (10, "AC", "GT")),
    ],
)
def test_trim_gives_the_shortest_form(given_, expected):
    assert trim(*given_) == expected


def test_reference_depends_on_contig_and_position_alone():
    one = reference_windows(3, np.array([1000, 1005]))
    assert one[5:WINDOW] == one[WINDOW : 2 * WINDOW - 5]
    assert reference_windows(4, np.array([1000])) != one[:WINDOW]


def test_reference_uses_all_bases_evenly():
    text = reference_windows(0, np.arange(0, 100_000, WINDOW))
    for base in "ACGT":
        assert 0.24 < text.count(base) / len(text) < 0.26


def test_shares_do_not_exceed_one():
    assert len(SHARES) == len(ALT_COUNT) == len(Shape)
    assert SHARES.sum() <= 1
