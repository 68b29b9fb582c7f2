"""Everything on S3: VCF, pedigree, documents, staged rows, tables. Only registry and catalog are databases."""

import gzip

import pytest

from radiant import lake
from radiant.domain.case import Priority
from radiant.errors import StorageError
from radiant.jobs.documents import Status
from radiant.registry import Registration, Registry
from radiant.settings import load_settings
from radiant.storage import read_ahead
from radiant.worker import import_case
from s3_jobs import job, prepared

FAMILY = "FAM0001"


@pytest.fixture
def settings(s3, tmp_path):
    return load_settings(
        {
            "RADIANT_HOME": str(tmp_path),
            "RADIANT_WORK_URI": s3.uri("work"),
            "RADIANT_LAKE__WAREHOUSE": s3.uri("warehouse"),
        }
    )


@pytest.fixture
def one_family(s3, settings, demo):
    """Register one family whose files are on S3."""
    vcf, ped = (s3.put(f"in/{FAMILY}{ext}", (demo / f"{FAMILY}{ext}").read_bytes()) for ext in (".vcf.gz", ".ped"))
    Registry(settings.effective_registry_url).add(
        Registration(vcf_uri=vcf, ped_uri=ped, strategy="wgs", priority=Priority.ROUTINE, assembly="GRCh38", case_id=1)
    )
    return vcf


@pytest.fixture
def two_processes(monkeypatch):
    monkeypatch.setattr(import_case, "SPLIT_FROM_BYTES", 0)
    monkeypatch.setattr(import_case, "SHARD_BYTES", 60_000)
    monkeypatch.setattr(import_case, "usable_cores", lambda _: 2)


@pytest.fixture
def small_ranges(monkeypatch):
    monkeypatch.setattr(read_ahead, "RANGE_BYTES", 16 << 10)
    monkeypatch.setattr(read_ahead, "FIRST_BYTES", 16 << 10)


def imported(settings, times=1):
    """Prepare the case, and run its import this many times."""
    top, _, (one,) = prepared(settings)
    for turn in range(times):
        yield job(settings, "import-case", f"import{turn}", top, **one)


def whole(settings):
    """Run all jobs; return the output of import-case, and the rows that a reader then sees."""
    top, part, (one,) = prepared(settings)
    result = job(settings, "import-case", "import_case", top, **one)
    assert result.status is Status.SUCCEEDED, result.failure
    committed = job(settings, "commit-part", "commit", top, part=part, loads=[one], deleted=[])
    assert committed.status is Status.SUCCEEDED, committed.failure
    with lake.open_catalog(settings) as catalog:
        loads = lake.visible_cases(catalog, settings.lake.namespace)
        table = catalog.load_table(f"{settings.lake.namespace}.germline_snv_occurrence")
        return result, loads[1].digests, table.scan().to_arrow()


@pytest.mark.usefixtures("one_family")
def test_all_jobs_run_with_everything_on_s3(s3, settings, tmp_path):
    result, digests, rows = whole(settings)
    assert digests == result.digests
    assert rows.num_rows == result.rows["occurrence"] > 1000
    assert {name.partition("/")[0] for name in s3.names()} == {"in", "work", "warehouse"}
    assert [path.name for path in tmp_path.rglob("*.parquet")] == []
    assert s3.unfinished_uploads() == []


@pytest.mark.usefixtures("two_processes")
def test_two_processes_read_an_object_as_one_does(s3, settings, one_family, caplog, monkeypatch):
    caplog.set_level("INFO")
    runs = imported(settings, 2)
    two = next(runs)
    assert two.status is Status.SUCCEEDED, two.failure
    assert "read again" not in caplog.text
    monkeypatch.setattr(import_case, "usable_cores", lambda _: 1)
    assert next(runs).digests == two.digests
    assert [name for name in s3.names() if name.endswith((".tbi", ".csi"))] == []
    assert one_family.endswith(".vcf.gz")


@pytest.mark.usefixtures("one_family", "small_ranges")
def test_connections_that_break_in_the_middle_change_nothing(s3, settings):
    runs = imported(settings, 2)
    undisturbed = next(runs)
    broken = []

    def every_other(body, environ):
        data = b"".join(body)
        if environ["HTTP_RANGE"] in broken or "/in/" not in environ["PATH_INFO"]:
            yield data
            return
        broken.append(environ["HTTP_RANGE"])
        yield data[: len(data) // 3]

    s3.fault = every_other
    again = next(runs)
    assert again.status is Status.SUCCEEDED, again.failure
    assert len(broken) > 5
    assert again.digests == undisturbed.digests


@pytest.fixture(params=[1, 2])
def processes(request):
    if request.param > 1:
        request.getfixturevalue("two_processes")


@pytest.mark.usefixtures("processes", "small_ranges")
def test_a_file_replaced_while_it_is_read_fails_as_transient_and_leaves_nothing(s3, settings, one_family, demo):
    data = (demo / f"{FAMILY}.vcf.gz").read_bytes()
    other = gzip.compress(gzip.decompress(data).replace(b"PASS", b"LowQ"))

    def replace_on_the_way(body, environ):
        start = int(environ["HTTP_RANGE"].removeprefix("bytes=").partition("-")[0])
        if "/in/" in environ["PATH_INFO"] and 64 << 10 <= start < len(data) // 2:
            s3.fault = None
            s3.put(one_family.removeprefix("s3://clinic/"), other)
        yield from body

    assert len(data) > 256 << 10
    s3.fault = replace_on_the_way
    (failed,) = imported(settings)
    assert failed.status is Status.FAILED
    assert s3.fault is None, "the object was never replaced"
    assert (failed.failure.code, failed.failure.retryable) == (StorageError.code, True)
    assert "was replaced while it was read" in failed.failure.message
    assert [name for name in s3.names() if name.endswith(".parquet")] == []


def test_an_object_cut_short_is_truncated(s3, settings, one_family, demo):
    s3.put(one_family.removeprefix("s3://clinic/"), (demo / f"{FAMILY}.vcf.gz").read_bytes()[:100_000])
    (failed,) = imported(settings)
    assert failed.failure.code == "VcfTruncated"
    assert [name for name in s3.names() if name.endswith(".parquet")] == []


def test_a_missing_object_is_bad_input(s3, settings, one_family):
    top, _, (one,) = prepared(settings)
    s3.client.delete_object(Bucket=s3.bucket, Key=one_family.removeprefix("s3://clinic/"))
    failed = job(settings, "import-case", "import", top, **one)
    assert (failed.failure.exit_code, failed.failure.retryable) == (65, False)
    assert "no such file" in failed.failure.message
