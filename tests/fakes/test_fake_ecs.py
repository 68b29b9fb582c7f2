"""The fake ECS behaves as the service; boto3 reads and checks every answer."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import psutil
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.validate import ParamValidator

from fakes.ecs import fake_ecs
from fakes.ecs.faults import Fault, FaultPlan
from fakes.ecs.sizes import FARGATE_MIB
from fakes.ecs.task import ORDER

FAMILY = "radiant-poc"


@pytest.fixture(scope="module")
def running():
    with fake_ecs() as fake:
        yield fake


@pytest.fixture
def fake(running):
    running.reset()
    return running


@pytest.fixture
def ground(fake):
    return fake.provision(families={FAMILY: {}})


@pytest.fixture
def ecs(fake):
    return fake.client("ecs")


@pytest.fixture
def run(ecs, ground):
    def start(*command, size=None, **more):
        container = {"name": "radiant", "command": list(command)}
        overrides = {"containerOverrides": [container], **(size or {})} | more.pop("overrides", {})
        asked = {"cluster": "radiant", "taskDefinition": FAMILY, "networkConfiguration": ground.network}
        return ecs.run_task(**asked | {"overrides": overrides} | more)

    return start


def arn_of(answer):
    return answer["tasks"][0]["taskArn"]


def events(fake, arn):
    stream = f"{FAMILY}/radiant/{arn.rpartition('/')[2]}"
    logs = fake.client("logs")
    return logs.get_log_events(logGroupName="/radiant/jobs", logStreamName=stream, startFromHead=True)["events"]


def messages(fake, arn):
    return [event["message"] for event in events(fake, arn)]


def refusal(call, *arguments, **named):
    with pytest.raises(ClientError) as raised:
        call(*arguments, **named)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_task_runs_its_command_and_shows_its_exit_code(fake, run):
    task = fake.wait(arn_of(run("sh", "-c", "exit 3")))
    assert task["containers"][0]["exitCode"] == 3
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )


def test_output_is_in_the_stream_that_awslogs_names_and_lines_share_time_stamps(fake, run):
    arn = arn_of(run(sys.executable, "-c", "for n in range(2000): print(n, flush=True)"))
    fake.wait(arn)
    found = events(fake, arn)
    assert [event["message"] for event in found] == [str(n) for n in range(2000)]
    assert len({event["timestamp"] for event in found}) < 1000


def test_an_empty_line_is_no_event_and_a_last_line_without_end_is_one(fake, run):
    arn = arn_of(run("printf", "a\n\nb"))
    fake.wait(arn)
    assert messages(fake, arn) == ["a", "b"]


def test_the_environment_is_the_definition_s_then_the_overrides(fake, ground, ecs):
    secrets = fake.client("secretsmanager")
    secret = secrets.create_secret(Name="db", SecretString=json.dumps({"url": "postgresql://x"}))["ARN"]
    fake.client("ssm").put_parameter(Name="/radiant/p", Value="from ssm", Type="String")
    more = {
        "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        "secrets": [{"name": "C", "valueFrom": f"{secret}:url::"}, {"name": "D", "valueFrom": "/radiant/p"}],
    }
    fake.provision(families={FAMILY: more})
    change = {"name": "radiant", "command": ["sh", "-c", 'echo "$A,$B,$C,$D"; echo $HOME']}
    change["environment"] = [{"name": "B", "value": "2"}]
    answer = ecs.run_task(
        cluster="radiant",
        taskDefinition=FAMILY,
        networkConfiguration=ground.network,
        overrides={"containerOverrides": [change]},
    )
    fake.wait(arn_of(answer))
    values, home = messages(fake, arn_of(answer))
    assert values == "1,2,postgresql://x,from ssm"
    assert not Path(home).exists()


def test_a_secret_that_is_not_there_fails_the_start(fake, ground, ecs):
    missing = {
        "secrets": [{"name": "C", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:no-abcdef"}]
    }
    fake.provision(families={FAMILY: missing})
    answer = ecs.run_task(cluster="radiant", taskDefinition=FAMILY, networkConfiguration=ground.network)
    task = fake.wait(arn_of(answer))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "unable to pull secrets" in task["stoppedReason"]
    assert "exitCode" not in task["containers"][0]


def test_a_task_goes_through_its_life_in_order(fake, run, ecs):
    fake.options(pace_s=0.3)
    arn = arn_of(run("sleep", "0.3"))
    seen = []
    while not seen or seen[-1] != "STOPPED":
        status = ecs.describe_tasks(cluster="radiant", tasks=[arn])["tasks"][0]["lastStatus"]
        if not seen or seen[-1] != status:
            seen.append(status)
    assert seen == [state for state in ORDER if state in seen], "a busy machine may miss one"
    assert len(seen) > 2, seen


def test_a_task_s_times_are_in_order(fake, run, ecs):
    arn = arn_of(run("true"))
    fake.wait(arn)
    task = ecs.describe_tasks(cluster="radiant", tasks=[arn])["tasks"][0]
    names = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt", "executionStoppedAt", "stoppedAt")
    times = [task[name] for name in names]
    assert times == sorted(times)


def test_answers_hold_only_members_of_the_service_model(fake, run):
    fake.wait(arn_of(run("true", tags=[{"key": "a", "value": "b"}])))
    shape = boto3.client("ecs", region_name="us-east-1").meta.service_model.shape_for("Task")
    for task in fake.tasks():
        assert set(task) <= set(shape.members)
        assert set(task["containers"][0]) <= set(shape.members["containers"].member.members)
        assert not ParamValidator().validate(task, shape).has_errors()


def test_a_container_above_its_memory_is_killed_and_says_so(fake, run):
    code = "import time; x = bytearray(200 << 20); time.sleep(300)"
    change = {"name": "radiant", "command": [sys.executable, "-c", code], "memory": 100}
    task = fake.wait(arn_of(run("x", overrides={"containerOverrides": [change]})))
    container = task["containers"][0]
    assert (container["exitCode"], container["reason"]) == (
        137,
        "OutOfMemoryError: Container killed due to memory usage",
    )
    assert task["stopCode"] == "EssentialContainerExited"


def test_the_task_s_own_memory_is_a_limit_as_well(fake, run):
    code = "import time; x = bytearray(600 << 20); time.sleep(300)"
    task = fake.wait(arn_of(run(sys.executable, "-c", code)))
    assert task["containers"][0]["exitCode"] == 137


def test_memory_of_a_whole_process_tree_counts(fake, run):
    child = f"{sys.executable} -c 'import time; x = bytearray(80 << 20); time.sleep(300)'"
    change = {"name": "radiant", "command": ["sh", "-c", f"{child} & {child} & wait"], "memory": 128}
    task = fake.wait(arn_of(run("x", overrides={"containerOverrides": [change]})))
    assert task["containers"][0]["exitCode"] == 137


def test_stop_sends_sigterm_and_names_the_user(fake, run, ecs):
    script = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print('up', flush=True); time.sleep(300)"
    )
    arn = arn_of(run(sys.executable, "-c", script))
    fake.wait(arn, "RUNNING")
    until_printed(fake, arn, "up")
    ecs.stop_task(cluster="radiant", task=arn, reason="cancelled in Airflow")
    task = fake.wait(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "cancelled in Airflow")
    assert task["containers"][0]["exitCode"] == 7


def until_printed(fake, arn, line):
    until = time.monotonic() + 60
    while line not in messages(fake, arn) and time.monotonic() < until:
        time.sleep(0.02)
    assert line in messages(fake, arn)


def test_what_ignores_sigterm_is_killed_after_its_stop_timeout(fake, run, ecs):
    fake.options(longest_stop_s=0.3)
    script = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(300)"
    arn = arn_of(run(sys.executable, "-c", script))
    fake.wait(arn, "RUNNING")
    until_printed(fake, arn, "up")
    ecs.stop_task(cluster="radiant", task=arn)
    assert fake.wait(arn)["containers"][0]["exitCode"] == 137


def test_a_task_stopped_before_it_ran_has_no_exit_code(fake, run, ecs):
    fake.fault("hold", delay_s=30)
    arn = arn_of(run("true"))
    assert ecs.stop_task(cluster="radiant", task=arn)["task"]["desiredStatus"] == "STOPPED"
    task = fake.wait(arn)
    assert task["stopCode"] == "UserInitiated"
    assert "exitCode" not in task["containers"][0]


def test_processes_that_a_job_leaves_behind_end_with_its_task(fake, run):
    arn = arn_of(run("sh", "-c", "sleep 300 & echo $!"))
    fake.wait(arn)
    pid = int(messages(fake, arn)[0])
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_spot_task_is_interrupted_by_name(fake, run):
    arn = arn_of(run("sleep", "300", capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]))
    fake.wait(arn, "RUNNING")
    fake.interrupt(arn)
    task = fake.wait(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("SpotInterruption", "Your Spot Task was interrupted.")
    assert (task["capacityProviderName"], task["containers"][0]["exitCode"]) == ("FARGATE_SPOT", 143)


@pytest.mark.parametrize(
    ("fault", "code", "exit_code"), [("spot", "SpotInterruption", 143), ("retire", "TerminationNotice", 143)]
)
def test_an_interruption_can_be_planned(fake, run, fault, code, exit_code):
    fake.fault(fault)
    task = fake.wait(arn_of(run("sleep", "300")))
    assert (task["stopCode"], task["containers"][0]["exitCode"]) == (code, exit_code)


def test_out_of_memory_can_be_planned(fake, run):
    fake.fault("oom")
    task = fake.wait(arn_of(run("sleep", "300")))
    assert task["containers"][0]["reason"].startswith("OutOfMemoryError")


def test_an_image_that_is_not_there_fails_the_start(fake, run):
    fake.options(images={"radiant:test": None})
    task = fake.wait(arn_of(run("true")))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError")
    assert "startedAt" not in task


def test_a_failed_start_can_be_planned_with_the_service_s_words(fake, run):
    fake.fault("start_failed", detail="ResourceInitializationError: unable to pull secrets")
    task = fake.wait(arn_of(run("true")))
    assert (task["stopCode"], task["stoppedReason"]) == (
        "TaskFailedToStart",
        "ResourceInitializationError: unable to pull secrets",
    )


def test_a_command_that_the_image_has_not_fails_the_start(fake, run):
    task = fake.wait(arn_of(run("no-such-command")))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "executable file not found" in task["stoppedReason"]


def test_an_image_s_commands_come_from_its_folder(fake, run, tmp_path):
    command = tmp_path / "radiant-worker"
    command.write_text("#!/bin/sh\necho mine $*\n")
    command.chmod(0o755)
    fake.options(images={"radiant:test": str(tmp_path)})
    arn = arn_of(run("radiant-worker", "poc"))
    fake.wait(arn)
    assert messages(fake, arn) == ["mine poc"]


def test_a_log_group_that_is_not_there_fails_the_start(fake, run):
    fake.client("logs").delete_log_group(logGroupName="/radiant/jobs")  # the next test's ground makes it again
    assert "log group does not exist" in fake.wait(arn_of(run("true")))["stoppedReason"]


def test_late_logs_arrive_as_long_after_they_were_written_as_planned(fake, run):
    fake.fault("late_logs", delay_s=1.5)
    arn = arn_of(run("echo", "late"))
    fake.wait(arn)
    until_printed(fake, arn, "late")
    (event,) = events(fake, arn)
    assert event["ingestionTime"] - event["timestamp"] >= 1500


def test_one_client_token_starts_one_task(run):
    first, second = (run("true", clientToken="t1") for _ in range(2))
    assert arn_of(first) == arn_of(second)


def test_a_client_token_for_something_else_is_a_conflict_that_names_the_task(run):
    arn = arn_of(run("true", clientToken="t1"))
    with pytest.raises(ClientError) as raised:
        run("false", clientToken="t1")
    assert raised.value.response["Error"]["Code"] == "ConflictException"
    assert raised.value.response["resourceIds"] == [arn]


def test_a_lost_reply_has_done_its_work(fake, run):
    fake.fault("lose_reply", call="ecs:RunTask")
    with pytest.raises(ConnectionClosedError):
        run("true", clientToken="t1")
    assert [task["taskArn"] for task in fake.tasks()] == [arn_of(run("true", clientToken="t1"))]


def test_a_dropped_call_has_done_nothing(fake, run):
    fake.fault("drop", call="ecs:RunTask")
    with pytest.raises(ConnectionClosedError):
        run("true")
    assert fake.tasks() == []


def test_a_lost_reply_of_another_service_has_done_its_work(fake):
    fake.fault("lose_reply", call="logs:CreateLogGroup")
    logs = fake.client("logs")
    with pytest.raises(ConnectionClosedError):
        logs.create_log_group(logGroupName="/g")
    assert "/g" in [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]]


@pytest.mark.parametrize(
    ("kind", "code"),
    [("throttle", "ThrottlingException"), ("unavailable", "ServerException"), ("deny", "AccessDeniedException")],
)
def test_a_call_is_refused_as_often_as_planned(fake, ground, ecs, kind, code):
    del ground
    fake.fault(kind, call="ecs:ListTasks", times=2)
    assert [refusal(ecs.list_tasks, cluster="radiant")[0] for _ in range(2)] == [code, code]
    assert ecs.list_tasks(cluster="radiant")["taskArns"] == []


def test_the_whole_api_can_be_down_for_a_time(fake, ground):
    del ground
    fake.fault("drop", call="*", who="airflow", times=None, seconds=3600)
    airflow = fake.client("logs", who="airflow")
    with pytest.raises(ConnectionClosedError):
        airflow.describe_log_groups()
    assert "logGroups" in fake.client("logs").describe_log_groups()
    fake.clear_faults()
    fake.fault("drop", call="*", who="airflow", times=None, seconds=3600, since=time.monotonic() - 3601)
    assert "logGroups" in airflow.describe_log_groups()


def test_no_capacity_is_a_failure_of_run_task_not_an_error(fake, run):
    fake.fault("capacity", match="FARGATE_SPOT")
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    assert run("true")["tasks"]
    answer = run("true", capacityProviderStrategy=spot)
    assert answer["tasks"] == []
    assert answer["failures"][0]["reason"].startswith("Capacity is unavailable at this time")
    assert run("true", capacityProviderStrategy=spot)["tasks"]


def test_describe_tasks_takes_a_hundred_and_names_the_missing(fake, run, ecs):
    arn = arn_of(run("true"))
    found = ecs.describe_tasks(cluster="radiant", tasks=[arn, "absent"])
    assert [task["taskArn"] for task in found["tasks"]] == [arn]
    assert found["failures"] == [{"arn": "arn:aws:ecs:us-east-1:123456789012:task/radiant/absent", "reason": "MISSING"}]
    many = [f"{n:032x}" for n in range(101)]
    assert refusal(ecs.describe_tasks, cluster="radiant", tasks=many)[0] == "InvalidParameterException"
    assert len(ecs.describe_tasks(cluster="radiant", tasks=many[:100])["failures"]) == 100
    fake.fault("missing")
    assert ecs.describe_tasks(cluster="radiant", tasks=[arn])["failures"][0]["reason"] == "MISSING"


def test_tags_are_shown_when_asked_for(run, ecs):
    arn = arn_of(run("true", tags=[{"key": "dag", "value": "import"}]))
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "more", "value": "1"}])
    plain = ecs.describe_tasks(cluster="radiant", tasks=[arn])["tasks"][0]
    tagged = ecs.describe_tasks(cluster="radiant", tasks=[arn], include=["TAGS"])["tasks"][0]
    assert plain["tags"] == []
    assert tagged["tags"] == [{"key": "dag", "value": "import"}, {"key": "more", "value": "1"}]
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == tagged["tags"]


def test_a_task_takes_over_the_tags_of_its_definition_and_of_ecs(fake, run, ecs):
    known = ecs.describe_task_definition(taskDefinition=FAMILY)["taskDefinition"]
    names = ("containerDefinitions", "networkMode", "cpu", "memory", "requiresCompatibilities")
    tags = [{"key": "cost-centre", "value": "genomics"}]
    ecs.register_task_definition(family=FAMILY, tags=tags, **{name: known[name] for name in names})
    run("true", propagateTags="TASK_DEFINITION", enableECSManagedTags=True)
    assert fake.tasks()[0]["tags"] == [*tags, {"key": "aws:ecs:clusterName", "value": "radiant"}]


def test_tasks_are_listed_by_started_by_and_by_desired_status(fake, run, ecs):
    ended = arn_of(run("true", startedBy="run-1"))
    fake.wait(ended)
    alive = arn_of(run("sleep", "300", startedBy="run-1"))
    other = arn_of(run("sleep", "300", startedBy="run-2"))

    def listed(**filters):
        return set(ecs.list_tasks(cluster="radiant", **filters)["taskArns"])

    assert listed() == {alive, other}
    assert listed(startedBy="run-1") == {alive}
    assert listed(startedBy="run-1", desiredStatus="STOPPED") == {ended}
    assert listed(family=FAMILY) == {alive, other}
    assert listed(family="another") == set()
    assert refusal(ecs.list_tasks, cluster="radiant", startedBy="x", family=FAMILY)[0] == "InvalidParameterException"


def test_a_long_list_comes_in_pages(fake, run, ecs):
    fake.options(slots=1)
    for _ in range(3):
        run("sleep", "300", count=10)
    pages = list(ecs.get_paginator("list_tasks").paginate(cluster="radiant", PaginationConfig={"PageSize": 12}))
    assert [len(page["taskArns"]) for page in pages] == [12, 12, 6]


def test_a_stopped_task_expires_after_a_while(fake, run, ecs):
    arn = arn_of(run("true"))
    fake.wait(arn)
    fake.options(retain_s=0)
    assert ecs.describe_tasks(cluster="radiant", tasks=[arn])["failures"][0]["reason"] == "MISSING"
    assert refusal(ecs.stop_task, cluster="radiant", task=arn)[1] == "The referenced task was not found."


def test_tasks_beyond_the_slots_wait_as_pending(fake, run):
    fake.options(slots=2)
    arns = [arn_of(run("sleep", "0.3")) for _ in range(5)]
    states = []
    while states.count("STOPPED") < 5:
        states = [task["lastStatus"] for task in fake.tasks()]
        assert states.count("RUNNING") <= 2
    assert len(arns) == 5


def test_fargate_takes_its_own_sizes_only(run):
    for cpu, sizes in FARGATE_MIB.items():
        for memory in (sizes[0], sizes[-1]):
            assert run("true", size={"cpu": str(cpu), "memory": str(memory)})["tasks"][0]["memory"] == str(memory)
        code, message = refusal(run, "true", size={"cpu": str(cpu), "memory": str(sizes[-1] + 512)})
        assert (code, message[:43]) == ("ClientException", "No Fargate configuration exists for given v")
    assert run("true", size={"cpu": "1 vCPU", "memory": "2 GB"})["tasks"][0]["cpu"] == "1024"


@pytest.mark.parametrize("scratch", [20, 201])
def test_scratch_disk_has_limits(run, scratch):
    assert refusal(run, "true", size={"ephemeralStorage": {"sizeInGiB": scratch}})[0] == "InvalidParameterException"


def test_a_container_larger_than_its_task_is_refused(run):
    change = {"name": "radiant", "command": ["true"], "memory": 600}
    assert refusal(run, "x", overrides={"containerOverrides": [change]})[1].endswith("is greater than for the task.")


def test_overrides_may_have_8192_characters(run):
    def length(size):
        overrides = {"containerOverrides": [{"name": "radiant", "command": ["echo", "x" * size]}]}
        return overrides, len(json.dumps(overrides, separators=(",", ":")))

    _, around = length(0)
    assert run("x", overrides=length(8192 - around)[0])["tasks"]
    assert refusal(run, "x", overrides=length(8193 - around)[0]) == (
        "InvalidParameterException",
        "Container Overrides length must be at most 8192",
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"taskDefinition": "absent"}, "TaskDefinition not found."),
        ({"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0"]}}}, "InvalidSubnetID.NotFound"),
        ({"launchType": "EC2"}, "No Container Instances were found"),
        ({"capacityProviderStrategy": [{"capacityProvider": "mine"}]}, "was not found"),
        ({"tags": [{"key": "a", "value": "b#c"}]}, "Invalid tag"),
        ({"count": 11}, "Count must be"),
    ],
)
def test_run_task_refuses_what_the_service_refuses(run, more, words):
    assert words in refusal(run, "true", **more)[1]


def test_an_unknown_cluster_is_refused(run):
    assert refusal(run, "true", cluster="absent")[0] == "ClusterNotFoundException"


def test_calls_are_recorded_by_caller_with_their_parameters(fake, run):
    run("true", startedBy="me")
    s3 = fake.client("s3", who="airflow")
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="a/b", Body=b"x")
    s3.head_object(Bucket="bucket", Key="a/b")
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": "a/b"}]})
    s3.list_objects_v2(Bucket="bucket")
    assert fake.calls("ecs:RunTask")[0].parameters["startedBy"] == "me"
    names = [call.name for call in fake.calls(who="airflow")]
    assert names == ["s3:CreateBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"]


def test_a_policy_binds_its_caller_alone_and_its_faults_name_the_right(fake, ground):
    del ground
    fake.bind_airflow()
    bound = fake.client("ecs", who="airflow")
    assert bound.list_tasks(cluster="radiant")["taskArns"] == []
    code, message = refusal(bound.list_clusters)
    assert code == "AccessDeniedException"
    assert "is not authorized to perform: ecs:ListClusters" in message
    assert fake.client("ecs").list_clusters()["clusterArns"]
    assert [call.outcome for call in fake.calls(who="airflow")] == ["", "denied"]


def test_a_task_reaches_the_services_with_the_role_of_its_own(fake, run):
    code = "import boto3; boto3.client('s3').create_bucket(Bucket='from-task')"
    task = fake.wait(arn_of(run(sys.executable, "-c", code, size={"cpu": "1024", "memory": "2048"})))
    assert task["containers"][0]["exitCode"] == 0
    assert [call.name for call in fake.calls(who="task-role")] == ["s3:CreateBucket"]


def test_it_ends_with_its_parent_process():
    code = (
        "import os, sys; from fakes.ecs import fake_ecs\n"
        "with fake_ecs() as fake:\n    print(fake.endpoint, flush=True); os.kill(os.getpid(), 9)"
    )
    tests = Path(__file__).parents[1]
    process = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(tests)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert process.returncode == -signal.SIGKILL
    port = int(re.search(r":(\d+)$", process.stdout.strip()).group(1))
    until = time.monotonic() + 60
    while _answers(port) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _answers(port)


def _answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_fault_that_refuses_the_call_leaves_the_tasks_faults_for_the_next():
    plan = FaultPlan()
    plan.add(Fault("oom"))
    plan.add(Fault("throttle", call="ecs:RunTask"))
    assert [fault.kind for fault in plan.take("ecs:RunTask", "", "airflow")] == ["throttle"]
    assert [fault.kind for fault in plan.take("ecs:RunTask", "", "airflow")] == ["oom"]


def test_an_unknown_fault_is_refused(fake):
    with pytest.raises(ValueError, match="there is no fault 'flood'"):
        fake.fault("flood")
