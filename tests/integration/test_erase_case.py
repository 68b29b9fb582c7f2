"""`radiant cases erase`: after whole imports nothing of a case is left, and every other case is as it was."""

import datetime as dt
import gzip
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from kills import each_kill
from radiant import lake, storage
from radiant.cli.main import app
from radiant.domain.case import CaseState
from radiant.errors import CaseStateError, CommitConflictError, ConfigError, InputError, LakeError
from radiant.jobs.documents import Status, run_uri, task_uri
from radiant.lake import commit as lake_commit
from radiant.lake import snapshot
from radiant.lake.create import load_tables
from radiant.registry import Registration
from radiant.settings import load_settings
from radiant.worker.erase_case import erase_case
from radiant.worker.erasure_certificate import certificate_text
from radiant.worker.erasure_documents import rewritten
from radiant.worker.erasure_scan import scan
from radiant.worker.erasure_terms import SearchTerms
from radiant.worker.maintain_tables import maintain
from s3_store import s3_store
from small_families import SAMPLES, SmallFamilies

REASON = "consent withdrawn"


class Site(SmallFamilies):
    def compact_by_another_engine(self) -> None:
        """Bring all rows of each table together in one file."""
        with lake.open_catalog(self.settings) as catalog:
            for name, table in load_tables(catalog, self.settings.lake.namespace).items():
                if name != "case_load" and table.current_snapshot() is not None:
                    table.overwrite(table.scan().to_arrow())


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path, load_settings({"RADIANT_HOME": str(tmp_path / "home")}))


def files_with(folder: Path, word: bytes) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and word in path.read_bytes()]


def imported(site: Site, cases=(1, 2, 3)) -> None:
    for number in cases:
        site.add(number)
    site.import_due()


def test_nothing_of_an_erased_case_is_left_and_other_cases_are_as_they_were(site):
    imported(site)
    site.import_due([1])  # a second import: the first one's rows are in older snapshots alone
    runs = [f"{site.settings.effective_work_uri}/import-vcf/run{number}" for number in (1, 2, 9)]
    for run in runs:
        storage.write_bytes(f"{run}/report.html", b"<td>1</td>")
    storage.write_bytes(f"{runs[2]}/plan/request.json", b"{}")
    before = {case: site.rows(case) for case in (2, 3)}
    digests = {case: found for case, found in site.visible().items() if case != 1}
    erased = erase_case(site.settings, 1, REASON)
    certificate = erased.certificate
    assert certificate.complete
    assert certificate.scan.hits == ()
    assert certificate.scan.terms == {"case": 1, "patient": 3, "experiment": 3, "sample": 3, "family": 1, "file": 2}
    assert {case: site.rows(case) for case in (2, 3)} == before
    assert site.visible() == digests
    home = site.folder / "home"
    for name in (*SAMPLES, "FAM{n}", "family{n}"):
        assert files_with(home, name.format(n=1).encode()) == []
    assert list(home.rglob("*case=1")) == []
    assert all(1 not in pq.read_table(path, columns=["case_id"])["case_id"].to_pylist() for path in site.data_files())
    logs = [gzip.decompress(path.read_bytes()).decode() for path in home.rglob("worker.log.gz")]
    assert not any("case 1" in log for log in logs)
    assert [storage.exists(f"{run}/report.html") for run in runs] == [False, False, True]
    assert [Path(one).name for one in erased.sources] == ["family1.ped", "family1.vcf"]
    assert all(Path(one).exists() for one in erased.sources)


def test_the_search_finds_each_thing_that_is_left(site):
    """The search is no proof unless it finds what is there."""
    imported(site, (1, 2))
    names = {"sample": ["child1"], "family": ["FAM1"], "patient": ["father1"]}
    warehouse, work = f"file://{site.folder}/home/warehouse", site.settings.effective_work_uri
    found = {(hit.found, hit.place) for hit in scan([warehouse], SearchTerms(1, names)).hits}
    assert {("case", "row of the case"), ("sample", "text of a column"), ("case", "file name")} <= found
    manifests = [path.as_uri() for path in site.folder.rglob("*.avro")]
    assert ("case", "bytes") in {(hit.found, hit.place) for hit in scan(manifests, SearchTerms(1)).hits}
    found = {hit.uri.rpartition("/")[2] for hit in scan([work], SearchTerms(1, names)).hits}
    assert {"1.json", "outcome.json"} <= found
    registry = f"file://{site.folder}/home/registry.db"
    assert {hit.found for hit in scan([registry], SearchTerms(1, names)).hits} >= {"sample", "family", "patient"}


