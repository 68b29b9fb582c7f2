"""What `radiant ecs doctor` looks at; each check reports what it found and how to fix it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from radiant.cli.aws import Aws
from radiant.cli.check_result import CheckResult, good, unknown, warning, wrong
from radiant.ecs_settings import Ecs
from radiant.jobs.catalogue import JOBS
from radiant.operators.ecs_task.run_task import family
from radiant.operators.ecs_task.size import MANAGED, task_size
from radiant.operators.ecs_task.task_status import AwsObject
from radiant.settings import Settings

_WITH_CREDENTIALS = ("plan-import", "prepare-part", "commit-part", "maintain-tables")
"""Jobs that reach the registry."""
_QUOTAS = {
    "FARGATE": ("L-3032A538", "Fargate On-Demand vCPU resource count"),
    "FARGATE_SPOT": ("L-36FBB829", "Fargate Spot vCPU resource count"),
}
"""Code and name of each provider's quota in the service `fargate`."""
_ECR = re.compile(r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com[a-z.]*/(?P<rest>.+)$")
_ENDPOINTS = ("ecr.api", "ecr.dkr", "logs", "s3")
_FEW_ADDRESSES = 32
_SECRET_NAME = re.compile(r"(?i)password|secret|token|key|registry__url|catalog__\w+__uri")
_DEPLOY = "run `radiant ecs deploy`"


def check_settings(settings: Settings) -> Iterator[CheckResult]:
    """Look at the settings alone."""
    if settings.backend == "ecs":
        yield good("settings", "RADIANT_BACKEND is ecs")
    else:
        yield warning("settings", f"RADIANT_BACKEND is {settings.backend}", "set RADIANT_BACKEND=ecs for Airflow")
    work = settings.effective_work_uri
    if work.startswith("s3://"):
        yield good("settings", f"documents are at {work}")
    else:
        yield wrong(
            "settings",
            f"RADIANT_WORK_URI is {work}, which a task on ECS cannot reach",
            "set it to the output WorkUri of `radiant ecs deploy`",
        )
    if not settings.ecs.subnets:
        yield wrong("settings", "RADIANT_ECS__SUBNETS is empty", "`radiant ecs deploy` prints those of the VPC")


def check_identity(aws: Aws, settings: Settings, connection: str | None) -> Iterator[CheckResult]:
    """Look at whose credentials these are, and at the connection that Airflow would use.

    Args:
        aws: account and region.
        settings: for the name of the connection.
        connection: the connection as this environment describes it, None where it does not.
    """
    found = aws.client("sts").get_caller_identity()
    yield good("credentials", f"credentials of {found['Arn']} in {aws.region}")
    name = settings.ecs.conn_id
    if connection is None:
        yield unknown(
            "credentials",
            f"the connection {name} is not in this environment; Airflow looks for it in its own places and goes on "
            "with its role where there is none",
            f"on the machine of Airflow: airflow connections get {name}",
        )
        return
    kind = connection_type(connection)
    if kind == "aws":
        yield good("credentials", f"AIRFLOW_CONN_{name.upper()} is of type aws")
    else:
        fix = 'it must be of type aws: \'{"conn_type": "aws", "extra": {"region_name": "..."}}\''
        yield wrong("credentials", f"AIRFLOW_CONN_{name.upper()} is of type {kind!r}", fix)


def connection_type(connection: str) -> str:
    """Return the type of a connection that is written as a URI or as JSON; nothing else of it, it may be secret."""
    if not connection.startswith("{"):
        return connection.partition("://")[0]
    try:
        return str(json.loads(connection).get("conn_type"))
    except ValueError:
        return "no valid JSON"


def check_cluster(aws: Aws, ecs: Ecs) -> Iterator[CheckResult]:
    """Look at the cluster and its capacity providers."""
    clusters = aws.client("ecs").describe_clusters(clusters=[ecs.cluster])["clusters"]
    active = [one for one in clusters if one["status"] == "ACTIVE"]
    if not active:
        yield wrong("cluster", f"there is no cluster {ecs.cluster} in {aws.region}", _DEPLOY)
        return
    yield good("cluster", f"cluster {ecs.cluster}")
    for name in dict.fromkeys((ecs.capacity_provider, ecs.last_resort)):
        if name in active[0].get("capacityProviders", []):
            yield good("cluster", f"capacity provider {name}")
        else:
            fix = "set RADIANT_ECS__CAPACITY_PROVIDER to one of the cluster's, or give the cluster this one"
            yield wrong("cluster", f"the cluster has no capacity provider {name}", fix)


def check_definitions(aws: Aws, settings: Settings) -> Iterator[CheckResult]:
    """Look at the task definition of every job, its roles, log and secrets, and at the image."""
    ecs = settings.ecs
    images: set[str] = set()
    roles: dict[str, str] = {}
    groups: set[str] = set()
    for job in JOBS:
        name = family(ecs, job)
        try:
            found = aws.client("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]
        except aws.client("ecs").exceptions.ClientException:
            yield wrong("jobs", f"there is no task definition {name}", _DEPLOY)
            continue
        container = next((one for one in found["containerDefinitions"] if one["name"] == ecs.container), None)
        if container is None:
            fix = "set RADIANT_ECS__CONTAINER to the container that runs the job"
            yield wrong("jobs", f"{name} has no container {ecs.container}", fix)
            continue
        faults = list(_faults(found, container, ecs, name))
        yield from faults or [good("jobs", f"task definition {name}:{found['revision']}")]
        yield from _secrets(aws, job, container)
        images.add(container["image"])
        groups.add((container.get("logConfiguration") or {}).get("options", {}).get("awslogs-group", ""))
        roles |= {role: name for key in ("executionRoleArn", "taskRoleArn") if (role := found.get(key))}
    for role, name in roles.items():
        yield from _role(aws, role, name)
    for group in groups & {ecs.log_group}:
        yield from _log_group(aws, group)
    for image in sorted(images):
        yield from _image(aws, image, settings.image)


def check_network(aws: Aws, ecs: Ecs) -> Iterator[CheckResult]:
    """Look at subnets, their way out, and security groups."""
    if not ecs.subnets:
        return
    ec2 = aws.client("ec2")
    try:
        subnets = ec2.describe_subnets(SubnetIds=list(ecs.subnets))["Subnets"]
        groups = ec2.describe_security_groups(GroupIds=list(ecs.security_groups))["SecurityGroups"]
    except ec2.exceptions.ClientError as error:
        text = error.response["Error"]["Message"]
        yield wrong("network", text, "correct RADIANT_ECS__SUBNETS and RADIANT_ECS__SECURITY_GROUPS")
        return
    vpcs = {one["VpcId"] for one in subnets} | ({one["VpcId"] for one in groups} if ecs.security_groups else set())
    if len(vpcs) > 1:
        fix = "all must be of one VPC"
        yield wrong("network", f"subnets and security groups are in the VPCs {', '.join(sorted(vpcs))}", fix)
    zones = {one["AvailabilityZone"] for one in subnets}
    if len(zones) < 2:  # noqa: PLR2004 - said below
        fix = "add subnets of other zones: capacity is found more often in two"
        yield warning("network", f"all subnets are in {', '.join(zones)}", fix)
    for subnet in subnets:
        name, free = subnet["SubnetId"], subnet["AvailableIpAddressCount"]
        if free < _FEW_ADDRESSES:
            yield warning("network", f"{name} has {free} free addresses", "each task takes one: add subnets")
        yield _way_out(ec2, subnet, public=ecs.assign_public_ip)
    for group in groups if ecs.security_groups else []:
        if any(_reaches_https(one) for one in group["IpPermissionsEgress"]):
            yield good("network", f"security group {group['GroupId']}")
        else:
            fix = "let it reach port 443: image, S3, logs and secrets are there"
            yield wrong("network", f"security group {group['GroupId']} lets nothing out", fix)


def check_work(aws: Aws, settings: Settings) -> Iterator[CheckResult]:
    """Look whether the bucket of the documents is there."""
    work = settings.effective_work_uri
    if not work.startswith("s3://"):
        return
    bucket = work.removeprefix("s3://").partition("/")[0]
    s3 = aws.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        found = {"404": "does not exist", "403": "may not be listed by these credentials"}
        text = found.get(error.response["Error"]["Code"], str(error))
        yield wrong("documents", f"bucket {bucket} {text}", "make it, or correct RADIANT_WORK_URI")
    else:
        yield good("documents", f"bucket {bucket}")


def check_quotas(aws: Aws, settings: Settings) -> Iterator[CheckResult]:
    """Look how many imports the account's quota of vCPUs lets run at once."""
    ecs, job = settings.ecs, JOBS["import-case"]
    units = task_size(job.resources.cpu, job.resources.memory_mib, "FARGATE").cpu_units
    for provider in dict.fromkeys(one for one in (ecs.capacity_provider, ecs.last_resort) if one in MANAGED):
        code, name = _QUOTAS[provider]
        quota = aws.client("service-quotas").get_service_quota(ServiceCode="fargate", QuotaCode=code)["Quota"]
        fit = int(quota["Value"] * 1024 / units)
        text = f"{name}: {quota['Value']:.0f}, {fit} import-case at once"
        if fit < 1:
            yield wrong("quotas", text, f"ask for more in Service Quotas ({code})")
        else:
            yield good("quotas", f"{text}; more wait for room")


def _faults(found: AwsObject, container: AwsObject, ecs: Ecs, name: str) -> Iterator[CheckResult]:
    if {ecs.capacity_provider, ecs.last_resort} & set(MANAGED):
        if "FARGATE" not in found.get("compatibilities", []) or found.get("networkMode") != "awsvpc":
            yield wrong("jobs", f"{name} cannot run on Fargate", _DEPLOY)
        if not found.get("executionRoleArn"):
            yield wrong("jobs", f"{name} has no execution role", _DEPLOY)
    architecture = found.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
    if architecture != ecs.architecture:
        fix = "set RADIANT_ECS__ARCHITECTURE, or deploy with the other --architecture and its image"
        yield wrong("jobs", f"{name} is for {architecture}, RADIANT_ECS__ARCHITECTURE is {ecs.architecture}", fix)
    log = container.get("logConfiguration") or {}
    options, prefix = log.get("options", {}), ecs.log_prefix or name
    wanted = ("awslogs", ecs.log_group, prefix)
    if (log.get("logDriver"), options.get("awslogs-group"), options.get("awslogs-stream-prefix")) != wanted:
        fix = "set RADIANT_ECS__LOG_GROUP and RADIANT_ECS__LOG_PREFIX as the definition has them, else no log is shown"
        yield wrong("jobs", f"{name} does not log to {ecs.log_group} with the prefix {prefix}", fix)
    for one in container.get("environment") or []:
        if _SECRET_NAME.search(one["name"]):
            yield wrong(
                "jobs",
                f"{name} holds {one['name']} in plain text, readable by every user that may describe it",
                "put the value into Secrets Manager and deploy with --registry-secret or --catalog-secret",
            )


def _secrets(aws: Aws, job: str, container: AwsObject) -> Iterator[CheckResult]:
    names = {one["name"]: one["valueFrom"] for one in container.get("secrets") or []}
    if job in _WITH_CREDENTIALS and "RADIANT_REGISTRY__URL" not in names:
        fix = "deploy with --registry-secret; without it only the POC job can run"
        yield warning("jobs", f"{job} gets no RADIANT_REGISTRY__URL", fix)
    client = aws.client("secretsmanager")
    for name, place in names.items():
        if ":secretsmanager:" not in place:
            continue
        try:
            client.describe_secret(SecretId=":".join(place.split(":")[:7]))
        except client.exceptions.ResourceNotFoundException:
            yield wrong("jobs", f"the secret of {name} for {job} does not exist", "make it, then deploy again")


def _role(aws: Aws, arn: str, name: str) -> Iterator[CheckResult]:
    iam = aws.client("iam")
    role = arn.rpartition("/")[2]
    try:
        found = iam.get_role(RoleName=role)["Role"]
    except iam.exceptions.NoSuchEntityException:
        yield wrong("jobs", f"the role {role} of {name} does not exist", _DEPLOY)
        return
    if "ecs-tasks.amazonaws.com" in str(found["AssumeRolePolicyDocument"]):
        yield good("jobs", f"role {role}")
    else:
        fix = "its trust policy must name ecs-tasks.amazonaws.com"
        yield wrong("jobs", f"ECS may not take the role {role}", fix)


def _log_group(aws: Aws, name: str) -> Iterator[CheckResult]:
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    group = next((one for one in found if one["logGroupName"] == name), None)
    if group is None:
        yield wrong("jobs", f"there is no log group {name}; a task without it does not start", _DEPLOY)
    elif "retentionInDays" not in group:
        yield warning("jobs", f"log group {name} keeps everything for ever", "set its retention")
    else:
        yield good("jobs", f"log group {name}, {group['retentionInDays']} days")


def _image(aws: Aws, image: str, wanted: str | None) -> Iterator[CheckResult]:
    if wanted is not None and wanted != image:
        fix = "set RADIANT_IMAGE to it, or deploy the other with --image: it is recorded with every import"
        yield wrong("jobs", f"the task definitions run {image}, RADIANT_IMAGE is {wanted}", fix)
    place = _ECR.match(image)
    if place is None:
        fix = "pull it from a task's subnet to be sure"
        yield unknown("jobs", f"image {image} is not in ECR and was not looked for", fix)
        return
    repository, _, digest = place["rest"].partition("@")
    repository, _, tag = repository.partition(":")
    ecr = aws.client("ecr")
    one = {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}
    try:
        ecr.describe_images(registryId=place["account"], repositoryName=repository, imageIds=[one])
    except (ecr.exceptions.ImageNotFoundException, ecr.exceptions.RepositoryNotFoundException):
        yield wrong("jobs", f"image {image} does not exist", "push it, or deploy with another --image")
    else:
        yield good("jobs", f"image {image}")


def _way_out(ec2: Any, subnet: AwsObject, *, public: bool) -> CheckResult:
    name, vpc = subnet["SubnetId"], subnet["VpcId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "association.subnet-id", "Values": [name]}])["RouteTables"]
    if not tables:
        main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}]
        tables = ec2.describe_route_tables(Filters=main)["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    if any("NatGatewayId" in one or "TransitGatewayId" in one for one in routes):
        return good("network", f"subnet {name}, out by NAT")
    if any(one.get("GatewayId", "").startswith("igw-") for one in routes):
        if public:
            return good("network", f"subnet {name}, public addresses")
        return wrong(
            "network",
            f"subnet {name} is public and tasks get no public address: they reach nothing",
            "set RADIANT_ECS__ASSIGN_PUBLIC_IP=true, or choose subnets with NAT",
        )
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    found = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    missing = [one for one in _ENDPOINTS if not any(end["ServiceName"].endswith(f".{one}") for end in found)]
    if missing:
        fix = f"add NAT, or VPC endpoints for {', '.join(missing)}"
        return wrong("network", f"subnet {name} has no way to AWS's services", fix)
    return good("network", f"subnet {name}, out by VPC endpoints")


def _reaches_https(permission: AwsObject) -> bool:
    if permission["IpProtocol"] == "-1":
        return True
    port = 443
    return permission["IpProtocol"] == "tcp" and permission["FromPort"] <= port <= permission["ToPort"]
