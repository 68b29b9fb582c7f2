"""The import's jobs in their order, without Airflow: the documents between them, and the rows that readers see."""

import dataclasses
import json

import pytest
import typer
from typer.testing import CliRunner

from import_site import ImportSite
from radiant import lake, storage
from radiant.cli.variants import variants
from radiant.domain.case import CaseState
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, decode_result, outcome_uri, run_uri, task_uri
from radiant.jobs.usage import JobTry, Placement, Times
from radiant.operators.task_folder import TaskFolder
from radiant.registry import Registration
from radiant.settings import load_settings
from radiant.worker.main import run

HEADER = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##contig=<ID=chrX,length=156040895>
##INFO=<ID=CSQ,Number=.,Type=String,Description="Format: Allele|Consequence|IMPACT|SYMBOL|Gene|Feature|PICK">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Depths">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GQ,Number=1,Type=Integer,Description="Quality">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tchild\tfather\tmother
"""
LINES = [
    (
        "chr1\t1000\trs1\tA\tG\t50\tPASS\tCSQ=G|missense_variant|MODERATE|GENE1|ENSG1|ENST1|1\tGT:AD:DP:GQ\t"
        "0/1:10,10:20:99\t0/1:10,10:20:99\t0/0:20,0:20:99"
    ),
    "chr1\t2000\t.\tC\tT,G\t50\tPASS\t.\tGT:AD:DP:GQ\t1/2:0,10,10:20:99\t0/1:10,10,0:20:99\t0/2:10,0,10:20:99",
    "chr1\t3000\t.\tG\tA\t50\tPASS\t.\tGT:AD:DP:GQ\t0/1:10,10:20:99\t0/0:20,0:20:99\t0/0:20,0:20:99",
]
PED = "F{n}\tchild\tfather\tmother\t1\t2\nF{n}\tfather\t0\t0\t1\t1\nF{n}\tmother\t0\t0\t2\t1\n"


class Site(ImportSite):
    """The site with cases of the lines above."""

    def add(self, number: int, lines: list[str] = LINES) -> int:
        vcf = self.folder / f"{number}.vcf"
        vcf.write_text(HEADER + "\n".join(lines) + "\n")
        ped = self.folder / f"{number}.ped"
        ped.write_text(PED.format(n=number))
        return self.register(number, vcf, ped)


@pytest.fixture
def site(tmp_path) -> Site:
    return Site(tmp_path, load_settings({"RADIANT_HOME": str(tmp_path / "home")}))


def test_a_family_becomes_rows_with_its_numbers(site):
    site.add(1)
    output = site.import_due()
    (case,) = output["imported"]
    assert case["records"] == {"read": 3, "kept": 2, "split": 1, "skipped": 0, "rejected": 0}
    # child: 4 alleles, father: 2, mother: 1
    assert case["rows"] == {"occurrence": 7, "variant": 4, "consequence": 1, "compound_het": 0, "quarantine": 0}
    assert site.registry.get(1).state is CaseState.IMPORTED


def test_importing_again_leaves_the_same_rows(site):
    site.add(1)
    site.import_due()
    before = site.visible()
    site.import_due(cases=[1])
    assert site.visible() == before
    overview = {
        one.name.removeprefix("radiant."): one.rows
        for one in lake.table_overview(lake.open_catalog(site.settings), "radiant")
    }
    assert overview["germline_snv_occurrence"] == 7
    assert overview["case_load"] == 1


def test_a_case_that_fails_does_not_stop_the_others_and_leaves_no_row(site):
    site.add(1)
    site.add(2, [*LINES[:2], "chr1\tthree\t.\tG\tA\t.\t.\t.\tGT\t0/1\t0/0\t0/0"])
    output = site.import_due()
    assert [case["case_id"] for case in output["imported"]] == [1]
    (failed,) = output["failed"]
    assert failed["case_id"] == 2
    assert "the VCF of case 2" in failed["reason"]
    assert "line 12" in failed["reason"]
    assert list(site.visible()) == [1]
    assert not [path for path in site.data_files() if "case=2" in str(path)]
    record = site.registry.get(2)
    assert record.state is CaseState.FAILED
    assert record.failure is not None
    assert not record.failure.retryable


def test_commit_stores_what_each_try_of_an_import_used_also_of_one_that_failed(site, monkeypatch):
    site.add(1)
    site.add(2, [*LINES, "chr1\tx\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/0\t0/0"])
    job = ImportSite.job

    def judged(self, name, task, run_folder, index=-1, **arguments):
        """Add to an import's outcome what the operator does: a try that was lost, and this one."""
        result = job(self, name, task, run_folder, index, **arguments)
        if name == "import-case":
            code = result.failure.code if result.failure else None
            where = Times(), Placement("local"), 2.0, 2048, 90.0
            lost = JobTry(f"lost-{index}", 1, "Lost", *where, None)
            tries = (lost, JobTry(result.attempt, 2, code, *where, result.usage))
            uri = outcome_uri(task_uri(run_folder, task, index), result.attempt)
            storage.write_bytes(uri, encode(dataclasses.replace(result, tries=tries)))
        return result

    monkeypatch.setattr(ImportSite, "job", judged)
    site.import_due()  # which repeats commit
    stored = {(one.case_id, one.job_try.code): one for one in site.registry.usage()}
    assert set(stored) == {(1, "Lost"), (1, None), (2, "Lost"), (2, "VcfFormat")}
    assert len(site.registry.usage()) == 4
    usage = stored[1, None].job_try.usage
    assert (usage.records, usage.rows) == (3, 12)
    assert usage.bytes_stored == sum(path.stat().st_size for path in site.data_files() if "/case=1/" in str(path))
    assert stored[1, "Lost"].job_try.usage is None
    assert stored[1, None].run == run_uri(site.settings.effective_work_uri, "import-vcf", "run1")


