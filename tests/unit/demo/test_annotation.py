import collections
import itertools
import re

import pytest

from radiant.demo.annotation import EFFECTS, Site, effect_of, entries, transcripts, vep_alleles
from radiant.demo.genes import genes

IMPACTS = {"HIGH", "MODERATE", "LOW", "MODIFIER"}


def fields(demo) -> list[str]:
    line = next(line for line in demo.header if line.startswith("##INFO=<ID=CSQ"))
    return line.split("Format: ")[1].removesuffix('">').split("|")


def csq(demo):
    """Yield (record, entries as dicts)."""
    names = fields(demo)
    for record in demo.records:
        if "CSQ" in record.info:
            yield (
                record,
                [dict(zip(names, text.split("|"), strict=True)) for text in record.info["CSQ"].split(",")],
            )


def test_every_record_is_annotated(demos):
    for demo in demos:
        assert sum(1 for _ in csq(demo)) == len(demo.records)


def test_allele_num_is_in_every_other_family(demos):
    assert ["ALLELE_NUM" in fields(demo) for demo in demos[:4]] == [True, False, True, False]
    assert 30 <= len(fields(demos[0])) <= 35


def test_every_alt_but_star_has_entries_and_exactly_one_is_picked(demos):
    for demo in demos:
        for record, found in csq(demo):
            spelled = vep_alleles(record.reference, tuple(record.alternates))
            alleles = collections.Counter(entry["Allele"] for entry in found)
            picked = collections.Counter(entry["Allele"] for entry in found if entry["PICK"] == "1")
            real = [name for name, alt in zip(spelled, record.alternates, strict=True) if alt != "*"]
            assert set(alleles) == set(real)
            assert picked == collections.Counter(real)
            for entry in found:
                if "ALLELE_NUM" in entry:
                    assert spelled[int(entry["ALLELE_NUM"]) - 1] == entry["Allele"]


def test_entries_of_a_gene_are_several(demos):
    counts = [len(found) / len(record.alternates) for demo in demos for record, found in csq(demo)]
    assert 3 < sum(counts) / len(counts) < 5


def test_the_fields_that_a_reader_must_handle_are_all_in_use(demos):
    for demo in demos:
        used: collections.Counter[str] = collections.Counter()
        for _, found in csq(demo):
            for entry in found:
                used.update(name for name, value in entry.items() if value)
        assert set(used) | {"LoF_filter", "LoF_flags"} == set(fields(demo))


def test_terms_impacts_and_positions_agree(demos):
    for demo in demos:
        for _, found in csq(demo):
            for entry in found:
                assert entry["IMPACT"] in IMPACTS
                terms = entry["Consequence"].split("&")
                coding = bool(entry["Protein_position"])
                assert coding == bool(entry["HGVSp"]) == bool(entry["Codons"])
                assert not (entry["EXON"] and entry["INTRON"])
                if "missense_variant" in terms:
                    assert re.fullmatch(r"\w+\(([\d.]+)\)", entry["SIFT"]) or entry["SYMBOL"].startswith("MT-")
                    assert entry["IMPACT"] == "MODERATE"
                else:
                    assert entry["SIFT"] == entry["PolyPhen"] == ""
                if entry["EXON"] or entry["INTRON"]:
                    rank, total = map(int, (entry["EXON"] or entry["INTRON"]).split("/"))
                    assert 1 <= rank <= total
                assert bool(entry["DISTANCE"]) == ("upstream_gene_variant" in terms)
                if entry["LoF"]:
                    assert entry["IMPACT"] == "HIGH"
                    assert entry["LoF"] in {"HC", "LC"}
                    assert (entry["LoF_filter"] == "END_TRUNC") == (entry["LoF"] == "LC")