def test_rows_of_other_cases_in_a_shared_file_stay_in_value_and_order(site):
    imported(site)
    site.compact_by_another_engine()
    before = {case: site.rows(case) for case in (2, 3)}
    certificate = erase_case(site.settings, 1, REASON).certificate
    assert certificate.complete
    assert {case: site.rows(case) for case in (2, 3)} == before
    assert set(certificate.record.rewritten_cases) == {"2", "3"}
    assert all(old == new for tables in certificate.record.rewritten_cases.values() for old, new in tables.values())


def test_killed_after_any_change_a_repetition_ends_with_the_certificate(site):
    imported(site, (1, 2))
    before = site.rows(2)
    home = site.folder / "home"
    for at in each_kill(home, lambda: erase_case(site.settings, 1, REASON), most=16):
        assert site.rows(2) == before, at
        certificate = erase_case(site.settings, 1, REASON).certificate
        assert certificate.complete, (at, certificate.scan.hits)
        assert site.rows(2) == before, at
        assert files_with(home, b"child1") == [], at
        deleted = [one.uri for one in certificate.record.objects if "_occurrence/data" in one.uri]
        assert any(uri.endswith(".parquet") for uri in deleted), at


def test_a_case_that_a_run_holds_is_not_erased(site):
    imported(site, (1, 2))
    site.registry.due([1], run="other")
    from radiant.domain.partition import plan  # noqa: PLC0415

    case = site.registry.get(1).case
    site.registry.assign(plan([case], {}, {}), run="other", lease_s=3600)
    with pytest.raises(CaseStateError, match="by run other until"):
        erase_case(site.settings, 1, REASON)
    assert site.rows(1)["occurrence"]


def test_a_commit_beside_an_erasure_is_refused(site):
    """An import whose lease ended may still run: what it staged is never committed."""
    imported(site, (1, 2))
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "late")
    part = site.job("plan-import", "plan", top, cases=[1]).output["parts"][0]
    prepared = site.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"])
    site.job("import-case", "import_case", top, 0, **prepared.output["cases"][0])
    site.registry.release([top])
    assert erase_case(site.settings, 1, REASON).certificate.complete
    arguments = {
        "part": part["part"],
        "loads": prepared.output["cases"],
        "deleted": [],
        "imports_uri": task_uri(top, "import_case"),
    }
    committed = site.job("commit-part", "commit", top, **arguments)
    assert committed.status is not Status.SUCCEEDED or committed.output["imported"] == []
    assert 1 not in site.visible()


def test_an_erased_case_comes_back_only_by_a_new_registration_under_a_new_number(site):
    imported(site, (1, 2))
    erase_case(site.settings, 1, REASON)
    vcf = storage.file_uri(site.folder / "sources" / "family1.vcf")
    with pytest.raises(InputError, match="case 1 was erased"):
        site.registry.add(Registration(vcf, case_id=1))
    assert site.registry.due([1]).cases == ()
    assert site.registry.get(1).state is CaseState.DELETED
    assert site.registry.add(Registration(vcf)).case_id == 3


def test_a_tag_on_a_snapshot_with_the_case_is_named_before_anything_is_erased(site):
    imported(site, (1, 2))
    with lake.open_catalog(site.settings) as catalog:
        table = load_tables(catalog, site.settings.lake.namespace)["occurrence"]
        table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "paper").commit()
    site.import_due([2])
    with pytest.raises(LakeError, match="the tag 'paper'"):
        erase_case(site.settings, 1, REASON)
    assert 1 in site.visible()


