import collections
import itertools
import re

import pytest

from radiant.demo.annotation import EFFECTS, VepAllele, effect_of, entries, transcripts, vep_alleles
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


def test_a_third_of_the_records_lie_between_genes_with_one_entry_for_each_alt(demos):
    for demo in demos:
        between = 0
        for record, found in csq(demo):
            terms = {entry["Consequence"] for entry in found}
            if "intergenic_variant" in terms:
                between += 1
                assert terms == {"intergenic_variant"}
                assert len(found) == len(record.alternates) - ("*" in record.alternates)
                kept = {"Allele", "Consequence", "IMPACT", "PICK", "ALLELE_NUM", "Existing_variation", "gnomADg_AF"}
                for entry in found:
                    assert entry["IMPACT"] == "MODIFIER"
                    assert {name for name, value in entry.items() if value} <= {*kept, "MAX_AF"}
            else:
                assert all(entry["SYMBOL"] and entry["Feature"] for entry in found)
        assert 0.28 < between / len(demo.records) < 0.35


def test_records_of_genes_have_1_to_11_entries(demos):
    counts = collections.Counter(
        len(found)
        for demo in demos
        for record, found in csq(demo)
        if len(record.alternates) == 1 and found[0]["Consequence"] != "intergenic_variant"
    )
    assert set(counts) >= set(range(1, 11))
    assert max(counts) <= 11
    assert 3 < sum(count * records for count, records in counts.items()) / counts.total() < 6


def test_transcripts_come_and_go_inside_a_gene(demos):
    for demo in demos:
        of_gene: dict[str, list[frozenset[str]]] = {}
        for _, found in csq(demo):
            features = frozenset(entry["Feature"] for entry in found)
            of_gene.setdefault(found[0]["SYMBOL"], []).append(features)
        of_gene.pop("")
        sets = [set(found) for found in of_gene.values() if len(found) >= 8 and len(frozenset().union(*found)) > 2]
        assert len(sets) > 20
        assert sum(len(one) > 1 for one in sets) > 0.8 * len(sets)


def test_hgvs_texts_are_unique_to_their_entry(demos):
    for demo in demos:
        texts = [entry["HGVSc"] for _, found in csq(demo) for entry in found if entry["HGVSc"]]
        assert len(set(texts)) == len(texts)


def test_hgvs_texts_follow_the_place_of_the_allele(demos):
    for demo in demos:
        for _, found in csq(demo):
            for entry in found:
                terms, change = entry["Consequence"].split("&"), entry["HGVSc"]
                away = {"upstream_gene_variant", "downstream_gene_variant", "intergenic_variant"} & set(terms)
                assert bool(change) == (not away)
                if not change:
                    assert not entry["EXON"] + entry["INTRON"]
                    continue
                feature, change = change.split(":")
                assert feature.split(".")[0] == entry["Feature"]
                assert bool(re.match(r"[cn]\.\d+[+-]\d+", change)) == bool(entry["INTRON"])
                if "5_prime_UTR_variant" in terms:
                    assert change.startswith("c.-")
                if "3_prime_UTR_variant" in terms:
                    assert change.startswith("c.*")


def test_upstream_and_downstream_lie_on_their_side_of_the_transcript(demos):
    seen: collections.Counter[str] = collections.Counter()
    spans = {one.feature.split(".")[0]: one for gene in genes() for one in transcripts(gene)}
    for demo in demos:
        for record, found in csq(demo):
            for entry in found:
                span = spans.get(entry["Feature"])
                if entry["DISTANCE"] and span is not None:
                    seen[entry["Consequence"]] += 1
                    before = record.position < span.start
                    upstream = before == (entry["STRAND"] == "1")
                    assert entry["Consequence"] == ("upstream" if upstream else "downstream") + "_gene_variant"
                    nearest = span.start if before else span.end
                    assert 1 <= int(entry["DISTANCE"]) <= 5000
                    assert abs(abs(record.position - nearest) - int(entry["DISTANCE"])) < 12
    assert set(seen) == {"upstream_gene_variant", "downstream_gene_variant"}


def test_mane_select_is_on_one_transcript_of_a_coding_gene(demos):
    for demo in demos:
        of_gene: dict[str, set[str]] = {}
        for _, found in csq(demo):
            for entry in found:
                if entry["MANE_SELECT"]:
                    assert (entry["BIOTYPE"], entry["PICK"]) == ("protein_coding", "1")
                    of_gene.setdefault(entry["SYMBOL"], set()).add(entry["Feature"])
        assert all(len(features) == 1 for features in of_gene.values())
        assert len(of_gene) > 100


def test_frequencies_and_rs_numbers_are_unique_to_a_record(demos):
    for demo in demos:
        for name in ("gnomADg_AF", "MAX_AF", "Existing_variation"):
            texts = [found[0][name] for _, found in csq(demo) if found[0][name]]
            assert len(set(texts)) > 0.99 * len(texts)
            assert 0.3 < len(texts) / len(demo.records) < 0.95


def test_max_af_is_the_highest_frequency_and_stands_without_gnomads_in_some_records(demos):
    for demo in demos:
        alone = 0
        for _, found in csq(demo):
            first = found[0]
            alone += bool(first["MAX_AF"]) and not first["gnomADg_AF"]
            if first["gnomADg_AF"]:
                assert float(first["gnomADg_AF"]) <= float(first["MAX_AF"]) <= 1
        assert 0.1 < alone / len(demo.records) < 0.3


def test_terms_that_go_together_are_joined_and_significance_is_rare(demos):
    joined: set[str] = set()
    significant: list[str] = []
    records = 0
    for demo in demos:
        for _, found in csq(demo):
            records += 1
            joined.update(entry["Consequence"] for entry in found if "&" in entry["Consequence"])
            if any(entry["CLIN_SIG"] for entry in found):
                significant.append(found[0]["CLIN_SIG"])
    assert {"missense_variant&splice_region_variant", "splice_region_variant&synonymous_variant"} <= joined
    assert len(significant) < 0.03 * records
    assert any("&" in one for one in significant)


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
                assert bool(entry["DISTANCE"]) == bool({"upstream_gene_variant", "downstream_gene_variant"} & {*terms})
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


def test_made_up_numbers_cannot_be_mistaken_for_real_ones_or_each_other():
    features = [transcript.feature for gene in genes() for transcript in transcripts(gene)]
    proteins = [transcript.protein for gene in genes() for transcript in transcripts(gene)]
    assert all(feature.startswith("ENST99") for feature in features)
    assert all(protein.startswith("ENSP99") for protein in proteins)
    assert len({feature.split(".")[0] for feature in features}) == len(features)


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
        site = VepAllele(gene, gene.start + 100, reference, alternate, alternate, 1, "rs1", "0.1|0.2", "")
        for entry in entries(site, effect_of(reference, alternate, 5, effect), 12345, allele_number=True):
            assert entry.count("|") == 33
