"""The Role of deploy/kubernetes suffices for the operator, and nothing less does."""

import json

import pytest

from cluster.manifests import applied, may, token_of
from cluster.site import wait_for
from radiant.cli.kube_cluster_checks import RIGHTS
from radiant.cli.kube_pod import order_of
from radiant.errors import PlatformUnavailableError
from radiant.jobs.catalogue import effective_job
from radiant.kubeconfig import airflow_connection, embed, read_context
from radiant.operators.platform import State
from radiant.operators.pod.kubernetes_platform import KubernetesPlatform
from radiant.operators.shared import discard
from radiant.settings import load_settings

OTHERS = [
    ("pods", None, "watch"),
    ("pods", None, "patch"),
    ("pods", None, "deletecollection"),
    ("pods", "exec", "create"),
    ("pods", "eviction", "create"),
    ("secrets", None, "get"),
    ("configmaps", None, "get"),
    ("serviceaccounts", "token", "create"),
    ("jobs.batch", None, "create"),
    ("rolebindings.rbac.authorization.k8s.io", None, "create"),
]


@pytest.fixture(scope="module")
def namespace(cluster):
    with applied(cluster, "minikube") as name:
        yield name


def test_airflow_may_do_what_jobs_need_and_nothing_else(cluster, namespace):
    allowed = {right for right in (*RIGHTS, *OTHERS) if may(cluster, namespace, "radiant-airflow", right)}
    assert allowed == set(RIGHTS)


def test_the_rights_end_at_the_namespace(cluster, namespace):
    account = f"system:serviceaccount:{namespace}:radiant-airflow"
    words = ("auth", "can-i", "--list", "--no-headers", "-n", cluster.namespace, "--as", account)
    assert "pods" not in cluster.kubectl(*words)


def test_the_worker_may_do_nothing(cluster, namespace):
    assert [right for right in (*RIGHTS, *OTHERS) if may(cluster, namespace, "radiant-worker", right)] == []


class Life:
    """One pod from its making to its deletion, through the operator's own calls, with the rights of radiant-airflow."""

    def __init__(self, cluster, namespace, monkeypatch, folder):
        for name, value in cluster.environment(namespace).items():
            monkeypatch.setenv(name, value)
        access = embed(
            read_context([cluster.kubeconfig]),
            token=token_of(cluster, namespace, "radiant-airflow"),
            namespace=namespace,
        )
        monkeypatch.setenv("AIRFLOW_CONN_KUBERNETES_CONN", json.dumps(airflow_connection(access)))
        monkeypatch.setenv("RADIANT_WORK_URI", f"file://{folder}")
        mounts = [{"path": str(folder), "host_path": str(folder)}]
        monkeypatch.setenv("RADIANT_KUBERNETES__MOUNTS", json.dumps(mounts))
        monkeypatch.setenv("RADIANT_KUBERNETES__SERVICE_ACCOUNT", "radiant-worker")
        monkeypatch.setenv("RADIANT_KUBERNETES__PRIORITY_CLASS", "radiant-jobs")
        discard("cluster", "kubernetes_conn")
        settings = load_settings()
        self.platform = KubernetesPlatform(settings)
        self.order = order_of(effective_job("poc", settings), settings, run_id="rights")
        self.handle = None

    def start(self):
        self.handle = self.platform.start(self.order)

    def status(self):
        return self.platform.status(self.handle)

    def end(self):
        """Wait for its end: it finds no request, so it fails."""
        return wait_for(lambda: (found := self.status()).state is State.ENDED and found, "the end of the pod", 120)


@pytest.fixture
def life(cluster, namespace, monkeypatch, tmp_path_factory):
    folder = cluster.folder / tmp_path_factory.mktemp("rights").name
    folder.mkdir(exist_ok=True)
    found = Life(cluster, namespace, monkeypatch, folder)
    yield found
    discard("cluster", "kubernetes_conn")


def test_the_role_suffices_for_the_whole_life_of_a_pod(cluster, namespace, life):
    life.start()
    status = life.end()
    assert status.exit_code not in {0, None}
    assert "EventsUnknown" not in status.detail
    page = life.platform.read_log(life.handle, "", status)
    assert page.lines
    assert life.platform.find(life.order.attempt, life.order.job.name) == life.handle
    life.platform.release(life.handle)
    name = life.handle["name"]
    wait_for(lambda: name not in [pod.metadata.name for pod in cluster.pods(namespace)], "the deletion")


def test_without_any_one_right_the_operator_is_refused(cluster, namespace, life):
    """One pod for all five: what is taken away is given back before the next."""
    rules = json.loads(cluster.kubectl("-n", namespace, "get", "role", "radiant-airflow", "-o", "json"))["rules"]

    def grant(without):
        given = [
            {"apiGroups": [""], "resources": [f"{resource}/{sub}" if sub else resource], "verbs": [verb]}
            for resource, sub, verb in RIGHTS
            if (resource, sub, verb) != without
        ]
        patch = json.dumps({"rules": given or rules})
        cluster.kubectl("-n", namespace, "patch", "role", "radiant-airflow", "--type", "merge", "-p", patch)
        wanted = set(RIGHTS) - {without}
        wait_for(
            lambda: {right for right in RIGHTS if may(cluster, namespace, "radiant-airflow", right)} == wanted,
            f"the Role without {without}",
        )

    def refused(call):
        with pytest.raises(PlatformUnavailableError) as caught:
            call()
        return caught.value.reason == "Forbidden"

    try:
        grant(("pods", None, "create"))
        assert refused(life.start)
        grant(None)
        life.start()
        status = life.end()
        grant(("pods", None, "get"))
        assert refused(life.status)
        grant(("pods", "log", "get"))
        assert refused(lambda: life.platform.read_log(life.handle, "", status))
        grant(("events", None, "list"))
        assert "EventsUnknown" in life.status().detail
        grant(("pods", None, "delete"))
        assert refused(lambda: life.platform.release(life.handle))
    finally:
        cluster.kubectl(
            "-n", namespace, "patch", "role", "radiant-airflow", "--type", "merge", "-p", json.dumps({"rules": rules})
        )