def test_the_command_prints_the_certificate_and_repeating_it_prints_it_again(site, monkeypatch, tmp_path):
    imported(site, (1, 2))
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path / "home"))
    command = ["cases", "erase", "1", "--reason", REASON, "--out", str(tmp_path / "office")]
    first, again = (CliRunner().invoke(app, command, catch_exceptions=False) for _ in range(2))
    assert first.exit_code == again.exit_code == 0
    assert first.output.startswith("CERTIFICATE OF ERASURE\n")
    assert "Nothing of the case was found." in first.output
    assert "family1.vcf" in first.output
    assert "family1.vcf" not in again.output
    assert again.output.splitlines()[:20] == first.output.splitlines()[:20]
    text = (tmp_path / "office" / "case-1-certificate.txt").read_text()
    assert "SHA-256" in text
    assert json.loads((tmp_path / "office" / "case-1-certificate.json").read_bytes())["scan"]["hits"] == []
    assert "was erased" in CliRunner().invoke(app, ["cases", "show", "1"]).output


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_manifest_that_a_full_disk_left_half_written_stops_no_erasure_and_goes_if_it_names_the_case(site, share):
    imported(site, (1, 2))
    with lake.open_catalog(site.settings) as catalog:
        table = load_tables(catalog, site.settings.lake.namespace)["occurrence"]
        (manifest,) = table.current_snapshot().manifests(table.io)
    whole = Path(manifest.manifest_path.removeprefix("file://"))
    content = whole.read_bytes()
    half = whole.with_name("of-a-full-disk-m0.avro")
    half.write_bytes(content[: int(len(content) * share)])
    before = site.rows(2)
    found = erase_case(site.settings, 1, REASON).certificate
    assert found.complete is (share != 0.5)
    assert found.scan.damaged == (() if found.complete else (storage.file_uri(half),))
    assert share < 0.99 or not half.exists()
    assert site.rows(2) == before


