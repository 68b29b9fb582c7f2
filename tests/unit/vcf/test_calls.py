"""Genotypes as one ALT of a record sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiant.vcf.findings import BrokenRuleError, Rule
from radiant.vcf.rules import alleles


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
        with pytest.raises(BrokenRuleError, match="GT") as caught:
            alleles.calls(text, 1)
        assert caught.value.rule is Rule.GT_INVALID

    def test_an_allele_that_the_record_has_not_is_an_error(self):
        assert alleles.calls("0/2", 1, 2) == ((0, -1), False)
        with pytest.raises(BrokenRuleError, match="ALT has 2") as caught:
            alleles.calls("0/3", 1, 2)
        assert caught.value.rule is Rule.GT_ALLELE_UNKNOWN

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
