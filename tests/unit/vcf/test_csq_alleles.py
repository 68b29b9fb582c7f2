"""Which ALT of its record a consequence entry is about."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from radiant.vcf.rules.alleles import split_record
from radiant.vcf.rules.csq_alleles import could_be, match


def of(ref, alts, names, numbers=None, *, snpeff=False):
    """The ALT of each entry, and how many were assumed."""
    alleles = split_record("1", 100, ref, alts.split(","))
    found, assumed = match(names, numbers or [""] * len(names), alleles, snpeff=snpeff)
    return found, sum(assumed)


class TestVepsSpelling:
    @pytest.mark.parametrize(
        ("ref", "alts", "names"),
        [
            ("C", "T", ["T"]),
            ("C", "T,G", ["T", "G"]),
            ("CA", "C", ["-"]),
            ("C", "CAT", ["AT"]),
            ("CA", "C,CAA", ["-", "AA"]),
            ("CAT", "C,CT,CATT", ["-", "T", "ATT"]),
            ("CA", "TG", ["TG"]),  # the same length: nothing is dropped
            ("CA", "CG", ["CG"]),
            ("CA", "CG,CT", ["CG", "CT"]),
            ("CA", "CG,C", ["G", "-"]),  # an ALT of another length: all lose the base they share
            ("CA", "C,T", ["C", "T"]),  # no base is shared by all
            ("CA", "G", ["G"]),
            ("TA", "A", ["A"]),
        ],
    )
    def test_the_first_base_goes_where_all_share_it(self, ref, alts, names):
        assert of(ref, alts, names) == (list(range(1, len(names) + 1)), 0)

    @pytest.mark.parametrize(
        ("ref", "alts", "names"),
        [
            ("CA", "C,*", ["-", "*"]),
            ("C", "T,*", ["T", "*"]),
            ("CA", "*,CG", ["*", "G"]),
            ("CAT", "CGT,*", ["GT", "*"]),  # `*` is shorter than REF: VEP takes the record for an indel
        ],
    )
    def test_a_spanning_deletion_has_no_say_about_the_first_base(self, ref, alts, names):
        assert of(ref, alts, names) == ([1, 2], 0)

    @pytest.mark.parametrize("name", ["T", "CT"])
    def test_an_unseen_allele_may_or_may_not_have_been_there_for_vep(self, name):
        assert of("CAT", "CT,<NON_REF>", [name]) == ([1], 0)

    def test_the_name_of_one_alt_is_not_taken_for_the_text_of_another(self):
        """ALT 1 is `C` as written, but VEP calls ALT 1 `-` and ALT 2 `C`."""
        assert of("CA", "C,CC", ["C", "-"]) == ([2, 1], 0)
        assert of("CA", "C,CC", ["C"]) == ([2], 0)

    def test_minimal_spelling_is_known_by_the_entries_together(self):
        """`A` is ALT 1 in VEP's usual way, ALT 2 with --minimal; the `-` beside it decides which way it is."""
        assert of("CAA", "CA,CAAA", ["A", "AAA"]) == ([1, 2], 0)
        assert of("CAA", "CA,CAAA", ["A", "-"]) == ([2, 1], 0)

    def test_an_ambiguous_minimal_spelling_is_no_answer(self):
        assert of("CAT", "CT,CA,CATT", ["-"])[0] == [None]

    def test_lower_case_is_the_same_allele(self):
        assert of("ca", "c,caa", ["-", "AA"]) == ([1, 2], 0)
        assert of("C", "T,G", ["t", "g"]) == ([1, 2], 0)

    @given(st.text("ACGT", min_size=1, max_size=6), st.lists(st.text("ACGT", min_size=1, max_size=6), unique=True))
    def test_every_spelling_of_vep_is_found(self, ref, alts):
        """The rule of VEP's own parser, written down a second time."""
        assume(alts)
        assume(ref not in alts)
        indel = any(len(alt) != len(ref) for alt in alts)
        shared = indel and len({text[0] for text in (ref, *alts)}) == 1
        names = [alt[1:] or "-" if shared else alt for alt in alts]
        assert of(ref, ",".join(alts), names) == (list(range(1, len(alts) + 1)), 0)


class TestSnpeff:
    def test_the_allele_is_alt_as_written(self):
        assert of("CA", "C,CC", ["C", "CC"], snpeff=True) == ([1, 2], 0)


