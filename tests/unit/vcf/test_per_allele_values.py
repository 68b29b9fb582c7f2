"""Number=A/R/G fields and genotypes, as one ALT of a record sees them."""

from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radiant.vcf import alleles
from radiant.vcf.alleles import AlleleError, Rule


def genotypes(n_alleles, ploidy):
    """Every genotype in the order of the specification, by brute force: sorted by the highest allele, then the next."""
    return sorted(combinations_with_replacement(range(n_alleles), ploidy), key=lambda genotype: genotype[::-1])


class TestReindex:
    def test_a_field_per_alt_gives_the_alts_value(self):
        assert alleles.reindex([7, 8, None], "A", 2, 3) == [8]
        assert alleles.reindex([7, 8, None], "A", 3, 3) == [None]

    def test_a_field_per_allele_gives_the_references_and_the_alts_value(self):
        assert alleles.reindex([30, 7, 8], "R", 2, 2) == [30, 8]
        assert alleles.reindex([30, 7, 0], "R", 2, 2) == [30, 0]

    def test_the_order_of_genotypes_is_the_specifications(self):
        """VCF 4.3, 1.6.2: diploid triallelic is 00,01,11,02,12,22; triploid biallelic 000,001,011,111."""
        assert genotypes(3, 2) == [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)]
        assert alleles.reindex(["00", "01", "11", "02", "12", "22"], "G", 1, 2) == ["00", "01", "11"]
        assert alleles.reindex(["00", "01", "11", "02", "12", "22"], "G", 2, 2) == ["00", "02", "22"]
        assert alleles.reindex(["0", "1", "2"], "G", 2, 2, 1) == ["0", "2"]
        assert alleles.reindex(["000", "001", "011", "111"], "G", 1, 1, 3) == ["000", "001", "011", "111"]

    @settings(deadline=None)  # the machine may be busy
    @given(st.integers(1, 6), st.integers(1, 5), st.data())
    def test_a_field_per_genotype_agrees_with_brute_force(self, n_alts, ploidy, data):
        alt_index = data.draw(st.integers(1, n_alts))
        values = genotypes(n_alts + 1, ploidy)
        expected = [genotype for genotype in values if set(genotype) <= {0, alt_index}]
        assert alleles.reindex(values, "G", alt_index, n_alts, ploidy) == expected
        assert alleles.reindex(values, "G", alt_index, n_alts, None) == expected
        assert alleles.values_expected("G", n_alts, ploidy) == len(values)

    @pytest.mark.parametrize(
        ("values", "number"), [([1], "A"), ([1, 2, 3], "A"), ([1, 2], "R"), ([1, 2, 3, 4], "R"), ([1] * 5, "G")]
    )
    def test_a_wrong_number_of_values_is_no_value(self, values, number):
        assert alleles.reindex(values, number, 1, 2) is None
        assert alleles.reindex(values, number, 1, 2, None) is None
        assert len(values) != alleles.values_expected(number, 2, 2)

    @pytest.mark.parametrize("number", ["A", "R", "G"])
    def test_a_missing_field_is_no_value(self, number):
        assert alleles.reindex(None, number, 1, 2) is None
        assert alleles.reindex([None], number, 1, 2) is None

    def test_other_fields_do_not_depend_on_the_allele(self):
        assert alleles.reindex([1, 2, 3], ".", 2, 5) == [1, 2, 3]
        assert alleles.reindex([9], "1", 2, 5) == [9]
        assert alleles.values_expected(".", 2, 2) is None


class TestCalls:
    @pytest.mark.parametrize(
        ("text", "calls", "phased"),
        [
            ("0/1", (0, 1), False),
            ("1|0", (1, 0), True),
            ("1/1", (1, 1), False),
            ("1/2", (1, -1), False),
            ("2|2", (-1, -1), True),
            ("./1", (-1, 1), False),
            ("1/.", (1, -1), False),
            (".|1", (-1, 1), True),
            ("./.", (-1, -1), False),
            (".", (-1,), False),
            ("1", (1,), True),
            ("0", (0,), True),
            ("0/0/1", (0, 0, 1), False),
            ("3|2|1|0", (-1, -1, 1, 0), True),
            ("0/1|1", (0, 1, 1), False),
            ("0|1/1", (0, 1, 1), False),
            ("|1", (1,), True),
            ("/1", (1,), False),
            ("|0|1", (0, 1), True),
            ("/0|1", (0, 1), False),
            ("|0/1", (0, 1), False),
            ("10/1", (-1, 1), False),
        ],
    )
    def test_calls_and_phase(self, text, calls, phased):
        assert alleles.calls(text, 1) == (calls, phased)

    def test_another_alt_is_this_alt_when_asked_for_it(self):
        assert alleles.calls("1/2", 2) == ((-1, 1), False)
        assert alleles.calls("11|12", 12) == ((-1, 1), True)

    @pytest.mark.parametrize(
        "text", ["", "/", "|", "0//1", "0/", "a/b", "-1/0", "0,1", "0/1 ", "0\\1", "+1", "٣/1", "||1"]
    )
    def test_what_is_no_genotype_is_an_error(self, text):
        with pytest.raises(AlleleError, match="GT") as caught:
            alleles.calls(text, 1)
        assert caught.value.rule is Rule.GT_INVALID

    def test_an_allele_that_the_record_has_not_is_an_error(self):
        assert alleles.calls("0/2", 1, 2) == ((0, -1), False)
        with pytest.raises(AlleleError, match="ALT has 2") as caught:
            alleles.calls("0/3", 1, 2)
        assert caught.value.rule is Rule.GT_ALLELE_UNKNOWN

    @settings(deadline=None)  # the machine may be busy
    @given(st.lists(st.one_of(st.none(), st.integers(0, 12)), min_size=1, max_size=6), st.data())
    def test_ploidy_order_and_every_allele_are_kept(self, numbers, data):
        separators = data.draw(st.lists(st.sampled_from("|/"), min_size=len(numbers) - 1, max_size=len(numbers) - 1))
        lead = data.draw(st.sampled_from(["", "|", "/"]))
        words = ["." if number is None else str(number) for number in numbers]
        text = lead + words[0] + "".join(s + word for s, word in zip(separators, words[1:], strict=True))
        for index in range(1, 13):
            calls, phased = alleles.calls(text, index)
            assert len(calls) == len(numbers)
            for call, number in zip(calls, numbers, strict=True):
                assert (call == 0) == (number == 0)
                assert (call == 1) == (number == index)
            assert phased == ("/" not in text and text != ".")
        # Over all ALTs, every called allele is seen exactly once: none is lost and none counted twice.
        seen = sum(call == 1 for index in range(1, 13) for call in alleles.calls(text, index)[0])
        assert seen == sum(number not in {None, 0} for number in numbers)
