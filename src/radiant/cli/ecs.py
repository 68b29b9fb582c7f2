"""`radiant ecs`: the AWS side of the backend `ecs`."""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated
from urllib.parse import urlsplit

import typer

from radiant.cli import ecs_checks as checks
from radiant.cli.aws import Aws, plain_errors
from radiant.cli.check_result import CheckResult, Grade, end_with, print_results, unknown
from radiant.cli.ecs_stack import ResourceChange, Stack, template_text
from radiant.errors import ConfigError, PlatformUnavailableError
from radiant.settings import Settings, connection_in_environment, load_settings

app = typer.Typer(
    help="Run jobs on Amazon ECS: deploy what they need, see what is sent, check it.", no_args_is_help=True
)

_PORTS = {"http": 80, "https": 443}
_Name = Annotated[str | None, typer.Option(help="Name of stack and cluster; RADIANT_ECS__CLUSTER when not given.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def deploy(  # noqa: PLR0913 - one parameter per option of the command
    *,
    name: _Name = None,
    image: Annotated[str | None, typer.Option(help="Image of the worker; RADIANT_IMAGE when not given.")] = None,
    vcf: Annotated[str | None, typer.Option(metavar="S3_URI", help="Folder of VCF files that jobs may read.")] = None,
    work: Annotated[
        str | None, typer.Option(metavar="S3_URI", help="Folder of requests and results; RADIANT_WORK_URI by default.")
    ] = None,
    warehouse: Annotated[
        str | None,
        typer.Option(metavar="S3_URI", help="Folder of the Iceberg tables; RADIANT_LAKE__WAREHOUSE by default."),
    ] = None,
    vpc: Annotated[str | None, typer.Option(help="VPC of the tasks; the account's default VPC when not given.")] = None,
    architecture: Annotated[str | None, typer.Option(help="X86_64 or ARM64; the image must have it.")] = None,
    registry_secret: Annotated[
        str | None, typer.Option(metavar="ARN", help="Secret that holds RADIANT_REGISTRY__URL.")
    ] = None,
    catalog_secret: Annotated[
        str | None, typer.Option(metavar="ARN", help="Secret that holds PYICEBERG_CATALOG__DEFAULT__URI.")
    ] = None,
    environment_file: Annotated[
        str | None, typer.Option(metavar="ARN", help=".env file in S3 with more settings of the worker, no secrets.")
    ] = None,
    database_port: Annotated[int | None, typer.Option(help="Port of registry and catalog; 5432 at first.")] = None,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help='Receiver of spans and metrics, such as http://collector:4318; "" for none.'),
    ] = None,
    task_policy: Annotated[
        str | None, typer.Option(metavar="ARN", help="Managed policy that jobs need beside the template's.")
    ] = None,
    log_days: Annotated[int | None, typer.Option(help="How long logs are kept; 30 days at first.")] = None,
    yes: _Yes = False,
) -> None:
    """Make or change the stack, then print its outputs and the settings for Airflow.

    A stack that is there keeps its value of every option that is not given.
    """
    settings = load_settings()
    aws = Aws(settings)
    stack = Stack(aws, name or settings.ecs.cluster)
    with plain_errors():
        found = stack.found()
        given: dict[str, object] = {
            "Name": name or settings.ecs.cluster,
            "Image": image or settings.image,
            "VpcId": vpc or (None if found else _default_vpc(aws)),
            "Architecture": architecture or (None if found else settings.ecs.architecture),
            "RegistryUrlSecret": registry_secret,
            "CatalogUriSecret": catalog_secret,
            "EnvironmentFile": environment_file,
            "DatabasePort": database_port,
            "OtlpEndpoint": otlp_endpoint,
            "OtlpPort": _port_of(otlp_endpoint) if otlp_endpoint else None,
            "TaskPolicy": task_policy,
            "LogRetentionDays": log_days,
            **_place("Vcf", vcf),
            **_place("Work", work or (settings.work_uri if _is_s3(settings.work_uri) else None)),
            **_place("Warehouse", warehouse or (settings.lake.warehouse if _is_s3(settings.lake.warehouse) else None)),
        }
        parameters = {key: str(value) for key, value in given.items() if value is not None}
        _check_first(parameters, first=found is None)
        changed = stack.deploy(template_text(), parameters, lambda changes: _agreed(changes, yes=yes))
        typer.echo("done" if changed else "nothing was changed")
        outputs = stack.outputs()
        if outputs:
            _print_settings(aws, outputs, settings)


