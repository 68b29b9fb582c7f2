"""Airflow's policy allows exactly the calls that the backend `ecs` makes: no call is refused, no right is left over."""

import dataclasses
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from radiant.errors import JobNotYetError, JobRefusedError
from radiant.jobs.catalogue import effective_job
from radiant.jobs.documents import Result, Status
from radiant.jobs.reasons import Reason
from radiant.operators.ecs_task import ecs_platform
from radiant.operators.platform import ContainerOrder, State, TaskFacts
from radiant.operators.shared import discard
from radiant.operators.task_folder import TaskFolder
from radiant.operators.task_run import new_request
from radiant.settings import load_settings


@pytest.fixture
def ground(aws, monkeypatch):
    """The stack of deploy/ecs, its policy attached to the caller `airflow`."""
    aws.reset(services=True)
    made = aws.deploy()
    found = aws.client("iam").get_policy_version(PolicyArn=made.outputs["AirflowPolicy"], VersionId="v1")
    aws.options(policies={"airflow": found["PolicyVersion"]["Document"]})
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    monkeypatch.setenv("RADIANT_WORK_URI", made.outputs["WorkUri"])
    monkeypatch.setenv("RADIANT_ECS__SUBNETS", ",".join(made.subnets))
    monkeypatch.setenv("RADIANT_ECS__SECURITY_GROUPS", made.outputs["SecurityGroup"])
    monkeypatch.setenv("RADIANT_ECS__LOG_DELAY_S", "0.3")
    monkeypatch.setenv("RADIANT_CONTAINER__LOOK_S", "0.1")
    made.policy = found["PolicyVersion"]["Document"]
    aws.clear_calls()
    yield made
    aws.reset()
    discard()


def follow(runner, handle):
    """Look at a task and read its log to the end; return its end and its lines."""
    cursor, lines = "", []
    while True:
        status = runner.status(handle)
        page = runner.read_log(handle, cursor, status)
        cursor = page.cursor
        lines += page.lines
        if status.state is State.ENDED and not page.more:
            return status, lines
        time.sleep(0.1)


def order_of(settings, folder, *, attempt, pause_s, asked_at=0.0):
    spec = effective_job("poc", settings)
    request = new_request(spec, {"pause_s": pause_s}, folder, memory_mib=spec.resources.memory_mib, image=None)
    folder.write_request(dataclasses.replace(request, attempt=attempt))
    return ContainerOrder(
        job=spec,
        argv=folder.argv("poc", attempt),
        attempt=attempt,
        memory_mib=spec.resources.memory_mib,
        task=TaskFacts("POC", "run", "poc", map_index=-1, try_number=1, last_try=False),
        asked_at=asked_at,
    )