class TestAlleleNumber:
    def test_the_number_decides(self):
        assert of("CA", "C,CAA", ["-", "A"], ["1", "2"]) == ([1, 2], 0)
        assert of("CA", "C,CAA", ["", ""], ["2", "1"]) == ([2, 1], 0)

    def test_a_number_that_the_record_has_not_leaves_it_to_the_name(self):
        """The record was split after its annotation."""
        assert of("C", "G", ["G", "T"], ["2", "1"]) == ([1, None], 0)
        assert of("C", "G", ["G"], ["0"]) == ([1], 0)
        assert of("C", "G", ["G"], ["x"]) == ([1], 0)

    def test_a_number_that_the_name_contradicts_is_not_used(self):
        assert of("C", "G", ["T"], ["1"]) == ([None], 0)
        assert of("C", "CA", ["-"], ["1"]) == ([None], 0)


class TestTheOnlyAlt:
    def test_entries_that_name_no_allele_are_about_the_only_alt(self):
        assert of("C", "T", ["", ""]) == ([1, 1], 2)
        assert of("C", "T,<NON_REF>", [""]) == ([1], 1)

    def test_entries_that_name_no_allele_are_about_none_of_several(self):
        assert of("C", "T,G", ["", ""]) == ([None, None], 0)
        assert of("C", "T,*", [""]) == ([None], 0)

    def test_a_name_of_another_tool_is_the_only_alt_if_all_use_it(self):
        """Shifted left after its annotation: the inserted bases turn round."""
        assert of("C", "CAG", ["GA", "GA"]) == ([1, 1], 2)

    def test_entries_of_an_alt_that_was_split_away_are_not_given_to_the_one_that_stayed(self):
        assert of("C", "A", ["A", "G"]) == ([1, None], 0)
        assert of("C", "A", ["G"]) == ([None], 0)
        assert of("CA", "C", ["-", "AA"]) == ([1, None], 0)
        assert of("C", "CA", ["-", "AA"]) == ([None, None], 0)
        assert of("C", "CAG", ["-"]) == ([None], 0)

    @given(
        st.text("ACGT", min_size=1, max_size=5), st.text("ACGT", min_size=1, max_size=5), st.text("ACGT", max_size=3)
    )
    def test_no_spelling_of_an_allele_contradicts_it(self, ref, alt, context):
        assume(ref != alt)
        for r, a in ((context + ref, context + alt), (ref + context, alt + context)):
            (allele,) = split_record("1", 100, r, [a])
            assert could_be(a, allele)
            assert could_be(a[1:] or "-", allele) or r[0] != a[0]


class TestWithoutASequence:
    def test_veps_word_for_a_structural_alt(self):
        assert of("C", "<DEL>", ["deletion"]) == ([1], 0)
        assert of("C", "T,<DUP>", ["T", "duplication"]) == ([1, 2], 0)
        assert of("C", "T", ["deletion"]) == ([None], 0)

    @pytest.mark.parametrize(
        ("ref", "alt", "name"),
        [
            ("CAT", "C", "deletion"),
            ("CAT", "TG", "deletion"),
            ("C", "CAT", "insertion"),
            ("C", "CAT", "duplication"),
            ("C", "CAT", "tandem_duplication"),
        ],
    )
    def test_veps_word_for_the_only_alt_of_a_line_with_svtype(self, ref, alt, name):
        """Manta writes the sequence of an indel of 50 bases and more; SVTYPE beside it has VEP write the word."""
        assert of(ref, alt, [name, name]) == ([1, 1], 2)
        assert of(ref, alt, [name, name], ["1", "1"]) == ([1, 1], 0)
        assert of(ref, f"{alt},<NON_REF>", [name], ["1"]) == ([1], 0)

    @pytest.mark.parametrize(
        ("ref", "alt", "name"),
        [
            ("CAT", "C", "insertion"),
            ("CAT", "C", "duplication"),
            ("C", "CAT", "deletion"),
            ("CAT", "CTA", "deletion"),
            ("CAT", "CTA", "insertion"),
            ("C", "CAT", "sequence_variant"),
        ],
    )
    def test_a_word_that_contradicts_the_lengths_is_no_name_of_the_only_alt(self, ref, alt, name):
        assert of(ref, alt, [name]) == ([None], 0)
        assert of(ref, alt, [name], ["1"]) == ([None], 0)

    def test_a_word_beside_the_only_alts_own_entry_is_of_an_alt_that_was_split_away(self):
        assert of("CAT", "C", ["-", "deletion"]) == ([1, None], 0)


def test_nothing_to_match():
    assert of("C", "T", []) == ([], 0)
    assert match(["T"], [""], []) == ([None], [False])
