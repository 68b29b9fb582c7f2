"""`deploy/ecs`: the template fits the catalogue, and a job runs on the deployed stack with the granted rights."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY
from fakes.ecs.sizes import FARGATE_MIB
from otlp_receiver import otlp_receiver
from radiant.cli.tenant_grants import s3_policy
from radiant.jobs.catalogue import JOBS
from radiant.jobs.codec import encode
from radiant.jobs.documents import Request
from radiant.settings import load_installation

TRACE = "0af7651916cd43dd8448eb211c80319c"
FOLDER = REPOSITORY / "deploy" / "ecs"
WITH_CREDENTIALS = {"plan-import", "prepare-part", "commit-part", "maintain-tables"}
"""The jobs that reach registry and catalog, as docs/dags.md lists them."""


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms; `!Sub` and `!GetAtt` as plain text."""


Loader.add_constructor("!Sub", lambda loader, node: loader.construct_scalar(node))
Loader.add_constructor("!GetAtt", lambda loader, node: f"${{{loader.construct_scalar(node)}}}")
Loader.add_constructor("!Ref", lambda loader, node: f"${{{loader.construct_scalar(node)}}}")
Loader.add_constructor("!If", lambda loader, node: loader.construct_sequence(node, deep=True)[1])
for name in ("!Not", "!Or", "!Select", "!Split"):
    Loader.add_constructor(name, lambda loader, node: loader.construct_sequence(node, deep=True))