def test_a_lost_import_fails_is_due_again_and_its_files_go(site):
    site.add(1)
    output = site.import_due(lose=1)
    assert output["failed"][0]["code"] == "Lost"
    assert site.visible() == {}
    lost_files = site.data_files()
    assert lost_files
    output = site.import_due()
    assert [case["case_id"] for case in output["imported"]] == [1]
    assert not set(lost_files) & set(site.data_files())


def test_an_attempt_that_was_replaced_can_neither_delete_nor_replace_what_its_successor_left(site):
    site.add(1)
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
    (part,) = site.job("plan-import", "plan", top, cases=None).output["parts"]
    prepared = site.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"]).output
    folder = TaskFolder(top, task_uri(top, "import_case", 0))
    early, late, winner = (
        Request("import-case", attempt, top, prepared["cases"][0], task_uri=folder.uri)
        for attempt in ("early", "late", "winner")
    )

    def work(request):
        result_uri = folder.argv("import-case", request.attempt)[5]
        run(request, site.settings, result_uri)
        return decode_result(storage.read_bytes(result_uri), result_uri)

    for request in (early, late):  # the late one was requested, and its container waits for room
        folder.write_request(request)
        if request is early:
            assert work(early).status is Status.SUCCEEDED
    folder.write_request(winner)
    folder.write_outcome(work(winner))
    assert work(late).failure.code == "Terminated"
    assert work(early).failure.code == "Terminated"
    output = site.job("commit-part", "commit", top, part=part["part"], loads=prepared["cases"], deleted=[]).output
    assert [case["case_id"] for case in output["imported"]] == [1]
    assert list(site.visible()) == [1]


def test_a_result_that_the_operator_did_not_judge_is_not_committed(site):
    site.add(1)
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
    (part,) = site.job("plan-import", "plan", top, cases=None).output["parts"]
    prepared = site.job("prepare-part", "prepare", top, part=part["part"], cases=part["cases"]).output
    folder = TaskFolder(top, task_uri(top, "import_case", 0))
    request = Request("import-case", "a", top, prepared["cases"][0], task_uri=folder.uri)
    folder.write_request(request)
    run(request, site.settings, folder.argv("import-case", "a")[5])
    output = site.job("commit-part", "commit", top, part=part["part"], loads=prepared["cases"], deleted=[]).output
    assert [case["code"] for case in output["failed"]] == ["Lost"]
    assert site.visible() == {}


def test_a_staged_file_that_vanished_fails_its_case_alone(site):
    site.add(1)
    site.add(2)
    output = site.import_due(lose_file_of=2)
    assert [case["case_id"] for case in output["imported"]] == [1]
    (failed,) = output["failed"]
    assert (failed["case_id"], failed["code"]) == (2, "Lost")
    assert "case=2" in failed["reason"]
    assert list(site.visible()) == [1]


