"""deploy/kubernetes and the code name the same rights and objects."""

from pathlib import Path

import yaml

from radiant.cli.kube_cluster_checks import RIGHTS
from radiant.cli.kube_pod import TASKS
from radiant.job_settings import Jobs
from radiant.jobs.catalogue import JOBS

BASE = Path(__file__).parents[3] / "deploy" / "kubernetes" / "base"


def objects():
    return [one for path in BASE.glob("*.yaml") for one in yaml.safe_load_all(path.read_text()) if one]


def of_kind(kind):
    return [one for one in objects() if one["kind"] == kind]


def test_the_role_of_airflow_is_what_the_doctor_asks_for():
    (role,) = of_kind("Role")
    granted = [
        (*(resource.split("/") if "/" in resource else (resource, None)), verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]
    assert sorted(map(str, granted)) == sorted(map(str, RIGHTS))
    assert all(rule["apiGroups"] == [""] for rule in role["rules"])


def test_there_are_no_rights_outside_the_namespace_and_no_tokens_in_pods():
    assert of_kind("ClusterRole") == of_kind("ClusterRoleBinding") == []
    accounts = of_kind("ServiceAccount")
    assert {one["metadata"]["name"] for one in accounts} == {"radiant-airflow", "radiant-worker"}
    assert [one["automountServiceAccountToken"] for one in accounts] == [False, False]


def test_the_largest_pod_that_memory_grows_to_is_allowed():
    (limits,) = of_kind("LimitRange")
    most = limits["spec"]["limits"][0]["max"]["memory"]
    assert int(most.removesuffix("Gi")) * 1024 >= Jobs().memory_cap_mib


def test_every_job_has_its_task():
    assert set(TASKS) == set(JOBS)
