"""`deploy/mwaa` fits the tested versions and the existing settings."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from conftest import REPOSITORY
from radiant.settings import load_settings

FOLDER = REPOSITORY / "deploy" / "mwaa"
REQUIREMENTS = (FOLDER / "requirements.txt").read_text()


def test_the_pins_are_those_of_the_tested_environment():
    pins = set(re.findall(r"^apache-airflow\S*==\S+$", REQUIREMENTS, re.MULTILINE))
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["dependency-groups"]
    assert pins == {one for one in groups["mwaa"] if one.startswith("apache-airflow")}
    lock = (REPOSITORY / "requirements" / "mwaa.txt").read_text()
    assert all(re.search(rf"^{re.escape(pin)} ", lock, re.MULTILINE) for pin in pins)


def test_the_version_of_radiant_is_this_one():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert f"radiant[ecs,kubernetes,s3]=={project['version']}\n" in REQUIREMENTS


def test_the_startup_script_is_clean_and_exports_settings_that_radiant_takes():
    command = str(Path(sys.executable).parent / "shellcheck")
    checked = subprocess.run([command, FOLDER / "startup.sh"], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, "")
    script = f". {FOLDER / 'startup.sh'}; env"
    printed = subprocess.run(["sh", "-c", script], env={}, capture_output=True, text=True, check=True).stdout
    settings = load_settings(dict(line.partition("=")[::2] for line in printed.splitlines()))
    assert settings.backend == "ecs"
    assert len(settings.ecs.subnets) == 2
