import dataclasses
import json

import pytest

from radiant.ecs_settings import Ecs
from radiant.errors import JobRefusedError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.operators.ecs_task.run_task import LONGEST_OVERRIDES, log_stream, run_task_call
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.settings import Settings, load_settings

TASK = TaskFacts("import-vcf", "manual__2031-02-03T04:05:06.7+00:00__é#1", "import_case", 3, 1, last_try=False)
ECS = Ecs(subnets=("subnet-1", "subnet-2"), security_groups=("sg-1",))
ORDER = ContainerOrder(
    job=IMPORT_CASE,
    argv=["radiant-worker", "import-case", "--request", "s3://b/request.json", "--result", "s3://b/result.json"],
    attempt="11111111-2222-3333-4444-555555555555",
    memory_mib=4096,
    task=TASK,
)


def call_of(order, ecs=ECS):
    return run_task_call(order, Settings(ecs=ecs))


def test_the_whole_call():
    assert call_of(ORDER, ECS) == {
        "cluster": "radiant",
        "taskDefinition": "radiant-import-case",
        "count": 1,
        "clientToken": ORDER.attempt,
        "startedBy": ORDER.attempt,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
        "platformVersion": "LATEST",
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1", "subnet-2"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "DISABLED",
            }
        },
        "overrides": {
            "cpu": "2048",
            "memory": "4096",
            "containerOverrides": [{"name": "radiant", "command": ORDER.argv, "cpu": 2048, "memory": 4096}],
        },
        "tags": [
            {"key": "radiant:dag", "value": "import-vcf"},
            {"key": "radiant:run", "value": "manual__2031-02-03T04:05:06.7+00:00____1__cc1ea1adb5d16222"},
            {"key": "radiant:task", "value": "import_case"},
            {"key": "radiant:map-index", "value": "3"},
            {"key": "radiant:job", "value": "import-case"},
        ],
        "propagateTags": "TASK_DEFINITION",
        "enableECSManagedTags": True,
    }


def test_a_task_of_a_tenant_carries_its_tags_its_definition_and_its_own_entry():
    entry = {"input_prefixes": "s3://n/vcf", "ecs_stack": "north", "cost_tags": {"cost-center": "4711"}}
    environment = {"RADIANT_TENANTS": json.dumps({"north": entry}), "RADIANT_ECS__SUBNETS": "s1"}
    call = run_task_call(ORDER, load_settings(environment, tenant="north"))
    tags = {one["key"]: one["value"] for one in call["tags"]}
    assert (tags["radiant:tenant"], tags["cost-center"]) == ("north", "4711")
    assert (call["cluster"], call["taskDefinition"]) == ("north", "north-import-case")
    (container,) = call["overrides"]["containerOverrides"]
    given = {one["name"]: one["value"] for one in container["environment"]}
    assert load_settings(given).tenant == "north"


def test_environment_holds_the_trace_and_nothing_else():
    order = dataclasses.replace(ORDER, trace_context={"traceparent": "00-1-2-01", "tracestate": "a=b"})
    (container,) = call_of(order, ECS)["overrides"]["containerOverrides"]
    assert container["environment"] == [
        {"name": "TRACEPARENT", "value": "00-1-2-01"},
        {"name": "TRACESTATE", "value": "a=b"},
    ]


@pytest.mark.parametrize(
    ("settings", "first", "last"),
    [
        ({}, "FARGATE", "FARGATE"),
        ({"capacity_provider": "FARGATE_SPOT"}, "FARGATE_SPOT", "FARGATE"),
        ({"capacity_provider": "instances"}, "instances", "instances"),
        ({"capacity_provider": "spot-instances", "on_demand_provider": "instances"}, "spot-instances", "instances"),
    ],
)
def test_what_must_not_be_interrupted_again_takes_the_last_resort(settings, first, last):
    for on_demand, provider in ((False, first), (True, last)):
        call = call_of(dataclasses.replace(ORDER, on_demand=on_demand), ECS.model_copy(update=settings))
        assert call["capacityProviderStrategy"] == [{"capacityProvider": provider, "weight": 1}]


def test_instances_have_no_platform_version_and_any_size():
    ecs = Ecs(capacity_provider="instances")
    call = call_of(dataclasses.replace(ORDER, memory_mib=777), ecs)
    assert (call["overrides"]["cpu"], call["overrides"]["memory"]) == ("2048", "777")
    assert not {"platformVersion", "networkConfiguration"} & set(call)


def test_fargate_without_subnets_is_refused_by_the_setting_s_name():
    with pytest.raises(JobRefusedError, match="RADIANT_ECS__SUBNETS"):
        call_of(ORDER, Ecs())


@pytest.mark.parametrize(("scratch_gib", "asked"), [(1, None), (20, None), (21, 21), (200, 200)])
def test_scratch_above_the_free_20_gib_is_asked_for(scratch_gib, asked):
    overrides = call_of(with_scratch(scratch_gib), ECS)["overrides"]
    assert overrides.get("ephemeralStorage", {}).get("sizeInGiB") == asked


def test_scratch_above_200_gib_is_refused():
    with pytest.raises(JobRefusedError, match="RADIANT_JOBS__IMPORT_CASE__SCRATCH_GIB"):
        call_of(with_scratch(201), ECS)


def with_scratch(gib):
    job = dataclasses.replace(IMPORT_CASE, resources=dataclasses.replace(IMPORT_CASE.resources, scratch_gib=gib))
    return dataclasses.replace(ORDER, job=job)


def test_overrides_are_accepted_up_to_the_last_character_and_refused_above():
    used = len(json.dumps(call_of(with_word(""), ECS)["overrides"]))
    fits = call_of(with_word("x" * (LONGEST_OVERRIDES - used)), ECS)
    assert len(json.dumps(fits["overrides"])) == LONGEST_OVERRIDES
    with pytest.raises(JobRefusedError, match="8193 characters, ECS takes 8192"):
        call_of(with_word("x" * (LONGEST_OVERRIDES - used + 1)), ECS)


def with_word(word):
    return dataclasses.replace(ORDER, argv=[*ORDER.argv, word])


def test_a_refusal_makes_the_next_question_another_one():
    tokens = {call_of(dataclasses.replace(ORDER, refusals=n), ECS)["clientToken"] for n in (0, 1, 2, 1000)}
    assert len(tokens) == 4
    assert max(map(len, tokens)) <= 64


def tag_of_run(run_id):
    order = dataclasses.replace(ORDER, task=dataclasses.replace(TASK, run_id=run_id))
    return next(tag["value"] for tag in call_of(order, ECS)["tags"] if tag["key"] == "radiant:run")


@pytest.mark.parametrize("run_id", ["r" * 300, "\u03c4\u03c1\u03ad\u03be\u03b5", "\u03c4" * 250])
def test_a_run_id_that_is_no_tag_is_shortened_and_stays_its_own(run_id):
    values = {tag_of_run(run_id), tag_of_run(f"{run_id}2")}
    assert len(values) == 2
    assert all(len(value) <= 256 and value.isascii() for value in values)


@pytest.mark.parametrize(("prefix", "stream"), [(None, "radiant-poc/radiant/abc"), ("jobs", "jobs/radiant/abc")])
def test_the_log_s_name_is_as_ecs_makes_it(prefix, stream):
    ecs = Ecs(log_prefix=prefix)
    assert log_stream(ecs, "radiant-poc", "arn:aws:ecs:us-east-1:123456789012:task/radiant/abc") == stream
