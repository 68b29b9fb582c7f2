"""The backend `ecs` in a real Airflow: four cases imported by tasks of the fake ECS, everything on S3.

One Airflow (standalone, SQLite, LocalExecutor) whose tasks wait in the triggerer and reach AWS by the connection
`aws_default` alone; the containers are the real `radiant-worker`.
"""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest

from otlp_receiver import otlp_receiver
from radiant import demo, lake
from radiant.cli.airflow_api import FINISHED_RUN, AirflowApi
from radiant.cli.standalone import Standalone
from radiant.domain.case import CaseState, Priority
from radiant.errors import AirflowUnavailableError
from radiant.jobs.catalogue import JOBS
from radiant.registry import Registration, Registry
from radiant.settings import Settings, load_settings

REPOSITORY = Path(__file__).parents[2]
BUCKET = "clinic"
BAD = 900
POC = "POC-ecs-k8s-operators"
RUN_TIMEOUT_S = 1500
KEY = "the-key-of-aws-default"

pytestmark = pytest.mark.timeout(3600)


@dataclass
class Site:
    """One Airflow, the AWS it uses, and the results of its run of `import-radiant`."""

    settings: Settings
    api: AirflowApi
    aws: Any
    good: list[int]
    run_id: str = ""
    state: str = ""
    verdict: Any = None

    def wait(self, dag_id: str, run_id: str) -> str:
        deadline, state = time.monotonic() + RUN_TIMEOUT_S, None
        while state not in FINISHED_RUN:
            assert time.monotonic() < deadline, f"{dag_id} is {state} after {RUN_TIMEOUT_S} s"
            time.sleep(0.5)
            with contextlib.suppress(AirflowUnavailableError):  # busy
                state = self.api.run_state(dag_id, run_id)
        return str(state)

    def ecs_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the ECS tasks of a DAG run by their tags."""
        wanted = {"radiant:dag": dag_id, "radiant:run": run_id}
        return [
            task
            for task in self.aws.tasks()
            if wanted.items() <= {tag["key"]: tag["value"] for tag in task["tags"]}.items()
        ]


@pytest.fixture(scope="module")
def otlp():
    with otlp_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def site(aws, tmp_path_factory, otlp):
    home = tmp_path_factory.mktemp("home")
    aws.reset(services=True)
    places = {
        "RADIANT_HOME": str(home),
        "RADIANT_WORK_URI": f"s3://{BUCKET}/work",
        "RADIANT_LAKE__WAREHOUSE": f"s3://{BUCKET}/warehouse",
    }
    environment = [{"name": name, "value": value} for name, value in (places | otlp.environment).items()]
    ground = aws.provision(families={f"radiant-{job}": {"environment": environment} for job in JOBS})
    variables = (
        places
        | otlp.environment
        | {
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "RADIANT_BACKEND": "ecs",
            "RADIANT_CONTAINER__LOOK_S": "1",
            "RADIANT_ECS__LOG_DELAY_S": "1",
            "RADIANT_ECS__SUBNETS": ",".join(ground.subnets),
            "RADIANT_ECS__SECURITY_GROUPS": ",".join(ground.security_groups),
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        # The documents on S3 are reached by the environment, ECS by the connection.
        for name, value in (aws.environment(who="storage") | variables).items():
            patch.setenv(name, value)
        settings = load_settings()
        register(settings, home)
        with Standalone(settings, dags_folder=REPOSITORY / "dags") as airflow:
            extra = {"region_name": "us-east-1", "endpoint_url": aws.endpoint}
            airflow.api.put_connection(
                "aws_default", {"conn_type": "aws", "login": KEY, "password": "only-a-fake-secret", "extra": extra}
            )
            site = Site(settings, airflow.api, aws, good=[1, 2, 3])
            site.run_id = site.api.trigger("import-radiant")
            site.state = site.wait("import-radiant", site.run_id)
            site.verdict = site.api.xcom("import-radiant", site.run_id, "verdict")
            yield site
    aws.clear_tasks()


def register(settings: Settings, home: Path) -> None:
    """Register three families on S3, and the last one once more with its file cut in the middle."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    registry = Registry(settings.effective_registry_url)
    demo.make(home / "demo", 3, 500, 1)
    families = zip(sorted((home / "demo").rglob("*.vcf.gz")), sorted((home / "demo").rglob("*.ped")), strict=True)

    def add(case_id: int, vcf: bytes, ped: bytes) -> None:
        for name, content in (("vcf.gz", vcf), ("ped", ped)):
            s3.put_object(Bucket=BUCKET, Key=f"cases/{case_id}.{name}", Body=content)
        uris = {
            f"{name}_uri": f"s3://{BUCKET}/cases/{case_id}.{end}" for name, end in (("vcf", "vcf.gz"), ("ped", "ped"))
        }
        facts = {"strategy": "wgs", "priority": Priority.ROUTINE, "assembly": "GRCh38"}
        registry.add(Registration(case_id=case_id, **uris, **facts))

    for case_id, (vcf, ped) in enumerate(families, start=1):
        add(case_id, vcf.read_bytes(), ped.read_bytes())
    add(BAD, vcf.read_bytes()[: vcf.stat().st_size // 2], ped.read_bytes())


def test_the_run_is_red_and_names_the_malformed_case(site):
    assert site.state == "failed"
    (failed,) = site.verdict["failed"]
    assert (failed["case_id"], failed["code"]) == (BAD, "VcfTruncated")
    assert site.verdict["trouble"] == []


def test_the_good_cases_are_imported_and_visible(site):
    assert sorted(site.verdict["imported"]) == site.good
    catalog = lake.open_catalog(site.settings)
    for case_id in site.good:
        batches = lake.case_rows(catalog, site.settings.lake.namespace, case_id, "occurrence")
        assert sum(batch.num_rows for batch in batches) > 0
    states = {one.case.case_id: one.state for one in Registry(site.settings.effective_registry_url).list_cases()}
    assert states == dict.fromkeys(site.good, CaseState.IMPORTED) | {BAD: CaseState.FAILED}


def test_one_trace_leads_from_the_run_to_the_phases_of_a_job_in_its_ecs_task(site, otlp):
    (plan,) = otlp.named("radiant plan-import")
    assert otlp.root_of(plan.trace_id).attributes["airflow.dag_id"] == "import-radiant"
    jobs = {span.attributes["radiant.case"]: span for span in otlp.named("radiant import-case")}
    assert set(jobs) == {*site.good, BAD}
    for case_id, job in jobs.items():
        assert (job.trace_id, otlp.above(job)[0]) == (plan.trace_id, f"radiant case {case_id}")
        phases = {span.name for span in otlp.spans if span.parent_id == job.span_id}
        assert phases >= (
            {"radiant read", "radiant stage", "radiant manifest"} if case_id in site.good else {"radiant read"}
        )
    backends = {labels["backend"] for name, labels, _ in otlp.points if name == "radiant.import.tries"}
    assert backends == {"ecs"}
    waiting = [value for name, _, value in otlp.points if name == "radiant.cases.waiting"]
    assert (max(waiting), min(waiting)) == (4, 0), "planned, then imported or failed"


def test_the_malformed_case_was_one_task_and_one_try(site):
    runs = [run["dag_run_id"] for run in site.api._pages("/api/v2/dags/import-vcf/dagRuns", "dag_runs")]
    tasks = [
        task for run in runs for task in site.api.task_instances("import-vcf", run) if task.task_id == "import_case"
    ]
    assert [task.try_number for task in tasks] == [1] * len(tasks)
    started = [task for run in runs for task in site.ecs_tasks("import-vcf", run)]
    jobs = [next(tag["value"] for tag in task["tags"] if tag["key"] == "radiant:job") for task in started]
    assert jobs.count("import-case") == 4


def test_ecs_and_logs_are_reached_by_the_connection_aws_default(site):
    callers = {
        (call.name.partition(":")[0], call.who) for call in site.aws.calls() if call.who not in {"test", "task-role"}
    }
    assert callers == {("ecs", KEY), ("logs", KEY), ("s3", "storage")}


def test_the_poc_prints_ten_lines_once_and_in_order_and_returns_a_list(site):
    run_id = site.api.trigger(POC)
    assert site.wait(POC, run_id) == "success"
    assert site.api.xcom(POC, run_id, "poc")["output"] == [number * number for number in range(1, 11)]
    lines = [line for line in site.api.log_lines(POC, run_id, "poc") if "progress" in line]
    assert [line.partition("progress ")[2].partition(":")[0] for line in lines] == [f"{n}/10" for n in range(1, 11)]


def test_marking_a_deferred_task_failed_stops_its_ecs_task(site):
    # It would be over before a busy triggerer has looked at it.
    site.aws.fault("hold", delay_s=600)
    run_id = site.api.trigger(POC)
    deadline = time.monotonic() + 300
    while not (started := site.ecs_tasks(POC, run_id)) or not looked_at(site, started[0]["taskArn"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    site.api._call("PATCH", f"/api/v2/dags/{POC}/dagRuns/{quote(run_id)}/taskInstances/poc", {"new_state": "failed"})
    ended = site.aws.wait(started[0]["taskArn"], within_s=60)
    assert (ended["stopCode"], ended["stoppedReason"]) == ("UserInitiated", "radiant: KilledByUser")
    assert site.wait(POC, run_id) == "failed"


def looked_at(site, arn: str) -> bool:
    """Return whether the trigger has begun: before, Airflow has no process to pass a kill to."""
    return any(arn in call.parameters["tasks"] for call in site.aws.calls("ecs:DescribeTasks", who=KEY))