def test_no_call_is_refused_and_no_right_is_left_over(aws, ground):
    settings = load_settings()
    runner = ecs_platform.EcsPlatform(settings)
    run = f"{settings.effective_work_uri.rstrip('/')}/POC/run"
    folder, other = TaskFolder(run, f"{run}/poc"), TaskFolder(run, f"{run}/other")

    status, lines = follow(runner, runner.start(order_of(settings, folder, attempt="a1", pause_s=0)))
    assert (status.state, status.exit_code) == (State.ENDED, 0)
    assert any("progress 10/10" in line for line in lines)
    answer = folder.read_result("a1")
    assert isinstance(answer, Result)
    assert answer.status is Status.SUCCEEDED

    long_ago = time.time() - 30 * 3600
    handle = runner.start(order_of(settings, other, attempt="a2", pause_s=60, asked_at=long_ago))
    assert runner.find("a2", "poc")["arn"] == handle["arn"]
    runner.stop(handle, Reason.KILLED)
    assert follow(runner, handle)[0].reason == Reason.KILLED

    calls = aws.calls(who="airflow")
    assert [call.name for call in calls if call.outcome == "denied"] == []
    used = {action for call in calls for action, _ in call.needs}
    allowed = {
        action
        for statement in ground.policy["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    # Without the right to list S3 answers 403 for an object that is not there, instead of 404.
    assert used | {"s3:ListBucket"} == allowed


@pytest.mark.parametrize("action", ["ecs:RunTask", "iam:PassRole", "ecs:TagResource"])
def test_a_right_that_is_missing_refuses_the_job_and_names_the_policy(aws, ground, action):
    text = json.dumps(ground.policy).replace(f'"{action}"', '"ecs:Nothing"')
    aws.options(policies={"airflow": json.loads(text)})
    settings = load_settings()
    folder = TaskFolder(f"{settings.effective_work_uri}POC/run", f"{settings.effective_work_uri}POC/run/poc")
    with pytest.raises(JobRefusedError, match=rf"(?s){action}.*airflow-policy\.json"):
        ecs_platform.EcsPlatform(settings).start(order_of(settings, folder, attempt="a1", pause_s=0))


def test_another_cluster_s_tasks_are_out_of_reach(aws, ground):
    del ground
    aws.client("ecs").create_cluster(clusterName="theirs")
    ecs = aws.client("ecs", who="airflow")
    arn = "arn:aws:ecs:us-east-1:123456789012:task/theirs/0123456789abcdef0123456789abcdef"
    for call in (
        lambda: ecs.list_tasks(cluster="theirs"),
        lambda: ecs.describe_tasks(cluster="theirs", tasks=[arn]),
        lambda: ecs.stop_task(cluster="theirs", task=arn),
    ):
        with pytest.raises(ecs.exceptions.AccessDeniedException):
            call()


@pytest.fixture
def centre(ground, monkeypatch):
    """Return what makes the settings of a tenant that has the stack and a quota."""
    del ground

    def settings_of(**quota):
        entry = {"input_prefixes": "s3://north/vcf", "ecs_stack": "radiant", **quota}
        monkeypatch.setenv("RADIANT_TENANTS", json.dumps({"north": entry}))
        return load_settings(tenant="north")

    return settings_of


def starter(settings):
    """Return what starts the attempt of a name, a job that goes on until it is stopped."""
    run = f"{settings.effective_work_uri.rstrip('/')}/POC/run"

    def start(attempt):
        folder = TaskFolder(run, f"{run}/{attempt}")
        return ecs_platform.EcsPlatform(settings).start(order_of(settings, folder, attempt=attempt, pause_s=60))

    return start


def test_a_tenant_runs_as_many_jobs_as_its_quota_has_even_if_all_start_at_once(aws, centre):
    settings = centre(most_jobs=2)
    start = starter(settings)

    def outcome(attempt):
        try:
            return start(attempt)
        except JobNotYetError:
            return None

    with ThreadPoolExecutor(5) as pool:
        handles = dict(zip("abcde", pool.map(outcome, "abcde"), strict=True))
    started = {attempt: handle for attempt, handle in handles.items() if handle is not None}
    assert len(started) == 2
    # The same attempt again is the task that was started for it, though the quota is used up.
    assert {attempt: start(attempt)["arn"] for attempt in started} == {key: one["arn"] for key, one in started.items()}
    with pytest.raises(JobNotYetError, match="quota of tenant north has no room: 2 of 2 jobs are in use") as refused:
        start("f")
    assert refused.value.reason == Reason.QUOTA_EXCEEDED
    first = next(iter(started.values()))
    ecs_platform.EcsPlatform(settings).stop(first, Reason.KILLED)
    aws.wait(first["arn"])
    assert start("f")


def test_a_quota_of_memory_counts_what_each_job_requests(centre, monkeypatch):
    start = starter(centre(most_memory_gib=1))
    start("a")
    start("b")
    with pytest.raises(JobNotYetError, match="1 of 1 GiB are in use"):
        start("c")
    monkeypatch.setenv("RADIANT_JOBS__POC__MEMORY_MIB", "2048")
    with pytest.raises(JobRefusedError, match="the job needs 2 GiB, and the quota of tenant north is 1"):
        starter(centre(most_memory_gib=1))("d")


def test_a_quota_needs_a_stack_of_its_own(centre):
    with pytest.raises(JobRefusedError, match="ecs_stack"):
        starter(centre(most_jobs=2, ecs_stack=None))("a")