def _port_of(url: str) -> int:
    found = urlsplit(url)
    with contextlib.suppress(ValueError):  # a port that is no number
        if found.scheme in _PORTS and found.hostname:
            return found.port or _PORTS[found.scheme]
    msg = f"--otlp-endpoint {url!r} is no address of a receiver: write it as http://collector:4318"
    raise ConfigError(msg)


@app.command()
def remove(*, name: _Name = None, yes: _Yes = False) -> None:
    """Remove the stack: cluster, task definitions, roles, log group with its logs. Buckets and secrets stay."""
    settings = load_settings()
    aws = Aws(settings)
    wanted = name or settings.ecs.cluster
    with plain_errors():
        stack = Stack(aws, wanted)
        if stack.found() is None:
            typer.echo(f"there is no stack {wanted} in {aws.region}")
            return
        cluster = stack.outputs().get("Cluster", wanted)
        running = _running(aws, cluster)
        if running:
            msg = (
                f"{running} tasks run on {cluster}: end their Airflow tasks (mark them failed), "
                "or wait for them, then remove again"
            )
            raise ConfigError(msg)
        if not yes and not typer.confirm(f"Remove {wanted} with the logs of its jobs?"):
            return
        stack.remove()
    typer.echo(f"{wanted} is removed; buckets, secrets, image and database are yours to keep or delete")


@app.command()
def render(
    job: Annotated[str, typer.Argument(help="Name of the job, such as import-case.")] = "poc",
    *,
    on_demand: Annotated[bool, typer.Option("--on-demand", help="As for the last try of a task.")] = False,
) -> None:
    """Print the RunTask that would be sent for a job; account numbers and passwords are replaced."""
    settings = load_settings()
    try:
        from radiant.cli.ecs_render import render as rendered  # noqa: PLC0415 - needs radiant[ecs]
    except ImportError as error:
        msg = f"{error.name} is not installed: install radiant[ecs] beside radiant[cli]"
        raise ConfigError(msg) from error
    call = rendered(settings, job, on_demand=on_demand)
    typer.echo(json.dumps(call, indent=2))
    typer.echo(f"overrides: {len(json.dumps(call['overrides']))} of 8192 characters", err=True)


@app.command()
def doctor() -> None:
    """Check credentials, cluster, definitions, roles, image, log, network, bucket, quotas; exit 78 if one is bad."""
    results = print_results(check_account(load_settings()))
    if wrong := sum(one.grade is Grade.WRONG for one in results):
        typer.echo(f"{wrong} to fix", err=True)
    end_with(results)


def check_account(settings: Settings) -> Iterator[CheckResult]:
    """Look at all that jobs on ECS need.

    Raises:
        ConfigError: no credentials, or no region.
        PlatformUnavailableError: AWS does not answer.
    """
    aws = Aws(settings)
    ecs = settings.ecs
    with plain_errors():
        aws.client("sts").get_caller_identity()
    look: list[tuple[str, Callable[[], Iterable[CheckResult]]]] = [
        ("settings", lambda: checks.check_settings(settings)),
        ("credentials", lambda: checks.check_identity(aws, settings, connection_in_environment(ecs.conn_id))),
        ("cluster", lambda: checks.check_cluster(aws, ecs)),
        ("jobs", lambda: checks.check_definitions(aws, settings)),
        ("network", lambda: checks.check_network(aws, ecs)),
        ("documents", lambda: checks.check_work(aws, settings)),
        ("quotas", lambda: checks.check_quotas(aws, settings)),
    ]
    for about, check in look:
        yield from _safely(about, check)


