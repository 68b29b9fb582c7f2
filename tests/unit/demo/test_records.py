import collections
import math

import pytest

from radiant.domain.assembly import GRCH38, RegionClass, region_class
from radiant.domain.case import Sex

FLOATS = ("FS", "SOR", "MQ", "QD", "VQSLOD", "ExcessHet")


def region(record) -> RegionClass:
    return region_class("GRCh38", record.contig.removeprefix("chr"), record.position)


def test_header_names_the_contigs_of_grch38_with_their_lengths(demos):
    for demo in demos:
        contigs = [line for line in demo.header if line.startswith("##contig")]
        assert contigs == [
            f"##contig=<ID=chr{name},length={length},assembly=GRCh38>" for name, length in GRCH38.lengths.items()
        ]


def test_header_names_caller_vep_and_every_key_in_use(demos):
    for demo in demos:
        assert demo.header[0] == "##fileformat=VCFv4.2"
        assert "##source=HaplotypeCaller" in demo.header
        assert any(line.startswith('##VEP="v110"') for line in demo.header)
        declared = {line.split("ID=")[1].split(",")[0] for line in demo.header if "=<ID=" in line}
        used = {key for record in demo.records for key in (*record.info, *record.samples[0])}
        used |= {record.verdict for record in demo.records} - {"PASS"}
        assert used <= declared


def test_records_are_sorted_with_unique_positions_inside_their_contig(demos):
    order = {f"chr{name}": rank for rank, name in enumerate(GRCH38.lengths)}
    for demo in demos:
        places = [(order[record.contig], record.position) for record in demo.records]
        assert places == sorted(set(places))
        for record in demo.records:
            assert record.position >= 1
            assert record.position + len(record.reference) - 1 <= GRCH38.lengths[record.contig.removeprefix("chr")]


def test_every_chromosome_is_there_and_y_only_with_a_male(demos):
    for demo in demos:
        males = any(member.sex is Sex.MALE for member in demo.family.members)
        contigs = {record.contig for record in demo.records}
        assert contigs == {f"chr{name}" for name in GRCH38.lengths if name != "Y" or males}


def test_reference_bases_of_overlapping_records_and_of_families_agree(demos):
    bases: dict[tuple[str, int], str] = {}
    for demo in demos:
        for record in demo.records:
            for offset, base in enumerate(record.reference):
                assert bases.setdefault((record.contig, record.position + offset), base) == base


def test_only_spanning_records_overlap_another(demos):
    for demo in demos:
        for before, after in zip(demo.records, demo.records[1:], strict=False):
            inside = before.contig == after.contig and after.position < before.position + len(before.reference)
            assert inside == ("*" in after.alternates)


def test_star_alleles_are_carried_where_the_deletion_before_is(demos):
    seen = collections.Counter()
    for demo in demos:
        for before, after in zip(demo.records, demo.records[1:], strict=False):
            if "*" not in after.alternates:
                continue
            assert len(before.alternates) == 1
            star = after.alternates.index("*") + 1
            seen[star] += 1
            for sample in range(len(after.samples)):
                deleted, spanned = before.calls(sample), after.calls(sample)
                if None not in deleted and None not in spanned:
                    assert deleted.count(1) == spanned.count(star)
    assert min(seen[1], seen[2]) > 0


def test_ploidy_follows_sex_and_region(demos):
    for demo in demos:
        for record in demo.records:
            place = region(record)
            for sample, member in enumerate(demo.family.members):
                calls = record.calls(sample)
                if place in {RegionClass.AUTOSOME, RegionClass.PAR}:
                    assert len(calls) == 2
                elif place is RegionClass.X:
                    assert len(calls) == (1 if member.sex is Sex.MALE else 2)
                else:
                    assert len(calls) == 1
                if place is RegionClass.Y and member.sex is Sex.FEMALE:
                    assert calls == [None]


def test_par_and_non_par_of_x_both_hold_records(demos):
    for demo in demos:
        assert {region(record) for record in demo.records if record.contig == "chrX"} == {
            RegionClass.PAR,
            RegionClass.X,
        }


def test_ac_an_af_count_the_genotypes(demos):
    for demo in demos:
        for record in demo.records:
            calls = [call for sample in range(len(record.samples)) for call in record.calls(sample)]
            number = sum(call is not None for call in calls)
            counts = [calls.count(allele) for allele in range(1, len(record.alternates) + 1)]
            assert int(record.info["AN"]) == number
            assert [int(count) for count in record.info["AC"].split(",")] == counts
            assert min(counts) >= 1
            for text, count in zip(record.info["AF"].split(","), counts, strict=True):
                assert float(text) == pytest.approx(count / number, abs=0.0006)


def test_info_depth_is_the_sum_of_the_samples_and_qd_is_quality_by_carriers_depth(demos):
    for demo in demos:
        for record in demo.records:
            assert int(record.info["DP"]) == sum(int(sample["DP"]) for sample in record.samples)
            carried = sum(
                int(record.samples[sample]["DP"])
                for sample in range(len(record.samples))
                if any(record.calls(sample)[index] for index in range(len(record.calls(sample))))
            )
            assert record.quality == pytest.approx(float(record.info["QD"]) * carried, abs=0.01)


