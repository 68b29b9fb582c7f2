"""`radiant ecs` against a fake AWS: deploy, change, render, check, remove."""

import json
import re

import pytest
from typer.testing import CliRunner

from radiant.cli import ecs, ecs_stack
from radiant.cli.aws import Aws
from radiant.cli.ecs_checks import connection_type
from radiant.cli.main import app
from radiant.errors import ConfigError, JobRefusedError, RadiantError
from radiant.jobs.catalogue import JOBS
from radiant.settings import load_settings, setting_names

FIRST = ["--image", "radiant:1", "--vcf", "s3://radiant-vcf/in", "--work", "s3://radiant-work/work/"]
FIRST += ["--warehouse", "s3://radiant-work/warehouse", "--yes"]


@pytest.fixture(scope="module")
def cloud(aws):
    """An account with two buckets and a default VPC with a way out, as accounts have it."""
    aws.reset(services=True)
    for bucket in ("radiant-vcf", "radiant-work"):
        aws.client("s3").create_bucket(Bucket=bucket)
    ec2 = aws.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=ec2.describe_vpcs()["Vpcs"][0]["VpcId"])
    for table in ec2.describe_route_tables()["RouteTables"]:
        ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    return aws


@pytest.fixture(scope="module")
def session(cloud):
    """One set of clients for all tests: making them again costs seconds a command."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment("person").items():
            patch.setenv(name, value)
        made = Aws(load_settings())
        for service in ("cloudformation", "ec2", "ecs", "iam", "logs", "s3", "secretsmanager", "service-quotas", "sts"):
            made.client(service)
        patch.setattr(ecs, "Aws", lambda _settings: made)
        yield made


@pytest.fixture(autouse=True)
def environment(cloud, session, monkeypatch):
    del session
    cloud.reset()
    for name in list(setting_names()):
        monkeypatch.delenv(name, raising=False)
    for name, value in cloud.environment("person").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(ecs_stack, "_PAUSE_S", 0.05)


def command(*words, answer=None):
    return CliRunner().invoke(app, ["ecs", *words], input=answer, catch_exceptions=False)


def exports(printed):
    return dict(re.findall(r"^export (\w+)=(.*)$", printed, re.MULTILINE))


@pytest.fixture(scope="module")
def printed(cloud, session):
    """What `deploy` printed of a stack that the tests of this file share and do not change."""
    del session
    secret = cloud.client("secretsmanager").create_secret(Name="registry", SecretString="postgresql://x")["ARN"]
    return command("deploy", *FIRST, "--registry-secret", secret).stdout


@pytest.fixture
def deployed(printed, monkeypatch):
    """Take over the settings that `deploy` printed, as a person does."""
    for name, value in exports(printed).items():
        monkeypatch.setenv(name, value)


def parameters(cloud, name):
    found = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in found}


def test_deploy_makes_the_stack_and_prints_settings_that_radiant_has(cloud, printed):
    assert re.search(r"^Add +AWS::ECS::TaskDefinition +ImportCase$", printed, re.MULTILINE)
    exported = exports(printed)
    assert set(exported) <= set(setting_names())
    assert exported["RADIANT_WORK_URI"] == "s3://radiant-work/work"
    assert exported["RADIANT_ECS__SUBNETS"].count("subnet-") > 1
    assert ":policy/radiant-airflow-us-east-1" in printed
    assert cloud.client("ecs").describe_clusters(clusters=["radiant"])["clusters"][0]["status"] == "ACTIVE"
    assert parameters(cloud, "radiant")["VcfPrefix"] == "in/"


def test_deploy_again_changes_what_is_given_and_keeps_the_rest(cloud):
    command("deploy", "--name", "other", *FIRST)
    assert "nothing was changed" in command("deploy", "--name", "other", "--yes").stdout
    assert "Modify" in command("deploy", "--name", "other", "--image", "radiant:2", "--yes").stdout
    kept = parameters(cloud, "other")
    assert (kept["Image"], kept["VcfBucket"]) == ("radiant:2", "radiant-vcf")
    found = cloud.client("ecs").describe_task_definition(taskDefinition="other-poc")["taskDefinition"]
    assert (found["revision"], found["containerDefinitions"][0]["image"]) == (2, "radiant:2")


def test_a_receiver_of_spans_is_in_each_definition_with_a_way_to_its_port(cloud):
    command("deploy", "--name", "traced", *FIRST, "--otlp-endpoint", "https://collector.example")
    assert parameters(cloud, "traced")["OtlpPort"] == "443"
    found = cloud.client("ecs").describe_task_definition(taskDefinition="traced-import-case")["taskDefinition"]
    given = {one["name"]: one["value"] for one in found["containerDefinitions"][0]["environment"]}
    assert given["OTEL_EXPORTER_OTLP_ENDPOINT"] == "https://collector.example"
    command("deploy", "--name", "traced", "--otlp-endpoint", "http://10.0.0.7:4318", "--yes")
    assert parameters(cloud, "traced")["OtlpPort"] == "4318"
    for wrong in ("collector:4318", "http://", "http://c:port"):
        with pytest.raises(ConfigError, match="write it as http://collector:4318"):
            command("deploy", "--name", "traced", "--otlp-endpoint", wrong, "--yes")


def test_deploy_changes_nothing_without_consent(cloud):
    found = command("deploy", "--name", "unwanted", *FIRST[:-1], answer="n\n")
    assert found.exit_code == 0
    assert cloud.client("ecs").describe_clusters(clusters=["unwanted"])["clusters"] == []
    assert "there is no stack unwanted" in command("remove", "--name", "unwanted").stdout


def test_the_first_deploy_names_every_option_that_is_missing():
    with pytest.raises(ConfigError, match="needs --image, --vcf, --work, --warehouse"):
        command("deploy", "--name", "another")


@pytest.mark.parametrize("uri", ["/data/vcf", "gs://bucket/x", "s3://"])
def test_a_folder_that_is_not_in_s3_is_refused(uri):
    with pytest.raises(ConfigError, match="must be s3://bucket/folder"):
        command("deploy", "--vcf", uri)


def test_a_right_that_is_missing_is_said_in_one_sentence(cloud):
    cloud.fault("deny", call="cloudformation:*")
    with pytest.raises(RadiantError, match=r"AWS refuses DescribeStacks: .*not authorized"):
        command("deploy", *FIRST)


def test_remove_leaves_nothing_but_the_data(cloud):
    command("deploy", "--name", "leaving", *FIRST)
    assert "leaving is removed" in command("remove", "--name", "leaving", "--yes").stdout
    client = cloud.client("ecs")
    assert client.list_task_definitions(familyPrefix="leaving-poc")["taskDefinitionArns"] == []
    assert [role for role in cloud.client("iam").list_roles()["Roles"] if "leaving" in role["RoleName"]] == []
    assert {one["Name"] for one in cloud.client("s3").list_buckets()["Buckets"]} >= {"radiant-vcf", "radiant-work"}


@pytest.mark.usefixtures("deployed")
def test_remove_stops_no_other_task(cloud):
    call = json.loads(command("render", "poc").stdout)
    change = {"name": "radiant", "command": ["sleep", "30"]}
    task = cloud.client("ecs").run_task(**call | {"overrides": {"containerOverrides": [change]}})["tasks"][0]
    with pytest.raises(ConfigError, match="1 tasks run on radiant"):
        command("remove", "--yes")
    assert cloud.wait(task["taskArn"], "RUNNING")["desiredStatus"] == "RUNNING"


def test_render_prints_a_run_task_that_ecs_takes(cloud, deployed):
    del deployed
    call = json.loads(command("render", "import-case").stdout)
    assert call["overrides"]["containerOverrides"][0]["command"][:2] == ["radiant-worker", "import-case"]
    assert (call["overrides"]["cpu"], call["overrides"]["memory"]) == ("2048", "4096")
    assert cloud.client("ecs").run_task(**call)["tasks"]


def test_render_shows_the_last_try_on_demand(deployed, monkeypatch):
    del deployed
    monkeypatch.setenv("RADIANT_ECS__CAPACITY_PROVIDER", "FARGATE_SPOT")
    strategies = [json.loads(command(*words).stdout)["capacityProviderStrategy"] for words in RENDERS]
    assert [one[0]["capacityProvider"] for one in strategies] == ["FARGATE_SPOT", "FARGATE"]


RENDERS = (["render", "poc"], ["render", "poc", "--on-demand"])


def test_render_hides_account_numbers_and_passwords(deployed, monkeypatch):
    del deployed
    monkeypatch.setenv("RADIANT_ECS__CLUSTER", "arn:aws:ecs:us-east-1:123456789012:cluster/radiant")
    monkeypatch.setenv("RADIANT_WORK_URI", "s3://key:pa55@radiant-work/work")
    printed = command("render").stdout
    assert "arn:aws:ecs:us-east-1:***:cluster/radiant" in printed
    assert "123456789012" not in printed
    assert "pa55" not in printed


def test_render_says_what_ecs_would_refuse(deployed, monkeypatch):
    del deployed
    monkeypatch.delenv("RADIANT_ECS__SUBNETS")
    with pytest.raises(JobRefusedError, match="RADIANT_ECS__SUBNETS is empty"):
        command("render")


def test_doctor_has_nothing_to_fix_after_deploy(deployed, monkeypatch):
    del deployed
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    found = command("doctor")
    assert "wrong" not in found.stdout
    assert found.exit_code == 0
    for text in ("capacity provider FARGATE", "task definition radiant-poc:1", "log group /radiant/jobs, 30 days"):
        assert re.search(rf"^ok .*{text}", found.stdout, re.MULTILINE)
    assert "4000, 2000 import-case at once" in found.stdout


def test_doctor_finds_everything_wrong_where_nothing_is(monkeypatch):
    monkeypatch.setenv("RADIANT_ECS__CLUSTER", "absent")
    monkeypatch.setenv("RADIANT_ECS__TASK_DEFINITION", "absent")
    found = command("doctor")
    assert found.exit_code == 78
    assert "there is no cluster absent" in found.stdout
    assert found.stdout.count("there is no task definition") == len(JOBS)
    assert "-> run `radiant ecs deploy`" in found.stdout
    assert "RADIANT_WORK_URI is file://" in found.stdout
    assert "RADIANT_ECS__SUBNETS is empty" in found.stdout


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("RADIANT_ECS__CAPACITY_PROVIDER", "mine", "the cluster has no capacity provider mine"),
        ("RADIANT_ECS__CONTAINER", "other", "radiant-poc has no container other"),
        ("RADIANT_ECS__LOG_GROUP", "/other", "radiant-poc does not log to /other"),
        ("RADIANT_ECS__ARCHITECTURE", "ARM64", "radiant-poc is for X86_64"),
        ("RADIANT_ECS__SUBNETS", "subnet-00000000", "subnet-00000000"),
        ("RADIANT_ECS__ASSIGN_PUBLIC_IP", "false", "tasks get no public address"),
        ("RADIANT_IMAGE", "radiant:2", "the task definitions run radiant:1, RADIANT_IMAGE is radiant:2"),
        ("RADIANT_WORK_URI", "s3://absent-bucket/work", "bucket absent-bucket does not exist"),
        ("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "http"}', "AIRFLOW_CONN_AWS_DEFAULT is of type 'http'"),
    ],
)
def test_doctor_finds_a_setting_that_does_not_fit(deployed, monkeypatch, variable, value, words):
    del deployed
    monkeypatch.setenv(variable, value)
    found = command("doctor")
    assert found.exit_code == 78
    assert any(line.startswith("wrong") and words in line for line in found.stdout.splitlines()), found.stdout


def test_doctor_finds_a_secret_in_plain_text(cloud, deployed, monkeypatch):
    del deployed
    client = cloud.client("ecs")
    known = client.describe_task_definition(taskDefinition="radiant-poc")["taskDefinition"]
    container = known["containerDefinitions"][0]
    container["environment"] = [{"name": "RADIANT_REGISTRY__URL", "value": "postgresql://u:pa55@h/d"}]
    names = ("networkMode", "cpu", "memory", "executionRoleArn", "taskRoleArn", "requiresCompatibilities")
    same = {name: known[name] for name in names}
    client.register_task_definition(family="plain-poc", containerDefinitions=[container], **same)
    monkeypatch.setenv("RADIANT_ECS__TASK_DEFINITION", "plain")
    found = command("doctor").stdout
    assert "plain-poc holds RADIANT_REGISTRY__URL in plain text" in found
    assert "pa55" not in found


def test_doctor_goes_on_where_a_right_is_missing(cloud, deployed):
    del deployed
    cloud.fault("deny", call="iam:*", times=None)
    found = command("doctor").stdout
    assert re.search(r"unknown +jobs +not checked to the end: AWS refuses GetRole", found)
    assert re.search("documents +bucket radiant-work", found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("aws://key:secret@/?region_name=eu-west-1", "aws"),
        ('{"conn_type": "aws", "password": "secret"}', "aws"),
        ('{"password": "secret"}', "None"),
        ('{"password": "secret"', "no valid JSON"),
    ],
)
def test_of_a_connection_the_type_alone_is_read(text, kind):
    assert connection_type(text) == kind
