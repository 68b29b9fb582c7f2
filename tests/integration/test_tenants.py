"""Two centres in one installation: jobs, registries and tables of one hold nothing of the other."""

import dataclasses
import json
from pathlib import Path

import pytest

from import_site import ImportSite
from radiant import lake, storage
from radiant.domain.case import CaseState
from radiant.errors import EXIT_CONFIG
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request, Status, run_uri, task_uri
from radiant.settings import load_settings
from radiant.worker.main import main

VCF = """\
##fileformat=VCFv4.2
##contig=<ID=chr1,length=248956422>
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tchild
chr1\t1000\t.\tA\tG\t50\tPASS\t.\tGT\t0/1
"""


def write_case(folder: Path, number: int) -> tuple[Path, Path]:
    """Write a VCF of one record and its pedigree."""
    folder.mkdir(parents=True, exist_ok=True)
    vcf, ped = folder / f"{number}.vcf", folder / f"{number}.ped"
    vcf.write_text(VCF)
    ped.write_text(f"F{number}\tchild\t0\t0\t1\t2\n")
    return vcf, ped


class Centre(ImportSite):
    """One tenant of an installation in a folder."""

    @property
    def inputs(self) -> Path:
        return self.folder / "inputs" / str(self.settings.tenant)

    def add(self, number: int) -> int:
        return self.register(number, *write_case(self.inputs, number))


@pytest.fixture
def centres(tmp_path) -> tuple[Centre, Centre]:
    tenants = {name: {"input_prefixes": str(tmp_path / "inputs" / name)} for name in ("north", "south")}
    variables = {"RADIANT_HOME": str(tmp_path / "home"), "RADIANT_TENANTS": json.dumps(tenants)}
    north, south = (Centre(tmp_path, load_settings(variables, tenant=name)) for name in tenants)
    return north, south


def test_each_centre_has_a_registry_tables_and_documents_of_its_own(centres):
    north, south = centres
    north.add(1)
    south.add(1)
    south.add(2)
    assert len(north.import_due()["imported"]) == 1
    assert [one["case_id"] for one in south.import_due()["imported"]] == [1, 2]
    assert (list(north.visible()), list(south.visible())) == ([1], [1, 2])
    for one in centres:
        namespace = one.settings.lake.namespace
        found = {
            table.name.partition(".")[0] for table in lake.table_overview(lake.open_catalog(one.settings), namespace)
        }
        assert found == {f"radiant_{one.settings.tenant}"}
    home = north.folder / "home"
    paths = [path.relative_to(home).parts for path in home.rglob("*") if path.is_file()]
    owners = {parts[1] if parts[0] in {"work", "warehouse"} else parts[0] for parts in paths}
    assert owners == {"north", "south"}


def test_an_import_does_not_read_a_file_of_another_centre(centres):
    north, south = centres
    south.add(1)
    stolen, ped = south.inputs / "1.vcf", south.inputs / "1.ped"
    north.register(7, stolen, ped)  # by someone who may write north's registry
    blocked = north.job("plan-import", "plan", run_uri(north.settings.effective_work_uri, "import-vcf", "run1"))
    assert blocked.output["parts"] == []
    assert "input_prefixes" in blocked.output["blocked"][0]["reason"]
    assert str(ped) not in json.dumps(blocked.output)


def test_a_vcf_of_another_centre_fails_its_import_alone(centres):
    north, south = centres
    south.add(1)
    north.add(2)
    vcf, _ = write_case(south.inputs, 3)
    _, ped = write_case(north.inputs, 3)
    north.register(3, vcf, ped)
    output = north.import_due()
    assert [one["case_id"] for one in output["imported"]] == [2]
    (failed,) = output["failed"]
    assert (failed["case_id"], failed["code"]) == (3, "BadInput")
    assert "is below none of the places" in failed["reason"]
    assert north.registry.get(3).state is CaseState.FAILED


@pytest.mark.parametrize("wrong", ["request", "case", "tenant", "none"])
def test_a_worker_of_one_centre_refuses_the_request_of_another(centres, wrong, monkeypatch):
    north, south = centres
    own, other = (run_uri(one.settings.effective_work_uri, "import-vcf", "r") for one in centres)
    request = Request(job="poc", attempt="a", run_uri=own, arguments={"pause_s": 0}, tenant="north")
    request = {
        "request": dataclasses.replace(request, run_uri=other),
        "case": dataclasses.replace(request, arguments={"pause_s": 0, "case_uri": f"{other}/cases/1.json"}),
        "tenant": dataclasses.replace(request, tenant="south", run_uri=other),
        "none": dataclasses.replace(request, tenant=""),
    }[wrong]
    place = task_uri(own, "poc")
    storage.write_bytes(f"{place}/a/request.json", encode(request))
    monkeypatch.setenv("RADIANT_HOME", str(north.folder / "home"))
    own_entry = {"north": {"input_prefixes": str(north.inputs)}}
    if wrong == "none":
        own_entry["south"] = {"input_prefixes": str(south.inputs)}
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps(own_entry))
    if wrong != "none":
        monkeypatch.setenv("RADIANT_TENANT", "north")
    with pytest.raises(SystemExit) as ended:
        main(["poc", "--request", f"{place}/a/request.json", "--result", f"{place}/a/result.json"])
    assert ended.value.code == EXIT_CONFIG
    assert not storage.exists(f"{place}/a/result.json")


def test_a_worker_serves_the_tenant_of_its_request(centres, monkeypatch):
    north, _ = centres
    own = run_uri(north.settings.effective_work_uri, "POC", "r")
    place = task_uri(own, "poc")
    request = Request(job="poc", attempt="a", run_uri=own, arguments={"pause_s": 0}, tenant="north")
    storage.write_bytes(f"{place}/a/request.json", encode(request))
    monkeypatch.setenv("RADIANT_HOME", str(north.folder / "home"))
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps({"north": {"input_prefixes": str(north.inputs)}}))
    with pytest.raises(SystemExit) as ended:
        main(["poc", "--request", f"{place}/a/request.json", "--result", f"{place}/a/result.json"])
    assert ended.value.code == 0
    assert north.settings.tenant == "north"
    assert Status.SUCCEEDED.value in storage.read_bytes(f"{place}/a/result.json").decode()
