"""The image of the jobs carries the worker and nothing of Airflow; the image of Airflow nothing of the worker."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LOCK = (REPOSITORY / "requirements" / "worker.txt").read_text()
AIRFLOW_LOCK = (REPOSITORY / "requirements" / "airflow.txt").read_text()
DOCKERFILE = (REPOSITORY / "docker" / "operator.Dockerfile").read_text()
AIRFLOW_DOCKERFILE = (REPOSITORY / "docker" / "airflow.Dockerfile").read_text()


@pytest.mark.parametrize("absent", ["apache-airflow", "pandas", "kubernetes", "pytest", "moto"])
def test_the_worker_s_lock_leaves_out_what_a_job_does_not_need(absent):
    assert not re.search(rf"^{absent}[=\[-]", LOCK, re.MULTILINE)


@pytest.mark.parametrize("present", ["pyarrow", "pyiceberg", "pysam", "psycopg", "s3fs"])
def test_the_worker_s_lock_has_what_a_job_needs(present):
    assert re.search(rf"^{present}==", LOCK, re.MULTILINE)


@pytest.mark.parametrize("absent", ["pyarrow", "pyiceberg", "pysam", "numpy", "pandas", "isal", "pytest", "moto"])
def test_airflow_s_lock_has_nothing_of_the_worker(absent):
    assert not re.search(rf"^{absent}[=\[-]", AIRFLOW_LOCK, re.MULTILINE)


@pytest.mark.parametrize("present", ["apache-airflow", "kubernetes", "boto3", "s3fs", "psycopg2-binary"])
def test_airflow_s_lock_has_what_its_backends_need(present):
    assert re.search(rf"^{present}==", AIRFLOW_LOCK, re.MULTILINE)


@pytest.mark.parametrize("lock", [LOCK, AIRFLOW_LOCK], ids=["worker", "airflow"])
def test_an_image_has_the_same_versions_as_the_tests(lock):
    tested = set(re.findall(r"^(\S+)==([^ \n;]+)", (REPOSITORY / "requirements" / "dev.txt").read_text(), re.MULTILINE))
    names = {name for name, _ in tested}
    for name, version in re.findall(r"^(\S+)==([^ \n;]+)", lock, re.MULTILINE):
        assert name not in names or (name, version) in tested


def test_the_base_of_airflow_s_image_is_the_version_of_the_lock():
    base = re.search(r"^ARG AIRFLOW_IMAGE=\S+?:slim-([\d.]+)-", AIRFLOW_DOCKERFILE, re.MULTILINE)
    locked = re.search(r"^apache-airflow==(\S+)", AIRFLOW_LOCK, re.MULTILINE)
    assert base
    assert locked
    assert base[1] == locked[1]


def test_the_last_stage_is_no_user_of_the_machine_and_has_no_installer():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert not re.search(r"\b(pip|uv|apt-get|gcc)\b", last)
