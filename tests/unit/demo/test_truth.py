import collections

import pytest

from radiant.domain.assembly import RegionClass, region_class
from radiant.domain.case import Affected, Sex

COLUMNS = ["locus", "gene", "origin", "determined", "zygosity", "kind", "story", "pair", "ad_alt"]


def trimmed(position: int, reference: str, alternate: str) -> tuple[int, str, str]:
    """Shortest form by its definition: of all ways to drop bases common to both ends, the shortest, rightmost kept."""
    ways = []
    for right in range(min(len(reference), len(alternate))):
        if right and reference[-right:] != alternate[-right:]:
            break
        ref, alt = reference[: len(reference) - right], alternate[: len(alternate) - right]
        left = 0
        while left < min(len(ref), len(alt)) - 1 and ref[left] == alt[left]:
            left += 1
        ways.append((len(ref) - left, -right, position + left, ref[left:], alt[left:]))
    return min(ways)[2:]


def locus(record, alternate: str) -> str:
    position, ref, alt = trimmed(record.position, record.reference, alternate)
    return f"{record.contig.removeprefix('chr')}-{position}-{ref}-{alt}"


def region(text: str) -> RegionClass:
    chromosome, position, *_ = text.split("-")
    return region_class("GRCh38", chromosome, int(position))


def member_calls(demo) -> dict[str, list[list[int | None]]]:
    """Calls of every member by locus, 1 for this allele."""
    return {
        locus(record, alternate): [
            [None if call is None else int(call == number) for call in record.calls(sample)]
            for sample in range(len(record.samples))
        ]
        for record in demo.records
        for number, alternate in enumerate(record.alternates, start=1)
        if alternate != "*"
    }


def test_one_row_per_allele_that_the_probands_genotype_shows(demos):
    for demo in demos:
        shown = [found for found, calls in member_calls(demo).items() if 1 in calls[0]]
        assert [row["locus"] for row in demo.truth] == shown
        assert list(demo.truth[0]) == COLUMNS


def test_zygosity_and_reads_are_those_of_the_vcf(demos):
    for demo in demos:
        expected = {}
        for record in demo.records:
            calls = record.calls(0)
            for number, alternate in enumerate(record.alternates, start=1):
                copies = calls.count(number)
                word = "UNK" if None in calls else "HEM" if len(calls) == 1 else "HOM" if copies == 2 else "HET"
                expected[locus(record, alternate)] = (word, record.samples[0]["AD"].split(",")[number])
        for row in demo.truth:
            assert (row["zygosity"], row["ad_alt"]) == expected[row["locus"]]


def parents(demo) -> tuple[int | None, int | None]:
    names = [member.sample for member in demo.family.members]
    proband = demo.family.members[0]
    return tuple(None if parent is None else names.index(parent) for parent in (proband.mother, proband.father))


def test_a_parent_who_gave_the_allele_shows_it_unless_the_call_is_missing(demos):
    for demo in demos:
        calls = member_calls(demo)
        mother, father = parents(demo)
        for row in demo.truth:
            for parent, words in ((mother, {"mother", "both"}), (father, {"father", "both"})):
                if parent is not None and row["origin"] in words:
                    assert 1 in calls[row["locus"]][parent] or None in calls[row["locus"]][parent]


def test_a_de_novo_allele_is_in_no_other_member(demos):
    for demo in demos:
        calls = member_calls(demo)
        for row in demo.truth:
            if row["origin"] == "denovo":
                assert not any(1 in other for other in calls[row["locus"]][1:])


def test_determined_origins_are_those_that_the_genotypes_force(demos):
    for demo in demos:
        calls = member_calls(demo)
        mother, father = parents(demo)
        for row in demo.truth:
            if row["determined"] == "no":
                continue
            place, found = region(row["locus"]), calls[row["locus"]]
            male = demo.family.members[0].sex is Sex.MALE
            if place is RegionClass.M or (place is RegionClass.X and male):
                assert row["origin"] == ("mother" if 1 in found[mother] else "denovo")
            elif place is RegionClass.Y:
                assert row["origin"] == ("father" if 1 in found[father] else "denovo")
            elif row["origin"] == "denovo":
                assert 1 not in found[mother] + found[father]
            elif row["zygosity"] == "HOM":
                assert row["origin"] == "both"
            else:
                other = {"mother": father, "father": mother}[row["origin"]]
                assert found[other].count(1) < len(found[other]) or found[0].count(1) == 1


