"""The rules of the code that no linter checks."""

import importlib
import inspect
import re
import subprocess
from pathlib import Path

import pytest

from radiant import errors
from radiant.job_settings import Jobs
from radiant.jobs.catalogue import JOBS
from radiant.worker.main import HANDLERS

REPOSITORY = Path(__file__).parents[2]
SOURCES = sorted((REPOSITORY / "src").rglob("*.py"))


def tracked_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [REPOSITORY / name for name in listing.decode().split("\0") if name and (REPOSITORY / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_module_has_one_concept_and_stays_below_450_lines(path):
    assert path.name not in {"utils.py", "common.py", "helpers.py"}
    assert len(path.read_text().splitlines()) <= 450


def test_only_settings_reads_the_environment():
    readers = [path.name for path in SOURCES if re.search(r"os\.environ\b(?!\s*\|)|os\.getenv", path.read_text())]
    assert set(readers) <= {"settings.py"}


def test_every_job_has_a_handler_and_a_place_in_the_settings():
    assert set(HANDLERS) == set(JOBS)
    assert {name.replace("-", "_") for name in JOBS} == set(Jobs.model_fields) - {"memory_cap_mib"}


@pytest.mark.parametrize("job", HANDLERS)
def test_a_handler_takes_request_settings_and_meter(job):
    names = list(inspect.signature(importlib.import_module(HANDLERS[job]).handle).parameters)
    assert [name.lstrip("_") for name in names] == ["request", "settings", "meter"]


def test_the_error_tree_in_the_docstring_is_the_error_tree_of_the_code():
    drawn = set(re.findall(r"[├└]─ (\w+)|^(RadiantError)$", errors.__doc__, re.MULTILINE))
    names = {one for pair in drawn for one in pair if one}
    classes = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if kind.__module__ == errors.__name__}
    assert names == classes


def test_the_drawn_facts_of_an_error_are_its_class_facts():
    for name, kind, exit_code in re.findall(r"(\w+Error) +(terminal|transient) +(\d+)", errors.__doc__):
        error = getattr(errors, name)
        assert (error.retryable, error.exit_code) == (kind == "transient", int(exit_code)), name


def test_locks_name_versions_and_hashes_and_no_address():
    for lock in (REPOSITORY / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|file://|--(extra-)?index-url|--find-links", lock.read_text()), lock


def test_no_tracked_file_is_large():
    assert [str(path) for path in tracked_files() if path.stat().st_size > 600_000] == []
