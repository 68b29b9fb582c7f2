"""The compose file: every part has a check and limits, no secret is in it, nothing is open to other machines."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "compose"
FILE = FOLDER / "compose.yaml"
SERVICES = yaml.safe_load(FILE.read_text())["services"]
AIRFLOW = ("init", "api-server", "scheduler", "dag-processor", "triggerer")
SECRET = re.compile(r"password(?!s_file)|secret|fernet", re.IGNORECASE)
SECRETS = re.findall(r"\$\{([A-Z_]+):\?", FILE.read_text())


@pytest.mark.parametrize("name", SERVICES)
def test_a_part_has_limits_a_check_and_no_more_rights_than_it_needs(name):
    service = SERVICES[name]
    assert {"mem_limit", "cpus", "pids_limit", "restart"} <= service.keys()
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "healthcheck" in service or name == "init"
    assert not {"privileged", "network_mode", "pid"} & service.keys()


@pytest.mark.parametrize("name", AIRFLOW)
def test_each_part_of_airflow_has_the_certificates_and_a_name_for_this_machine(name):
    service = SERVICES[name]
    mounted = {one["target"]: one["source"] for one in service["volumes"] if isinstance(one, dict)}
    assert mounted["/home/airflow/.minikube"] == "../../dkr_fs/.minikube"
    assert service["extra_hosts"] == ["host.docker.internal:${HOST_GATEWAY:-host-gateway}"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_secret_comes_from_outside_the_file(name):
    for variable, value in SERVICES[name]["environment"].items():
        if SECRET.search(variable):
            assert value.startswith("${"), variable
    assert not re.search(r"://\w+:[^$@]+@", str(SERVICES[name]["environment"])), "a password in a URL"


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_to_this_machine_alone_and_an_image_has_a_version(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))
    assert re.search(r":(?!latest)[\w.-]+\}$", SERVICES[name]["image"])


def test_every_required_variable_is_written_by_make_up():
    written = (FOLDER / "stack.sh").read_text()
    assert SECRETS
    assert all(re.search(rf"\b{name}\b", written) for name in SECRETS)


@pytest.mark.parametrize("files", [(), ("compose.minikube.yaml", "compose.pods.yaml")], ids=["alone", "minikube"])
def test_docker_compose_accepts_the_files(files):
    if shutil.which("docker") is None or subprocess.run(["docker", "compose", "version"], check=False).returncode:
        pytest.skip("docker compose is not installed")
    words = [word for one in ("compose.yaml", *files) for word in ("--file", one)]
    values = dict.fromkeys(SECRETS, "x") | {"PODS_BIND": "192.168.49.1"}
    command = ["docker", "compose", *words, "config", "--quiet"]
    done = subprocess.run(command, cwd=FOLDER, env=os.environ | values, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    without = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if not (FOLDER / ".env").exists():
        assert "run `make up`" in without.stderr
