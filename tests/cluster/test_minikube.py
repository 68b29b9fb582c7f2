"""`make minikube`, every step of it, with stand-ins for the commands of minikube and of the Docker inside it."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
import yaml

from cluster.manifests import REPOSITORY, rendered
from cluster.site import TOOL, wait_for

MINIKUBE = """#!/bin/sh
echo "minikube $*" >> {state}/calls
case "$1" in
  status) test -e {state}/started ;;
  start) touch {state}/started ;;
  docker-env) echo 'export DOCKER_HOST=inside-minikube' ;;
  ssh) shift 2; exec "$@" ;;
  *) exit 64 ;;
esac
"""
DOCKER = """#!/bin/sh
echo "docker $*" >> {state}/calls
test "$DOCKER_HOST" = inside-minikube || exit 65
while [ "$1" != --tag ]; do test $# -gt 1 || exit 66; shift; done
ctr -a {socket} -n k8s.io images tag --force {image} "$2"
"""
SOCKET = "/run/kube-containerd/containerd.sock"
USER = 10001
"""Of the image; the answer of `id -u` where the tests run as root, which the script refuses."""

UMASK = 0 if os.geteuid() == 0 else 0o022
"""If the stand-in for `id` names another user than that of the tests, both must write to the folder."""


@pytest.fixture
def machine(cluster, tmp_path):
    """Return the environment of a machine with minikube: stand-ins on PATH, a kubeconfig with the context minikube."""
    if not cluster.own:
        pytest.skip(f"the stand-ins need the node's image store, which only {TOOL} has on this machine")
    programs, state = tmp_path / "bin", tmp_path / "state"
    programs.mkdir()
    state.mkdir()
    stand_ins = {
        "minikube": MINIKUBE.format(state=state),
        "docker": DOCKER.format(state=state, socket=SOCKET, image=cluster.image),
    }
    if os.geteuid() == 0:
        stand_ins["id"] = f"#!/bin/sh\necho {USER}\n"
    for name, text in stand_ins.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["contexts"][0]["name"] = document["current-context"] = "minikube"
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(document))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RADIANT_", "AIRFLOW"))}
    return kept | {"PATH": f"{programs}:{os.environ['PATH']}", "KUBECONFIG": str(kubeconfig)}, state


def run(environment, **variables):
    return subprocess.run(
        ["deploy/kubernetes/minikube.sh"],
        cwd=REPOSITORY,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        umask=UMASK,
        timeout=60,
    )


@contextlib.contextmanager
def kept(environment, **variables):
    """Run it with `radiant poc --keep` until Airflow stays up, yield its output, and end it."""
    with tempfile.TemporaryFile("w+") as said:

        def words():
            said.flush()
            said.seek(0)
            return said.read()

        process = subprocess.Popen(
            ["deploy/kubernetes/minikube.sh"],
            cwd=REPOSITORY,
            env=environment | variables | {"POC_ARGS": "--keep", "PYTHONUNBUFFERED": "1"},
            stdout=said,
            stderr=subprocess.STDOUT,
            umask=UMASK,
            start_new_session=True,
        )
        try:
            wait_for(
                lambda: process.poll() is not None or "Airflow keeps running" in words(), "the end of the run", 500
            )
            assert process.poll() is None, words()
            yield words()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
            process.wait(60)
        assert process.returncode == 0, words()


def radiant(environment, *words, **variables):
    command = [REPOSITORY / ".venv/bin/radiant", *map(str, words)]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment | variables, capture_output=True, text=True, check=False, timeout=180
    )


def test_from_nothing_to_a_green_run(cluster, machine):
    environment, state = machine
    home = cluster.folder / "minikube"
    with cluster.own_namespace() as namespace:
        mine = {"RADIANT_HOME": str(home), "RADIANT_KUBERNETES__NAMESPACE": namespace}
        with kept(environment, **mine) as said:
            progress = re.findall(r"progress (\d+)/10", said)
            assert sorted(map(int, progress)) == list(range(1, 11)), said
            assert "POC-ecs-k8s-operators: success, answer [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]" in said
            wait_for(lambda: not cluster.pods(namespace), "the deletion of the pod")

            # The running Airflow takes a connection, and its settings fit the jobs.
            applied = [radiant(environment, "kube", "connection", "--apply", **mine) for _ in range(2)]
            assert [one.returncode for one in applied] == [0, 0], applied
            assert "connection kubernetes_conn of http://127.0.0.1:" in applied[0].stderr
            assert [one.stderr.split(" is ")[1].split(":")[0] for one in applied] == ["made", "replaced"]
            looked = radiant(environment, "kube", "doctor", "--no-pod", **mine)
            assert looked.returncode == 0, looked.stdout + looked.stderr
            about_airflow = re.findall(r"^(\w+) +(?:airflow|connection) ", looked.stdout, re.MULTILINE)
            assert about_airflow == ["ok"] * 7, looked.stdout
        calls = (state / "calls").read_text()
        assert f"minikube start --mount --mount-string {home}/work:{home}/work" in calls
        assert "docker build" in calls
        assert "--tag localhost/radiant-operator:minikube" in calls

        written = home / "minikube.env"
        assert written.stat().st_mode & 0o777 == 0o600
        # A shell that sources it has the variables of Airflow.
        source = f"set -a; . {written}; printf '%s' \"$AIRFLOW_CONN_KUBERNETES_CONN\""
        shown = subprocess.run(["bash", "-c", source], capture_output=True, text=True, check=True).stdout
        connection = json.loads(shown)
        assert connection["conn_type"] == "kubernetes"
        assert connection["extra"]["namespace"] == namespace


@pytest.mark.parametrize("missing", ["kubectl", "minikube", "docker"])
def test_a_program_that_is_missing_is_named(machine, missing, tmp_path):
    environment, _ = machine
    programs = tmp_path / "bin"
    for name in ("bash", "dirname", "id", "kubectl"):
        found = shutil.which(name)
        if found is not None and not (programs / name).exists():
            (programs / name).symlink_to(found)
    (programs / missing).unlink()
    done = run(environment, RADIANT_HOME=str(tmp_path / "home"), PATH=str(programs))
    assert done.returncode == 1
    assert f"error: {missing} is not installed" in done.stderr


def test_a_minikube_that_does_not_see_the_folder_fails_with_the_command_to_run(machine, tmp_path):
    environment, state = machine
    (state / "started").touch()
    program = tmp_path / "bin" / "minikube"
    program.write_text(program.read_text().replace('exec "$@"', "exit 1"))
    done = run(environment, RADIANT_HOME=str(tmp_path / "home"))
    assert done.returncode == 1
    assert f"minikube mount {tmp_path}/home/work:{tmp_path}/home/work" in done.stderr
    assert "minikube start" not in (state / "calls").read_text()


def test_only_minikube_loosens_what_pods_may_be():
    assert "pod-security.kubernetes.io/enforce: restricted" in rendered("base", "radiant")
    assert "pod-security.kubernetes.io/enforce: privileged" in rendered("minikube", "radiant")