def test_most_origins_of_a_trio_are_determined(demos):
    for demo in demos:
        if None not in parents(demo):
            share = sum(row["determined"] == "yes" for row in demo.truth) / len(demo.truth)
            assert share > 0.85


@pytest.mark.parametrize("kind", ["inherited", "de_novo", "x_linked", "mitochondrial"])
def test_every_family_has_every_kind(demos, kind):
    for demo in demos:
        assert any(row["kind"] == kind for row in demo.truth)


def test_kind_follows_from_origin_and_region(demos):
    names = {RegionClass.X: "x_linked", RegionClass.Y: "y_linked", RegionClass.M: "mitochondrial"}
    for demo in demos:
        for row in demo.truth:
            expected = "de_novo" if row["origin"] == "denovo" else names.get(region(row["locus"]), "inherited")
            assert row["kind"] == expected


def test_hemizygous_origins_follow_the_sex_chromosomes(demos):
    for demo in demos:
        male = demo.family.members[0].sex is Sex.MALE
        for row in demo.truth:
            place = region(row["locus"])
            if place is RegionClass.M or (place is RegionClass.X and male):
                assert row["origin"] in {"mother", "denovo"}
            if place is RegionClass.Y:
                assert row["origin"] == "father"
                assert male


def test_stories_agree_with_the_affected_members(demos):
    for demo in demos:
        calls = member_calls(demo)
        members = demo.family.members
        pair: collections.Counter[str] = collections.Counter()
        for row in demo.truth:
            found = calls[row["locus"]]
            for member, genotype in zip(members, found, strict=True):
                affected = member.affected is Affected.AFFECTED
                if row["story"] == "recessive":
                    assert (genotype == [1, 1]) == affected
                elif row["story"] == "dominant":
                    assert (1 in genotype) == affected
                elif row["story"] == "compound_het":
                    pair[member.sample] += 1 in genotype
                elif row["story"] == "x_linked" and member.sex is Sex.MALE:
                    assert (genotype == [1]) == affected
        if pair:
            for member in members:
                assert (pair[member.sample] == 2) == (member.affected is Affected.AFFECTED)


def test_compound_het_pair_has_one_gene_and_an_allele_from_each_parent(demos):
    seen = 0
    for demo in demos:
        rows = [row for row in demo.truth if row["pair"] != "."]
        if demo.family.kind.affected_parent is None:
            seen += 1
            assert len({row["gene"] for row in rows}) == 1
            assert sorted(row["origin"] for row in rows) == ["father", "mother"]
        else:
            assert rows == []
    assert seen == 7


def test_stories_of_either_sex_and_of_every_family_are_there(demos):
    for demo in demos:
        stories = {row["story"] for row in demo.truth}
        male = demo.family.members[0].sex is Sex.MALE
        always = {"de_novo", "de_novo_multiallelic", "two_alts", "par_inherited", "mitochondrial", "x_de_novo"}
        assert always <= stories
        assert {"x_linked", "y_linked"} <= stories if male else "x_from_father" in stories
        assert ("dominant" in stories) != ("recessive" in stories)


def test_multiallelic_de_novo_has_one_alt_from_the_mother_and_one_new(demos):
    for demo in demos:
        rows = [row for row in demo.truth if row["story"] == "de_novo_multiallelic"]
        assert [row["origin"] for row in rows] in (["mother", "denovo"], ["denovo", "mother"])


def test_two_alts_come_one_from_each_parent(demos):
    for demo in demos:
        rows = [row for row in demo.truth if row["story"] == "two_alts"]
        assert {row["origin"] for row in rows} == {"mother", "father"}


def test_de_novos_are_a_few(demos):
    for demo in demos:
        assert 3 <= sum(row["origin"] == "denovo" for row in demo.truth) <= 6


def test_planted_records_pass_every_filter(demos):
    for demo in demos:
        verdicts = {
            locus(record, alternate): record.verdict for record in demo.records for alternate in record.alternates
        }
        for row in demo.truth:
            if row["story"] != ".":
                assert verdicts[row["locus"]] == "PASS"
                assert int(row["ad_alt"]) >= 3
