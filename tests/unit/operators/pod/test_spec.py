"""The pod of a job, without any cluster."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
import yaml
from kubernetes.client import ApiClient

from radiant.errors import JobRefusedError
from radiant.jobs.catalogue import IMPORT_CASE
from radiant.operators.platform import ContainerOrder, TaskFacts
from radiant.operators.pod.spec import build_pod, labels_of
from radiant.settings import load_settings

REPOSITORY = Path(__file__).parents[4]
FACTS = TaskFacts("import-vcf", "manual__2026-01-01T00:00:00+00:00", "import_case", 3, 1, last_try=False)


def built(environment=None, tenant=None, **order):
    argv = ["radiant-worker", "import-case", "--request", "s3://b/q.json", "--result", "s3://b/r.json"]
    facts = {"image": "worker:1", "memory_mib": 3000, "trace_context": {"traceparent": "00-1-2-01"}} | order
    found = build_pod(
        ContainerOrder(job=IMPORT_CASE, argv=facts.pop("argv", argv), attempt="0a1b", task=FACTS, **facts),
        load_settings(environment or {}, tenant=tenant),
        namespace="here",
    )
    return ApiClient().sanitize_for_serialization(found)


def env(pod):
    return {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}


def test_the_pod_runs_the_argv_and_is_named_after_its_attempt():
    pod = built()
    assert pod["metadata"]["name"] == "radiant-0a1b"
    assert pod["metadata"]["namespace"] == "here"
    (worker,) = pod["spec"]["containers"]
    assert worker["command"][:2] == ["radiant-worker", "import-case"]
    assert (worker["image"], pod["spec"]["restartPolicy"]) == ("worker:1", "Never")


def test_labels_name_the_task_and_no_person():
    labels = built()["metadata"]["labels"]
    assert (labels["dag_id"], labels["task_id"], labels["map_index"]) == ("import-vcf", "import_case", "3")
    assert labels["job"] == "import-case"
    assert ":" not in labels["run_id"]
    assert "try_number" not in labels


def test_a_pod_of_a_tenant_carries_its_label_its_cost_tags_and_its_own_entry_alone():
    tenants = {
        "north": {
            "input_prefixes": "s3://north/vcf",
            "registry_url": "postgresql://north:secret@db/north",
            "cost_tags": {"cost-center": "4711", "tenant": "wrong"},
            "env_from": "secret/north",
            "service_account": "north",
        },
        "south": {"input_prefixes": "s3://south/vcf"},
    }
    environment = {"RADIANT_TENANTS": json.dumps(tenants), "RADIANT_KUBERNETES__ENV_FROM": "secret/all"}
    environment |= {"RADIANT_WORK_URI": "s3://work", "RADIANT_LAKE__WAREHOUSE": "s3://lake"}
    pod = built(environment, "north")
    labels = pod["metadata"]["labels"]
    assert (labels["tenant"], labels["cost-center"]) == ("north", "4711")
    assert pod["spec"]["serviceAccountName"] == "north"
    assert [one["secretRef"]["name"] for one in pod["spec"]["containers"][0]["envFrom"]] == ["north"]
    given = {name: value for name, value in env(pod).items() if name.startswith("RADIANT_TENANT")}
    assert "secret" not in str(given)
    assert "south" not in str(given)
    # The container has the registry by its own secret, and finds itself at the same places.
    inside = load_settings(given | {"RADIANT_REGISTRY__URL": "postgresql://north:own@db/north"})
    outside = load_settings(environment, tenant="north")
    assert inside.tenant == "north"
    for place in ("effective_work_uri", "effective_warehouse", "input_prefixes", "namespace_location"):
        assert getattr(inside, place) == getattr(outside, place)
    assert inside.lake.namespace == outside.lake.namespace
    assert inside.effective_registry_url.replace("own", "secret") == outside.effective_registry_url


def test_a_pod_of_an_installation_without_tenants_names_none():
    pod = built()
    assert "tenant" not in pod["metadata"]["labels"]
    assert not [name for name in env(pod) if "TENANT" in name]


@pytest.mark.parametrize("run_id", ["r" * 250, "\u03c4\u03c1\u03ad\u03be\u03b5", "\u03c4" * 250, "...", "a b"])
def test_any_run_id_is_a_label_of_its_own(run_id):
    """Kubernetes takes 63 characters that begin and end with a letter or a digit."""
    labels = {
        labels_of("poc", dataclasses.replace(FACTS, run_id=one))["run_id"]
        for one in (run_id, run_id + "2", run_id + "3")
    }
    assert len(labels) == 3
    for label in labels:
        assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", label), label


def test_memory_is_asked_for_as_much_as_it_is_limited_and_the_time_too():
    pod = built({"RADIANT_CONTAINER__START_TIMEOUT_S": "60", "RADIANT_JOBS__IMPORT_CASE__TIMEOUT_S": "100"})
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "2000m", "memory": "3000Mi", "ephemeral-storage": "1Gi"},
        "limits": {"memory": "3000Mi", "ephemeral-storage": "21Gi"},
    }
    assert pod["spec"]["activeDeadlineSeconds"] == IMPORT_CASE.timeout_s + 60


@pytest.mark.parametrize(("setting", "limit"), [("job", "2000m"), ("3.5", "3500m"), (None, None)])
def test_a_cpu_limit_is_a_setting(setting, limit):
    found = built({"RADIANT_KUBERNETES__CPU_LIMIT": setting} if setting else {})["spec"]["containers"][0]["resources"]
    assert found["limits"].get("cpu") == limit
    assert found["requests"]["cpu"] == "2000m"


def test_what_only_the_template_limits_stays_and_the_setting_is_stronger(tmp_path):
    path = tmp_path / "template.yaml"
    resources = {"limits": {"cpu": "4", "example.com/gpu": 1, "memory": "1Ti"}, "requests": {"example.com/gpu": 1}}
    spec = {"containers": [{"name": "x", "resources": resources}]}
    path.write_text(yaml.safe_dump({"kind": "Pod", "spec": spec}))
    environment = {"RADIANT_KUBERNETES__TEMPLATE": str(path)}
    found = built(environment)["spec"]["containers"][0]["resources"]
    assert found["limits"] == {"cpu": "4", "example.com/gpu": 1, "memory": "3000Mi", "ephemeral-storage": "21Gi"}
    assert found["requests"]["example.com/gpu"] == 1
    more = built(environment | {"RADIANT_KUBERNETES__CPU_LIMIT": "8"})["spec"]["containers"][0]["resources"]
    assert more["limits"]["cpu"] == "8000m"


def test_a_cpu_limit_below_what_the_job_asks_for_is_refused_by_name():
    with pytest.raises(
        JobRefusedError, match=r"asks for 2 cores .* limited to 1000m: raise RADIANT_KUBERNETES__CPU_LIM"
    ):
        built({"RADIANT_KUBERNETES__CPU_LIMIT": "1"})


def test_the_run_is_a_label_by_which_what_it_left_is_found():
    assert built(run="0123456789abcdef0123")["metadata"]["labels"]["radiant-run"] == "0123456789abcdef0123"


def test_a_worker_may_do_as_little_as_possible():
    spec = built()["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["volumes"] == [{"name": "scratch", "emptyDir": {"sizeLimit": "20Gi"}}]


def test_user_and_group_are_those_of_the_image():
    text = (REPOSITORY / "docker" / "operator.Dockerfile").read_text()
    user, group = map(int, re.search(r"^USER (\d+):(\d+)$", text, re.MULTILINE).groups())
    context = built()["spec"]["securityContext"]
    assert (context["runAsUser"], context["runAsGroup"], context["fsGroup"]) == (user, group, group)
    assert user > 0 < group


def test_the_environment_has_the_trace_and_the_scratch_and_no_setting_of_airflow():
    assert env(built({"RADIANT_REGISTRY__URL": "postgresql://u:secret@h/d"})) == {
        "HOME": "/scratch",
        "TMPDIR": "/scratch",
        "RADIANT_IMAGE": "worker:1",
        "RADIANT_LOG_LEVEL": "INFO",
        "TRACEPARENT": "00-1-2-01",
    }


def test_settings_are_in_the_pod_and_one_job_may_have_others():
    common = {
        "RADIANT_KUBERNETES__SERVICE_ACCOUNT": "worker",
        "RADIANT_KUBERNETES__PULL_POLICY": "Always",
        "RADIANT_KUBERNETES__PULL_SECRETS": "one, two",
        "RADIANT_KUBERNETES__NODE_SELECTOR": '{"disk": "fast"}',
        "RADIANT_KUBERNETES__TOLERATIONS": '[{"key": "spot", "operator": "Exists"}]',
        "RADIANT_KUBERNETES__PRIORITY_CLASS": "high",
        "RADIANT_KUBERNETES__LABELS": '{"team": "lab", "job": "mine"}',
        "RADIANT_KUBERNETES__ANNOTATIONS": '{"why": "so"}',
        "RADIANT_KUBERNETES__ENV_FROM": "secret/keys,configmap/worker",
        "RADIANT_KUBERNETES__MOUNTS": '[{"path": "/data", "claim": "data", "read_only": true}]',
    }
    spec = (pod := built(common))["spec"]
    worker = spec["containers"][0]
    assert (spec["serviceAccountName"], spec["priorityClassName"]) == ("worker", "high")
    assert (spec["nodeSelector"], worker["imagePullPolicy"]) == ({"disk": "fast"}, "Always")
    assert spec["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert spec["tolerations"] == [{"key": "spot", "operator": "Exists"}]
    assert worker["envFrom"] == [{"secretRef": {"name": "keys"}}, {"configMapRef": {"name": "worker"}}]
    assert {"mountPath": "/data", "name": "mount-0", "readOnly": True} in worker["volumeMounts"]
    assert pod["metadata"]["labels"]["team"] == "lab"
    assert pod["metadata"]["labels"]["job"] == "import-case", "ours are stronger"
    assert pod["metadata"]["annotations"] == {"why": "so"}
    own = {"import-case": {"image": "worker:2", "node_selector": {"disk": "huge"}, "env_from": "configmap/files"}}
    spec = built(common | {"RADIANT_KUBERNETES__JOBS": json.dumps(own)})["spec"]
    assert spec["containers"][0]["image"] == "worker:2"
    assert spec["nodeSelector"] == {"disk": "huge"}
    assert spec["containers"][0]["envFrom"] == [{"configMapRef": {"name": "files"}}]
    assert spec["serviceAccountName"] == "worker"


def test_a_template_is_over_the_defaults_and_below_the_job(tmp_path):
    template = {
        "kind": "Pod",
        "spec": {
            "securityContext": {"runAsUser": 7},
            "volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory"}}],
            "containers": [
                {"name": "base", "image": "theirs", "env": [{"name": "HOME", "value": "/x"}]},
                {"name": "proxy", "image": "proxy:1"},
            ],
        },
    }
    path = tmp_path / "pod.yaml"
    path.write_text(yaml.safe_dump(template))
    pod = built({"RADIANT_KUBERNETES__TEMPLATE": str(path)})
    worker, proxy = pod["spec"]["containers"]
    assert (worker["name"], worker["image"], proxy["name"]) == ("worker", "worker:1", "proxy")
    assert pod["spec"]["securityContext"]["runAsUser"] == 7
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert pod["spec"]["volumes"] == [{"name": "scratch", "emptyDir": {"medium": "Memory"}}]
    assert env(pod)["HOME"] == "/x"


@pytest.mark.parametrize("content", ["kind: Deployment", "[1]", "{", "kind: Pod\nspec: {containers: 7}"])
def test_a_template_that_is_no_pod_is_refused(tmp_path, content):
    path = tmp_path / "pod.yaml"
    path.write_text(content)
    with pytest.raises(JobRefusedError):
        built({"RADIANT_KUBERNETES__TEMPLATE": str(path)})


def test_without_an_image_nothing_is_built():
    with pytest.raises(JobRefusedError, match="RADIANT_IMAGE"):
        built(image=None)


def test_documents_in_a_file_must_be_in_a_folder_that_the_pod_mounts():
    argv = ["radiant-worker", "poc", "--request", "file:///work/a/q.json", "--result", "file:///work/a/r.json"]
    with pytest.raises(JobRefusedError, match="RADIANT_WORK_URI"):
        built(argv=argv)
    built({"RADIANT_KUBERNETES__MOUNTS": '[{"path": "/work", "host_path": "/work"}]'}, argv=argv)
