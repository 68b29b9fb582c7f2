"""Every file of the corpus goes through the whole job: imported, committed, and read back through the catalog."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from equivalence import Outcome, by_rules, outcome, without_fallback
from radiant import lake
from radiant.domain.tables import CASE_TABLES
from radiant.vcf.schema import arrow_schema
from real_families import ASHKENAZI, CLINICAL, UPD
from staging import NAMESPACE
from varied_vcf import write_bgzf
from whole_job import Imported, error_of_job, whole_job

REAL = {
    "ashk-trio.vcf.gz": (ASHKENAZI, "GRCh37"),
    "clinical-trio-vep.vcf.gz": (CLINICAL, "GRCh37"),
    "upd-trio.vcf.gz": (UPD, "GRCh37"),
    "roh-single-vep.vcf.gz": ((), "GRCh37"),
    "haploid-x.vcf": ((), "GRCh37"),
    "chrm-indels.vcf.gz": ((), "GRCh38"),
    "na12878-chr20.g.vcf.gz": ((), "GRCh37"),
}
_NO_RECORDS = "samples, no records, not compressed: nothing proves that it is whole; the same file as bgzip is imported"
_LENGTHS = "invented contig lengths, which are those of no assembly"
REFUSED = {
    "4.2/passed_meta_contig.vcf": _LENGTHS,
    "4.2/passed_fileformat_header_001.vcf": _NO_RECORDS,
    "4.3/passed_fileformat_header_001.vcf": _NO_RECORDS,
}
"""Files of the conformance suite's `passed` that are not imported, with the reason."""

_SMALL = 100_000
"""Bytes of a file that is also read line by line; larger ones are compared with the fast reader, which is slower only
in what `test_fast_path.py` compares."""


@pytest.fixture
def job(tmp_path):
    with whole_job(tmp_path / "lake") as job:
        yield job


def assert_staged(found: Imported, expected: Outcome, context: object) -> None:
    assert found.error == expected.error, context
    if found.error is not None:
        return
    for name, table in expected.tables.items():
        assert found.tables[name].equals(table), (context, name)
        digest = lake.RowDigest()
        for batch in table.to_batches():
            digest.update(batch)
        assert found.staged.manifest.digests[name] == digest.hexdigest(), (context, name)
    assert without_fallback(found.staged.report) == without_fallback(expected.report), context


def assert_committed(job, imported: Sequence[tuple[Imported, Outcome]]) -> None:
    job.commit([found for found, _ in imported])
    for name in CASE_TABLES:
        empty = arrow_schema(CASE_TABLES[name]).empty_table()
        committed = job.committed_tables(name)
        for found, expected in imported:
            assert committed.get(found.case_id, empty).equals(expected.tables[name]), (found.case_id, name)
    visible = lake.visible_cases(job.catalog, NAMESPACE)
    assert {case_id: one.digests for case_id, one in visible.items()} == {
        found.case_id: found.staged.manifest.digests for found, _ in imported
    }


def expected_of(found: Imported, path: Path, members=(), assembly: str = "GRCh38", tolerate: int = 0) -> Outcome:
    """Read a file as the case that was imported: people without a pedigree are the case's own."""
    read = by_rules if path.stat().st_size < _SMALL else outcome
    owner = f"case:{found.case_id}"
    expected = read(path, members or None, assembly=assembly, tolerate=tolerate, owner=owner)
    expected.error = error_of_job(expected.error, path, found.case_id)
    return expected


@pytest.mark.parametrize("name", REAL)
def test_a_real_file(corpus, job, name):
    members, assembly = REAL[name]
    imported = []
    for processes in (1, 2):
        found = job.run(
            corpus / name,
            members,
            assembly=assembly,
            chunk_bytes=1 << 20,
            shard_bytes=300_000,
            processes=processes,
        )
        expected = expected_of(found, corpus / name, members, assembly)
        assert_staged(found, expected, (name, processes))
        assert expected.error is None
        imported.append((found, expected))
    assert_committed(job, imported)


def test_every_real_file_is_here(corpus):
    assert {path.name for path in corpus.glob("*.vcf*")} == set(REAL)


@pytest.mark.parametrize("version", ["4.2", "4.3"])
def test_every_conformance_file_that_is_valid(corpus, job, tmp_path, version):
    files = sorted((corpus / "hts-specs" / version / "passed").glob("*.vcf"))
    assert files
    imported = []
    for path in files:
        found = job.run(path)
        expected = expected_of(found, path)
        assert_staged(found, expected, path.name)
        assert (found.error is not None) == (f"{version}/{path.name}" in REFUSED), (path.name, found.error)
        if found.error is None:
            imported.append((found, expected))
        split = tmp_path / f"{path.name}.gz"
        write_bgzf(split, path.read_bytes(), 300)
        found = job.run(split, processes=2, chunk_bytes=500)
        packed = expected_of(found, split)
        assert_staged(found, packed, split.name)
        assert (found.error is not None) == (REFUSED.get(f"{version}/{path.name}") == _LENGTHS), split.name
        if found.error is None:
            imported.append((found, packed))
    assert_committed(job, imported)


@pytest.mark.parametrize("folder", ["hts-specs/4.2/failed", "hts-specs/4.3/failed", "bcftools"])
def test_every_other_file_ends_as_in_the_reader(corpus, job, folder):
    imported = []
    for path in sorted((corpus / folder).glob("*.vcf")):
        for tolerate in (0, 1000):
            found = job.run(path, tolerate=tolerate)
            expected = expected_of(found, path, tolerate=tolerate)
            assert_staged(found, expected, (path.name, tolerate))
            if found.error is None:
                imported.append((found, expected))
    assert imported
    assert_committed(job, imported)
