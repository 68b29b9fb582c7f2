"""A Kubernetes cluster for tests, and the operations of tests on it.

`RADIANT_TEST_KUBECONFIG` names any cluster. Its node must see `RADIANT_TEST_FOLDER` at the same path (`minikube mount`)
and have the image `RADIANT_TEST_IMAGE`. Without it the cluster tool beside the repository starts one on this machine.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from kubernetes import client, config

REPOSITORY = Path(__file__).parents[2]
TOOL = REPOSITORY.parent / "shared" / "kube" / "cluster"
IMAGE = "localhost/radiant-operator:test"
GIVEN = {name: os.environ.get(f"RADIANT_TEST_{name}") for name in ("KUBECONFIG", "IMAGE", "FOLDER")}


class NoClusterError(Exception):
    """There is no cluster, with the reason."""


@dataclasses.dataclass
class Site:
    """One namespace of a cluster."""

    kubeconfig: Path
    namespace: str
    image: str
    folder: Path
    """Seen by the node at the same path."""
    api: client.CoreV1Api
    own: bool
    """The cluster runs on this machine, by the tool."""

    def environment(self, namespace: str | None = None) -> dict[str, str]:
        """Return the variables for this cluster, with quick looks."""
        extra = {"kube_config_path": str(self.kubeconfig)}
        return {
            "RADIANT_BACKEND": "kubernetes",
            "RADIANT_IMAGE": self.image,
            "RADIANT_KUBERNETES__NAMESPACE": namespace or self.namespace,
            "RADIANT_KUBERNETES__GRACE_S": "5",
            "RADIANT_CONTAINER__LOOK_S": "0.5",
            "AIRFLOW_CONN_KUBERNETES_CONN": json.dumps({"conn_type": "kubernetes", "extra": extra}),
        }

    def pods(self, namespace: str | None = None, selector: str = "") -> list[Any]:
        """Return the pods of the namespace."""
        return self.api.list_namespaced_pod(namespace or self.namespace, label_selector=selector).items

    def address_of_this_machine(self) -> str | None:
        """Return the address at which pods reach this machine, None where no node of the cluster is on it."""
        own = {one.address for found in psutil.net_if_addrs().values() for one in found}
        nodes = {one.address for node in self.api.list_node().items for one in node.status.addresses}
        return min(own & nodes, default=None)

    def clean(self) -> None:
        """Remove leftovers of another test."""
        self.api.delete_collection_namespaced_pod(self.namespace, grace_period_seconds=0)
        wait_for(lambda: not self.pods(), "the pods of other tests go")

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *words]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=True).stdout

    @contextlib.contextmanager
    def own_namespace(self, manifest: str = "") -> Iterator[str]:
        """Make a namespace for one test."""
        name = f"radiant-test-{secrets.token_hex(4)}"
        self.api.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=name)))
        try:
            wait_for(lambda: has_account(self.api, name), "the namespace's service account")
            if manifest:
                self.kubectl("-n", name, "apply", "-f", "-", stdin=manifest)
            yield name
        finally:
            self.api.delete_namespace(name)


def has_account(api: client.CoreV1Api, namespace: str) -> bool:
    """Return whether pods can be made in a new namespace."""
    return any(one.metadata.name == "default" for one in api.list_namespaced_service_account(namespace).items)


def wait_for(found: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Return the first true answer."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        time.sleep(0.1)
    return answer


@contextlib.contextmanager
def site() -> Iterator[Site]:
    """Find or start a cluster, and make a namespace in it.

    Raises:
        NoClusterError: there is none, or no kubectl.
    """
    if shutil.which("kubectl") is None:
        message = "no kubectl: the tests on a cluster run it, and it is not on PATH"
        raise NoClusterError(message)
    with contextlib.ExitStack() as stack:
        kubeconfig = GIVEN["KUBECONFIG"]
        own = kubeconfig is None
        path = stack.enter_context(_tool_cluster()) if kubeconfig is None else Path(kubeconfig)
        image = GIVEN["IMAGE"] or (_build_image() if own else None)
        if image is None:
            message = "RADIANT_TEST_IMAGE is not set: the image of the jobs in the cluster of RADIANT_TEST_KUBECONFIG"
            raise NoClusterError(message)
        folder = GIVEN["FOLDER"]
        if folder is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="radiant-pods-"))
        Path(folder).chmod(0o777)
        api = client.CoreV1Api(config.new_client_from_config(str(path)))
        found = Site(path, "", image, Path(folder), api, own)
        found.namespace = stack.enter_context(found.own_namespace())
        yield found


@contextlib.contextmanager
def _tool_cluster() -> Iterator[Path]:
    """Start the tool's cluster when it does not run; end it then, too."""
    if not TOOL.exists():
        message = f"no cluster: RADIANT_TEST_KUBECONFIG is not set, and {TOOL} does not exist"
        raise NoClusterError(message)
    if os.geteuid() != 0:
        message = f"no cluster: RADIANT_TEST_KUBECONFIG is not set, and {TOOL} needs root"
        raise NoClusterError(message)
    path = Path(_tool("kubeconfig"))
    # Two test processes may come here together: the first starts it, the last ends it.
    lock = Path(tempfile.gettempdir()) / "radiant-test-cluster.lock"
    users = lock.with_suffix(".users")
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        count = int(users.read_text()) if users.exists() else 0
        if not _answers(path):
            _tool("up")
            count = 0
            users.write_text("1")
        elif users.exists():
            users.write_text(str(count + 1))
    try:
        yield path
    finally:
        with lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if users.exists():
                left = int(users.read_text()) - 1
                users.write_text(str(left))
                if left <= 0:
                    users.unlink()
                    _tool("down")


def _answers(kubeconfig: Path) -> bool:
    command = ["kubectl", "--kubeconfig", str(kubeconfig), "--request-timeout=5s", "get", "--raw", "/readyz"]
    return kubeconfig.exists() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _build_image() -> str:
    """Build the image of the jobs from this source into the tool's cluster; seconds when nothing changed."""
    _tool("image", IMAGE, str(REPOSITORY / "docker" / "operator.Dockerfile"), str(REPOSITORY))
    return IMAGE


def _tool(*words: str) -> str:
    done = subprocess.run([str(TOOL), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{TOOL.name} {' '.join(words)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


def start_what_does_not_run() -> None:
    """Start the parts of the tool's cluster again that a test has ended."""
    _tool("up")
