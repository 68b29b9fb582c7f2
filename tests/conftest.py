"""Fixtures for every test."""

import atexit
import dataclasses
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

# Airflow writes a configuration file into its home as soon as it is imported: never into your own.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="radiant-test-airflow-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

# A shell starts what runs in its background with Ctrl-C ignored, and children would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parents[1]


# `too_slow` is about the seconds that examples take to make: a busy machine would fail by it.
settings.register_profile("repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repeatable")
"""The same examples in every run on any machine; `pytest --hypothesis-profile explore` looks for new ones."""


def pytest_configure(config: pytest.Config) -> None:
    """Let examples not depend on the tests before: hypothesis takes constants from the modules that are loaded."""
    if not config.getoption("hypothesis_profile"):
        pytest.MonkeyPatch().setattr(providers, "is_local_module_file", lambda _path: False)


@pytest.fixture(autouse=True)
def no_bug_of_a_reading_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which a reading process met a bug, even if one reader saved the case; `shard_bug` expects one."""
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(record.getMessage())
    logger = logging.getLogger("radiant.worker.import_case")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)
    bugs = [message for message in found if "this is a bug of radiant" in message]
    assert bool(bugs) == (request.node.get_closest_marker("shard_bug") is not None), bugs


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real VCF files beside the repository; absent on most machines."""
    folder = REPOSITORY.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real VCF files is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the VCF and the pedigree of one simulated trio, `FAM0001`, of 2,000 records; for reading."""
    from radiant.demo.make import make  # noqa: PLC0415 - as below

    folder = tmp_path_factory.mktemp("demo")
    make(folder, 1, 2000, 7)
    return folder / "FAM0001"


@pytest.fixture(scope="module")
def s3_server() -> Iterator[Any]:
    """An S3 for the tests of a module, `s3_store.S3Store`."""
    from s3_store import s3_store  # noqa: PLC0415 - as below

    with s3_store() as store:
        yield store


@pytest.fixture
def s3(s3_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The S3 of the module, empty and well; its ranges are asked for again without a pause."""
    from radiant.storage import read_ahead  # noqa: PLC0415 - as below

    monkeypatch.setattr(read_ahead, "PAUSES_S", (0.0, 0.0, 0.0))
    s3_server.fault = s3_server.fault_of_whole = s3_server.trouble = None
    s3_server.empty()
    s3_server.requests.clear()
    return s3_server


@pytest.fixture(scope="session")
def aws():
    """A fake AWS whose ECS runs tasks as processes of this machine; a test resets it before it uses it."""
    from fakes.ecs import fake_ecs  # noqa: PLC0415 - half a second that most tests need not pay

    with fake_ecs() as fake:
        yield fake


@dataclasses.dataclass(frozen=True)
class EcsGround:
    """The fake AWS with the parts that the backend `ecs` needs."""

    fake: Any
    settings: dict[str, str]
    """Variables for the fake AWS, with quick looks."""


@pytest.fixture
def ecs_ground(aws: Any) -> Iterator[EcsGround]:
    """The fake AWS, provisioned for every job, without leftovers of other tests."""
    from radiant.jobs.catalogue import JOBS  # noqa: PLC0415
    from radiant.operators.shared import discard  # noqa: PLC0415

    aws.reset(services=True)
    ground = aws.provision(families={f"radiant-{job}": {} for job in JOBS})
    ecs = aws.client("ecs")
    group = "arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:1:autoScalingGroupName/instances"
    ecs.create_capacity_provider(name="instances", autoScalingGroupProvider={"autoScalingGroupArn": group})
    ecs.put_cluster_capacity_providers(
        cluster=ground.cluster,
        capacityProviders=["FARGATE", "FARGATE_SPOT", "instances"],
        defaultCapacityProviderStrategy=[],
    )
    aws.bind_airflow()
    aws.clear_calls()
    yield EcsGround(
        aws,
        aws.environment()
        | {
            "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
            "RADIANT_ECS__CLUSTER": ground.cluster,
            "RADIANT_ECS__SUBNETS": ",".join(ground.subnets),
            "RADIANT_ECS__SECURITY_GROUPS": ",".join(ground.security_groups),
            "RADIANT_ECS__LOG_GROUP": ground.log_group,
            "RADIANT_ECS__LOG_DELAY_S": "0.3",
            "RADIANT_CONTAINER__LOOK_S": "0.1",
        },
    )
    aws.clear_tasks()
    discard("ECS reader")
