"""Starts the fake as a process and speaks with it."""

import contextlib
import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from fakes.ecs.calls import Call

REGION = "us-east-1"
DEFAULT_ACCOUNT_ID = "123456789012"
TEMPLATE = Path(__file__).parents[3] / "deploy" / "ecs" / "template.yaml"


class FakeEcs:
    """A running fake; every method asks it over HTTP, so it serves tests and other processes alike."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def environment(self, who: str = "airflow") -> dict[str, str]:
        """Return the variables with which boto3, s3fs or Airflow's `aws_default` find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": who,
            "AWS_SECRET_ACCESS_KEY": "fake",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str, *, who: str = "test", retries: int = 0) -> Any:
        """Return a boto3 client; without retries of its own unless asked."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=who,
            aws_secret_access_key="fake",  # noqa: S106 - there is nothing to protect
            config=Config(retries={"total_max_attempts": retries + 1}),
        )

    def fault(self, kind: str, **fields: Any) -> None:
        """Plan a fault, see `fakes.ecs.faults`."""
        self._ask("fault", kind=kind, **fields)

    def clear_faults(self) -> None:
        self._ask("clear_faults")

    def calls(self, name: str | None = None, *, who: str | None = None) -> list[Call]:
        """Return the recorded calls in order, of one name or caller (`airflow`, `task-role`, `test`)."""
        found = [Call(**one) for one in self._ask("calls")]
        return [call for call in found if name in {None, call.name} and who in {None, call.who}]

    def clear_calls(self) -> None:
        self._ask("clear_calls")

    def tasks(self) -> list[dict[str, Any]]:
        """Return every task as DescribeTasks shows it, oldest first; times are in seconds since the epoch."""
        return self._ask("tasks")

    def wait(self, arn: str, status: str = "STOPPED", *, within_s: float = 60.0) -> dict[str, Any]:
        """Return the task as soon as it is in that status.

        Raises:
            TimeoutError: it is not in time.
        """
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            task = next(task for task in self.tasks() if task["taskArn"] == arn)
            if task["lastStatus"] == status:
                return task
            time.sleep(0.02)
        msg = f"{arn} is not {status} after {within_s} s: {task}"
        raise TimeoutError(msg)

    def interrupt(self, arn: str) -> None:
        """Take a task's spot capacity away: SIGTERM, then SIGKILL after its stopTimeout."""
        self._ask("interrupt", arn=arn)

    def retire(self, arn: str) -> None:
        """Stop a task for maintenance of its host."""
        self._ask("retire", arn=arn)

    def expire(self, arn: str) -> None:
        """Let DescribeTasks call a task MISSING, as an hour after its end."""
        self._ask("expire", arn=arn)

    def options(self, **options: Any) -> None:
        """Change options, see `fakes.ecs.server.DEFAULTS`."""
        self._ask("options", **options)

    def clear_tasks(self) -> None:
        self._ask("clear_tasks")

    def reset(self, *, services: bool = False) -> None:
        """Remove tasks (they are stopped first), faults, calls and options.

        Args:
            services: also clear the other services: clusters, buckets, log groups, stacks.
        """
        self._ask("reset", services=services)

    def provision(self, *, image: str = "radiant:test", families: dict[str, dict[str, Any]] | None = None) -> "Ground":
        """Make what an ECS backend needs: cluster, log group, roles' names, network, a task definition a family."""
        ecs, ec2 = self.client("ecs"), self.client("ec2")
        ecs.create_cluster(
            clusterName="radiant",
            capacityProviders=["FARGATE", "FARGATE_SPOT"],
            defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
        )
        with contextlib.suppress(Exception):
            self.client("logs").create_log_group(logGroupName="/radiant/jobs")
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
        groups = [one["GroupId"] for one in ec2.describe_security_groups()["SecurityGroups"]][:1]
        for family, more in (families or {"radiant-poc": {}}).items():
            log = {"awslogs-group": "/radiant/jobs", "awslogs-region": REGION, "awslogs-stream-prefix": family}
            container = {
                "name": "radiant",
                "image": image,
                "essential": True,
                "stopTimeout": 120,
                "logConfiguration": {"logDriver": "awslogs", "options": log},
                **more,
            }
            ecs.register_task_definition(
                family=family,
                requiresCompatibilities=["FARGATE"],
                networkMode="awsvpc",
                cpu="256",
                memory="512",
                containerDefinitions=[container],
            )
        return Ground("radiant", "/radiant/jobs", subnets, groups)

    def deploy(self, **parameters: str) -> "Ground":
        """Deploy `deploy/ecs/template.yaml`, with buckets for its data; parameters are stronger than the defaults."""
        s3, ec2, stacks = self.client("s3"), self.client("ec2"), self.client("cloudformation")
        for bucket in ("radiant-vcf", "radiant-work"):
            s3.create_bucket(Bucket=bucket)
        given = {
            "Image": "radiant:test",
            "VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
            "VcfBucket": "radiant-vcf",
            "WorkBucket": "radiant-work",
            "WarehouseBucket": "radiant-work",
        } | parameters
        name = given.get("Name", "radiant")
        stacks.create_stack(
            StackName=name,
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        found = stacks.describe_stacks(StackName=name)["Stacks"][0]
        if found["StackStatus"] != "CREATE_COMPLETE":
            msg = f"the stack is {found['StackStatus']}"
            raise RuntimeError(msg)
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
        subnets = [one["SubnetId"] for one in ec2.describe_subnets()["Subnets"]][:2]
        return Ground(outputs["Cluster"], outputs["LogGroup"], subnets, [outputs["SecurityGroup"]], outputs)

    def bind_airflow(self, name: str = "radiant") -> None:
        """Refuse `airflow` every call about ECS and logs that `deploy/ecs/airflow-policy.json` does not allow.

        S3 stays open: suites have buckets of their own.
        """
        where = f"{REGION}:{DEFAULT_ACCOUNT_ID}"
        values = {
            "AWS::Partition": "aws",
            "AWS::Region": REGION,
            "AWS::AccountId": DEFAULT_ACCOUNT_ID,
            "Name": name,
            "Cluster.Arn": f"arn:aws:ecs:{where}:cluster/{name}",
            "ExecutionRole.Arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/{name}-ExecutionRole-*",
            "TaskRole.Arn": f"arn:aws:iam::{DEFAULT_ACCOUNT_ID}:role/{name}-TaskRole-*",
            "WorkBucket": "*",
            "WorkPrefix": "",
        }
        text = TEMPLATE.with_name("airflow-policy.json").read_text()
        document = json.loads(re.sub(r"\$\{([^}]+)\}", lambda found: values[found[1]], text))
        document["Statement"].append({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
        self.options(policies={"airflow": document})

    def _ask(self, path: str, **fields: Any) -> Any:
        request = urllib.request.Request(f"{self.endpoint}/_fake/{path}", json.dumps(fields).encode())  # noqa: S310 - http
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http
                return json.load(answer)
        except urllib.error.HTTPError as error:
            msg = json.load(error)["error"]
            raise ValueError(msg) from None


class Ground:
    """What `FakeEcs.provision` or `FakeEcs.deploy` made."""

    def __init__(
        self,
        cluster: str,
        log_group: str,
        subnets: list[str],
        security_groups: list[str],
        outputs: dict[str, str] | None = None,
    ) -> None:
        self.cluster = cluster
        self.log_group = log_group
        self.subnets = subnets
        self.security_groups = security_groups
        self.outputs = outputs or {}

    @property
    def network(self) -> dict[str, Any]:
        """Return RunTask's `networkConfiguration`."""
        return {"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": self.security_groups}}


@contextlib.contextmanager
def fake_ecs(**options: Any) -> Generator[FakeEcs]:
    """Run a fake AWS while the block runs; options as `FakeEcs.options` takes them.

    It ends with this process, however that ends.
    """
    tests = Path(__file__).parents[2]
    command = [sys.executable, "-m", "fakes.ecs", "--until-input-ends", "--options", json.dumps(options)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "RADIANT_"))}
    environment["PYTHONPATH"] = str(tests)
    process = subprocess.Popen(
        command, cwd=tests, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    try:
        line = process.stdout.readline()
        if not line:
            msg = f"the fake ECS did not start: exit code {process.wait(10)}"
            raise RuntimeError(msg)
        yield FakeEcs(json.loads(line)["endpoint"])
    finally:
        process.stdin.close()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
