"""What every test may ask for."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# Airflow writes a configuration file into its home as soon as it is imported: never into that of the person.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="radiant-test-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

REPOSITORY = Path(__file__).parents[1]


settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", max_examples=2000)
settings.load_profile("repeatable")
"""The same examples in every run; `pytest --hypothesis-profile explore` looks for new ones."""


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real VCF files beside the repository; absent on most machines."""
    folder = REPOSITORY.parent / "shared" / "corpus"
    if not folder.is_dir():
        pytest.skip(f"the corpus of real VCF files is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def aws():
    """A fake AWS whose ECS runs tasks as processes of this machine; a test resets it before it uses it."""
    from fakes.ecs import fake_ecs  # noqa: PLC0415 - half a second that most tests need not pay

    with fake_ecs() as fake:
        yield fake