def test_files_that_cannot_be_searched_to_their_end_are_named_in_the_certificate(site):
    imported(site, (1, 2))
    with lake.open_catalog(site.settings) as catalog:
        table = load_tables(catalog, site.settings.lake.namespace)["occurrence"]
        (manifest,) = table.current_snapshot().manifests(table.io)
        files = [Path(task.file.file_path.removeprefix("file://")) for task in table.scan().plan_files()]
    content = next(one for one in files if "case=2/" in str(one)).read_bytes()
    whole = Path(manifest.manifest_path.removeprefix("file://"))
    folder = Path(table.location().removeprefix("file://")) / "data" / "part=0"
    folder.mkdir(exist_ok=True)
    left = {
        folder / "cut.parquet": content[:-9],
        folder / "zeros.parquet": content[:4] + bytes(len(content) // 2) + content[len(content) // 2 + 4 :],
        whole.with_name("cut-m0.avro"): whole.read_bytes()[:200],
        site.folder / "home" / "work" / "cut.log.gz": gzip.compress(b"a log" * 99)[:-9],
    }
    for file, data in left.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    found = erase_case(site.settings, 1, REASON).certificate
    assert not found.complete
    assert set(found.scan.damaged) == {storage.file_uri(file) for file in left}
    text = certificate_text(found, with_files=False)
    assert "the rest of them could not" in text
    assert all(str(file) in text for file in left)
    for file in left:
        file.unlink()
    again = erase_case(site.settings, 1, REASON).certificate
    assert again.complete
    assert "could not" not in certificate_text(again, with_files=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--reason", " "], "--reason is empty"), (["--reason", REASON, "--out", "/proc/nowhere"], "/proc/nowhere")],
)
def test_nothing_is_erased_by_a_command_that_cannot_end_in_a_certificate_with_a_reason(
    site, monkeypatch, options, said
):
    imported(site, (1,))
    monkeypatch.setenv("RADIANT_HOME", str(site.folder / "home"))
    result = CliRunner().invoke(app, ["cases", "erase", "1", *options])
    assert said in str(result.exception)
    assert set(site.visible()) == {1}


def test_an_erasure_that_meets_another_ends_with_what_to_do_and_its_repetition_ends_well(site, monkeypatch):
    imported(site)
    real = snapshot.commit_replacement
    ended: list[bool] = []

    def after_another(*arguments):
        if not ended:
            ended.append(True)
            with lake.open_catalog(site.settings) as other:
                lake.commit_part(other, site.settings.lake.namespace, 0, [], [], [1], "of another")
        return real(*arguments)

    monkeypatch.setattr(lake_commit, "commit_replacement", after_another)
    with pytest.raises(CommitConflictError, match=r"case 1 is not erased yet: another command.* Repeat the command$"):
        erase_case(site.settings, 1, REASON)
    assert erase_case(site.settings, 1, REASON).certificate.complete
    assert set(site.visible()) == {2, 3}


def test_older_versions_of_objects_are_deleted_where_the_store_keeps_them(tmp_path):
    with s3_store() as store:
        store.client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
        for content in (b"old", b"new"):
            store.put("case=1/a", content)
            store.put("log", content)
        storage.delete_files([store.uri("case=1/a")])
        uris = [store.uri("case=1/a"), store.uri("log")]
        found = storage.delete_old_versions(uris, storage.kept_versions(uris))
        assert (found.versioned, found.deleted, found.kept) == (True, 4, 0)
        listed = store.client.list_object_versions(Bucket=store.bucket)
        assert [(one["Key"], one["IsLatest"]) for one in listed["Versions"]] == [("log", True)]
        assert "DeleteMarkers" not in listed
    local = [storage.file_uri(tmp_path)]
    assert storage.delete_old_versions(local, storage.kept_versions(local)).versioned is False


@pytest.fixture
def versioned_store(tmp_path, monkeypatch):
    """A site with documents and tables in a bucket that keeps versions."""
    with s3_store() as store:
        store.client.put_bucket_versioning(Bucket=store.bucket, VersioningConfiguration={"Status": "Enabled"})
        variables = {
            "RADIANT_HOME": str(tmp_path / "home"),
            "RADIANT_WORK_URI": store.uri("work"),
            "RADIANT_LAKE__WAREHOUSE": store.uri("warehouse"),
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield store, Site(tmp_path, load_settings(variables))


def test_maintenance_and_erasure_in_a_bucket_that_keeps_versions(versioned_store):
    store, site = versioned_store
    imported(site, (1, 2))
    site.import_due([1])
    before = site.rows(2)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=site.settings.maintenance.snapshot_hours + 1)
    maintained = maintain(site.settings, dry_run=False, now=later)
    assert sum(table.files for table in maintained.tables) > 0
    assert maintained.keeps_versions
    assert site.rows(2) == before
    assert site.rows(1)["occurrence"]
    shown = CliRunner().invoke(app, ["maintain", "--dry-run"], catch_exceptions=False).output
    assert "keeps older versions of objects" in shown

    store.trouble = lambda method, path: "forbidden" if method == "DELETE" and "/warehouse/" in path else ""
    with pytest.raises((ConfigError, InputError), match="permission denied"):
        erase_case(site.settings, 1, REASON)
    store.trouble = None
    certificate = erase_case(site.settings, 1, REASON).certificate
    assert certificate.complete
    assert certificate.versions.versioned
    assert certificate.versions.deleted > 0
    assert any("maintenance" in text for text in certificate.not_reached)
    assert any("uploads that were never completed" in text for text in certificate.not_reached)
    assert site.rows(2) == before
    assert not [name for name in store.names() if "case=1/" in name]
    listed = store.client.list_object_versions(Bucket=store.bucket)
    # What the erasure itself deleted has no older version: its record names each object.
    gone = {one.uri for one in (*certificate.record.objects, *certificate.record.documents)}
    left = {store.uri(one["Key"]) for one in listed["Versions"] if not one["IsLatest"]}
    assert not gone & left


def test_a_document_of_several_cases_loses_what_names_the_case_and_keeps_the_rest():
    terms = SearchTerms(7, {"patient": ["P-007x"], "sample": ["abc"]})
    document = {
        "parts": [{"part": 0, "cases": [1, 7, 17]}],
        "cases": [{"case_id": 7, "load_id": "x"}, {"case_id": 17, "load_id": "y"}],
        "failed": [{"case_id": 8, "reason": "patient P-007x is in part 3"}],
        "rows": {"variant": 7},
    }
    cleaned, removed = rewritten(json.dumps(document).encode(), terms)
    assert removed == 3
    assert json.loads(cleaned) == {
        "parts": [{"part": 0, "cases": [1, 17]}],
        "cases": [{"case_id": 17, "load_id": "y"}],
        "failed": [{"case_id": 8, "reason": "(erased)"}],
        "rows": {"variant": 7},
    }
    log = b"case 7 is due\ncase 17 is due\n7 files\ncases 1, 7, 9\nabcd\ndue: P-007x\n"
    cleaned, removed = rewritten(gzip.compress(log), terms)
    assert (gzip.decompress(cleaned), removed) == (b"case 17 is due\n7 files\nabcd\n", 3)