def test_frameshifts_change_the_length_by_no_multiple_of_three(demos):
    for demo in demos:
        for record, found in csq(demo):
            if len(record.alternates) > 1:
                continue
            change = len(record.alternates[0]) - len(record.reference)
            for entry in found:
                if "frameshift_variant" in entry["Consequence"]:
                    assert change % 3
                if "inframe_" in entry["Consequence"]:
                    assert change
                    assert change % 3 == 0


def test_codons_agree_with_the_bases_of_the_allele(demos):
    complement = str.maketrans("ACGT", "TGCA")
    seen = 0
    for demo in demos:
        for record, found in csq(demo):
            if len(record.reference) > 1 or len(record.alternates) > 1 or len(record.alternates[0]) > 1:
                continue
            for entry in found:
                if entry["Codons"]:
                    pair = record.reference + record.alternates[0]
                    changed = "".join(base for base in entry["Codons"] if base.isupper())
                    assert changed == (pair if entry["STRAND"] == "1" else pair.translate(complement))
                    assert int(entry["Protein_position"]) == (int(entry["CDS_position"]) + 2) // 3
                    seen += 1
    assert seen > 100


def test_synonymous_changes_are_escaped_as_vep_does(demos):
    for demo in demos:
        proteins = [
            entry["HGVSp"] for _, found in csq(demo) for entry in found if "synonymous_variant" in entry["Consequence"]
        ]
        assert proteins
        assert all(protein.endswith("%3D") for protein in proteins)


def test_existing_variation_lists_several_ids_in_some_records(demos):
    texts = {entry["Existing_variation"] for demo in demos for _, found in csq(demo) for entry in found}
    assert any(text.count("rs") == 2 and "&" in text for text in texts)
    assert any("COSV" in text for text in texts)


def test_frequencies_are_between_zero_and_one(demos):
    values = [entry["gnomADg_AF"] for demo in demos for _, found in csq(demo) for entry in found]
    assert all(0 < float(value) < 1 for value in values if value)
    assert "" in values


def test_entries_escape_what_would_break_the_line(demos):
    for demo in demos:
        for record in demo.records:
            assert not re.search(r"[\s;=]", record.info["CSQ"])


def test_planted_causes_are_high_or_moderate(demos):
    for demo in demos:
        stories = {row["locus"].split("-")[1]: row["story"] for row in demo.truth if row["story"] != "."}
        for record, found in csq(demo):
            if str(record.position) in stories and not record.contig.startswith(("chrM", "chrY")):
                assert any(entry["PICK"] and entry["IMPACT"] in {"HIGH", "MODERATE"} for entry in found)


def test_made_up_numbers_cannot_be_mistaken_for_real_ones():
    for gene in genes():
        for transcript in transcripts(gene):
            assert transcript.feature.startswith("ENST99")
            assert transcript.protein.startswith("ENSP99")


@pytest.mark.parametrize(
    ("reference", "alternates", "expected"),
    [
        ("A", ("G",), ["G"]),
        ("A", ("G", "T"), ["G", "T"]),
        ("CA", ("C",), ["-"]),
        ("C", ("CTT",), ["TT"]),
        ("CAAG", ("C", "CG"), ["-", "G"]),
        ("GT", ("AT", "G"), ["AT", "G"]),
        ("AC", ("GT",), ["GT"]),
        ("A", ("G", "*"), ["G", "*"]),
    ],
)
def test_vep_spelling_of_alleles(reference, alternates, expected):
    assert vep_alleles(reference, alternates) == expected


def test_every_effect_and_allele_gives_entries_with_all_fields():
    pairs = [("C", "T"), ("CA", "C"), ("C", "CAAT"), ("AC", "GT")]
    for gene, effect, (reference, alternate) in itertools.product(genes(), EFFECTS, pairs):
        site = Site(gene, gene.start + 100, reference, alternate, alternate, 1, "rs1", "0.1", "")
        for entry in entries(site, effect_of(reference, alternate, 5, effect), 12345, allele_number=True):
            assert entry.count("|") == 32
