"""Splitting, trimming, left-aligning and naming alleles."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from radiant.vcf.findings import BrokenRuleError, Rule
from radiant.vcf.rules import alleles
from radiant.vcf.rules.alleles import Allele, Skip

bases = st.text("ACGT", min_size=1, max_size=12)
few_bases = st.text("AC", min_size=1, max_size=10)
"""Two letters only: repeats, so that trimming has choices."""


class Genome:
    """What `pysam.FastaFile` does, from a dict."""

    def __init__(self, **contigs):
        self.contigs = contigs

    def get_reference_length(self, reference):
        return len(self.contigs[reference])

    def fetch(self, reference, start, end):
        return self.contigs[reference][start:end]


def one(pos, ref, alt, fasta=None, chromosome="1"):
    (allele,) = alleles.split_record(chromosome, pos, ref, [alt], fasta)
    return allele.start, allele.reference, allele.alternate


class TestSplit:
    def test_each_alt_is_trimmed_on_its_own(self):
        split = alleles.split_record("chr1", 100, "CAA", ["CA", "C", "G", "CAAA"])
        assert [(a.alt_index, a.start, a.end, a.reference, a.alternate) for a in split] == [
            (1, 100, 101, "CA", "C"),
            (2, 100, 102, "CAA", "C"),
            (3, 100, 102, "CAA", "G"),
            (4, 100, 100, "C", "CA"),
        ]

    def test_the_source_alleles_are_kept_as_written(self):
        (allele,) = alleles.split_record("1", 5, "gat", ["gct"])
        assert allele == Allele(1, 6, 6, "A", "C", "gat", "gct", None)

    def test_right_goes_before_left(self):
        assert one(10, "CAAA", "CA") == (10, "CAA", "C")
        assert one(10, "TGCA", "TGGA") == (12, "C", "G")

    def test_one_base_stays_on_both_sides(self):
        assert one(10, "TA", "A") == (10, "TA", "A")
        assert one(10, "A", "AA") == (10, "A", "AA")

    @pytest.mark.parametrize("alts", [[], ["."]])
    def test_no_alt_is_no_allele(self, alts):
        assert alleles.split_record("1", 5, "G", alts) == []

    @pytest.mark.parametrize(
        ("alt", "reason"),
        [
            ("*", Skip.SPANNING_DELETION),
            ("<*:DEL>", Skip.SPANNING_DELETION),
            ("<NON_REF>", Skip.REFERENCE_BLOCK),
            ("<*>", Skip.REFERENCE_BLOCK),
            ("<X>", Skip.REFERENCE_BLOCK),
            ("<DEL>", Skip.SYMBOLIC),
            ("<INS:ME:ALU>", Skip.SYMBOLIC),
            ("C<ctg1>", Skip.SYMBOLIC),
            ("G[17:198982[", Skip.BREAKEND),
            ("]13:123456]T", Skip.BREAKEND),
            ("C[<ctg1>:1[", Skip.BREAKEND),
            (".TGCA", Skip.BREAKEND),
            ("G.", Skip.BREAKEND),
        ],
    )
    def test_an_alt_without_a_sequence_is_skipped_with_its_reason(self, alt, reason):
        split = alleles.split_record("1", 5, "GT", [alt, "G"])
        assert split[0] == Allele(1, 5, 6, "GT", alt, "GT", alt, reason)
        assert split[1].skip is None

    @pytest.mark.parametrize("alt", ["", "R", "A T", "<INS>BLAH>", "<>", "[1:100[", "I", "A-", "**", "A.T", "Å", "."])
    def test_an_alt_that_is_no_allele_is_an_error(self, alt):
        with pytest.raises(BrokenRuleError, match="ALT") as caught:
            alleles.split_record("1", 5, "G", ["A", alt])
        assert caught.value.rule is Rule.ALT_INVALID

    @pytest.mark.parametrize("ref", ["", ".", "B", "C,A", "*", "<DEL>", "A\n"])
    def test_a_ref_that_is_no_sequence_is_an_error(self, ref):
        with pytest.raises(BrokenRuleError, match="REF") as caught:
            alleles.split_record("1", 5, ref, ["T"])
        assert caught.value.rule is Rule.REF_INVALID

    @pytest.mark.parametrize("alts", [["G"], ["g"], ["A", "A"], ["A", "T", "a"], ["*", "*"]])
    def test_an_allele_twice_is_an_error(self, alts):
        with pytest.raises(BrokenRuleError) as caught:
            alleles.split_record("1", 5, "G", alts)
        assert caught.value.rule is Rule.ALLELE_DUPLICATED

    def test_a_long_allele_is_not_printed_in_full(self):
        with pytest.raises(BrokenRuleError) as caught:
            alleles.split_record("1", 5, "G", ["A" * 5_000_000 + "!"])
        assert len(str(caught.value)) < 300

    @given(st.integers(1, 50), few_bases, few_bases, few_bases, few_bases)
    def test_trimming_never_changes_the_haplotype(self, pos, before, ref, alt, after):
        assume(ref != alt)
        pos += len(before)
        genome = "G" * (pos - 1 - len(before)) + before + ref + after
        start, short_ref, short_alt = alleles.trim(pos, ref, alt)
        written = genome[: pos - 1] + alt + genome[pos - 1 + len(ref) :]
        assert genome[start - 1 :].startswith(short_ref)
        assert genome[: start - 1] + short_alt + genome[start - 1 + len(short_ref) :] == written

    @given(st.integers(1, 50), bases, bases)
    def test_trimming_twice_is_trimming_once(self, pos, ref, alt):
        assume(ref != alt)
        once = alleles.trim(pos, ref, alt)
        assert alleles.trim(*once) == once
        _, ref, alt = once
        assert len(ref) == 1 or len(alt) == 1 or (ref[0] != alt[0] and ref[-1] != alt[-1])

    @given(st.integers(1, 50), few_bases, st.lists(few_bases, min_size=1, max_size=4, unique=True))
    def test_splitting_what_was_split_changes_nothing(self, pos, ref, alts):
        assume(ref not in alts)
        for allele in alleles.split_record("1", pos, ref, alts):
            again = one(allele.start, allele.reference, allele.alternate)
            assert again == (allele.start, allele.reference, allele.alternate)


class TestFasta:
    genome = Genome(chr1="GTCACACACAGNNGGgtttt")

    def test_an_indel_goes_to_its_leftmost_place(self):
        assert one(8, "ACA", "A", self.genome) == (2, "TCA", "T")
        assert one(10, "A", "ACA", self.genome) == (2, "T", "TCA")

    def test_it_stops_at_the_first_base_of_the_contig(self):
        assert one(3, "AAA", "A", Genome(chr1="AAAAAAC")) == (1, "AAA", "A")
        assert one(3, "AT", "A", Genome(chr1="TTATTAC")) == (3, "AT", "A")

    def test_a_long_repeat_needs_more_than_one_window(self):
        genome = Genome(chr1="G" + "CA" * 500 + "T")
        assert one(1000, "AA", "A", Genome(chr1="G" + "A" * 2000)) == (1, "GA", "G")
        assert one(999, "ACA", "A", genome) == (1, "GCA", "G")

    def test_soft_masked_bases_are_bases(self):
        assert one(19, "TT", "T", self.genome) == (16, "GT", "G")

    @pytest.mark.parametrize(
        ("written", "contig"),
        [("1", "chr1"), ("chr1", "1"), ("chrM", "MT"), ("MT", "chrM"), ("M", "M"), ("X", "chrX"), ("GL1", "GL1")],
    )
    def test_the_fasta_may_spell_a_chromosome_otherwise(self, written, contig):
        assert one(2, "C", "T", Genome(**{contig: "ACGT"}), chromosome=written) == (2, "C", "T")

    def test_a_contig_that_the_fasta_has_not_is_an_error(self):
        with pytest.raises(BrokenRuleError, match="'2' is not in the reference FASTA") as caught:
            one(1, "A", "C", self.genome, chromosome="2")
        assert caught.value.rule is Rule.CONTIG_NOT_IN_FASTA

    @pytest.mark.parametrize(("pos", "ref"), [(1, "A"), (2, "TG"), (20, "TT"), (21, "T"), (0, "G"), (12, "A")])
    def test_another_ref_than_the_fasta_has_is_an_error(self, pos, ref):
        with pytest.raises(BrokenRuleError, match="differs from the reference FASTA") as caught:
            alleles.split_record("1", pos, ref, ["<DEL>"], self.genome)
        assert caught.value.rule is Rule.REF_MISMATCH

    def test_ref_is_checked_without_an_alt_too(self):
        with pytest.raises(BrokenRuleError):
            alleles.split_record("1", 1, "A", ["."], self.genome)

    def test_a_code_in_the_fasta_agrees_with_each_of_its_bases(self):
        for base in "AG":
            assert one(2, base, "T", Genome(chr1="CRC")) == (2, base, "T")
        with pytest.raises(BrokenRuleError):
            one(2, "C", "T", Genome(chr1="CRC"))

    def test_a_code_that_comes_into_an_allele_is_the_first_of_its_bases(self):
        assert one(2, "CC", "C", Genome(chr1="RCCC")) == (1, "AC", "A")

    @given(few_bases, few_bases, few_bases, few_bases)
    def test_left_aligning_never_changes_the_haplotype_and_twice_is_once(self, before, ref, alt, after):
        assume(ref != alt)
        sequence = before + ref + after
        genome = Genome(chr1=sequence)
        start, short_ref, short_alt = one(len(before) + 1, ref, alt, genome)
        assert sequence[start - 1 :].startswith(short_ref)
        assert sequence[: start - 1] + short_alt + sequence[start - 1 + len(short_ref) :] == before + alt + after
        assert one(start, short_ref, short_alt, genome) == (start, short_ref, short_alt)

    @given(few_bases, few_bases, st.integers(1, 5))
    def test_every_place_of_a_deletion_gives_the_same_locus(self, before, unit, copies):
        sequence = f"G{before}{unit * (copies + 1)}G"
        genome = Genome(chr1=sequence)
        end = 1 + len(before) + len(unit) * copies
        loci = set()
        for at in range(end, 0, -1):
            if sequence[:at] + sequence[at + len(unit) :] == sequence[:end] + sequence[end + len(unit) :]:
                loci.add(one(at, sequence[at - 1 : at + len(unit)], sequence[at - 1], genome))
        assert len(loci) == 1


class TestLocus:
    def test_a_locus_has_no_chr_and_calls_the_mitochondrion_m(self):
        assert alleles.locus("chr17", 43094464, "A", "G") == "17-43094464-A-G"
        assert {alleles.locus(name, 7, "C", "T") for name in ("chrM", "chrMT", "M", "MT")} == {"M-7-C-T"}
        assert alleles.locus("GL000191.1", 7, "C", "T") == "GL000191.1-7-C-T"

    def test_the_hash_is_the_same_on_every_machine(self):
        """Values of the reference implementation (xxhash 0.8, XXH3_64bits, seed 0) for these bytes."""
        assert alleles.locus_hash("17-43094464-A-G") == 7778000608054516546
        assert alleles.locus_hash("") == 0x2D06800538D394C2

    @given(st.text("0123456789XYM-ACGT", max_size=40))
    def test_the_hash_fits_a_signed_long(self, locus):
        assert -(1 << 63) <= alleles.locus_hash(locus) < 1 << 63

    def test_a_great_hash_becomes_negative(self):
        hashes = [alleles.locus_hash(f"1-{pos}-A-C") for pos in range(1, 100)]
        assert min(hashes) < 0 < max(hashes)


class TestVariantClass:
    @pytest.mark.parametrize(
        ("ref", "alt", "expected"),
        [
            ("A", "G", "SNV"),
            ("CA", "CG", "SNV"),
            ("CA", "TG", "MNV"),
            ("CAT", "GAA", "MNV"),
            ("C", "CA", "insertion"),
            ("CA", "CAA", "insertion"),
            ("A", "TA", "insertion"),
            ("CAT", "CAGAT", "insertion"),
            ("CA", "C", "deletion"),
            ("TA", "A", "deletion"),
            ("CATG", "CG", "deletion"),
            ("CA", "G", "indel"),
            ("C", "GA", "indel"),
            ("CAT", "GA", "indel"),
            ("AAC", "CAAA", "indel"),
            ("C", "<DEL>", "symbolic"),
            ("C", "*", "symbolic"),
            ("C", "C[2:5[", "symbolic"),
        ],
    )
    def test_class_of_alleles(self, ref, alt, expected):
        assert alleles.variant_class(ref, alt) == expected

    def test_equal_alleles_have_no_class(self):
        with pytest.raises(ValueError, match="both"):
            alleles.variant_class("CA", "ca")

    @given(bases, bases)
    def test_trimming_does_not_change_the_class(self, ref, alt):
        assume(ref != alt)
        _, short_ref, short_alt = alleles.trim(1, ref, alt)
        assert alleles.variant_class(ref, alt) == alleles.variant_class(short_ref, short_alt)