def _safely(about: str, check: Callable[[], Iterable[CheckResult]]) -> Iterator[CheckResult]:
    """Yield what a check finds; a missing right to look is unknown, not wrong."""
    try:
        with plain_errors():
            yield from check()
    except (ConfigError, PlatformUnavailableError) as error:
        yield unknown(about, f"not checked to the end: {error}", "give these credentials the right to look")


def _is_s3(uri: str | None) -> bool:
    return uri is not None and uri.startswith("s3://")


def _place(kind: str, uri: str | None) -> dict[str, str]:
    """Return the template's bucket and folder of a URI, nothing for none.

    Raises:
        ConfigError: it is not in S3.
    """
    if uri is None:
        return {}
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not _is_s3(uri) or not bucket:
        msg = f"{uri!r} is not a folder in S3: it must be s3://bucket/folder"
        raise ConfigError(msg)
    return {f"{kind}Bucket": bucket, f"{kind}Prefix": f"{key.strip('/')}/" if key.strip("/") else ""}


def _check_first(parameters: Mapping[str, str], *, first: bool) -> None:
    """Complain about options that the first deployment needs.

    Raises:
        ConfigError: one is missing.
    """
    needed = {"Image": "--image", "VcfBucket": "--vcf", "WorkBucket": "--work", "WarehouseBucket": "--warehouse"}
    missing = [option for key, option in (needed | {"VpcId": "--vpc"}).items() if first and key not in parameters]
    if missing:
        msg = f"the first deployment needs {', '.join(missing)}"
        raise ConfigError(msg)


def _default_vpc(aws: Aws) -> str | None:
    found = aws.client("ec2").describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    return found[0]["VpcId"] if found else None


def _agreed(changes: list[ResourceChange], *, yes: bool) -> bool:
    for change in changes:
        replaced = " (replaced)" if change.replaced else ""
        typer.echo(f"{change.action:<7} {change.kind:<26} {change.resource}{replaced}")
    return yes or typer.confirm("Do this?")


def _running(aws: Aws, cluster: str) -> int:
    ecs = aws.client("ecs")
    try:
        return len(ecs.list_tasks(cluster=cluster)["taskArns"])
    except ecs.exceptions.ClusterNotFoundException:
        return 0


def _print_settings(aws: Aws, outputs: Mapping[str, str], settings: Settings) -> None:
    ec2 = aws.client("ec2")
    group = ec2.describe_security_groups(GroupIds=[outputs["SecurityGroup"]])["SecurityGroups"][0]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [group["VpcId"]]}])["Subnets"]
    chosen = (
        [one for one in subnets if one["SubnetId"] in settings.ecs.subnets]
        or [
            one for one in subnets if not one["MapPublicIpOnLaunch"]
        ]  # where a VPC has private ones, tasks belong there
        or subnets
    )
    values = {
        "RADIANT_BACKEND": "ecs",
        "RADIANT_IMAGE": outputs["Image"],
        "RADIANT_WORK_URI": outputs["WorkUri"].rstrip("/"),
        "RADIANT_ECS__REGION": aws.region,
        "RADIANT_ECS__CLUSTER": outputs["Cluster"],
        "RADIANT_ECS__TASK_DEFINITION": outputs["TaskDefinition"],
        "RADIANT_ECS__LOG_GROUP": outputs["LogGroup"],
        "RADIANT_ECS__SECURITY_GROUPS": outputs["SecurityGroup"],
        "RADIANT_ECS__SUBNETS": ",".join(sorted(one["SubnetId"] for one in chosen)),
        "RADIANT_ECS__ASSIGN_PUBLIC_IP": str(all(one["MapPublicIpOnLaunch"] for one in chosen)).lower(),
        "RADIANT_ECS__ARCHITECTURE": outputs["Architecture"],
    }
    typer.echo("\n# Settings of Airflow's workers and triggerer; then `radiant ecs doctor`")
    for key, value in values.items():
        typer.echo(f"export {key}={value}")
    typer.echo(f"\n# Attach to the role of Airflow's workers and triggerer\n# {outputs['AirflowPolicy']}")