for name in ("!Equals", "!Condition"):
    Loader.add_constructor(name, lambda _loader, node: str(node.value))


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return yaml.load((FOLDER / "template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader


@pytest.fixture
def deployed(aws):
    aws.reset(services=True)
    secret = aws.client("secretsmanager").create_secret(Name="registry", SecretString="sqlite:///x.db")["ARN"]
    return aws.deploy(RegistryUrlSecret=secret)


def test_cfn_lint_reports_nothing():
    command = [str(Path(sys.executable).parent / "cfn-lint"), str(FOLDER / "template.yaml")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


def test_there_is_a_definition_for_every_job_of_the_size_that_holds_it(template):
    definitions = {
        one["Properties"]["Family"].removeprefix("${Name}-"): one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::ECS::TaskDefinition"
    }
    assert set(definitions) == set(JOBS)
    for name, job in JOBS.items():
        found = definitions[name]
        units = min(size for size in FARGATE_MIB if size >= job.resources.cpu * 1024)
        memory = min(size for size in FARGATE_MIB[units] if size >= job.resources.memory_mib)
        assert (found["Cpu"], found["Memory"]) == (str(units), str(memory))
        # 20 GiB are the default.
        assert ("EphemeralStorage" in found) is (job.resources.scratch_gib > 20)


def test_definitions_differ_in_nothing_but_the_job_its_size_and_its_secrets(template):
    def kept(definition: dict[str, Any]) -> dict[str, Any]:
        container = {key: value for key, value in definition["ContainerDefinitions"][0].items() if key != "Secrets"}
        return definition | {"Cpu": "", "Memory": "", "ContainerDefinitions": [container]}

    found = {
        one["Properties"]["Family"].removeprefix("${Name}-"): one["Properties"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::ECS::TaskDefinition"
    }
    assert len({json.dumps(kept(one)).replace(job, "JOB") for job, one in found.items()}) == 1
    assert {job for job, one in found.items() if "Secrets" in one["ContainerDefinitions"][0]} == WITH_CREDENTIALS


def test_the_policy_beside_the_template_is_the_one_in_it(template):
    beside = json.loads((FOLDER / "airflow-policy.json").read_text())
    assert template["Resources"]["AirflowPolicy"]["Properties"]["PolicyDocument"] == beside


def test_no_right_is_for_everything_but_those_that_cannot_be_narrower(template):
    unbound = {"ecr:GetAuthorizationToken", "ecs:ListTasks"}
    for resource in template["Resources"].values():
        documents = [one["PolicyDocument"] for one in resource["Properties"].get("Policies", [])]
        documents += [resource["Properties"]["PolicyDocument"]] if "PolicyDocument" in resource["Properties"] else []
        for statement in (one for document in documents for one in document["Statement"]):
            assert "*" not in str(statement["Action"])
            assert statement["Resource"] != "*" or statement["Action"] in unbound


def test_a_job_runs_on_the_deployed_stack_with_the_rights_of_its_role(aws, deployed):
    aws.options(policies={"task-role": task_policy(aws, deployed), "airflow": airflow_policy(aws, deployed)})
    arn = run_poc(aws, deployed, "s3://radiant-work/work/run")
    task = aws.wait(arn)
    assert task["containers"][0]["exitCode"] == 0
    s3 = aws.client("s3", who="airflow")
    result = json.loads(s3.get_object(Bucket="radiant-work", Key="work/run/result.json")["Body"].read())
    assert result["status"] == "succeeded"
    assert {call.outcome for call in aws.calls(who="task-role")} == {""}
    stream = f"radiant-poc/radiant/{arn.rpartition('/')[2]}"
    logs = aws.client("logs", who="airflow")
    lines = logs.get_log_events(logGroupName="/radiant/jobs", logStreamName=stream)["events"]
    assert any("progress 10/10" in line["message"] for line in lines)


def test_a_job_may_not_write_read_list_or_delete_outside_its_folders(aws, deployed):
    aws.options(policies={"task-role": task_policy(aws, deployed), "airflow": airflow_policy(aws, deployed)})
    owner, s3, airflow = (aws.client("s3", who=who) for who in ("owner", "task-role", "airflow"))
    inside = [("radiant-work", "work/x"), ("radiant-work", "warehouse/x")]
    outside = [("radiant-work", name) for name in ("other/x", "x", "work-of-others/x", "warehouse2/x", "Work/x")]
    for bucket, key in [("radiant-vcf", "1.vcf"), *inside, *outside]:
        owner.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert s3.get_object(Bucket="radiant-vcf", Key="1.vcf")["Body"].read() == b"x"
    for bucket, key in inside:
        s3.put_object(Bucket=bucket, Key=key, Body=b"y")
        s3.list_objects_v2(Bucket=bucket, Prefix=key)
    refused = pytest.raises(s3.exceptions.ClientError, match="AccessDenied")
    for bucket, key in (("radiant-vcf", "1.vcf"), *outside):
        with refused:
            s3.put_object(Bucket=bucket, Key=key, Body=b"y")
        with refused:
            s3.delete_object(Bucket=bucket, Key=key)
    for bucket, key in outside:
        with refused:
            s3.get_object(Bucket=bucket, Key=key)
        with refused:
            s3.list_objects_v2(Bucket=bucket, Prefix=key)
    for bucket, key in (("radiant-vcf", "1.vcf"), ("radiant-work", "warehouse/x"), *outside):
        with refused:
            airflow.get_object(Bucket=bucket, Key=key)
        with refused:
            airflow.put_object(Bucket=bucket, Key=key, Body=b"y")
    assert {owner.get_object(Bucket=bucket, Key=key)["Body"].read() for bucket, key in outside} == {b"x"}


def test_the_policy_of_a_tenants_jobs_reaches_no_other_tenant(aws):
    """The policies that `radiant tenants s3` prints."""
    aws.reset(services=True)
    tenants = {"north": {"input_prefixes": "s3://vcf-north"}, "south": {"input_prefixes": "s3://vcf/south"}}
    stores = {"RADIANT_WORK_URI": "s3://centres/work", "RADIANT_LAKE__WAREHOUSE": "s3://centres/lake"}
    installation = load_installation(stores | {"RADIANT_TENANTS": json.dumps(tenants)})
    policies = {name: json.loads(s3_policy(installation.of_tenant(name))) for name in tenants}
    aws.options(policies=policies)
    owner = aws.client("s3", who="owner")
    for bucket in ("vcf-north", "vcf", "centres"):
        owner.create_bucket(Bucket=bucket)
    inputs = {"north": ("vcf-north", "1.vcf"), "south": ("vcf", "south/1.vcf")}
    own = {name: [("centres", f"work/{name}/x"), ("centres", f"lake/{name}/x")] for name in tenants}
    for bucket, key in (*inputs.values(), *own["north"], *own["south"], ("centres", "work/north1/x"), ("vcf", "x")):
        owner.put_object(Bucket=bucket, Key=key, Body=b"x")
    for name, other in (("north", "south"), ("south", "north")):
        s3 = aws.client("s3", who=name)
        refused = pytest.raises(s3.exceptions.ClientError, match="AccessDenied")
        bucket, key = inputs[name]
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
        for bucket, key in own[name]:
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
            s3.get_object(Bucket=bucket, Key=key)
            s3.list_objects_v2(Bucket=bucket, Prefix=key)
        others = [inputs[other], *own[other], ("centres", "work/north1/x"), ("vcf", "x")]
        for bucket, key in others:
            for call in (s3.get_object, s3.delete_object):
                with refused:
                    call(Bucket=bucket, Key=key)
            with refused:
                s3.put_object(Bucket=bucket, Key=key, Body=b"y")
            with refused:
                s3.list_objects_v2(Bucket=bucket, Prefix=key)
        with refused:
            s3.put_object(Bucket=inputs[name][0], Key=inputs[name][1], Body=b"y")


def test_a_registry_url_reaches_the_jobs_that_need_it_and_no_other(aws, deployed):
    ecs = aws.client("ecs")
    for job in JOBS:
        found = ecs.describe_task_definition(taskDefinition=f"radiant-{job}")["taskDefinition"]
        secrets = [one["name"] for one in found["containerDefinitions"][0].get("secrets", [])]
        assert secrets == (["RADIANT_REGISTRY__URL"] if job in WITH_CREDENTIALS else [])
    del deployed


def test_settings_come_from_the_environment_file(aws):
    aws.reset(services=True)
    ground = aws.deploy(EnvironmentFile="arn:aws:s3:::radiant-work/worker.env")
    text = b"# of the worker\nRADIANT_VCF__ASSEMBLY=GRCh37\n"
    aws.client("s3").put_object(Bucket="radiant-work", Key="worker.env", Body=text)
    change = {"name": "radiant", "command": ["sh", "-c", "test $RADIANT_VCF__ASSEMBLY = GRCh37"]}
    answer = aws.client("ecs").run_task(
        cluster="radiant",
        taskDefinition="radiant-poc",
        networkConfiguration=ground.network,
        overrides={"containerOverrides": [change]},
    )
    assert aws.wait(answer["tasks"][0]["taskArn"])["containers"][0]["exitCode"] == 0


def test_tasks_reach_https_the_database_and_the_receiver_of_spans_and_nothing_reaches_them(template):
    group = template["Resources"]["SecurityGroup"]["Properties"]
    assert [one["FromPort"] for one in group["SecurityGroupEgress"]] == [443, "${DatabasePort}", "${OtlpPort}"]
    assert "SecurityGroupIngress" not in group


def test_a_job_of_the_stack_exports_its_spans_to_the_receiver_that_the_stack_names(aws):
    aws.reset(services=True)
    with otlp_receiver() as receiver:
        ground = aws.deploy(OtlpEndpoint=receiver.url, OtlpPort=receiver.url.rpartition(":")[2])
        task = aws.wait(run_poc(aws, ground, "s3://radiant-work/work/run", traceparent=f"00-{TRACE}-{'b' * 16}-01"))
        assert task["containers"][0]["exitCode"] == 0
        (span,) = receiver.named("radiant poc")
    assert (span.trace_id, span.parent_id, span.error) == (TRACE, "b" * 16, None)


def test_nothing_is_left_when_the_stack_is_deleted(aws, deployed):
    del deployed
    aws.client("cloudformation").delete_stack(StackName="radiant")
    ecs = aws.client("ecs")
    assert ecs.describe_clusters(clusters=["radiant"])["clusters"][0]["status"] == "INACTIVE"
    assert ecs.list_task_definitions()["taskDefinitionArns"] == []
    assert aws.client("logs").describe_log_groups()["logGroups"] == []
    assert aws.client("iam").list_roles()["Roles"] == []


def run_poc(aws, ground, folder: str, traceparent: str = "") -> str:
    bucket, _, key = folder.removeprefix("s3://").partition("/")
    request = Request(
        job="poc",
        attempt="a1",
        run_uri=folder,
        arguments={"pause_s": 0},
        memory_mib=512,
        cpu=0.25,
        radiant_version="0",
        image=None,
        trace_context={"traceparent": traceparent} if traceparent else {},
    )
    aws.client("s3", who="airflow").put_object(Bucket=bucket, Key=f"{key}/request.json", Body=encode(request))
    command = ["radiant-worker", "poc", "--request", f"{folder}/request.json", "--result", f"{folder}/result.json"]
    answer = aws.client("ecs", who="airflow").run_task(
        cluster=ground.cluster,
        taskDefinition="radiant-poc",
        networkConfiguration=ground.network,
        overrides={"containerOverrides": [{"name": "radiant", "command": command}]},
        tags=[{"key": "radiant:dag", "value": "POC"}],
    )
    return answer["tasks"][0]["taskArn"]


def task_policy(aws, ground) -> dict[str, Any]:
    role = ground.outputs["TaskRole"].rpartition("/")[2]
    found = aws.client("iam").get_role_policy(RoleName=role, PolicyName="read-vcf-write-work")["PolicyDocument"]
    return yaml.safe_load(str(found))  # moto answers with the text of a Python dictionary


def airflow_policy(aws, ground) -> dict[str, Any]:
    iam = aws.client("iam")
    found = iam.get_policy_version(PolicyArn=ground.outputs["AirflowPolicy"], VersionId="v1")
    return found["PolicyVersion"]["Document"]
