"""The image of the jobs carries the worker and nothing of Airflow."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LOCK = (REPOSITORY / "requirements" / "worker.txt").read_text()
DOCKERFILE = (REPOSITORY / "docker" / "operator.Dockerfile").read_text()


@pytest.mark.parametrize("absent", ["apache-airflow", "pandas", "kubernetes", "pytest", "moto"])
def test_the_worker_s_lock_leaves_out_what_a_job_does_not_need(absent):
    assert not re.search(rf"^{absent}[=\[-]", LOCK, re.MULTILINE)


@pytest.mark.parametrize("present", ["pyarrow", "pyiceberg", "pysam", "psycopg", "s3fs"])
def test_the_worker_s_lock_has_what_a_job_needs(present):
    assert re.search(rf"^{present}==", LOCK, re.MULTILINE)


def test_the_worker_has_the_same_versions_as_the_tests():
    tested = dict(
        re.findall(r"^(\S+)==([^ \n;]+)", (REPOSITORY / "requirements" / "dev.txt").read_text(), re.MULTILINE)
    )
    for name, version in re.findall(r"^(\S+)==([^ \n;]+)", LOCK, re.MULTILINE):
        if name != "numpy":  # one version for each Python
            assert tested[name] == version


def test_the_last_stage_is_no_user_of_the_machine_and_has_no_installer():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert not re.search(r"\b(pip|uv|apt-get|gcc)\b", last)
