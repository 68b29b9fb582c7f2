"""The documents of a case; those that radiant 0.1 wrote stay readable."""

import json

import pytest

from radiant import storage
from radiant.domain.case import Affected, Case, Member, Priority, Sex
from radiant.errors import JobProtocolError
from radiant.jobs.contracts import RecordCounts
from radiant.vcf import InfoOptions
from radiant.worker.case_document import (
    PreparedCases,
    prepared_uri,
    read_case,
    read_prepared,
    read_staged,
    write_case,
    write_staged,
)

TABLE = {
    "identifier": "radiant.germline_snv_variant",
    "location": "file:///w/t",
    "data_location": "file:///w/t/data",
    "schema": {"type": "struct", "fields": [], "schema-id": 0, "identifier-field-ids": []},
    "spec": {"spec-id": 0, "fields": []},
    "name_mapping": None,
}
CASE = {
    "case": {
        "case_id": 1,
        "vcf_uri": "file:///a.vcf.gz",
        "strategy": "wgs",
        "priority": "routine",
        "assembly": "GRCh38",
        "members": [
            {
                "sample": "s",
                "family_id": "f",
                "father": None,
                "mother": "m",
                "sex": "female",
                "affected": "affected",
                "patient_id": "p",
                "experiment_id": "e",
                "is_proband": True,
            }
        ],
    },
    "part": 7,
    "load_id": "load1",
    "tolerate": 0,
    "compound_het_impact": "MODERATE",
    "fasta": None,
    "tables": {"variant": TABLE},
    "committed": False,
    "info": {
        "frequencies": [["max_af", ["MAX_AF", "AF"]]],
        "columns": ["DP:int"],
        "map": True,
        "without": ["CSQ"],
    },
}
STAGED = {
    "manifest": {
        "part": 7,
        "case_id": 1,
        "load_id": "load1",
        "files": {
            "variant": [
                {
                    "path": "file:///w/t/data/a.parquet",
                    "record_count": 2,
                    "size_bytes": 3,
                    "part": 7,
                    "spec_id": 0,
                    "column_sizes": {"1": 20},
                    "value_counts": {"1": 2},
                    "null_value_counts": {"1": 0},
                    "lower_bounds": {"1": "00"},
                    "upper_bounds": {"1": "ff"},
                    "split_offsets": [4],
                }
            ],
            "quarantine": [],
        },
        "rows": {"variant": 2, "quarantine": 0},
        "digests": {"variant": "ab"},
    },
    "report": {
        "lines": {"read": 5, "kept": 3, "split": 1, "skipped": 1, "rejected": 0},
        "rows": {"variant": 2},
        "mendel": None,
        "provenance": {
            "vcf_uri": "file:///a.vcf.gz",
            "vcf_size": 10,
            "vcf_sha256": "cd",
            "compression": "bgzf",
            "format": "VCF",
            "fileformat": "VCFv4.2",
            "header_sha256": "ef",
            "caller": None,
            "vep_version": None,
            "annotator": None,
            "annotator_version": None,
            "annotation_key": None,
            "assembly": "GRCh38",
            "assembly_checked": True,
            "radiant_version": "0.1.0",
        },
        "warnings": ["w"],
    },
}


@pytest.fixture
def uri(tmp_path):
    return storage.file_uri(tmp_path / "document.json")


def store(uri, document):
    storage.write_bytes(uri, json.dumps(document).encode())
    return uri


def test_a_case_document_of_0_1_is_read_and_written_as_it_was(uri):
    found = read_case(store(uri, CASE))
    member = Member("s", "f", None, "m", Sex.FEMALE, Affected.AFFECTED, "p", "e", is_proband=True)
    assert found.case == Case(1, "file:///a.vcf.gz", "wgs", Priority.ROUTINE, "GRCh38", (member,))
    assert (found.part, found.load_id, found.committed) == (7, "load1", False)
    assert found.info == InfoOptions((("max_af", ("MAX_AF", "AF")),), ("DP:int",), map=True, without=("CSQ",))
    assert found.tables["variant"].data_location == "file:///w/t/data"
    write_case(uri, found)
    assert json.loads(storage.read_bytes(uri)) == CASE


def test_a_manifest_of_0_1_is_read_and_written_as_it_was(uri):
    found = read_staged(store(uri, STAGED))
    (file,) = found.manifest.files["variant"]
    assert (file.column_sizes, file.upper_bounds, file.split_offsets) == ({1: 20}, {1: "ff"}, (4,))
    facts = found.facts()
    assert (facts.lines, facts.warnings) == (RecordCounts(5, 3, 1, 1, 0), ("w",))
    assert facts.provenance.vcf_sha256 == "cd"
    write_staged(uri, found)
    assert json.loads(storage.read_bytes(uri)) == STAGED | {"case": None}


def test_rows_that_a_newer_radiant_staged_are_refused_by_its_version(uri):
    provenance = STAGED["report"]["provenance"] | {"radiant_version": "99.1.0"}
    store(uri, STAGED | {"report": STAGED["report"] | {"provenance": provenance}})
    with pytest.raises(JobProtocolError, match=r"radiant 99\.1\.0 staged the rows of case \d+, and this is radiant"):
        read_staged(uri)


def test_a_further_warning_comes_last(uri):
    assert read_staged(store(uri, STAGED)).with_warning("more").facts().warnings == ("w", "more")


def test_the_list_of_a_run_of_0_1_is_read(tmp_path):
    run = storage.file_uri(tmp_path)
    assert read_prepared(run) == PreparedCases()
    store(prepared_uri(run), {"cases": [3, 1], "deleted": [9]})
    assert read_prepared(run) == PreparedCases((3, 1), (9,))


@pytest.mark.parametrize(
    ("read", "document", "change", "words"),
    [
        (read_case, CASE, {"part": "7"}, r"part: .*integer\. Run prepare-part again"),
        (read_case, CASE, {"case": CASE["case"] | {"priority": "soon"}}, r"case\.priority: "),
        (read_case, CASE, {"tables": {"variant": {}}}, r"tables\.variant: .*'identifier'"),
        (read_staged, STAGED, {"report": None}, r"report: .*\. Import the case again"),
    ],
)
def test_a_bad_document_is_refused_with_file_key_and_remedy(uri, read, document, change, words):
    store(uri, document | change)
    with pytest.raises(JobProtocolError, match=words) as raised:
        read(uri)
    assert str(raised.value).startswith(f"{uri} is not a ")


def test_what_is_no_json_is_refused(uri):
    storage.write_bytes(uri, b"{")
    with pytest.raises(JobProtocolError, match="Invalid JSON"):
        read_case(uri)
