"""`make up && make connect` against a real cluster: the POC and an import, then everything away again.

It needs an engine: RADIANT_TEST_COMPOSE="docker compose" runs it, with CONTAINER_TOOL and the images of compose.yaml
(POSTGRES_IMAGE, STORE_IMAGE, BASE) as given; tests/cluster/stand_ins builds stand-ins where no registry can be reached.
"""

import json
import os
import shutil
import subprocess

import pytest
import yaml

from cluster.site import REPOSITORY, wait_for
from radiant.cli.airflow_api import FINISHED_RUN, AirflowApi
from radiant.jobs.dag_ids import IMPORT_RADIANT, POC

COMPOSE = os.environ.get("RADIANT_TEST_COMPOSE")
HOME = REPOSITORY / ".radiant" / "docker"
SECRETS = REPOSITORY / "deploy" / "compose" / ".env"

pytestmark = pytest.mark.skipif(COMPOSE is None, reason="RADIANT_TEST_COMPOSE is not set: no engine for containers")


@pytest.fixture(scope="module")
def environment(cluster, tmp_path_factory):
    """The environment of a machine whose kubeconfig has the context minikube."""
    document = yaml.safe_load(cluster.kubeconfig.read_text())
    document["contexts"][0]["name"] = document["current-context"] = "minikube"
    if cluster.own:  # as with Docker Desktop: the cluster is at localhost, and its certificate names another
        where = document["clusters"][0]["cluster"]
        where |= {"server": "https://127.0.0.1:6443", "tls-server-name": "kubernetes"}
    kubeconfig = tmp_path_factory.mktemp("kube") / "config"
    kubeconfig.write_text(yaml.safe_dump(document))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RADIANT_", "AIRFLOW"))}
    return kept | {
        "COMPOSE": str(COMPOSE),
        "KUBECONFIG": str(kubeconfig),
        "RADIANT_IMAGE": cluster.image,
        "AIRFLOW_PORT": "18080",
        "POSTGRES_PORT": "15432",
        "STORE_PORT": "18333",
    }


def stack(environment, *words):
    command = ["deploy/compose/stack.sh", *words]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=1500
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def connected(environment):
    """A stack that is up and connected: what `connect` printed."""
    assert not SECRETS.exists(), f"{SECRETS} belongs to a stack of yours: make down ARGS=--volumes, then remove it"
    try:
        stack(environment, "up")
        yield stack(environment, "connect")
    finally:
        stack(environment, "down", "--volumes")
        SECRETS.unlink()
        shutil.rmtree(HOME)


def radiant(environment, words):
    script = f"set -a; . {HOME}/environment; set +a; .venv/bin/radiant {words}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def the_end_of(api, dag_id):
    run_id = api.trigger(dag_id)
    wait_for(lambda: api.run_state(dag_id, run_id) in FINISHED_RUN, f"{dag_id} ends", 900)
    assert api.run_state(dag_id, run_id) == "success"
    return run_id


@pytest.mark.timeout(3600)
def test_from_a_clone_to_an_imported_case(cluster, connected, environment):
    if cluster.own:
        assert "the server 127.0.0.1 is host.docker.internal for Airflow; its certificate is checked" in connected
    assert "wrong" not in connected
    assert SECRETS.stat().st_mode & 0o777 == 0o600
    password = json.loads((HOME / "airflow" / "passwords.json").read_text())["admin"]
    api = AirflowApi((HOME / "airflow" / "url").read_text().strip(), "admin", password)

    assert api.xcom(POC, the_end_of(api, POC), "poc")["output"][:3] == [1, 4, 9]

    radiant(environment, "demo make s3://radiant/demo --families 1 --records 500")
    radiant(environment, "cases add --sheet s3://radiant/demo/cases.csv")
    verdict = api.xcom(IMPORT_RADIANT, the_end_of(api, IMPORT_RADIANT), "verdict")
    assert verdict["imported"] == [1]
    assert "denovo" in radiant(environment, "variants --case 1 --origin denovo --format csv")
    assert "wrong" not in radiant(environment, "doctor --context minikube --namespace radiant")
