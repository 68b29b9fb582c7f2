"""The whole job on files whose fields are absent, empty, missing, constant or unique, against other readers."""

import itertools
import math

import numpy as np
import pysam
import pytest
from hypothesis import HealthCheck, given, note, seed, settings
from hypothesis import strategies as st

from radiant import lake
from radiant.demo.make import make
from radiant.domain.pedigree import parse_pedigree
from radiant.domain.tables import CASE_TABLES
from staging import NAMESPACE
from varied_vcf import Plan, content_of, plans, write_bgzf
from vcf_files import TRIO, member, record, text
from whole_job import Expected, assert_imported, expected_of, whole_job

_SHARES = 10
_EXAMPLES = 100
"""Of each share, at least: `--hypothesis-profile explore` takes more."""
_SINGLE = (member("kid", is_proband=True),)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    with whole_job(tmp_path_factory.mktemp("lake")) as job:
        yield job


def members_of(plan: Plan):
    return TRIO if len(plan.samples) > 1 else _SINGLE


_ONE_PICKED = """##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: {fields}">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_a_score_that_only_an_entry_without_pick_has_is_imported(job, tmp_path, processes, caplog):
    fields = "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature|PICK|SIFT|PolyPhen"
    entries = "G|intron_variant|MODIFIER|G1|E1|T1|1||,G|missense_variant|MODERATE|G1|E1|T2||deleterious(0.01)|"
    line = record("0/1", info=f"CSQ={entries}")
    path = tmp_path / "small.vcf.gz"
    write_bgzf(path, text([line], header=_ONE_PICKED.format(fields=fields)).encode(), 60_000)
    members = (member("S1", is_proband=True),)
    found = job.run(path, members, processes=processes)
    assert "read again" not in caplog.text
    assert_imported(found, expected_of(path, members))
    job.commit([found])
    rows = {
        name: [
            row for batch in lake.case_rows(job.catalog, NAMESPACE, found.case_id, name) for row in batch.to_pylist()
        ]
        for name in CASE_TABLES
    }
    (occurrence,), (variant,) = rows["occurrence"], rows["variant"]
    assert (occurrence["locus"], occurrence["zygosity"]) == ("1-1000-A-G", "HET")
    assert (variant["transcript_id"], variant["sift_prediction"], variant["sift_score"]) == ("T1", None, None)
    assert [
        (row["transcript_id"], row["picked"], row["consequences"], row["sift_prediction"], row["sift_score"])
        for row in rows["consequence"]
    ] == [
        ("T1", True, ["intron_variant"], None, None),
        ("T2", False, ["missense_variant"], "deleterious", float(np.float32(0.01))),
    ]
    assert {row["polyphen_prediction"] for row in rows["consequence"]} == {None}


@pytest.mark.parametrize("family", ["FAM0001", "FAM0002"])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_demo_family_becomes_the_rows_of_its_file(job, tmp_path, family, processes, caplog):
    folder = make(tmp_path, 2, 800, 13).parent / family
    path = folder / f"{family}.vcf.gz"
    members = parse_pedigree((folder / f"{family}.ped").read_text(), "ped")
    caplog.set_level("INFO")
    found = job.run(path, members, processes=processes, chunk_bytes=100_000, shard_bytes=50_000)
    assert "read again" not in caplog.text
    assert_imported(found, expected_of(path, members))
    job.commit([found])
    for name in CASE_TABLES:
        committed = job.committed_tables(name).get(found.case_id)
        assert (committed.to_pylist() if committed else []) == found.rows[name]


@pytest.mark.parametrize("share", range(_SHARES))
def test_files_of_every_kind_are_imported_as_they_are(job, tmp_path, share):
    imported: list = []
    numbers = itertools.count()

    @seed(share)
    @settings(
        max_examples=max(_EXAMPLES, settings().max_examples),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(plans(), st.sampled_from([1, 2]))
    def check(plan: Plan, processes: int) -> None:
        content = content_of(plan)
        note(content.decode())
        path = tmp_path / f"{next(numbers)}.vcf.gz"
        write_bgzf(path, content, plan.block_bytes)
        members = members_of(plan)
        expected = expected_of(path, members)
        found = job.run(path, members, chunk_bytes=plan.chunk_bytes, processes=processes)
        assert_imported(found, expected)
        if expected.error is not None:
            assert "no member of the case has a called GT" in expected.error
            assert has_no_call(path)
            path.unlink()
            return
        assert_as_pysam(path, plan, expected)
        imported.append((found, expected))
        path.unlink()

    check()
    assert len(imported) >= _EXAMPLES // 2
    job.commit([found for found, _ in imported])
    for name in CASE_TABLES:
        committed = job.committed_tables(name)
        for found, expected in imported:
            rows = committed[found.case_id].to_pylist() if found.case_id in committed else []
            assert rows == expected.rows[name], (found.case_id, name)
    for found, expected in imported[:: len(imported) // 5]:
        for name in CASE_TABLES:
            batches = lake.case_rows(job.catalog, NAMESPACE, found.case_id, name)
            shown = [row for batch in batches for row in batch.drop_columns(["part", "case_id"]).to_pylist()]
            assert shown == expected.rows[name]


def has_no_call(path) -> bool:
    """Whether no sample has an allele on any line: such a file is refused."""
    pysam.set_verbosity(0)
    with pysam.VariantFile(str(path)) as file:
        return not any(
            allele is not None
            for record in file
            for call in record.samples.values()
            for allele in call.allele_indices or ()
        )


def assert_as_pysam(path, plan: Plan, expected: Expected) -> None:
    """Compare lines of one ALT with what another reader says; carriers alone have rows, in the file's order."""
    pysam.set_verbosity(0)
    rows = {(row["chromosome"], row["source_pos"], row["source_alt"], row["sample"]): row
            for row in expected.rows["occurrence"]}  # fmt: skip
    places: dict[tuple[str, int], int] = {}
    carried = 0
    with pysam.VariantFile(str(path)) as file:
        for record in file:
            places[record.chrom.removeprefix("chr"), record.pos] = len(places)
            if len(record.alts) != 1:
                continue
            for sample in plan.samples:
                call = record.samples[sample]
                row = rows.get((record.chrom.removeprefix("chr"), record.pos, record.alts[0], sample))
                assert (row is not None) == (1 in call.allele_indices), (record.pos, sample)
                if row is not None:
                    carried += 1
                    assert_row(row, record, call)
    assert carried or plan.multiallelic or not rows
    order = [
        (places[row["chromosome"], row["source_pos"]], row["alt_index"], plan.samples.index(row["sample"]))
        for row in expected.rows["occurrence"]
    ]
    assert order == sorted(order)


def assert_row(row: dict, record, call) -> None:
    assert row["source_ref"] == record.ref
    assert (row["quality"] is None) == (record.qual is None)
    assert row["quality"] is None or row["quality"] == np.float32(record.qual)
    assert (row["filter"] or []) == list(record.filter.keys())
    separator = "|" if call.phased else "/"
    assert row["gt"] == separator.join("." if one is None else str(one) for one in call.allele_indices)
    assert row["dp"] == _value(call, "DP")
    assert row["gq"] == _value(call, "GQ")
    depths = _value(call, "AD") or (None, None)
    if None not in depths:
        assert (row["ad_ref"], row["ad_alt"], row["ad_total"]) == (*depths, sum(depths))
    for key, column in (("AC", "info_ac"), ("AF", "info_af"), ("AN", "info_an"), ("DP", "info_dp"), ("MQ", "info_mq"),
                        ("QD", "info_qd")):  # fmt: skip
        value = _value(record.info, key)
        value = value[0] if isinstance(value, tuple) else value
        assert row[column] == value or math.isclose(row[column], value, rel_tol=1e-6), column


def _value(fields, key: str):
    """Return a field, None without one; pysam raises for a key that the header does not declare."""
    return fields[key] if key in list(fields) else None