def test_every_info_number_is_finite(demos):
    for demo in demos:
        for record in demo.records:
            assert all(math.isfinite(float(record.info[name])) for name in FLOATS)
            assert 0 < float(record.info["MQ"]) <= 60
            assert float(record.info["FS"]) >= 0


def test_rank_sums_are_there_exactly_where_a_heterozygote_is(demos):
    for demo in demos:
        for record in demo.records:
            het = any(
                len(set(calls)) == 2 and None not in calls
                for calls in (record.calls(sample) for sample in range(len(record.samples)))
            )
            assert ("ReadPosRankSum" in record.info) == het


def genotype_index(calls: list[int]) -> int:
    low, high = sorted(calls)
    return high * (high + 1) // 2 + low


def test_ad_dp_gq_pl_agree_with_gt(demos):
    for demo in demos:
        for record in demo.records:
            alleles = 1 + len(record.alternates)
            for index, sample in enumerate(record.samples):
                calls = record.calls(index)
                reads = [int(value) for value in sample["AD"].split(",")]
                assert len(reads) == alleles
                assert int(sample["DP"]) == sum(reads)
                assert all(reads[call] > 0 for call in calls if call is not None)
                if sample["PL"] == ".":
                    assert calls == [None]
                    continue
                likelihoods = [int(value) for value in sample["PL"].split(",")]
                assert len(likelihoods) == (alleles if len(calls) == 1 else alleles * (alleles + 1) // 2)
                assert min(likelihoods) == 0
                if None in calls:
                    continue
                mine = calls[0] if len(calls) == 1 else genotype_index(calls)
                assert likelihoods[mine] == 0
                assert int(sample["GQ"]) == min(99, sorted(likelihoods)[1])


def test_missing_calls_have_no_reads_and_no_quality(demos):
    for demo in demos:
        for record in demo.records:
            for index, sample in enumerate(record.samples):
                if set(record.calls(index)) == {None}:
                    assert (sample["DP"], sample["GQ"]) == ("0", ".")


def test_missing_genotypes_and_half_calls_are_there(demos):
    texts = collections.Counter(sample["GT"] for demo in demos for record in demo.records for sample in record.samples)
    assert texts["./."] > 50
    assert texts["."] > 50
    assert texts["0/."] > 5
    assert texts["./1"] > 5


def test_genotypes_are_written_with_the_smaller_allele_first(demos):
    for demo in demos:
        for record in demo.records:
            for sample in range(len(record.samples)):
                calls = [call for call in record.calls(sample) if call is not None]
                assert calls == sorted(calls)


def test_every_shape_of_record_is_there(demos):
    for demo in demos[:2]:
        records = demo.records
        assert any(len(record.alternates) == 3 for record in records)
        assert any("1/2" in sample["GT"] for record in records for sample in record.samples)
        assert any(len(record.reference) == len(record.alternates[0]) == 2 for record in records)
        assert any(len(record.reference) == 1 < len(record.alternates[0]) for record in records)
        assert any(
            len(record.alternates) == 2 and len(record.reference) == len(record.alternates[0]) > 1 for record in records
        ), "no multi-allelic with an untrimmed SNV"
        share = sum(len(record.alternates) > 1 for record in records) / len(records)
        assert 0.03 < share < 0.1


def test_transitions_are_twice_as_frequent_as_transversions(demos):
    pairs = collections.Counter(
        record.reference + record.alternates[0] in {"AG", "GA", "CT", "TC"}
        for demo in demos
        for record in demo.records
        if len(record.alternates) == 1 and len(record.reference) == len(record.alternates[0]) == 1
    )
    assert 1.8 < pairs[True] / pairs[False] < 2.2


def test_a_quarter_to_half_of_the_rows_of_a_family_do_not_carry_the_allele(demos):
    for demo in demos:
        if len(demo.family.members) < 3:
            continue
        for sample in range(len(demo.family.members)):
            rows = carried = 0
            for record in demo.records:
                calls = record.calls(sample)
                rows += len(record.alternates)
                carried += sum(allele in calls for allele in range(1, 1 + len(record.alternates)))
            assert 0.25 <= 1 - carried / rows <= 0.52


def test_most_records_pass_and_some_do_not(demos):
    verdicts = collections.Counter(record.verdict for demo in demos for record in demo.records)
    assert set(verdicts) == {"PASS", "LowQual", "VQSRTrancheSNP99.90to100.00", "VQSRTrancheINDEL99.00to99.90"}
    assert verdicts["PASS"] / sum(verdicts.values()) > 0.9


def test_ids_are_rs_numbers_some_of_them_two(demos):
    names = [record.name for demo in demos for record in demo.records]
    assert all(name == "." or all(item.startswith("rs") for item in name.split(";")) for name in names)
    assert any(";" in name for name in names)
    assert 0.2 < names.count(".") / len(names) < 0.7
