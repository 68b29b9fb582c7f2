"""`make build-docker-k8s-operator`: what it asks of the container tool; stand-ins on PATH write it down."""

import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TOOL = """#!/bin/sh
echo "DOCKER_BUILDKIT=$DOCKER_BUILDKIT DOCKER_HOST=$DOCKER_HOST $(basename "$0") $*" >> {calls}
for word; do case "$word" in id=pip.conf,src=*) cat "${{word#*src=}}" >> {calls} ;; esac; done
"""
MINIKUBE = """#!/bin/sh
case "$1" in
  status) exit {status} ;;
  docker-env) echo 'export DOCKER_HOST=inside-minikube' ;;
esac
"""
PROGRAMS = ("awk", "basename", "bash", "cat", "dirname", "git", "grep", "mktemp", "rm", "sed", "sh", "wc")


@pytest.fixture
def build(tmp_path):
    """Return a function that runs the script where only these programs are: (its end, what the tool was asked)."""
    programs, calls = tmp_path / "bin", tmp_path / "calls"
    programs.mkdir()
    for name in PROGRAMS:
        (programs / name).symlink_to(shutil.which(name))

    def run(*tools, pip="", **environment):
        stand_ins = {name: TOOL.format(calls=calls) for name in tools if name != "minikube"}
        stand_ins["python3"] = f"#!/bin/sh\ncat <<'END'\n{pip}\nEND\n"
        if "minikube" in tools:
            stand_ins["minikube"] = MINIKUBE.format(status=0)
        for name, text in stand_ins.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        values = {"PATH": str(programs), "HOME": str(tmp_path), **environment}
        command = [REPOSITORY / "docker" / "build.sh"]
        done = subprocess.run(command, env=values, capture_output=True, text=True, check=False)
        return done, calls.read_text() if calls.exists() else ""

    return run


def test_the_image_is_named_and_labelled_by_version_and_commit(build):
    version = metadata.version("radiant")
    done, asked = build("docker")
    assert done.returncode == 0, done.stderr
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert f"--tag radiant-operator:{version} --build-arg PYTHON_IMAGE=" in asked
    assert f" --build-arg VERSION={version} --build-arg REVISION={commit}" in asked
    assert f"set RADIANT_IMAGE=radiant-operator:{version}" in done.stdout


def test_docker_builds_with_buildkit_and_inside_a_minikube_that_runs(build):
    assert "DOCKER_BUILDKIT=1 DOCKER_HOST= docker build" in build("docker")[1]
    assert "DOCKER_BUILDKIT=1 DOCKER_HOST=inside-minikube docker build" in build("docker", "minikube")[1]


def test_a_secret_is_passed_only_where_pip_has_an_index_of_its_own(build):
    assert "--secret" not in build("docker")[1]
    _, asked = build("docker", pip="global.index-url='https://user:word@pypi.example.org/simple'")
    assert "--secret id=pip.conf,src=" in asked
    assert "[global]\nindex-url = https://user:word@pypi.example.org/simple\n" in asked


@pytest.mark.parametrize("tool", ["podman", "buildah"])
def test_other_tools_build_it_too(build, tool):
    done, asked = build(tool, CONTAINER_TOOL=tool, IMAGE="registry.example.org/radiant:1")
    assert done.returncode == 0, done.stderr
    assert f" {tool} build" in asked
    assert "--tag registry.example.org/radiant:1" in asked


@pytest.mark.parametrize("tool", ["docker", "nerdctl"])
def test_a_tool_that_is_missing_or_unknown_is_named(build, tool):
    done, asked = build(*{tool} - {"docker"}, CONTAINER_TOOL=tool)
    assert (done.returncode, asked) == (1, "")
    assert f"error: {tool} is not installed" in done.stderr or "must be docker, podman or buildah" in done.stderr
