"""Rights, and an API server that goes away: the Role of `deploy/kubernetes` suffices and nothing less does."""

import base64
import contextlib
import gc
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from airflow.sdk.exceptions import AirflowFailException

from backends import airflow_context
from cluster.site import REPOSITORY, start_what_does_not_run, wait_for
from radiant.errors import JobError
from radiant.operators.container_record import read_record
from radiant.operators.pod import client as pod_client
from radiant.operators.shared import discard

ROLE = REPOSITORY / "deploy" / "kubernetes" / "base" / "airflow.yaml"


def rules():
    (role,) = [one for one in yaml.safe_load_all(ROLE.read_text()) if one["kind"] == "Role"]
    return role["rules"]


RIGHTS = sorted((rule["resources"][0], verb) for rule in rules() for verb in rule["verbs"])


@pytest.fixture
def context():
    return airflow_context(task_id="poc", map_index=-1)


@pytest.fixture
def account(pods, monkeypatch):
    """Make the Airflow connection that of a service account with the rights given."""
    monkeypatch.setattr(pod_client, "_DENIED_S", 1.0)
    discard()
    names = []

    def use(rights):
        name = f"airflow-{len(names)}-{os.getpid()}"
        names.append(name)
        namespace = pods.site.namespace
        where = {"name": name, "namespace": namespace}
        group = "rbac.authorization.k8s.io"
        found = [{"apiGroups": [""], "resources": [resource], "verbs": [verb]} for resource, verb in rights]
        documents = [
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": where},
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": where, "rules": found},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": where,
                "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", **where}],
            },
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "type": "kubernetes.io/service-account-token",
                "metadata": {**where, "annotations": {"kubernetes.io/service-account.name": name}},
            },
        ]
        pods.site.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))
        secret = wait_for(
            lambda: (one := pods.site.api.read_namespaced_secret(name, namespace)).data and "token" in one.data and one,
            "the account's token",
        )
        kubeconfig = yaml.safe_load(pods.site.kubeconfig.read_text())
        user = {"token": base64.b64decode(secret.data["token"]).decode()}
        kubeconfig["users"] = [{"name": one["name"], "user": user} for one in kubeconfig["users"]]
        path = pods.folder / f"{name}.kubeconfig"
        path.write_text(yaml.safe_dump(kubeconfig))
        pods.set(AIRFLOW_CONN_KUBERNETES_CONN=f"kubernetes://?kube_config_path={path}")
        discard()

    yield use
    discard()  # the next test has the credential of the cluster again


def test_the_role_of_deploy_kubernetes_suffices(pods, context, account, capfd):
    account(RIGHTS)
    assert pods.run("print('a line')\nanswer('done')", context=context, job="poc")["output"] == "done"
    assert "a line" in capfd.readouterr().out
    wait_for(lambda: not pods.site.pods(selector="job=poc"), "the pod is removed")


def test_without_the_right_to_create_a_pod_the_message_names_it(pods, context, account):
    account([one for one in RIGHTS if one != ("pods", "create")])
    with pytest.raises(AirflowFailException, match=r'Forbidden: .*cannot create resource "pods"'):
        pods.run("answer()", context=context, job="poc")


def test_a_pod_that_may_not_be_seen_is_waited_for_and_the_message_names_the_right(pods, context, account):
    account([one for one in RIGHTS if one != ("pods", "get")])
    pods.set(RADIANT_CONTAINER__PATIENCE_S="2")
    with pytest.raises(JobError, match=r'cannot get resource "pods"') as raised:
        pods.run("answer()", context=context, job="poc")
    assert raised.value.reason == "Forbidden"
    assert not read_record(pods.task_folder(context)).closed


def test_without_the_right_to_read_logs_jobs_succeed_and_the_message_names_it(
    pods, context, account, monkeypatch, capfd
):
    monkeypatch.setattr("radiant.operators.watcher._NO_LOG_S", 1.0)
    account([one for one in RIGHTS if one != ("pods/log", "get")])
    assert pods.run("answer('done')", context=context, job="poc")["output"] == "done"
    assert 'cannot get resource "pods/log"' in capfd.readouterr().out


def test_without_the_right_to_delete_pods_they_stay(pods, context, account):
    account([one for one in RIGHTS if one != ("pods", "delete")])
    assert pods.run("answer('done')", context=context, job="poc")["output"] == "done"
    assert len(pods.site.pods(selector="job=poc")) == 1


def test_without_the_right_to_list_events_the_reason_says_that_they_are_unknown(pods, context, account):
    account([one for one in RIGHTS if one != ("events", "list")])
    with pytest.raises(Exception, match=r'EventsUnknown: .*cannot list resource "events"'):
        pods.run("os._exit(3)", context=context, job="poc")


def test_the_role_has_no_other_right():
    needed = {("pods", verb) for verb in ("create", "get", "list", "delete")}
    needed |= {("pods/log", "get"), ("events", "list")}
    assert set(RIGHTS) == needed


def api_server():
    """Return the process id of the tool's API server."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().split(b"\0")[0].endswith(b"/kube-apiserver"):
                return int(folder.name)
    raise LookupError


@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")  # a connection that the killed server broke
@pytest.mark.parametrize("backend", ["pods", "deferred_pods"])
def test_nothing_is_lost_or_doubled_when_the_api_server_restarts(request, backend, context, capfd):
    pods = request.getfixturevalue(backend)
    if not pods.site.own:
        pytest.skip("the API server of another cluster is not restarted")
    gate = pods.folder / "gate"
    lines = "for i in range(100):\n    print(f'line {i} end', flush=True)\n    time.sleep(0.12)\n"
    body = f"{lines}while not os.path.exists('{gate}'): time.sleep(0.1)\nanswer('whole')"

    def restart():
        wait_for(lambda: [one for one in pods.site.pods(selector="job=poc") if one.status.phase == "Running"], "a pod")
        time.sleep(2)
        os.kill(api_server(), signal.SIGKILL)
        time.sleep(2)
        start_what_does_not_run()
        gate.touch()

    with ThreadPoolExecutor(1) as executor:
        restarted = executor.submit(restart)
        found = pods.run(body, context=context, job="poc")
        restarted.result()
    gc.collect()
    start_what_does_not_run()  # scheduler and controllers end when the server is away for 10 s
    assert found["output"] == "whole"
    text = capfd.readouterr().out
    assert [int(one) for one in re.findall(r"line (\d+) end", text)] == list(range(100))
    assert "asking again" in text
