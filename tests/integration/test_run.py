"""`radiant run` and its Airflow, for real: about a minute for each of three starts."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

import vcf_files
from radiant import lake, storage, vcf
from radiant.cli.airflow_api import FINISHED_RUN
from radiant.cli.airflow_checks import check_airflow, check_notify, check_parts
from radiant.cli.check_result import Grade
from radiant.cli.processes import find_marked
from radiant.cli.standalone import Standalone
from radiant.domain.case import CaseState
from radiant.domain.tables import CASE_TABLES
from radiant.errors import AirflowError, AirflowUnavailableError
from radiant.jobs.dag_ids import IMPORT_RADIANT
from radiant.jobs.documents import report_uri, run_uri
from radiant.registry import Registration, Registry
from radiant.settings import Settings, load_settings

REPOSITORY = Path(__file__).parents[2]
POC = "POC-ecs-k8s-operators"


def wait_for(what, timeout_s):
    """Return the first true answer of `what`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.25)
    pytest.fail(f"not within {timeout_s} s")


def state_of(api, run_id, dag_id=POC):
    """Return the state of a run, None while a busy Airflow does not answer in time."""
    with contextlib.suppress(AirflowUnavailableError):
        return api.run_state(dag_id, run_id)


def left_behind(home):
    return find_marked(("AIRFLOW_STARTED_BY_RADIANT", str(home)))


def undisturbed(case):
    """Return the digests of a case's rows as one undisturbed read of its file gives them."""
    digests = {name: lake.RowDigest() for name in CASE_TABLES}
    for name, batch in vcf.read_case(case.vcf_uri, case.members, vcf.ReadOptions(assembly=case.assembly)).batches():
        digests[name].update(batch)
    return {name: digest.hexdigest() for name, digest in digests.items()}


@pytest.fixture
def home(tmp_path):
    home = tmp_path / "home"
    yield home
    for pid in left_behind(home):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(home, tmp_path):
    """Start `radiant run` in a process group of its own, its output in a file."""
    started = []

    def start(*arguments):
        output = tmp_path / f"output-{len(started)}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [Path(sysconfig.get_path("scripts")) / "radiant", "run", *arguments],
                cwd=tmp_path,
                env=os.environ | {"RADIANT_HOME": str(home)},
                stdout=file,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        started.append(process)
        return process, output

    yield start
    for process in started:
        process.kill()
        process.wait()


def require_connections_to_be_kept(api):
    """As `radiant kube connection --apply`, `radiant setup` and `radiant doctor` use the API of a real Airflow."""
    made = {"conn_type": "kubernetes", "description": "d", "extra": {"kube_config": '{"users": []}', "namespace": "n"}}
    assert api.put_connection("kubernetes_conn", made) is True
    made["extra"]["namespace"] = "m"
    assert api.put_connection("kubernetes_conn", made) is False
    shown = api._call("GET", "/api/v2/connections/kubernetes_conn")
    assert json.loads(shown["extra"]) == {"kube_config": "***", "namespace": "m"}
    api.put_pool("jobs", 4)
    api.put_pool("jobs", 5)
    api.put_pool("default_pool", 100)
    assert api.pools() == {"default_pool": 100, "jobs": 5}
    findings = list(check_airflow(api, "kubernetes_conn"))
    assert {one.grade for one in findings} == {Grade.GOOD}, findings
    on_pods = load_settings({"RADIANT_BACKEND": "kubernetes"})
    (parts,) = check_parts(api, on_pods)
    assert "16 parts are imported at once (max_active_runs: import-part 16, import-vcf 16)" in parts.text
    notified = load_settings({"RADIANT_NOTIFY": "smtp://mail?to=a@b.org"})
    assert [one.grade for one in check_notify(api, notified)] == [Grade.WARNING]
    api.put_connection("mail", {"conn_type": "smtp"})
    assert [one.grade for one in check_notify(api, notified)] == [Grade.GOOD]


def shared_by(names, home, folder, monkeypatch):
    """Let tenants share the installation, each with a case of the number 7; return the settings of each."""
    tenants = {name: {"input_prefixes": str(folder / name)} for name in names}
    monkeypatch.setenv("RADIANT_HOME", str(home))
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps(tenants))
    settings = {name: load_settings(tenant=name) for name in names}
    for name, own in settings.items():
        (folder / name).mkdir()
        vcf = vcf_files.write(folder / name / "7.vcf", vcf_files.text([vcf_files.record()]))
        case = Registration(vcf_uri=storage.file_uri(vcf), strategy="wgs", assembly="GRCh38", case_id=7)
        Registry(own.effective_registry_url).add(case)
    return settings


