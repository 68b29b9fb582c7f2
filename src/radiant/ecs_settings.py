"""The settings of Amazon ECS."""

from typing import Literal

from pydantic import BaseModel, Field

from radiant.setting_types import GROUP, Names


class Ecs(BaseModel):
    """How jobs run as tasks on Amazon ECS; the defaults fit the template in `deploy/ecs`."""

    model_config = GROUP

    conn_id: str = "aws_default"
    """Airflow connection with the credentials; when it does not exist, boto3 finds them in its usual order."""
    region: str | None = None
    """AWS region; that of the connection or of `AWS_DEFAULT_REGION` when unset."""
    cluster: str = Field(default="radiant", min_length=1)
    """Cluster, by name or ARN."""
    task_definition: str = Field(default="radiant", min_length=1)
    """Prefix of the names of the task definitions: the job `poc` runs the newest revision of `<prefix>-poc`."""
    container: str = Field(default="radiant", min_length=1)
    """Container of the task definitions that runs the job."""
    subnets: Names = ()
    """Subnets of the tasks, separated by commas; several availability zones find capacity more often."""
    security_groups: Names = ()
    """Security groups of the tasks, separated by commas; the default group of the VPC when empty."""
    assign_public_ip: bool = False
    """Give tasks a public address: needed in a public subnet without NAT or VPC endpoints."""
    capacity_provider: str = Field(default="FARGATE", min_length=1)
    """Where tasks run: FARGATE, FARGATE_SPOT, or the name of an EC2 capacity provider of the cluster."""
    on_demand_provider: str | None = None
    """Capacity provider of a task that must not be interrupted again: the last try, and the last restart of a try. When
    unset FARGATE instead of FARGATE_SPOT, and otherwise the same provider."""
    platform_version: str = Field(default="LATEST", min_length=1)
    """Version of the Fargate platform."""
    architecture: Literal["X86_64", "ARM64"] = "X86_64"
    """CPU architecture of the task definitions that `radiant ecs deploy` makes; the image must have it."""
    log_group: str = Field(default="/radiant/jobs", min_length=1)
    """CloudWatch log group of the task definitions."""
    log_prefix: str | None = None
    """`awslogs-stream-prefix` of the task definitions when it is not their own name; a stream is
    `<prefix>/<container>/<task id>`."""
    log_delay_s: float = Field(default=15, ge=0, le=300)
    """How long the operator waits for the last lines of a log after the container ended."""

    @property
    def last_resort(self) -> str:
        """The capacity provider of a task that must not be interrupted again."""
        return self.on_demand_provider or (
            "FARGATE" if self.capacity_provider == "FARGATE_SPOT" else self.capacity_provider
        )