def test_a_bad_file_is_not_tried_again_until_it_changes(site):
    site.add(1, ["chr1\t0x1\t.\tA\tG\t.\t.\t.\tGT\t0/1\t0/0\t0/0"])
    site.import_due()
    top = run_uri(site.settings.effective_work_uri, "import-radiant", "later")
    assert site.job("plan-import", "plan", top, cases=None).output["parts"] == []
    (site.folder / "1.vcf").write_text(HEADER + "\n".join(LINES) + "\n")
    assert [case["case_id"] for case in site.import_due()["imported"]] == [1]


def test_a_failed_reimport_leaves_the_earlier_rows_visible(site):
    site.add(1)
    site.import_due()
    before = site.visible()
    (site.folder / "1.vcf").write_text(HEADER + "chr1\tx\n")
    assert site.import_due()["failed"][0]["case_id"] == 1
    assert site.visible() == before


def test_rows_of_an_earlier_import_are_shown_with_a_warning(site, monkeypatch):
    monkeypatch.setenv("RADIANT_HOME", str(site.folder / "home"))
    app = typer.Typer()
    app.command()(variants)
    site.add(1)
    site.import_due()
    assert CliRunner().invoke(app, ["--case", "1"]).stderr == ""
    (site.folder / "1.vcf").write_text(HEADER + "chr1\tx\n")
    site.import_due()
    shown = CliRunner().invoke(app, ["--case", "1"])
    assert "1-1000-A-G" in shown.stdout
    assert "case 1 is failed (VcfFormat): the rows are those of an earlier import" in shown.stderr


def test_a_removed_case_leaves_every_table(site):
    site.add(1)
    site.add(2)
    site.import_due()
    site.registry.remove(1)
    output = site.import_due()
    assert output["deleted"] == [1]
    assert list(site.visible()) == [2]
    assert site.registry.get(1).purged
    overview = {
        one.name.removeprefix("radiant."): one.rows
        for one in lake.table_overview(lake.open_catalog(site.settings), "radiant")
    }
    assert overview["germline_snv_occurrence"] == 7


def test_the_documents_hold_no_sample_name_outside_the_case_document(site):
    site.add(1)
    site.import_due()
    for path in (site.folder / "home" / "work").rglob("*.json"):
        text = path.read_text()
        json.loads(text)
        if path.parent.name != "cases":
            assert "child" not in text, path
            assert "F1" not in text, path


class Run:
    """One run of `import-vcf` whose tasks a user clears."""

    def __init__(self, site: Site, **prepared):
        self.site = site
        self.top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
        plan = site.job("plan-import", "plan", self.top, cases=None).output
        (self.part,) = plan["parts"]
        self.prepare(**prepared)

    def prepare(self, **more):
        arguments = {"part": self.part["part"], "cases": self.part["cases"]} | more
        result = self.site.job("prepare-part", "prepare", self.top, **arguments)
        assert result.status is Status.SUCCEEDED, result.failure
        self.prepared = result.output
        return self.prepared

    def read(self, *case_ids):
        """Run the imports of these cases, each in the place of its mapped task."""
        return {
            one["case_id"]: self.site.job("import-case", "import_case", self.top, index, **one)
            for index, one in enumerate(self.prepared["cases"])
            if one["case_id"] in case_ids
        }

    def commit(self):
        found = self.site.job(
            "commit-part",
            "commit",
            self.top,
            part=self.part["part"],
            loads=self.prepared["cases"],
            deleted=self.prepared["deleted"],
        ).output
        imported = [case["case_id"] for case in found["imported"]]
        return imported, {case["case_id"]: (case["code"], case["reason"]) for case in found["failed"]}


def mistype(site, number):
    ped = site.folder / f"{number}.ped"
    ped.write_text(PED.format(n=number).replace("child", "mistyped"))
    return lambda: ped.write_text(PED.format(n=number))


@pytest.fixture
def repaired(site):
    """Cases 1, 2 and 3, of which 2 failed by its pedigree, which has been corrected since."""
    for number in (1, 2, 3):
        site.add(number)
    correct = mistype(site, 2)
    run = Run(site)
    run.read(1, 2, 3)
    imported, failed = run.commit()
    assert imported == [1, 3]
    assert failed[2][0] == "SampleMismatch"
    correct()
    return run


def test_clearing_an_import_after_a_repair_reads_the_pedigree_as_it_is_now(site, repaired):
    files, loads = site.data_files(), site.visible()
    places = [one["case_id"] for one in repaired.prepared["cases"]]
    assert [one["case_id"] for one in repaired.prepare()["cases"]] == places, "the mapped tasks keep their cases"
    (result,) = repaired.read(2).values()
    assert result.status is Status.SUCCEEDED, result.failure
    assert repaired.commit() == ([1, 3, 2], {})
    assert site.visible().items() >= loads.items()
    assert set(files) <= set(site.data_files()), "what is imported stays"
    assert {record.state for record in site.registry.list_cases()} == {CaseState.IMPORTED}