def require_runs_to_stay_with_their_tenant(api, settings):
    """A run of each tenant at once imports its own case into its own tables; one without a tenant is refused."""
    for conf in ({}, {"tenant": "west"}):
        with pytest.raises(AirflowError, match="tenant"):
            api.trigger(IMPORT_RADIANT, conf)
    runs = {name: api.trigger(IMPORT_RADIANT, {"tenant": name}) for name in settings}
    for name, run_id in runs.items():
        wait_for(lambda run_id=run_id: state_of(api, run_id, IMPORT_RADIANT) in FINISHED_RUN, 900)
        verdict = api.xcom(IMPORT_RADIANT, run_id, "verdict")
        assert (api.run_state(IMPORT_RADIANT, run_id), verdict["imported"]) == ("success", [7]), (name, verdict)
    for name, own in settings.items():
        record = Registry(own.effective_registry_url).get(7)
        assert record.state is CaseState.IMPORTED
        with lake.open_catalog(own) as catalog:
            assert list(lake.visible_cases(catalog, own.lake.namespace)) == [7]
            assert catalog.list_namespaces() == [(f"radiant_{name}",)]
        report = report_uri(run_uri(own.effective_work_uri, IMPORT_RADIANT, runs[name]))
        wait_for(lambda report=report: storage.exists(report), 300)
    assert {path.name for path in (own.home_path / "work").iterdir()} == set(settings)


@pytest.mark.timeout(3600)
def test_jobs_run_by_hand_for_tenants_and_a_dead_part_is_noticed(home, tmp_path, monkeypatch):
    settings = shared_by(("north", "south"), home, tmp_path, monkeypatch)
    with Standalone(Settings(home=home), dags_folder=REPOSITORY / "dags") as airflow:
        run_id = airflow.api.trigger(POC, {"tenant": "north"})
        wait_for(lambda: state_of(airflow.api, run_id) in FINISHED_RUN, 900)
        assert airflow.api.run_state(POC, run_id) == "success"

        answer = airflow.api.xcom(POC, run_id, "poc")
        assert answer["status"] == "succeeded"
        assert answer["output"] == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]
        log = "\n".join(airflow.api.log_lines(POC, run_id, "poc"))
        assert re.findall(r"progress (\d+)/10", log) == [str(step) for step in range(1, 11)]

        require_runs_to_stay_with_their_tenant(airflow.api, settings)
        require_connections_to_be_kept(airflow.api)

        airflow.check()
        (scheduler,) = [pid for pid, command in airflow._parts.items() if command.endswith("airflow scheduler")]
        os.kill(scheduler, signal.SIGKILL)
        with pytest.raises(AirflowUnavailableError, match=f"scheduler ended .process {scheduler}"):
            wait_for(airflow.check, 60)
    assert left_behind(home) == []


@pytest.mark.timeout(3600)
def test_a_killed_run_is_made_good_by_the_next_one_and_ctrl_c_leaves_nothing(home, start):
    killed, output = start("--families", "2", "--records", "1000")
    wait_for(lambda: "importing" in output.read_text() or killed.poll() is not None, 900)
    assert killed.poll() is None, output.read_text()
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert left_behind(home)

    again, output = start()
    wait_for(lambda: "Ctrl-C ends it" in output.read_text() or again.poll() is not None, 1500)
    text = output.read_text()
    assert "Cases: 2 imported, 0 failed." in text, text
    registry = Registry(Settings(home=home).effective_registry_url)
    cases = registry.list_cases()
    assert {record.state for record in cases} == {CaseState.IMPORTED}
    with lake.open_catalog(Settings(home=home)) as catalog:
        visible = lake.visible_cases(catalog, "radiant")
    assert {one.case_id: one.digests for one in visible.values()} == {
        record.case.case_id: undisturbed(record.case) for record in cases
    }

    os.killpg(again.pid, signal.SIGINT)
    assert again.wait(120) == 0
    assert left_behind(home) == []
