"""A real Airflow whose jobs are pods: the import, the POC, two runs at once, and faults of a task's process."""

import contextlib
import json
import os
import shutil
import signal
import time
from types import SimpleNamespace
from urllib.parse import quote

import psutil
import pytest
import yaml

from cluster.site import REPOSITORY, wait_for
from otlp_receiver import otlp_receiver
from radiant import demo, lake, storage
from radiant.cli.airflow_api import FINISHED_RUN
from radiant.cli.standalone import Standalone
from radiant.domain.case import CaseState, Priority
from radiant.errors import AirflowUnavailableError
from radiant.jobs.reading_progress import decode_progress, parse_progress
from radiant.jobs.run_ids import part_run_id
from radiant.operators.pod.pod_status import pod_name
from radiant.registry import Registration, Registry
from radiant.settings import load_settings

POC = "POC-ecs-k8s-operators"
GOOD, BAD = (1, 2, 3), 900
RUN_TIMEOUT_S = 600
PATIENCE_S = 120


class Running(SimpleNamespace):
    """One Airflow."""

    def ask(self, question):
        """Return an answer of Airflow, which may not answer for a while on a busy machine."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return question()
            except AirflowUnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def wait(self, dag_id, run_id):
        def state():
            return self.ask(lambda: self.api.run_state(dag_id, run_id))

        wait_for(lambda: state() in FINISHED_RUN, f"{dag_id} ends", RUN_TIMEOUT_S)
        return state()

    def task(self, run_id):
        path = f"/api/v2/dags/{POC}/dagRuns/{quote(run_id)}/taskInstances/poc"
        return self.ask(lambda: self.api._call("GET", path))

    def log(self, run_id, try_number=1):
        return self.ask(lambda: list(self.api.log_lines(POC, run_id, "poc", try_number=try_number)))

    def progress(self, run_id, try_number=1):
        return sum("progress" in line for line in self.log(run_id, try_number))

    def xcom(self, *place):
        return self.ask(lambda: self.api.xcom(*place))

    def running_pod(self):
        """Return the one pod of the POC, when its job runs."""

        def found():
            pods = self.cluster.pods(selector="job=poc")
            return [one for one in pods if one.status.phase == "Running" and not one.metadata.deletion_timestamp]

        (pod,) = wait_for(found, "the POC's pod runs", 120)
        return pod


@contextlib.contextmanager
def airflow(cluster, home, dags=REPOSITORY / "dags", worker=None, **environment):
    """Start an Airflow with jobs as pods; the node's folder holds everything. `worker`: more environment of pods."""
    cluster.clean()
    worker_environment = {"RADIANT_HOME": str(home), "RADIANT_PROGRESS__EVERY_S": "0.1"} | dict(worker or {})
    template = {"kind": "Pod", "spec": {"securityContext": {"runAsUser": os.geteuid(), "runAsNonRoot": False}}}
    (home / "template.yaml").write_text(yaml.safe_dump(template))
    config_map = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "worker"}, "data": worker_environment}
    cluster.kubectl("-n", cluster.namespace, "apply", "-f", "-", stdin=json.dumps(config_map))
    values = cluster.environment() | {
        "RADIANT_HOME": str(home),
        "RADIANT_KUBERNETES__ENV_FROM": "configmap/worker",
        "RADIANT_KUBERNETES__MOUNTS": json.dumps([{"path": str(home), "host_path": str(home)}]),
        "RADIANT_KUBERNETES__TEMPLATE": str(home / "template.yaml"),
        "RADIANT_JOBS__IMPORT_CASE__CPU": "0.5",
        "RADIANT_JOBS__IMPORT_CASE__MEMORY_MIB": "1024",
        **environment,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        settings = load_settings()
        with Standalone(settings, dags_folder=dags) as started:
            yield Running(api=started.api, settings=settings, cluster=cluster, home=home)


@pytest.fixture(scope="module")
def deferring(cluster):
    home = cluster.folder / "deferring"
    home.mkdir()
    with contextlib.ExitStack() as stack:
        host = cluster.address_of_this_machine()
        otlp = None if host is None else stack.enter_context(otlp_receiver(host))
        exported = {} if otlp is None else otlp.environment
        traces = exported | {"AIRFLOW__TRACES__OTEL_ON": "True"} if exported else {}
        found = stack.enter_context(airflow(cluster, home, worker=exported, **traces))
        found.otlp = otlp
        yield found


@pytest.fixture(scope="module")
def imported(deferring):
    """`import-radiant` of four cases, one of them malformed, beside a POC run of its own."""
    registry = Registry(deferring.settings.effective_registry_url)
    demo.make(deferring.home / "demo", len(GOOD), 500, 1)
    files = sorted((deferring.home / "demo").rglob("*.vcf.gz")), sorted((deferring.home / "demo").rglob("*.ped"))
    families = list(zip(*files, strict=True))
    cut = deferring.home / "cut.vcf.gz"
    whole = families[0][0].read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    for case_id, (vcf, ped) in zip((*GOOD, BAD), (*families, (cut, families[0][1])), strict=True):
        registry.add(
            Registration(
                vcf_uri=storage.file_uri(vcf),
                ped_uri=storage.file_uri(ped),
                case_id=case_id,
                strategy="wgs",
                priority=Priority.ROUTINE,
                assembly="GRCh38",
            )
        )
    run_id = deferring.api.trigger("import-radiant")
    beside = deferring.api.trigger(POC)
    seen = wait_for(lambda: progress_of_running_pods(deferring), "a pod that runs has a progress.json", RUN_TIMEOUT_S)
    state = deferring.wait("import-radiant", run_id)
    verdict = deferring.xcom("import-radiant", run_id, "verdict")
    return SimpleNamespace(state=state, verdict=verdict, registry=registry, beside=beside, run_id=run_id, seen=seen)


def progress_of_running_pods(running):
    """Return the progress of imports whose pods run at the moment."""
    documents = list((running.home / "work" / "import-vcf").glob("*/import_case/*/*/progress.json"))
    names = {
        one.metadata.name for one in running.cluster.pods(selector="job=import-case") if one.status.phase == "Running"
    }
    return [
        decode_progress(path.read_bytes(), str(path)).reading
        for path in documents
        if pod_name(path.parent.name) in names
    ]


def test_three_cases_are_imported_through_pods_and_the_malformed_one_is_named(deferring, imported):
    assert imported.state == "failed"
    assert sorted(imported.verdict["imported"]) == list(GOOD)
    assert [(one["case_id"], one["code"]) for one in imported.verdict["failed"]] == [(BAD, "VcfTruncated")]
    assert imported.verdict["trouble"] == []
    catalog = lake.open_catalog(deferring.settings)
    for case_id in GOOD:
        assert sum(batch.num_rows for batch in lake.case_rows(catalog, "radiant", case_id, "occurrence")), case_id
    states = {one.case.case_id: one.state for one in imported.registry.list_cases()}
    assert states == dict.fromkeys(GOOD, CaseState.IMPORTED) | {BAD: CaseState.FAILED}


def test_the_xcom_of_a_pod_has_its_measured_memory_and_time(deferring, imported):
    ((part,),) = deferring.xcom("import-radiant", imported.run_id, "parts")
    run_id = part_run_id(imported.run_id, part["part"], part["cases"])
    summary = deferring.xcom("import-vcf", run_id, "import_case", 0)
    assert summary["status"] == "succeeded"
    assert summary["peak_memory_mib"] > 10
    assert summary["cpu_s"] > 0
    assert summary["image"] == deferring.cluster.image


def test_the_progress_of_an_import_is_read_while_its_pod_runs_and_is_in_its_task_s_log(deferring, imported):
    assert {one.case_id for one in imported.seen} <= {*GOOD, BAD}
    ((part,),) = deferring.xcom("import-radiant", imported.run_id, "parts")
    run_id = part_run_id(imported.run_id, part["part"], part["cases"])
    lines = deferring.ask(lambda: list(deferring.api.log_lines("import-vcf", run_id, "import_case", 0)))
    assert {one.case_id for line in lines if (one := parse_progress(line)) is not None} == {part["cases"][0]}


@pytest.mark.usefixtures("imported")
def test_one_trace_leads_from_the_run_to_the_phases_of_a_job_in_its_pod(deferring):
    if deferring.otlp is None:
        pytest.skip("no node of the cluster is on this machine, so its pods reach no receiver here")
    (plan,) = deferring.otlp.named("radiant plan-import")
    run = deferring.otlp.root_of(plan.trace_id)
    assert run.attributes["airflow.dag_id"] == "import-radiant", run
    jobs = {one.attributes["radiant.case"]: one for one in deferring.otlp.named("radiant import-case")}
    assert set(jobs) == {*GOOD, BAD}
    for case_id, job in jobs.items():
        assert job.trace_id == plan.trace_id
        assert deferring.otlp.above(job)[0] == f"radiant case {case_id}"
        assert job.resource["service.name"] == "radiant-worker"
        phases = {span.name for span in deferring.otlp.spans if span.parent_id == job.span_id}
        assert phases >= (
            {"radiant read", "radiant stage", "radiant manifest"} if case_id in GOOD else {"radiant read"}
        )
    ended = {labels["job"] for name, labels, _ in deferring.otlp.points if name == "radiant.jobs"}
    assert ended >= {"plan-import", "prepare-part", "import-case", "commit-part"}


def test_the_poc_s_ten_lines_and_its_list_are_there_after_its_pod_is_gone(deferring, imported):
    assert deferring.wait(POC, imported.beside) == "success"
    wait_for(lambda: not deferring.cluster.pods(selector="job=poc"), "the pod is removed")
    assert deferring.progress(imported.beside) == 10
    assert len(deferring.xcom(POC, imported.beside, "poc")["output"]) == 10


def test_two_runs_at_once_have_a_pod_each(deferring):
    runs = [deferring.api.trigger(POC) for _ in range(2)]
    assert [deferring.wait(POC, run) for run in runs] == ["success", "success"]
    assert [deferring.progress(run) for run in runs] == [10, 10]


@pytest.mark.parametrize("how", ["mark failed", "clear"])
def test_marking_or_clearing_a_task_stops_its_pod(deferring, how):
    run_id = deferring.api.trigger(POC)
    pod = deferring.running_pod()
    wait_for(lambda: deferring.task(run_id)["state"] == "deferred", "the task waits in the triggerer")
    if how == "clear":
        wanted = {"dag_run_id": run_id, "task_ids": ["poc"], "only_failed": False, "dry_run": False}
        deferring.api._call("POST", f"/api/v2/dags/{POC}/clearTaskInstances", wanted)
        # The pod is stopped and the next try starts another, or the next try was quicker and has adopted it.
        assert deferring.wait(POC, run_id) == "success"
        assert len(deferring.xcom(POC, run_id, "poc")["output"]) == 10
    else:
        path = f"/api/v2/dags/{POC}/dagRuns/{quote(run_id)}/taskInstances/poc"
        deferring.api._call("PATCH", path, {"new_state": "failed"})
        assert deferring.wait(POC, run_id) == "failed"
    uid = pod.metadata.uid
    wait_for(lambda: uid not in {one.metadata.uid for one in deferring.cluster.pods()}, "the pod is removed", 90)


@pytest.fixture(scope="module")
def waiting(cluster):
    home = cluster.folder / "waiting"
    home.mkdir()
    # A job long enough to be disturbed in the middle, even on a busy machine.
    dags = home / "dags"
    shutil.copytree(REPOSITORY / "dags", dags)
    file = dags / "poc_ecs_k8s_operators.py"
    file.write_text(file.read_text().replace("arguments={}", 'arguments={"pause_s": 1.5}'))
    with airflow(cluster, home, dags, RADIANT_CONTAINER__DEFERRABLE="false") as found:
        yield found


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_that_dies_or_is_drained_leaves_its_pod_and_the_next_try_adopts_it(waiting, blow):
    run_id = waiting.api.trigger(POC)
    pod = waiting.running_pod()
    pid = wait_for(lambda: waiting.task(run_id)["pid"], "the task has a process")
    psutil.Process(pid).send_signal(blow)
    wait_for(lambda: waiting.task(run_id)["state"] in {"up_for_retry", "running", "success"}, "the try ends")
    time.sleep(1)
    assert pod.metadata.uid in {one.metadata.uid for one in waiting.cluster.pods()}, "the pod was stopped"
    assert waiting.wait(POC, run_id) == "success"
    assert waiting.task(run_id)["try_number"] == 2
    assert waiting.progress(run_id, try_number=2) == 10
    text = "\n".join(waiting.log(run_id, try_number=2))
    assert f"adopting the pod of an earlier try: {{'name': '{pod.metadata.name}'" in text