def test_clearing_the_whole_run_reads_only_what_is_not_imported(site, repaired):
    before = {number: site.registry.get(number).load_id for number in (1, 3)}
    files = set(site.data_files())
    repaired.prepare()
    results = repaired.read(1, 2, 3)
    assert {result.status for result in results.values()} == {Status.SUCCEEDED}
    assert results[1].rows["occurrence"] > 0
    assert {path for path in set(site.data_files()) - files if "case=2" not in str(path)} == set()
    assert repaired.commit() == ([1, 3, 2], {})
    assert {number: site.registry.get(number).load_id for number in (1, 3)} == before


def test_an_import_that_is_cleared_alone_names_the_task_to_clear_and_reads_nothing(repaired):
    (result,) = repaired.read(2).values()
    assert result.failure.code == "CaseState"
    assert "Downstream" in result.failure.message


def test_a_commit_that_is_cleared_alone_keeps_the_reason_and_leaves_nothing_held(site, repaired):
    repaired.prepare()
    imported, failed = repaired.commit()
    assert imported == [1, 3]
    assert failed[2][0] == "SampleMismatch"
    assert "not read again: clear its import_case" in failed[2][1]
    assert site.registry.get(2).state is CaseState.FAILED


def test_a_case_that_changed_after_it_was_read_is_not_committed_as_it_was(site):
    site.add(1)
    run = Run(site)
    run.read(1)
    mistype(site, 1)
    run.prepare()
    imported, failed = run.commit()
    assert (imported, failed[1][0]) == ([], "NotReadAgain")
    assert site.visible() == {}
    assert [one.case.case_id for one in site.registry.due().cases] == [1]


def test_a_case_without_an_import_is_recorded_as_not_started_and_is_due_again(site):
    for number in (1, 2):
        site.add(number)
    run = Run(site)
    run.read(1)
    imported, failed = run.commit()
    assert imported == [1]
    code, reason = failed[2]
    assert code == "NotStarted"
    assert reason.startswith("not started: ")
    assert [one.case.case_id for one in site.registry.due().cases] == [2]


def test_cases_beyond_the_most_are_left_alone_and_named(site):
    for number in (1, 2, 3):
        site.add(number)
    run = Run(site, most=2)
    assert [one["case_id"] for one in run.prepared["cases"]] == [1, 2]
    assert run.prepared["waiting"] == [3]
    run.read(1, 2)
    assert run.commit() == ([1, 2], {})
    assert site.registry.get(3).state is CaseState.ASSIGNED
    assert site.registry.get(3).load_id is None


def test_a_commit_without_prepared_cases_fails_with_the_reason(site):
    top = run_uri(site.settings.effective_work_uri, "import-vcf", "run1")
    result = site.job("commit-part", "commit", top, part=0, loads=None, deleted=None)
    assert result.failure.code == "CaseState"
    assert "clear prepare" in result.failure.message


def test_a_catalog_that_lost_what_a_run_imported_gets_it_again_by_clearing_the_run(site):
    site.add(1)
    run = Run(site)
    run.read(1)
    assert run.commit() == ([1], {})
    (site.folder / "home" / "catalog.db").unlink()
    run.prepare()
    run.read(1)
    assert run.commit() == ([1], {})
    assert list(site.visible()) == [1]


def test_two_laboratories_sample_of_one_name_are_two_patients(site):
    """Without a pedigree nothing ties the two samples to one person."""
    for number in (1, 2):
        vcf = site.folder / f"{number}.vcf"
        vcf.write_text(HEADER + "\n".join(LINES) + "\n")
        site.registry.add(Registration(vcf_uri=storage.file_uri(vcf), case_id=number))
    site.import_due()
    catalog, namespace = lake.open_catalog(site.settings), site.settings.lake.namespace
    people = {
        number: {
            (row["patient_id"], row["experiment_id"])
            for batch in lake.case_rows(catalog, namespace, number, "occurrence")
            for row in batch.to_pylist()
        }
        for number in (1, 2)
    }
    assert people[1] == {(f"case:1:{name}",) * 2 for name in ("child", "father", "mother")}
    assert not people[1] & people[2]
